# SPDX-License-Identifier: Apache-2.0
# On a driver with vectors and queues: what the counters say of a known number of round trips, waited
# for by interrupts, by busy polling, by NAPI threads. Times mean nothing here, counts do.
. "$(dirname "$0")/check.sh"
driver=$(dirname "$iomodes")/../tests/net_evidence_driver
n=300
command -v jq > /dev/null || { echo "skip - no jq"; exit 0; }

# trips MODE: the evidence of n round trips over eth0 and eth1 is in /tmp/evidence
trips() {
	what=$1
	holds "$what: $n round trips" sh -c "'$driver' eth0,eth1 '$1' $n proof > /tmp/evidence"
}
count() {
	holds "$what: $1 ($(jq -c "[.counters | ($1 | .. | select(type == \"number\"))]" /tmp/evidence 2> /dev/null))" \
		jq -e --argjson n $n "$1" /tmp/evidence
}

for dev in eth0 eth1; do
	ip addr flush dev $dev
	ip link set $dev down
done
trips block
# a link that has just come up may see a stray frame
count '.counters.net_rx_packets >= 2 * $n and .counters.net_rx_packets < 2 * $n + 20'
count '.counters.device_interrupts >= $n and .counters.net_rx_softirqs >= $n'
count '.counters.busy_poll_rx_packets == 0'
count '([.detail.net_devices["eth1@server"].queues[]? | select(.queue | startswith("rx")) | .packets] | add) >= $n'
count '([.detail.interrupts.vectors[].count] | add) == .counters.device_interrupts'
[ "$(jq -r '.counters.napi_polls // .absent.napi_polls' /tmp/evidence)" -ge 0 ] 2> /dev/null &&
	count '.counters.napi_work_polls >= $n' || echo "# $(jq -r .absent.napi_polls /tmp/evidence)"

trips busy_poll
count '.counters.busy_poll_share > 0.5'
count '.counters.napi_empty_polls == null or .counters.napi_empty_polls > 0'
trips threaded
if kernel_at_least 6 12; then
	count '.counters.napi_threads >= 2 and .counters.napi_thread_cpu_ns > 0'
else
	count '.counters.napi_threads >= 2'
fi

# Since 6.17 the kernel never returns from this write, with a lock held that everybody needs.
ip link set eth0 up
echo 1 > /sys/class/net/eth0/threaded
ip link set eth0 down
said=$(timeout 60 "$iomodes" with --set net.threaded:eth0=0 -- true 2>&1)
case $said in *"the kernel would wait for ever"*) said=refused ;; esac
is "NAPI threads of an interface that is down" "$said" refused
ip link set eth0 up
echo 0 > /sys/class/net/eth0/threaded
ip link set eth0 down
