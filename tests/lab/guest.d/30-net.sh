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
# What probe has of eth0 and eth2, as fact[KEY]: by one jq, which takes a second to start here. A queue's vector goes by
# what the driver calls it, the same by netlink and by name.
# shellcheck disable=SC2016 # jq's
facts='(.nics[] | select(.name == "eth0")) as $e0 | (.nics[] | select(.name == "eth2")) as $e2 |
	($e0.vectors | map(.instance)) as $names | ($e2.queues[] | select(.direction == "rx")) as $rx2 | {
	named: [$e0.queues[] | . as $q | [$e0.vectors[] | select(.irq == $q.irq) | .name] ==
		["eth0-" + $q.direction + "-" + ($q.index | tostring)]] | all,
	how: [$e0.queues[].irq_how] | unique,
	management: $e0.management,
	affinity: [$affinity[][].instances[] | select(.instance as $i | $names | index($i)) | [.instance, .value]] | sort,
	requested: [$e0.vectors[] | [.instance, .requested]] | sort,
	napis: $e0.napis | length,
	napis_why: $e0.napis_why,
	suspend: $e0.capabilities["net.irq_suspend"].value,
	threads: $e0.capabilities["net.threaded_busy_poll"].value,
	virtio: [$rx2.napi, $rx2.irq_how],
	virtio_vector: $e2.vectors[] | select(.irq == $rx2.irq) | .name | sub("[0-9]+-"; "-")
	} + ([$e0.queues[] | select(.direction == "rx") | {key: "irq\(.index)", value: .irq}] | from_entries) |
	to_entries[] | "\(.key) \(.value | tojson)"'
declare -A fact

# mapping HOW: which vector serves which queue of eth0, and under which name the knobs know it
mapping() {
	is "each queue of eth0 has the vector that its driver named for it" "${fact[named]}" true
	is "how they were found" "${fact[how]}" "$1"
	is "eth0 carries no connection of ours" "${fact[management]}" false
	holds "eth0 has vectors" test "${fact[requested]}" != "[]"
	is "irq.affinity of each vector of eth0" "${fact[affinity]}" "${fact[requested]}"
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
	irq=${fact[irq$queue]}
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
while read -r key value; do fact[$key]=$value; done < <(jq -r --slurpfile affinity /tmp/affinity.json "$facts" /tmp/net.json)
if kernel_at_least 6 8; then
	# igb's interrupts are netlink's since 6.10; e1000e tells none
	[ "$nic" = igb ] && how='["netdev netlink"]' napis=8 || how='["name"]' napis=1
	mapping "$how"
	is "NAPI instances of eth0" "${fact[napis]}" $napis
	is "receive queue of eth2" "${fact[virtio]}" '[0,"name"]'
	is "NAPI can be suspended" "${fact[suspend]}" '"1"'
	is "NAPI threads can poll" "${fact[threads]}" '"1"'
else
	mapping '["name"]'
	is "no NAPI instances told" "${fact[napis]} ${fact[napis_why]}" '0 "the kernel tells no NAPI instances before Linux 6.8"'
	is "NAPI can not be suspended" "${fact[suspend]}" '"0"'
fi
is "vector of eth2's receive queue" "${fact[virtio_vector]}" '"virtio-input.0"'
for dev in eth0 eth2; do $busybox ip link set $dev down; done
is "eth2 is virtio" "$(driver eth2)" virtio_net
before=$(device_interrupts '^eth0')
wire eth0 eth1
after=$(device_interrupts '^eth0')
holds "eth0's own vectors counted the packets ($before to $after)" test "$after" -gt "$before"
wire eth2 eth3
