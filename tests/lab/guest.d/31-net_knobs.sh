# SPDX-License-Identifier: Apache-2.0
# Network knobs on drivers of cards: to another value, seen by a reader that shares no code with them,
# and back byte for byte; what a change of channels takes along; refusals; kill -9. The pair is eth0 and
# eth1 (igb or e1000e), eth2 is virtio.
. "$(dirname "$0")/check.sh"
export IOMODES_STATE_DIR=/tmp/net-state
driver=$(dirname "$iomodes")/../tests/knob_driver
reader=$LAB_DIR/../e2e/net_snapshot.py
nic=$(basename "$(readlink /sys/class/net/eth0/device/driver)")
pci=$(basename "$(readlink /sys/class/net/eth0/device)")

$busybox ip link set eth0 up
sleep 3 # the link is there, and nothing moves any more
vector=$(awk '$NF ~ /^eth0-(rx|TxRx)-0$/ { print $NF }' /proc/interrupts)
[ -n "$vector" ] || vector=$(awk '$NF ~ /^eth0/ { print $NF; exit }' /proc/interrupts)
irq=$(awk -v v="$vector" '$NF == v { sub(":", "", $1); print $1 }' /proc/interrupts)
echo 1-3 > "/proc/irq/$irq/smp_affinity_list" # an administrator's
"$reader" eth0 > /tmp/net-before

# applied TEXT PATTERN SETTING...: a line of the reader matches meanwhile, and afterwards all is as before
applied() {
	local text=$1 pattern=$2 settings=() s
	shift 2
	for s in "$@"; do settings+=(--set "$s"); done
	if ! "$iomodes" with "${settings[@]}" -- "$reader" eth0 > /tmp/net-seen 2> /tmp/net-err; then
		echo "not ok - $text: $(tail -n 1 /tmp/net-err)"
	elif ! grep -qE "$pattern" /tmp/net-seen; then
		echo "not ok - $text: set, but not seen: $(diff /tmp/net-before /tmp/net-seen | head -n 5 | tr '\n' ';')"
	else
		echo "ok - $text: set and seen"
	fi
}

# refused TEXT WORDS SETTING
refused() {
	if "$iomodes" with --set "$3" -- true 2> /tmp/net-err; then
		echo "not ok - $1: it was taken"
	elif grep -qE "$2" /tmp/net-err; then
		echo "ok - $1: $(tail -n 1 /tmp/net-err)"
	else
		echo "not ok - $1: $(tail -n 1 /tmp/net-err)"
	fi
}

instance="irq.affinity:$pci:$vector"
applied "coalescing and affinity of $nic" "^eth0 -c rx-usecs: 5000" net.rx-usecs:eth0=5000 "$instance=2"
holds "affinity seen" grep -qE "^vector .*$vector.* 2$" /tmp/net-seen
applied "rings" "^eth0 -g RX: 512" net.rings:eth0=rx=512
applied "features and steering" "^eth0 -k generic-receive-offload: off" net.gro:eth0=off net.tso:eth0=off \
	net.rx-checksum:eth0=off net.rps-cpus:eth0:rx-0=2 net.xps-cpus:eth0:tx-0=4 \
	net.gro-flush-timeout:eth0=20000 net.defer-hard-irqs:eth0=10 net.threaded:eth0=1
holds "rps, timeout and threads seen" sh -c 'grep -q "rx-0/rps_cpus .*2$" /tmp/net-seen &&
	grep -q "gro_flush_timeout 20000" /tmp/net-seen && grep -q "threaded 1" /tmp/net-seen'

if [ "$nic" = igb ]; then
	applied "channels, with an affinity and a table that they reset" "^eth0 -l Combined: 2" \
		net.channels:eth0=2 "$instance=0"
	holds "the affinity that was asked for is there with the new channels" \
		grep -qE "^vector .*0$" /tmp/net-seen
	# QEMU's is an 82576, which has none
	refused "flow rules" 'rx-ntuple-filter fixed to "off"' net.ntuple:eth0=on
fi

if [ "$nic" = igb ] && kernel_at_least 6 13; then
	applied "a NAPI instance's own deferral and suspension" \
		"^eth0#1 defer-hard-irqs=100 gro-flush-timeout=20000 .*irq-suspend-timeout=20000000" \
		napi.defer-hard-irqs:eth0#1=100 napi.gro-flush-timeout:eth0#1=20000 \
		napi.irq-suspend-timeout:eth0#1=20000000
	holds "and no other's" grep -qE "^eth0#0 defer-hard-irqs=0 " /tmp/net-seen
	! kernel_at_least 6 17 || applied "threads of one instance" "^eth0#1 .*threaded=1" napi.threaded:eth0#1=1
else
	refused "NAPI settings before Linux 6.13" "(no generic netlink family|since Linux 6.13|not supported|NAPI instances)" \
		napi.defer-hard-irqs:eth0#0=5
fi
refused "virtio-net coalescing" "(not supported|unsupported|no such coalescing|no coalescing)" net.rx-usecs:eth2=50
refused "more channels than there are" "exceeds maximum|not supported|no kind of channels" net.channels:eth0=99
"$reader" eth0 > /tmp/net-after
holds "all is as before" diff /tmp/net-before /tmp/net-after

# kill -9 at some of the steps; that every one survives is tests/e2e/knob_net_kill.sh's
settings=(net.rx-usecs:eth0=5000 "$instance=2" net.gro:eth0=off net.defer-hard-irqs:eth0=10)
[ "$nic" != igb ] || settings+=(net.channels:eth0=2)
points=$("$driver" "$IOMODES_STATE_DIR" 0 orchestrator "${settings[@]}" 2> /tmp/net-err) || points=
holds "steps to be killed at ($points): $(cat /tmp/net-err)" test "${points:-0}" -gt 10
for part in 35 75; do
	for mode in both orchestrator; do
		n=$((points * part / 100 + 1))
		"$driver" "$IOMODES_STATE_DIR" $n $mode "${settings[@]}" > /dev/null 2>&1
		flock -w 30 /run/iomodes.lock true
		[ $mode = orchestrator ] || "$iomodes" restore > /tmp/net-restore 2>&1 ||
			echo "not ok - step $n: $(cat /tmp/net-restore)"
		"$reader" eth0 > /tmp/net-after
		holds "killed at step $n, $mode: as before" diff /tmp/net-before /tmp/net-after
	done
done
# Last: a table once set by hand counts as such, and then keeps channels from being fewer.
[ "$nic" != igb ] || applied "indirection table" "^eth0 -x 0: 1 0 1 0" "net.rss-table:eth0=1,0*64"
"$reader" eth0 > /tmp/net-after
holds "everything is as before" diff /tmp/net-before /tmp/net-after
is "nothing is left of it" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
$busybox ip link set eth0 down
