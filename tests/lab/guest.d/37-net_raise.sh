# SPDX-License-Identifier: Apache-2.0
# Both the run and its guardian are killed while two cards are in namespaces: the cards come home down, with what
# was set in them, which only `iomodes restore` can reach, by setting them up meanwhile. In the end all is as
# another program (net_snapshot.py) read it before. A restore that is killed while a card is up is made good by
# the next.
. "$(dirname "$0")/check.sh"
export IOMODES_STATE_DIR=/tmp/raise-state
kernel_at_least 6 13 || { echo "skip - NAPI instances have no settings before Linux 6.13"; exit 0; }

snapshot_cards() { "$LAB_DIR/../e2e/net_snapshot.py" eth0 eth1; }
for dev in eth0 eth1; do
	ip addr flush dev $dev
	ip link set $dev down
done
echo 7 > /sys/class/net/eth0/napi_defer_hard_irqs # an administrator's
snapshot_up() { # NAPI instances are told of a card that is up
	ip link set eth0 up
	ip link set eth1 up
	snapshot_cards
	ip link set eth0 down
	ip link set eth1 down
}
ip link set eth0 up
for vector in $(awk '$NF ~ /^eth0-/ { sub(":", "", $1); print $1 }' /proc/interrupts); do
	echo 1 > "/proc/irq/$vector/smp_affinity_list" # of its node, or the kernel narrows it at the next "up"
done
snapshot_up > /tmp/raise-before-up
snapshot_cards > /tmp/raise-before

cat > /tmp/raise.yaml <<'END'
name: raise
net_target: eth0
net_peer: eth1
design: {blocks: 6, ramp: 0ms, runtime: 20s}
set: {net.threaded: 1}
groups: [{target: net, modes: [suspend-20], placement: [local]}]
END
is_set() { grep -qs "$1" "$IOMODES_STATE_DIR/journal" && pgrep -x netloop; } # the value is journalled before the loop starts
home() { [ -e /sys/class/net/eth0 ] && [ -e /sys/class/net/eth1 ]; }
within() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" > /dev/null; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
# both_killed MODE KNOB: a run of the mode, killed with its guardian while the knob is set
both_killed() {
	local orchestrator
	"$iomodes" run /tmp/raise.yaml -q -m "$1" -o /tmp/raise-runs > /tmp/raise-out 2>&1 &
	orchestrator=$!
	stopped_when $orchestrator 120 is_set "$2" || echo "not ok - $1 was not set in 120 s: $(tail -n 2 /tmp/raise-out)"
	holds "$1: it has a guardian" guardian_of $orchestrator
	kill -9 "$guardian" $orchestrator # the guardian first
	wait $orchestrator 2> /dev/null
	holds "$1: the cards come home" within 60 home
	is "$1: they are down" "$(cat /sys/class/net/eth{0,1}/flags | tr '\n' ' ')" "$(grep -h ' flags ' /tmp/raise-before | cut -d ' ' -f 3 | tr '\n' ' ')"
	"$iomodes" status > /tmp/raise-status
	is "$1: status says that something is left" $? 5
}
as_before() {
	snapshot_cards > /tmp/raise-after
	holds "$1: every value is as before" diff /tmp/raise-before /tmp/raise-after
	snapshot_up > /tmp/raise-after-up
	holds "$1: those of NAPI instances, too" diff /tmp/raise-before-up /tmp/raise-after-up
	is "$1: nothing is noted on the cards" "$(cat /sys/class/net/eth{0,1}/ifalias)" ""
	is "$1: status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
}
mkdir -m 700 -p /tmp/raise-runs

both_killed suspend-20 irq-suspend-timeout
is "threads are left on" "$(cat /sys/class/net/eth0/threaded)" 1
holds "and vectors that are elsewhere" grep -q irq.affinity /tmp/raise-status
"$iomodes" restore > /tmp/raise-out 2>&1 &
restore=$!
# Stopped at each look, so that what is seen is still so when it is killed: the note on a card comes before its "up".
alias= flags=0
while stop $restore; do
	read -r alias < /sys/class/net/eth0/ifalias || alias=
	read -r flags < /sys/class/net/eth0/flags
	[ -z "$alias" ] || [ $((flags & 1)) = 0 ] || break
	kill -CONT $restore
done
kill -9 $restore 2> /dev/null
wait $restore 2> /dev/null
is "restore was killed with a card up" "$? $((flags & 1)) $alias" "137 1 iomodes restore has it up"
"$iomodes" status > /tmp/raise-status
is "status says that something is left, still" $? 5
"$iomodes" restore > /tmp/raise-out 2>&1
is "a second restore: exit status" "$? $(grep -v -i restored /tmp/raise-out)" "0 "
as_before restored
echo 0 > /sys/class/net/eth0/napi_defer_hard_irqs
