#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On a prepared veth pair each mode is seen to be in force: in every trial but one in six that had its CPUs to itself.
# A poller that loses its CPU polls less, and such a trial says so (foreign_cpu, steal): of those nothing can be asked but
# that the mode is in force in some. A cell that had its CPUs to itself less than three times of six, and is not in force in
# most of all either, is measured again, once; where that does not help the test says so. None says "unproven" or
# "unsupported".
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
# what was measured: no token that opens the server stands in a command line or a record
measured() {
	measure "$@"
	! grep -rqi token "$dir/trials.jsonl" "$dir/run.json" || fail "a token is in the record"
}
# own CELL: trials of it that had their CPUs to themselves, and how many of them were in force
own() {
	jq -s -r --arg cell "$1" 'map(select(.cell == $cell and .status == "valid" and
		(.labels - ["foreign_cpu", "steal"] == .labels))) |
		[length, (map(select(.verdict.mode == "in_force")) | length)] | @tsv' "$work/all.jsonl"
}
cells_of() { jq -r .cell "$work/all.jsonl" | sort -u; }

measured all "[{target: net, modes: [$modes]},
  {target: net, modes: [suspend-20], pattern: rr, depth: 32}]"
crowded=
deep=
trials_of() { jq -s --arg cell "$1" 'map(select(.cell == $cell)) | length' "$work/all.jsonl"; }
for cell in $(cells_of); do
	read -r alone _ <<<"$(own "$cell")"
	((alone < 3 && 2 * $(count all "$cell" in_force) <= $(trials_of "$cell"))) || continue
	if [[ $cell == suspend-20/* ]]; then deep=1; else crowded+=", ${cell%%/*}"; fi
done
if [[ -n $crowded$deep ]]; then
	groups=
	[[ -z $crowded ]] || groups="{target: net, modes: [${crowded#, }]}"
	[[ -z $deep ]] || groups+="${groups:+, }{target: net, modes: [suspend-20], pattern: rr, depth: 32}"
	echo "again, as others had the CPUs: $groups"
	measured again "[$groups]"
	cat "$work/again.jsonl" >>"$work/all.jsonl"
fi

cells=0
for cell in $(cells_of); do
	trials=$(trials_of "$cell")
	in_force=$(count all "$cell" in_force)
	read -r alone alone_in_force <<<"$(own "$cell")"
	echo "$cell: in force $in_force times of $trials, $alone_in_force of the $alone that had their CPUs"
	((in_force >= 2)) || fail "$cell: $(reasons all "$cell")"
	# A stretch of 150 ms in which a neighbour had a few ms only is not labelled: one in six is let pass.
	not_in_force=$(jq -s --arg cell "$cell" 'map(select(.cell == $cell and .verdict.mode == "not_in_force" and
		.status == "valid" and (.labels - ["foreign_cpu", "steal"] == .labels))) | length' "$work/all.jsonl")
	((not_in_force <= trials / 6)) ||
		fail "$cell: $not_in_force times not in force with its CPUs to itself: $(reasons all "$cell")"
	if ((alone < 3)); then
		((2 * in_force > trials)) ||
			echo "skip: $cell had its CPUs to itself $alone times of $trials"
	else
		((2 * alone_in_force > alone)) ||
			fail "$cell: $alone_in_force of $alone trials without a label in force: $(reasons all "$cell")"
	fi
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
echo "ok"
