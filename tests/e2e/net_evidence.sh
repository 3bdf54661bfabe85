#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the counters say of a known number of round trips: one packet each way, two system calls each
# side a trip. Interrupts, busy polling and NAPI threads must be told apart by them, and busy polling
# that does nothing (veth as it comes, loopback) must show as nothing.
set -euo pipefail
driver=$IOMODES_BIN/../tests/net_evidence_driver
n=2000

[[ $(id -u) == 0 ]] || { echo "skip: network namespaces need root"; exit 77; }
command -v jq >/dev/null || { echo "skip: no jq"; exit 77; }
(($(nproc) > 1)) || { echo "skip: busy polling at both ends needs two CPUs"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $what: $*"; exit 1; }

trips() {
	what="$*"
	"$driver" "$1" "$2" $n ${3:+"$3"} >"$work/out" || fail "no evidence"
}
counter() { jq -r --arg name "$1" '.counters[$name] // "absent: \(.absent[$name])"' "$work/out"; }
# holds EXPRESSION: of counters and n
holds() {
	jq -e --argjson n $n ".counters | $1" "$work/out" >/dev/null ||
		fail "not: $1 ($(jq -c '.counters | with_entries(select(.key | test("napi|net_|busy|task|switch|entries")))' "$work/out"))"
}
absent() { [[ $(counter "$1") == absent:*"$2"* ]] || fail "$1: $(counter "$1")"; }

trips veth block
holds '.net_rx_packets == 2 * $n and .net_tx_packets == 2 * $n'
holds '.client_net_rx_packets == $n and .server_net_rx_packets == $n'
holds '.net_rx_softirqs >= 1.9 * $n and .busy_poll_rx_packets == 0 and .busy_poll_share == 0'
holds '.napi_threads == 0 and .net_drops == 0 and .udp_rcvbuf_errors == 0'
holds '.server_context_switches >= 0.9 * $n and .context_switches > .server_context_switches'
holds '.server_task_cpu_ns > 0 and .task_cpu_ns > .server_task_cpu_ns'
absent napi_polls "proof trial only"
absent device_interrupts "no interrupt vectors"
jq -e --argjson n $n '.detail.net_devices["iom0@server"].queues == [{"queue": "rx-0", "packets": $n}]' \
	"$work/out" >/dev/null || fail "queues of veth: $(jq -c .detail.net_devices "$work/out")"
echo "interrupts: a soft interrupt a packet"

trips veth busy_poll proof
holds '.net_rx_packets == 2 * $n'
holds '.busy_poll_share >= 0.5 and .client_busy_poll_share >= 0.3 and .server_busy_poll_share >= 0.3'
holds '.net_rx_softirqs < $n'
# a kernel whose tracepoints cannot be counted says so instead
if [[ $(counter napi_polls) == absent* ]]; then
	echo "skip: no tracepoints: $(counter napi_polls)"
else
	holds '.napi_work_polls >= $n and .napi_empty_polls > 0'
	holds '.napi_polls == .napi_work_polls + .napi_empty_polls and .napi_empty_poll_share > 0'
fi
[[ $(counter kernel_entries) == absent* ]] || holds '.kernel_entries >= 4 * $n and .kernel_entries < 4 * $n + 100'
echo "busy polling: it fetched the packets, soft interrupts are gone"

for kind in unprepared loopback; do
	trips $kind busy_poll proof
	holds '.net_rx_packets == 2 * $n and .busy_poll_rx_packets == 0 and .busy_poll_share == 0'
	[[ $(counter napi_polls) == absent* ]] || holds '.napi_polls == 0'
done
absent server_net_rx_packets "no interface of the server"
echo "busy polling of what has no NAPI: nothing"

trips veth threaded
holds '.napi_threads == 2 and .napi_thread_cpu_ns > 0 and .napi_thread_context_switches > 0'
holds '.net_rx_softirqs < $n'
echo "threaded: NAPI threads did it"
