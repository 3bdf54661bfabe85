# SPDX-License-Identifier: Apache-2.0
# The first pair has vectors per queue, and each pair is a wire. igb, or e1000e from an old QEMU.
. "$(dirname "$0")/check.sh"

driver() { basename "$(readlink "/sys/class/net/$1/device/driver")"; }

# wire A B: A here, B in a namespace of its own, a few pings
wire() {
	$busybox unshare -n sleep 1000 &
	local holder=$!
	until [ "$(readlink /proc/$holder/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
	$busybox ip link set "$2" netns $holder
	$busybox ip addr add 10.99.0.1/24 dev "$1"
	$busybox ip link set "$1" up
	$busybox nsenter -t $holder -n $busybox ip addr add 10.99.0.2/24 dev "$2"
	$busybox nsenter -t $holder -n $busybox ip link set "$2" up
	reached 10.99.0.2
	holds "$1 and $2 are joined" $busybox ping -q -c 5 -i 0.2 -W 2 10.99.0.2
	[ "$nic" != igb ] || [ "$1" != eth0 ] || traffic eth0 10.99.0.2
	$busybox ip addr flush dev "$1"
	kill $holder
	wait $holder 2>/dev/null || :
}

nic=$(driver eth0)
# on NAME FILTER: of one interface, as probe has it
on() { jq -c --arg nic "$1" ".nics[] | select(.name == \$nic) | $2" /tmp/net.json; }
# The queue's vector by what the driver calls it: the same by netlink and by name.
vector_is='.vectors as $v | [.queues[] | . as $q | [$v[] | select(.irq == $q.irq) | .name] ==
	[$nic + "-" + $q.direction + "-" + ($q.index | tostring)]] | all'

# mapping NAME: which vector serves which queue, and under which name the knobs know it
mapping() {
	is "each queue of $1 has the vector that its driver named for it" "$(on "$1" "$vector_is")" true
	is "how they were found" "$(on "$1" '[.queues[].irq_how] | unique')" "$2"
	is "$1 carries no connection of ours" "$(on "$1" .management)" false
	is "irq.affinity of each vector of $1" "$(jq -c --argjson names "$(on "$1" '[.vectors[].instance]')" \
		'[.[].instances[] | select(.instance as $i | $names | index($i)) | [.instance, .value]] | sort' /tmp/affinity.json)" \
		"$(on "$1" '[.vectors[] | [.instance, .requested]] | sort')"
}

# traffic NAME: the receive queue that counts the packets is the one whose vector counts interrupts
traffic() {
	local queue irq busiest before after
	before=$(ethtool -S "$1" | sed -n 's/ *rx_queue_\([0-9]*\)_packets: */\1 /p')
	cp /proc/interrupts /tmp/interrupts
	$busybox ping -q -c 40 -i 0.05 -W 2 "$2" > /dev/null
	after=$(ethtool -S "$1" | sed -n 's/ *rx_queue_\([0-9]*\)_packets: */\1 /p')
	busiest=$(join <(echo "$before" | sort) <(echo "$after" | sort) | awk '{print $3 - $2, $1}' | sort -n | tail -n 1)
	queue=${busiest#* }
	irq=$(on "$1" ".queues[] | select(.direction == \"rx\" and .index == $queue) | .irq")
	counted() { awk -v irq="$irq:" '$1 == irq { for (i = 2; i < 6; i++) n += $i } END { print n + 0 }' "$1"; }
	holds "rx-$queue of $1 took ${busiest% *} packets, interrupt $irq counted them ($(counted /tmp/interrupts) to $(counted /proc/interrupts))" \
		test $(($(counted /proc/interrupts) - $(counted /tmp/interrupts))) -ge $((${busiest% *} / 2))
}

holds "eth0 is igb or e1000e ($nic)" test "$nic" = igb -o "$nic" = e1000e
if [ "$nic" = igb ]; then
	$busybox ip link set eth0 up
	is "receive queues of eth0" "$(find /sys/class/net/eth0/queues/ -name 'rx-*' | grep -c .)" 4
	is "vectors of eth0 (four rx, four tx, one other)" "$(grep -c 'eth0' /proc/interrupts)" 9
	$busybox ip link set eth0 down
fi
for dev in eth0 eth2; do $busybox ip link set $dev up; done
linked eth0 eth2 # a vector has its name from the driver when the link is up
"$iomodes" probe --json > /tmp/net.json
"$iomodes" knob list irq.affinity --json > /tmp/affinity.json
if kernel_at_least 6 8; then
	# igb's interrupts are netlink's since 6.10; e1000e tells none
	mapping eth0 "$([ "$nic" = igb ] && echo '["netdev netlink"]' || echo '["name"]')"
	is "NAPI instances of eth0" "$(on eth0 '.napis | length')" "$([ "$nic" = igb ] && echo 8 || echo 1)"
	is "receive queue of eth2" "$(on eth2 '.queues[] | select(.direction == "rx") | [.napi, .irq_how]')" '[0,"name"]'
	is "NAPI can be suspended" "$(on eth0 '.capabilities["net.irq_suspend"].value')" '"1"'
	is "NAPI threads can poll" "$(on eth0 '.capabilities["net.threaded_busy_poll"].value')" '"1"'
else
	mapping eth0 '["name"]'
	is "no NAPI instances told" "$(on eth0 '[(.napis | length), .napis_why]')" '[0,"the kernel tells no NAPI instances before Linux 6.8"]'
	is "NAPI can not be suspended" "$(on eth0 '.capabilities["net.irq_suspend"].value')" '"0"'
fi
is "vector of eth2's receive queue" \
	"$(on eth2 '.vectors as $v | .queues[] | select(.direction == "rx") | .irq as $i | $v[] | select(.irq == $i) | .name | sub("[0-9]+-"; "-")')" \
	'"virtio-input.0"'
for dev in eth0 eth2; do $busybox ip link set $dev down; done
is "eth2 is virtio" "$(driver eth2)" virtio_net
before=$(device_interrupts '^eth0')
wire eth0 eth1
after=$(device_interrupts '^eth0')
holds "eth0's own vectors counted the packets ($before to $after)" test "$after" -gt "$before"
wire eth2 eth3
