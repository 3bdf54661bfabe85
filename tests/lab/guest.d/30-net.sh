# SPDX-License-Identifier: Apache-2.0
# The first pair has vectors per queue, and each pair is a wire. igb, or e1000e from an old QEMU.
. "$(dirname "$0")/check.sh"

driver() { basename "$(readlink "/sys/class/net/$1/device/driver")"; }

# wire A B: A here, B in a namespace of its own, a few pings
wire() {
	$busybox unshare -n sleep 1000 &
	local holder=$!
	sleep 1
	$busybox ip link set "$2" netns $holder
	$busybox ip addr add 10.99.0.1/24 dev "$1"
	$busybox ip link set "$1" up
	$busybox nsenter -t $holder -n $busybox ip addr add 10.99.0.2/24 dev "$2"
	$busybox nsenter -t $holder -n $busybox ip link set "$2" up
	sleep 3 # link negotiation
	holds "$1 and $2 are joined" $busybox ping -q -c 5 -i 0.2 -W 2 10.99.0.2
	$busybox ip addr flush dev "$1"
	kill $holder
	wait $holder 2>/dev/null || :
}

nic=$(driver eth0)
holds "eth0 is igb or e1000e ($nic)" test "$nic" = igb -o "$nic" = e1000e
if [ "$nic" = igb ]; then
	$busybox ip link set eth0 up
	is "receive queues of eth0" "$(find /sys/class/net/eth0/queues/ -name 'rx-*' | grep -c .)" 4
	is "vectors of eth0 (four rx, four tx, one other)" "$(grep -c 'eth0' /proc/interrupts)" 9
	$busybox ip link set eth0 down
fi
is "eth2 is virtio" "$(driver eth2)" virtio_net
before=$(device_interrupts '^eth0')
wire eth0 eth1
after=$(device_interrupts '^eth0')
holds "eth0's own vectors counted the packets ($before to $after)" test "$after" -gt "$before"
wire eth2 eth3
