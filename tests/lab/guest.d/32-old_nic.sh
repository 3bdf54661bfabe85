# SPDX-License-Identifier: Apache-2.0
# The NIC of a QEMU without igb: an e1000e, whose single receive queue has coalescing, and vectors that can be moved. Both
# are set and seen by other programs, fire where they are put, and come back.
. "$(dirname "$0")/check.sh"

[ "$(basename "$(readlink /sys/class/net/eth0/device/driver)")" = e1000e ] || exit 0 # a run of no check fails
is "receive queues of eth0" "$(find /sys/class/net/eth0/queues/ -name 'rx-*' | grep -c .)" 1
pci=$(basename "$(readlink /sys/class/net/eth0/device)")
$busybox unshare -n sleep 1000 &
holder=$!
until [ "$(readlink /proc/$holder/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
ip link set eth1 netns $holder
ip addr add 10.99.0.1/24 dev eth0
ip link set eth0 up
nsenter -t $holder -n ip addr add 10.99.0.2/24 dev eth1
nsenter -t $holder -n ip link set eth1 up
reached 10.99.0.2

vector=$(awk '$NF ~ /^eth0-rx-0$/ { print $NF }' /proc/interrupts)
is "the vector of its receive queue" "$vector" eth0-rx-0
irq=$(awk -v v="$vector" '$NF == v { sub(":", "", $1); print $1 }' /proc/interrupts)
fired() { awk -v irq="$irq:" -v cpu="$1" '$1 == irq { print $(cpu + 2) }' /proc/interrupts; }
look() {
	ethtool -c eth0
	cat /proc/irq/"$irq"/smp_affinity_list
}
export -f look fired
export irq busybox
echo 0-2 > /proc/irq/"$irq"/smp_affinity_list # an administrator's
look > /tmp/nic-before

# shellcheck disable=SC2016 # for the other shell
"$iomodes" with --set net.rx-usecs:eth0=1000 --set "irq.affinity:$pci:$vector=3" -- bash -c '
	look
	$busybox ping -q -c 2 -i 0.2 10.99.0.2 > /dev/null # the first interrupt is what moves it
	all=$(($(fired 0) + $(fired 1) + $(fired 2))) there=$(fired 3)
	$busybox ping -q -c 20 -i 0.05 10.99.0.2 > /dev/null
	echo "elsewhere $(($(fired 0) + $(fired 1) + $(fired 2) - all)) there $(($(fired 3) - there))"' > /tmp/nic-seen 2> /tmp/nic-err
is "with both set: exit status" "$?" 0
holds "coalescing is set ($(grep '^rx-usecs:' /tmp/nic-before /tmp/nic-seen | tr '\n' ' '))" grep -Eq '^rx-usecs:[[:space:]]*1000$' /tmp/nic-seen
holds "the vector is set" grep -qx 3 /tmp/nic-seen
counted=$(grep elsewhere /tmp/nic-seen)
holds "and its interrupts are on that CPU: $counted" sh -c "echo '$counted' | grep -Eq '^elsewhere 0 there [1-9]'"
look > /tmp/nic-after
holds "both are as before" diff /tmp/nic-before /tmp/nic-after
is "and the status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
ip addr flush dev eth0
ip link set eth0 down
kill $holder
