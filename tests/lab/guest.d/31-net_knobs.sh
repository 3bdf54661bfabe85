# SPDX-License-Identifier: Apache-2.0
# Network knobs on drivers of cards: every one to another value and back byte for byte (net_knobs.py); what a
# change of channels takes along; refusals; kill -9. The pair is eth0 and eth1 (igb or e1000e), eth2 and eth3
# are virtio; a veth pair with NAPI has what those lack.
. "$(dirname "$0")/check.sh"
export IOMODES_STATE_DIR=/tmp/net-state
driver=$(dirname "$iomodes")/../tests/knob_driver
reader=$LAB_DIR/../e2e/net_snapshot.py
nic=$(basename "$(readlink /sys/class/net/eth0/device/driver)")
pci=$(basename "$(readlink /sys/class/net/eth0/device)")

ip link add v0 numrxqueues 2 numtxqueues 2 type veth peer name v1 numrxqueues 2 numtxqueues 2
for dev in v0 v1; do ethtool -K $dev gro on tso off; done
for dev in eth0 eth1 eth2 eth3 v0 v1; do ip link set $dev up; done
linked eth0 eth1 eth2 eth3
# On an older kernel: what a driver does there, its refusals, and one kill.
! kernel_at_least 6 13 || "$(dirname "$0")/net_knobs.py" "$iomodes" || echo "not ok - net_knobs.py ended with $?"
ip link del v0
for dev in eth1 eth2 eth3; do ip link set $dev down; done

# An indirection table once set by hand counts as such, and then keeps channels from being fewer.
[ "$nic" != igb ] || ethtool -X eth0 default
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
if [ "$nic" = igb ]; then
	applied "channels, with an affinity that they reset" "^eth0 -l Combined: 2" net.channels:eth0=2 "$instance=0"
	holds "the affinity that was asked for is there with the new channels" \
		grep -qx "vector $vector 0" /tmp/net-seen
	# QEMU's is an 82576, which has none
	refused "flow rules" 'rx-ntuple-filter fixed to "off"' net.ntuple:eth0=on
fi
kernel_at_least 6 13 || refused "NAPI settings before Linux 6.13" \
	"(no generic netlink family|since Linux 6.13|not supported|NAPI instances)" napi.defer-hard-irqs:eth0#0=5
refused "virtio-net coalescing" "(not supported|unsupported|no such coalescing|no coalescing)" net.rx-usecs:eth2=50
refused "more channels than there are" "exceeds maximum|not supported|no kind of channels" net.channels:eth0=99
"$reader" eth0 > /tmp/net-after
holds "all is as before" diff /tmp/net-before /tmp/net-after

# kill -9 at some of the steps; that every one survives is tests/e2e/knob_net_kill.sh's
settings=(net.rx-usecs:eth0=5000 "$instance=2" net.gro:eth0=off net.defer-hard-irqs:eth0=10)
[ "$nic" != igb ] || settings+=(net.channels:eth0=2)
points=$("$driver" "$IOMODES_STATE_DIR" 0 orchestrator "${settings[@]}" 2> /tmp/net-err) || points=
holds "steps to be killed at ($points): $(cat /tmp/net-err)" test "${points:-0}" -gt 10
modes="both orchestrator"
kernel_at_least 6 13 || modes=both
for mode in $modes; do
	[ $mode = both ] && part=75 || part=35
	n=$((points * part / 100 + 1))
	"$driver" "$IOMODES_STATE_DIR" $n $mode "${settings[@]}" > /dev/null 2>&1
	flock -w 30 /run/iomodes.lock true
	[ $mode = orchestrator ] || "$iomodes" restore > /tmp/net-restore 2>&1 ||
		echo "not ok - step $n: $(cat /tmp/net-restore)"
	"$reader" eth0 > /tmp/net-after
	holds "killed at step $n, $mode: as before" diff /tmp/net-before /tmp/net-after
done
is "nothing is left of it" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
$busybox ip link set eth0 down
