#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `with --mode M --target IFNAME`: knobs of a network mode around any command, where the interface is. In a
# network namespace of the test's own, with a veth pair to another one.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/e2e/net_common.sh
. "$here/net_common.sh"

# The interface of the default route is refused, whatever the mode.
route=$(ip -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -1)
if [[ -n $route ]]; then
	status=0
	"$iomodes" with --mode defer-20 --target "$route" -- touch "$work/ran" 2>"$work/err" || status=$?
	[[ $status == 125 && ! -e $work/ran ]] || fail "the management interface was taken: $status"
	grep -q 'default route' "$work/err" || fail "no reason: $(cat "$work/err")"
else
	echo "skip: there is no default route to refuse"
fi
# What is no interface is not called a block device.
says() {
	local target=$1 mode=$2 text=$3 status=0
	"$iomodes" with --mode "$mode" --target "$target" -- touch "$work/ran" 2>"$work/err" || status=$?
	[[ $status == 125 && ! -e $work/ran ]] && grep -qF -- "$text" "$work/err" ||
		fail "--mode $mode --target $target: $status $(cat "$work/err")"
}
says lo iopoll 'is a mode of block targets, and "lo" is an interface'
says nosuch0 busy-poll 'is a mode of net targets, and "nosuch0" is no interface of this machine'
says veth busy-poll "'iomodes run' makes one of its own"
says scratch iopoll "'iomodes run' makes one of its own"

cat >"$work/inside" <<'END'
set -euo pipefail
mount -t sysfs iomodes-test /sys
unshare -n sleep 1000 &
other=$!
trap 'kill $other' EXIT
sleep 0.3
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v1 netns $other
ip addr add 10.98.0.1/24 dev v0
ip link set v0 up
nsenter -t $other -n ip addr add 10.98.0.2/24 dev v1
nsenter -t $other -n ip link set v1 up
ethtool -K v0 gro on tso off >/dev/null
steering() { cat /sys/class/net/v0/queues/rx-0/rps_cpus /sys/class/net/v0/queues/rx-0/rps_flow_cnt; }
echo 2 >/sys/class/net/v0/queues/rx-0/rps_cpus # an administrator's
echo 64 >/sys/class/net/v0/queues/rx-0/rps_flow_cnt
steering >"$1/steering"
nsenter -t $other -n ethtool -K v1 gro on tso off >/dev/null
# No driver of this machine, of a veth or of the lab's NICs takes flow rules; that is said, in the kernel's words.
for setting in 'net.flow-rule:v0:rule-0=udp4 dst-port=4000 action=0' net.ntuple:v0=on; do
	status=0
	"$IOMODES_BIN/iomodes" with --set "$setting" -- true 2>>"$1/rules" || status=$?
	[[ $status == 125 ]]
done
# Soft interrupts are counted for the whole machine, and the other end is on it: threads there, too.
nsenter -t $other -n unshare -m sh -c \
	'mount -t sysfs iomodes-test /sys && echo 1 >/sys/class/net/v1/threaded'
cat >"$1/talk.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "echo":
    s.bind(("10.98.0.2", 4000))
    while True:
        s.sendto(*s.recvfrom(100))
s.settimeout(2)
s.connect(("10.98.0.2", 4000))
for i in range(2000):
    s.send(b"x")
    s.recv(100)
for name in "threaded", "queues/rx-0/rps_cpus", "queues/rx-0/rps_flow_cnt":
    print(int(open("/sys/class/net/v0/" + name).read().replace(",", ""), 16))
PY
nsenter -t $other -n python3 "$1/talk.py" echo &
trap 'kill $other $!' EXIT
sleep 0.5
"$IOMODES_BIN/iomodes" with --mode threaded --target v0 -- python3 "$1/talk.py" talk
cat /sys/class/net/v0/threaded
# What this shows by itself holds without deferral, too: nobody counts the polls that found nothing here.
"$IOMODES_BIN/iomodes" with --mode defer-20 --target v0 -- python3 "$1/talk.py" talk 2>"$1/defer" >&2
steering | diff "$1/steering" -
END
unshare -n -m bash "$work/inside" "$work" >"$work/out" 2>"$work/err" ||
	fail "$? $(cat "$work/out" "$work/err")"
[[ $(cat "$work/out") == $'1\n0\n0\n0' ]] ||
	fail "threaded, RPS and RFS during, threaded after, and RPS and RFS where they differ: $(cat "$work/out")"
grep -q '2$' "$work/steering" || fail "this test switched no RPS on: $(cat "$work/steering")"
grep -q 'net.flow-rule of v0:rule-0: Operation not supported: flow rules' "$work/rules" &&
	grep -q 'net.ntuple of v0: the driver has rx-ntuple-filter fixed to "off"' "$work/rules" ||
	fail "flow rules of a veth: $(cat "$work/rules")"
grep -q 'mode threaded: in_force (counter), ' "$work/err" || fail "the verdict: $(cat "$work/err")"
grep -q 'mode defer-20: unproven' "$work/defer" || fail "defer-20 around a command of others: $(cat "$work/defer")"
echo "ok: $(grep 'mode threaded' "$work/err")"
