#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `queue: N` of a load: all packets of its flows arrive on that receive queue at both ends, by the driver's
# own count of each queue. Where that cannot be, the cell is unsupported and says why.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/e2e/net_common.sh
. "$here/net_common.sh"

# refuses REASON GROUPS OPTION...: in the plan, the cells with a queue are unsupported for that reason
refuses() {
	local reason=$1
	printf 'name: q\ngroups: %s\n' "$2" >"$work/q.yaml"
	shift 2
	"$iomodes" plan "$work/q.yaml" --json "$@" >"$work/plan" 2>"$work/err" || true
	jq -e --arg reason "$reason" '[.cells[] | select(.id | test("/q[0-9]"))] |
		length > 0 and all(.supported == false and (.reason | contains($reason)))' \
		"$work/plan" >/dev/null || fail "not \"$reason\": $(jq -c '[.cells[] | {id, supported, reason}]' "$work/plan") $(cat "$work/err")"
}
refuses "lo@client has 1 receive queue, no queue 2" \
	"[{target: net, modes: [interrupt]}, {target: net, modes: [interrupt], queue: 2}]" --target lo
refuses "which NAPI instance serves queue 0 of lo@client is not told" \
	"[{target: net, modes: [interrupt]}, {target: net, modes: [interrupt], queue: 0}]" --target lo
refuses "driver veth is fixed to no flow rules (iom0@client)" \
	"[{target: net, modes: [interrupt]}, {target: net, modes: [interrupt], queue: 1, steer: rule}]"
refuses "placed on a queue by netloop only" \
	"[{target: net, modes: [interrupt]}, {target: net, modes: [interrupt], queue: 0, protocol: tcp, pattern: stream, size: 16k, workloads: [iperf3]}]"

measure placed "[{target: net, modes: [busy-poll], queue: 2}, {target: net, modes: [interrupt], protocol: tcp,
  pattern: rr, depth: 4, flows: 3, queue: [0, 3]}]"
for queue in 0 2 3; do
	jq -e -s --argjson queue $queue 'map(select(.load.queue == $queue)) | length >= 6 and all(
		.status != "failed" and (.cell | test("/q\($queue)$")) and
		(.incoming_napi_ids | (.client | length) == 1 and (.server | length) == 1) and
		(.evidence.detail.net_devices | length == 2 and all(
			(.queues | length) == 4 and
			((.queues[] | select(.queue == "rx-\($queue)").packets) as $there |
			 $there > 100 and ([.queues[].packets] | add) - $there < 0.05 * $there))))' \
		"$work/placed.jsonl" >/dev/null ||
		fail "queue $queue: $(jq -c --argjson queue $queue 'select(.load.queue == $queue) |
			[.status, .error, .incoming_napi_ids, .evidence.detail.net_devices]' "$work/placed.jsonl" | head -3)"
done
(("$(count placed busy-poll/udp-pingpong/16/d1/q2 in_force)" >= 1)) ||
	fail "busy polling of a placed flow: $(reasons placed busy-poll/udp-pingpong/16/d1/q2)"
# A comparison keeps the queues apart, and says them.
("$iomodes" compare "$dir" 2>/dev/null || true) >"$work/compared"
grep -q 'depth 4, 3 flows, queue 3' "$work/compared" || fail "compare: $(cat "$work/compared")"
echo "ok"
