# SPDX-License-Identifier: Apache-2.0
# A real irqbalance, which moves vectors: while any is ours it stands still, then it goes on with what it had; a vector
# may be banned by name instead. It is never killed, also not by asking it.
. "$(dirname "$0")/check.sh"

[ -n "${LAB_IRQBALANCE:-}" ] || { echo "skip - irqbalance: ${LAB_IRQBALANCE_WHY:-no daemon}"; exit 0; }
export IOMODES_STATE_DIR=/tmp/irqbalance-state
vector=$(basename "$(readlink /sys/class/nvme/nvme0/device)"):nvme0q0
number() { awk -v v="$1" '$NF == v { sub(":", "", $1); print $1 }' /proc/interrupts; }
ours=/proc/irq/$(number nvme0q0)/smp_affinity_list
other=/proc/irq/$(number nvme1q0)/smp_affinity_list
theirs=$(number virtio0-config) # that the administrator has banned
# until it answers: in the middle of a round it does not
ask() { python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.send(b"setup")
print(s.recv(65536).decode(), end="")' "$socket"; }
state() { # stopped, runs (asleep or not) or gone
	case $(awk '{ print $3 }' /proc/$daemon/stat 2>/dev/null) in
	T) echo stopped ;;
	'' | Z) echo gone ;;
	*) echo runs ;;
	esac
}

# balanced FILE: the daemon, told to place all anew, has put another value there than that of an administrator, one
# that it never chooses itself
balanced() {
	local i
	echo 0,3 > "$1"
	for i in $(seq 60); do
		kill -HUP $daemon || return 1
		sleep 0.5
		[ "$(cat "$1")" = 0,3 ] || return 0
	done
	return 1
}
# as_before WHEN
as_before() {
	is "$1: the daemon goes on" "$(state)" runs
	is "$1: with the administrator's list" "$(ask)" "$before"
	is "$1: status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
}

mkdir -p /run/irqbalance
"$LAB_IRQBALANCE" --foreground --interval=2 --banirq="$theirs" > /tmp/irqbalance.out 2>&1 &
daemon=$!
socket=/run/irqbalance/irqbalance$daemon.sock
for _ in $(seq 600); do [ ! -S $socket ] || break; sleep 0.1; done
holds "irqbalance runs and listens" test -S $socket
holds "it moves a vector that somebody else has set" balanced $ours
before=$(ask)
is "it has the administrator's list" "$(grep -o 'IRQ [0-9]*' <<< "$before")" "IRQ $theirs"
holds "preflight tells of it" sh -c "'$iomodes' preflight | grep -q 'irqbalance is running'"

export -f ask balanced state
export daemon socket ours other
# shellcheck disable=SC2016 # for the other shell
"$iomodes" with --set "irq.affinity:$vector=1-2" -- bash -c 'kill -HUP $daemon; sleep 5; cat $ours; state' > /tmp/during 2> /tmp/err
is "with a vector set: exit status" "$? $(grep -v ': restored' /tmp/err | head -n 3)" "0 "
is "with a vector set: it stays, the daemon stands still" "$(tr '\n' ' ' < /tmp/during)" "1-2 stopped "
as_before "with a vector set"

# By name: it goes on with the others. Its answers may take a round.
# shellcheck disable=SC2016
"$iomodes" with --set "irqbalance.banned:$vector=1" --set "irq.affinity:$vector=1-2" -- \
	bash -c 'balanced $other && echo moved; cat $ours; ask | grep -o "IRQ [0-9]*"; state' > /tmp/during 2> /tmp/err
is "with a vector banned: exit status" "$? $(grep -v ': restored' /tmp/err | head -n 3)" "0 "
is "with a vector banned: it stays, another one is moved" "$(grep -v IRQ /tmp/during | tr '\n' ' ')" "moved 1-2 runs "
is "with a vector banned: the list" "$(grep IRQ /tmp/during | sort)" "$(printf 'IRQ %s\n' "$theirs" "$(number nvme0q0)" | sort)"
as_before "with a vector banned"

# A run sets the vectors of both interfaces, anew in each trial.
client=$(basename "$(readlink /sys/class/net/eth2/device)") server=$(basename "$(readlink /sys/class/net/eth3/device)")
for dev in eth2 eth3; do ip addr flush dev $dev; ip link set $dev down; done
cat > /tmp/balanced.yaml <<'END'
name: balanced
net_target: eth2
net_peer: eth3
design: {blocks: 6, ramp: 0.1s, runtime: 2s, cpu_left: 0}
groups:
  - {target: net, modes: [interrupt], placement: same-cpu}
END
rm -rf /tmp/balanced
mkdir -m 700 /tmp/balanced
"$iomodes" run /tmp/balanced.yaml --single-block -q -o /tmp/balanced > /tmp/balanced-out 2>&1
holds "a run ends well ($?): $(tail -n 1 /tmp/balanced-out)" test -s "$(echo /tmp/balanced/2*/trials.jsonl)"
python3 - /tmp/balanced/2*/trials.jsonl $client $server <<'EOF2'
import json, sys
trials = [t for t in map(json.loads, open(sys.argv[1])) if t["pass"] == "measure"]
for t in trials:
    wanted = {sys.argv[2]: t["placement"]["interrupts"]["client"], sys.argv[3]: t["placement"]["interrupts"]["server"]}
    for device, cpu in wanted.items():
        fired = {}
        for v in t["evidence"]["detail"]["interrupts"]["vectors"]:
            if v["name"].startswith(device + "-"):
                for on, n in v["cpu"].items():
                    fired[on] = fired.get(on, 0) + n
        good = set(on for on, n in fired.items() if n) == {cpu}
        print("ok" if good else "not ok", f"- {device}: every interrupt was on CPU {cpu}: {fired}")
    frozen = [k for k in t["knobs"] if k["knob"] == "irqbalance.running"]
    good = frozen and all(k["during"] == "0" and k["status"] == "restored" for k in frozen)
    print("ok" if good else "not ok", f"- the trial's record tells of the daemon: {frozen}")
print("ok" if trials else "not ok", "- a trial was measured")
EOF2
as_before "a run"

# Orchestrator and guardian killed: it stands still until somebody restores.
"$iomodes" with --set "irq.affinity:$vector=1-2" -- sleep 20 > /tmp/out 2>&1 &
with=$!
is_set() { [ "$(< $ours)" = 1-2 ] && guardian_of $with; }
stopped_when $with 60 is_set || echo "not ok - the vector was not set in 60 s: $(tail -n 1 /tmp/out)"
kill -KILL "$guardian" $with
wait $with 2> /dev/null
is "both killed: the daemon stands still" "$(state)" stopped
holds "both killed: status lists it" sh -c "! '$iomodes' status > /tmp/out 2>&1; grep -q irqbalance.running /tmp/out"
holds "both killed: restore" "$iomodes" restore
as_before "both killed"

# It may end while it is frozen; then there is nothing to set going.
# shellcheck disable=SC2016
"$iomodes" with --set "irq.affinity:$vector=1-2" -- bash -c 'kill -KILL $daemon' > /tmp/out 2>&1
is "the daemon ended meanwhile: exit status" "$?" 0
wait $daemon 2> /dev/null
is "the daemon ended meanwhile: status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
