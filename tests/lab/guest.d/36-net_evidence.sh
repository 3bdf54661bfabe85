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
# count TEST...: each is true of it; by one jq, which takes a second to start here
count() {
	local test filter=
	for test in "$@"; do
		filter+="(try ($test) catch false | if . == true then \"ok\" else \"not ok\" end) + \" - $what: ${test//\"/\\\"}\","
	done
	jq -r --argjson n $n "${filter%,}, \"# \(.counters | tojson)\"" /tmp/evidence || echo "not ok - $what: no evidence to read"
}

for dev in eth0 eth1; do
	ip addr flush dev $dev
	ip link set $dev down
done
trips block
# a link that has just come up may see a stray frame
count '.counters.net_rx_packets >= 2 * $n and .counters.net_rx_packets < 2 * $n + 20' \
	'.counters.device_interrupts >= $n and .counters.net_rx_softirqs >= $n' \
	'.counters.busy_poll_rx_packets == 0' \
	'([.detail.net_devices["eth1@server"].queues[]? | select(.queue | startswith("rx")) | .packets] | add) >= $n' \
	'([.detail.interrupts.vectors[].count] | add) == .counters.device_interrupts' \
	'if .counters.napi_polls == null then (.absent.napi_polls | length > 0) else .counters.napi_work_polls >= $n end'

trips busy_poll
count '.counters.busy_poll_share > 0.5' '.counters.napi_empty_polls == null or .counters.napi_empty_polls > 0'
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
