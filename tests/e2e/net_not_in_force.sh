#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Seven ways to configure a network mode that is not in effect then. Each comes out as not_in_force or
# unsupported, with the reason; none as a result.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/e2e/net_common.sh
. "$here/net_common.sh"

# never NAME CELL: measured, and not once in force
never() {
	local all
	all=$(count "$1" "$2" not_in_force)
	[[ $(count "$1" "$2" in_force) == 0 ]] || fail "$1: $2 counts as in force"
	[[ $(count "$1" "$2" unproven) == 0 ]] || fail "$1: $2: unproven: $(reasons "$1" "$2")"
	((all >= 6)) || fail "$1: $2: $all times not in force: $(cat "$work/err") $(reasons "$1" "$2")"
	# exits with 4 when nothing at all was in force
	("$iomodes" compare "$dir" --json 2>/dev/null || true) |
		jq -e --arg cell "$2" '[.groups[].rows[] | select(.cell == $cell)] |
			length == 1 and .[0].state == "not_in_force" and (.[0].comparisons | length) == 0' \
			>/dev/null || fail "$1: compare shows $2 as a result"
	echo "$1: $2: $(reasons "$1" "$2" | head -1 | sed 's/^ *//')"
}

# busy-poll as shipped, without what it requires and with one offload as a veth has it by default.
for offload in gro:off tso:on; do
	cat >>"$work/config/modes/test.yaml" <<-END
		busy-poll-${offload/:/-}:
		  doc: busy-poll on a veth that is not prepared
		  target: net
		  set: {net.${offload%:*}: ${offload#*:}}
		  netloop: {wait: block, busy_poll_usecs: 64}
		  grade: counter
		  expect:
		    - {evidence: flow_ends_without_napi, per: none, at_most: 0}
		    - {evidence: busy_poll_rx_packets, per: packet, at_least: 0.95}
	END
done

# 1, 2: no NAPI without GRO; TCP of a sender with segmentation offload goes round it. 4: nothing to
# suspend in a ping-pong. 5: a queue that is never empty is never polled by SO_BUSY_POLL.
measure veth "[{target: net, protocol: tcp, modes: [busy-poll-gro-off, busy-poll-tso-on, suspend-20]},
  {target: net, modes: [busy-poll], pattern: rr, depth: 32}]"
never veth busy-poll-gro-off/tcp-pingpong/16/d1
never veth busy-poll-tso-on/tcp-pingpong/16/d1
never veth suspend-20/tcp-pingpong/16/d1
never veth busy-poll/udp-rr/16/d32
grep -q 'flow_ends_without_napi: 2, expected at most 0' "$work/veth.jsonl" ||
	fail "that the sockets have no NAPI instance is not said"

# Sent without copying, and copied on the way after all: how often is said. And what a veth has no knob for.
measure copied "[{target: net, protocol: tcp, modes: [zerocopy], size: 16k, pattern: [rr, stream]}]"
never copied zerocopy/tcp-rr/16k/d1
never copied zerocopy/tcp-stream/16k/d1
grep -q 'zerocopy_copied: [1-9][0-9]*, expected at most 0' "$work/copied.jsonl" ||
	fail "the copies are not counted"
printf 'name: t\ngroups: [{target: net, modes: [interrupt, adaptive, coalesced-50]}]\n' >"$work/veth.yaml"
"$iomodes" plan --json "$work/veth.yaml" >"$work/plan"
for row in "adaptive use-adaptive-rx" "coalesced-50 rx-usecs"; do
	jq -e --arg mode "${row% *}" --arg knob "${row#* }" '.cells[] | select(.mode == $mode) |
		.supported == false and .reason == "driver veth has no \($knob) (iom0@client)"' "$work/plan" \
		>/dev/null || fail "${row% *} on a veth: $(jq -c '.cells[] | [.mode, .reason]' "$work/plan")"
done

# 3: lo has no NAPI. Planned, it is unsupported; measured all the same, it is not in force.
group="[{target: net, modes: [interrupt, busy-poll]}]"
measure lo "$group" --target lo
jq -e '.cells[] | select(.mode == "busy-poll") | .supported == false and
	(.reason | test("NAPI"))' "$dir/run.json" >/dev/null || fail "lo: busy-poll is not unsupported"
[[ $(count lo busy-poll/udp-pingpong/16/d1 in_force) == 0 ]] || fail "lo: busy-poll was measured"
measure lo-anyway "$group" --target lo --ignore-requires
never lo-anyway busy-poll/udp-pingpong/16/d1

# 6: somebody makes the NAPI instance anew while the mode is measured. What was set on the old one is
# gone; the sockets say on which they receive.
toggle() {
	local pid dev
	while sleep 0.02; do
		pid=$(pgrep -n -f "$IOMODES_BIN/netloop serve" 2>/dev/null) || continue
		dev=$(nsenter -t "$pid" -n ip -o link show type veth 2>/dev/null |
			sed -n 's/^[0-9]*: \([^@:]*\).*/\1/p') || continue
		[[ -n $dev ]] || continue
		nsenter -t "$pid" -n ethtool -K "$dev" gro off 2>/dev/null || continue
		nsenter -t "$pid" -n ethtool -K "$dev" gro on 2>/dev/null || continue
	done
}
toggle &
background=$!
measure stale "[{target: net, modes: [busy-poll]}]" --ramp-time 300ms
kill "$background"
background=
never stale busy-poll/udp-pingpong/16/d1
grep -q 'flow_ends_on_other_napi: ' "$work/stale.jsonl" || fail "the stale NAPI instance is not named"

# 7: threaded busy polling (Linux 6.19) on an older kernel: the kernel's own words.
if (($(uname -r | awk -F. '{ print $1 * 1000 + $2 }') < 6019)); then
	printf 'name: t\ngroups: [{target: net, modes: [interrupt, threaded-busy-poll]}]\n' \
		>"$work/threaded.yaml"
	"$iomodes" plan --json "$work/threaded.yaml" |
		jq -e '.cells[] | select(.mode == "threaded-busy-poll") |
			.supported == false and (.reason | length) > 10' >/dev/null ||
		fail "threaded-busy-poll is not unsupported"
	measure threaded "[{target: net, modes: [threaded-busy-poll]}]" --ignore-requires
	[[ $(count threaded threaded-busy-poll/udp-pingpong/16/d1 in_force) == 0 ]] ||
		fail "threaded-busy-poll counts as in force"
	(($(count threaded threaded-busy-poll/udp-pingpong/16/d1 unsupported) >= 1)) ||
		fail "no trial of threaded-busy-poll is unsupported"
	reasons threaded threaded-busy-poll/udp-pingpong/16/d1 >"$work/why"
	grep -q 'Numerical result out of range' "$work/why" ||
		fail "threaded-busy-poll: not the kernel's words: $(cat "$work/why")"
	echo "threaded: $(head -1 "$work/why")"
else
	echo "skip: threaded-busy-poll is refused by kernels before 6.19 only, this is $(uname -r)"
fi
echo "ok"
