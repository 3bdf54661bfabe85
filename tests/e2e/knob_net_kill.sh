#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 at every journal step of network knobs: of the orchestrator alone (the guardian restores), of
# both ('iomodes restore' does), of the guardian alone (the orchestrator does). On a veth pair of this
# test's own network namespace, in which no other device of the machine can be seen; then with
# namespaces of the run's own, of which nothing may be left.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
iomodes=$IOMODES_BIN/iomodes
driver=$IOMODES_BIN/../tests/knob_driver

[[ $(id -u) == 0 ]] || { echo "skip: changing machine state needs root"; exit 77; }
for tool in ip ethtool unshare python3; do
	command -v $tool >/dev/null || { echo "skip: no $tool"; exit 77; }
done
if [[ -z ${KNOB_NET_INSIDE:-} ]]; then
	unshare -n -m true 2>/dev/null || { echo "skip: no network namespace can be made"; exit 77; }
	KNOB_NET_INSIDE=1 exec unshare -n -m "$0"
fi
mount -t sysfs sysfs /sys # of this namespace
[[ $(ls /sys/class/net) != *eth* ]] || { echo "FAIL: not in a namespace of its own"; exit 1; }
work=$(mktemp -d)
export IOMODES_STATE_DIR=$work/state
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }
. "$here/knob_kill_lib.sh"

ip link add veth0 numrxqueues 2 numtxqueues 2 type veth peer name veth1 numrxqueues 2 numtxqueues 2
ip link set veth0 up
ip link set veth1 up
# An administrator's: NAPI on one end only, with values of his, a feature that is off, a steered queue.
ethtool -K veth0 gro on tx-gre-segmentation off
echo 3 >/sys/class/net/veth0/napi_defer_hard_irqs
echo 1 >/sys/class/net/veth0/queues/rx-1/rps_cpus
echo 2000 >/sys/class/net/veth1/gro_flush_timeout
has_napi=1
"$iomodes" knob get napi.defer-hard-irqs:veth0#0 >/dev/null 2>"$work/why" || {
	has_napi=
	echo "skip: no settings of NAPI instances here: $(cat "$work/why")"
}
if [[ -n $has_napi ]]; then # and one instance that differs from its device
	"$iomodes" with --set napi.defer-hard-irqs:veth0#1=9 --set napi.irq-suspend-timeout:veth0#1=1234 \
		-- "$here/net_snapshot.py" veth0 >"$work/seen"
	grep -q '^veth0#1 defer-hard-irqs=9 .*irq-suspend-timeout=1234' "$work/seen" ||
		fail "the other reader does not see what was set: $(grep '#' "$work/seen")"
fi
snapshot() { "$here/net_snapshot.py" veth0 veth1; }
snapshot >"$work/before"
is_as_before() { diff "$work/before" <(snapshot) || fail "$1: not as it was"; }
is_as_before "at once"

settings=(net.tso:veth0=off net.channels:veth0=1 net.gro:veth1=on net.defer-hard-irqs:veth0=50
	net.rps-cpus:veth0:rx-0=2 net.rx-udp-gro-forwarding:veth0=on)
[[ -z $has_napi ]] || settings+=(napi.irq-suspend-timeout:veth1#0=20000000
	napi.gro-flush-timeout:veth0#0=20000 napi.defer-hard-irqs:veth0#0=100 napi.threaded:veth1#1=1)
echo "settings: ${settings[*]}"

count_points 30
kill_orchestrator

left=0
for ((n = 1; n <= points; n++)); do
	killed "$n" both
	status=0
	"$iomodes" status >"$work/status" || status=$?
	if ((status == 5)); then
		left=$((left + 1))
		snapshot >"$work/now"
		! cmp -s "$work/before" "$work/now" ||
			fail "step $n: nothing differs, but: $(cat "$work/status") $(tail -n 1 "$work/steps")"
	elif ! diff "$work/before" <(snapshot); then
		fail "step $n: something is left, but status ends with $status"
	fi
	restored_by_hand "$n"
done
tell_left

kill_guardian 5

# In namespaces of the run's own: they and the pair go, and nothing is left to restore.
outside() { ip -o link; ls /sys/class/net; }
# No process is in the last run's namespaces and none holds them: they do not exist any more.
are_gone() {
	local space found
	for space in $(grep -o 'net:\[[0-9]*\]' "$work/steps" | tail -n 2); do
		found=$(find /proc/[0-9]*/ns/net /proc/[0-9]*/fd -lname "${space//[\[\]]/?}" 2>/dev/null || true)
		[[ -z $found ]] || fail "$1: namespace $space still lives: $found"
	done
}
outside >"$work/outside"
settings=(net.gro:iom0@client=off net.tso:iom0@server=on net.defer-hard-irqs:iom0@server=50
	net.rps-cpus:iom0@client:rx-0=1 sysctl.vm.stat_interval=7)
[[ -z $has_napi ]] || settings+=(napi.irq-suspend-timeout:iom0@server#0=20000000)
interval=$(cat /proc/sys/vm/stat_interval)
points=$("$driver" "$IOMODES_STATE_DIR" 0 peer:orchestrator "${settings[@]}" 2>>"$work/steps")
(($(grep -c '^namespace' "$work/steps") == 2)) || fail "the driver does not name its namespaces"
for mode in orchestrator both; do
	for ((n = 1; n <= points; n++)); do
		killed "$n" "peer:$mode"
		await_guardian "step $n in namespaces"
		[[ $mode == orchestrator ]] || "$iomodes" restore >"$work/restore" ||
			fail "step $n in namespaces, both killed: $(cat "$work/restore")"
		"$iomodes" status >"$work/status" || fail "step $n in namespaces, $mode: $(cat "$work/status")"
		[[ $(cat /proc/sys/vm/stat_interval) == "$interval" ]] || fail "step $n: the sysctl is not back"
		diff "$work/outside" <(outside) || fail "step $n: an interface is left"
		are_gone "step $n, $mode"
	done
done
echo "killed at each of $points points with namespaces of its own: none is left"

# What cannot be set is said, in the kernel's words where it has some, and nothing is changed.
refused() { # WORDS SETTING
	local status=0
	"$iomodes" with --set "$2" -- true 2>"$work/err" || status=$?
	((status == 125)) || fail "$2: status $status: $(cat "$work/err")"
	grep -q "$1" "$work/err" || fail "$2: $(cat "$work/err")"
}
refused 'no coalescing parameter' net.rx-usecs:veth0=5
refused 'fixed to "off"' net.ntuple:veth0=on
refused 'namespace' net.gro:iom0@server=on
refused 'no network interface' net.gro:nosuch=on
refused 'channel count exceeds maximum' net.channels:veth0=9
[[ -z $has_napi ]] || refused 'attribute 8, 0 to ' napi.threaded:veth0#0=7
ip addr add 198.18.1.1/24 dev veth1
ip route add default via 198.18.1.2
refused 'carries the default route' net.gro:veth1=on
is_as_before "refusals"
echo "refusals name the reason, and change nothing"
