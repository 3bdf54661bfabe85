#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On a prepared veth pair each mode is seen to be in force: whenever its CPUs were its own, and at least twice of
# six times on a machine that others use. A poller that loses its CPU polls less, and the trial says so
# (foreign_cpu, steal). None says "unproven" or "unsupported".
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/e2e/net_common.sh
. "$here/net_common.sh"

modes="interrupt, defer-20, defer-200, busy-poll, epoll-busy-poll, full-busy, threaded, spin, io_uring"
wanted=10
if (($(uname -r | awk -F. '{ print $1 * 1000 + $2 }') >= 6009)); then
	modes+=", io_uring-napi"
	wanted=11
else
	echo "skip: io_uring polls NAPI instances from Linux 6.9 on, this is $(uname -r)"
fi
measure all "[{target: net, modes: [$modes]},
  {target: net, modes: [suspend-20], pattern: rr, depth: 32}]"

cells=0
for cell in $(jq -r .cell "$work/all.jsonl" | sort -u); do
	in_force=$(count all "$cell" in_force)
	echo "$cell: in force $in_force times"
	((in_force >= 2)) || fail "$cell: $(reasons all "$cell")"
	# A stretch of 150 ms in which a neighbour had a few ms only is not labelled: one in six is let pass.
	alone=$(jq -s --arg cell "$cell" 'map(select(.cell == $cell and .verdict.mode == "not_in_force" and
		.status == "valid" and (.labels - ["foreign_cpu", "steal"] == .labels))) | length' "$work/all.jsonl")
	((alone <= 1)) || fail "$cell: $alone times not in force with its CPUs to itself: $(reasons all "$cell")"
	# and of those without a label most are in force
	own=$(jq -s --arg cell "$cell" 'map(select(.cell == $cell and .status == "valid" and
		(.labels - ["foreign_cpu", "steal"] == .labels))) |
		[length, (map(select(.verdict.mode == "in_force")) | length)] | @tsv' -r "$work/all.jsonl")
	read -r own own_in_force <<<"$own"
	((own < 3 || 2 * own_in_force > own)) ||
		fail "$cell: $own_in_force of $own trials without a label in force: $(reasons all "$cell")"
	for word in unproven unsupported; do
		[[ $(count all "$cell" "$word") == 0 ]] || fail "$cell is $word: $(reasons all "$cell")"
	done
	cells=$((cells + 1))
done
((cells == wanted)) || fail "$cells cells were measured, not $wanted: $(cat "$work/err")"

# Proven by counters, not by the kernel having taken a flag.
jq -e -s 'map(select(.verdict.mode == "in_force")) | all(.verdict.grade == "counter")' \
	"$work/all.jsonl" >/dev/null || fail "a mode is in force by acceptance alone"
# Both ends were followed, and their packets were counted.
jq -e -s 'all(.evidence.counters.client_net_rx_packets > 0 and
	.evidence.counters.server_net_rx_packets > 0 and .evidence.counts.packet > 0)' \
	"$work/all.jsonl" >/dev/null || fail "packets of an end were not counted"
# The token that opens the server stands in no command line and in no record.
! grep -rqi token "$dir/trials.jsonl" "$dir/run.json" || fail "a token is in the record"
echo "ok"
