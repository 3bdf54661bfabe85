#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each network mode without what makes it: once with no settings but those of `interrupt` (NAME-unset), once
# with a workload that waits as `interrupt` does (NAME-unasked), the suspended ones also with all but the
# time-out of suspension (NAME-awake), its expectations unchanged; and those that live on interrupts with these
# deferred (NAME-deferred, -late with the longest timer). None may count as in force: a proof that an interrupt-driven
# loop passes proves nothing, and the baseline that a timer passes is none. As ping-pong, as requests of depth 32; a stream of some.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/e2e/net_common.sh
. "$here/net_common.sh"

# Rows that a veth cannot have (coalesced-N, adaptive, threaded-busy-poll) are the lab's. `suspend-0` is by its own
# account only accepted. `epoll-busy-poll` and `full-busy` poll the packets of a ping-pong without deferral, too, and
# better: there it is no part of what they are. Under load without it they poll nothing. With a timer of 200 us polling
# keeps it from firing without the time-out, too, now and then with one of 50 us: both are by their own account only
# accepted, then.
unset="defer-10 defer-20 defer-200 suspend-10 suspend-20 suspend-200 threaded"
awake="suspend-10 suspend-20"
loaded="epoll-busy-poll full-busy"
deferred="interrupt spin io_uring"
unasked="busy-poll epoll-busy-poll full-busy suspend-20 suspend-200 spin io_uring io_uring-napi"

settings_awake() { # NAME: its settings, the time-out of suspension 0
	sed -n "/^$1:/,/^\$/p" "$IOMODES_SOURCE/configs/modes/net.yaml" | tr -d '\n' |
		sed 's/.*set: \({[^}]*}\).*/\1/; s/\(irq-suspend-timeout: \)[0-9]*/\10/'
}
# ablate SUFFIX KEY VALUE NAME...: rows of the shipped file with KEY replaced; a value may span lines there
ablate() {
	local suffix=$1 key=$2 value=$3
	shift 3
	awk -v suffix="$suffix" -v key="$key" -v value="$value" -v names=" $* " '
		/^ *#/ || /^$/ { next }
		{ line = line $0 }
		line ~ /,$/ { next }
		line ~ /^[a-z]/ {
			name = line
			sub(/:.*/, "", name)
			wanted = index(names, " " name " ")
			if (wanted) print name "-" suffix ":"
			line = ""
			next
		}
		wanted && line !~ /^  (iperf3|any_command):/ {
			if (index(line, "  " key ":") == 1) line = "  " key ": " value
			print line
		}
		{ line = "" }
	' "$IOMODES_SOURCE/configs/modes/net.yaml"
}
# shellcheck disable=SC2086 # lists of words
{
	ablate unset set "{net.defer-hard-irqs: 0, net.gro-flush-timeout: 0}" $unset $loaded
	for name in $awake; do ablate awake set "$(settings_awake "$name")" "$name"; done
	ablate deferred set "{net.defer-hard-irqs: 100, net.gro-flush-timeout: 20000}" $deferred
	ablate late set "{net.defer-hard-irqs: 100, net.gro-flush-timeout: 200000}" $deferred
	ablate unasked netloop '{wait: "{sleep}"}' $unasked
} >"$work/config/modes/ablated.yaml"
list() { # SUFFIX NAME...
	local suffix=$1 name
	shift
	for name in "$@"; do echo -n ", $name-$suffix"; done
}
# shellcheck disable=SC2086
rows=$(list unset $unset; list unasked $unasked; list deferred $deferred; list late interrupt)
# shellcheck disable=SC2086
deep=$rows$(list late spin io_uring; list unset $loaded; list awake $awake)
stream=$(list unset defer-10 suspend-20; list unasked full-busy spin io_uring; list awake suspend-20)
[[ $(grep -c '^[a-z].*:$' "$work/config/modes/ablated.yaml") == 25 ]] ||
	fail "rows: $(grep '^[a-z]' "$work/config/modes/ablated.yaml")"
[[ $(grep -c 'irq-suspend-timeout: 0}' "$work/config/modes/ablated.yaml") == 2 ]] ||
	fail "awake rows: $(grep -A3 awake "$work/config/modes/ablated.yaml")"

measure ablated "[{target: net, modes: [interrupt$rows], pattern: pingpong},
  {target: net, modes: [interrupt$deep], pattern: rr, depth: 32},
  {target: net, modes: [interrupt$stream], pattern: stream, size: 1400}]" --max-net-cells 0 \
	--ramp-time 20ms --runtime 100ms
seen=0
for cell in $(jq -r .cell "$work/ablated.jsonl" | sort -u); do
	in_force=$(count ablated "$cell" in_force)
	if [[ $cell == interrupt/* ]]; then
		((in_force >= 2)) || fail "$cell: $(reasons ablated "$cell")"
		continue
	fi
	((in_force == 0)) || fail "$cell counts as in force: $(reasons ablated "$cell")"
	(($(count ablated "$cell" not_in_force) >= 1)) || fail "$cell: $(reasons ablated "$cell")"
	seen=$((seen + 1))
done
((seen == 50)) || fail "$seen rows were measured: $(cat "$work/err")"
echo "ok: $seen rows"
