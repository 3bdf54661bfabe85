# SPDX-License-Identifier: Apache-2.0
# Network modes on two real drivers, cabled: busy polling and threads are in force, a long interrupt
# delay gives fewer interrupts than a short one, a driver that refuses the delay makes the row unsupported, and
# the interfaces come back as they were.
. "$(dirname "$0")/check.sh"

nic=$(basename "$(readlink /sys/class/net/eth0/device/driver)")
[ "$nic" = igb ] || { echo "skip - the first pair is $nic, not igb"; exit 0; }
$busybox ip link set eth0 down
$busybox ip link set eth1 down

looks() { # what a person would compare, by other programs than the harness
	for dev in eth0 eth1; do
		ethtool -c $dev; ethtool -k $dev; ethtool -l $dev
		$busybox ip link show $dev | sed 's/^[0-9]*: //'
		cat /sys/class/net/$dev/threaded /sys/class/net/$dev/gro_flush_timeout \
			/sys/class/net/$dev/napi_defer_hard_irqs 2>/dev/null
	done 2>&1
}
looks > /tmp/looks.before

# A round trip takes a millisecond and more under emulation: 64 us of polling would always end before it.
mkdir -p /tmp/net-config/experiments
cp -r "$(dirname "$0")/../../../configs/modes" /tmp/net-config/
cat > /tmp/net-config/modes/lab.yaml <<'END'
busy-poll-long:
  doc: as busy-poll, for up to 50 ms
  target: net
  requires: {net.busy_poll: 1, net.napi: 1}
  set: {net.defer-hard-irqs: 100, net.gro-flush-timeout: 100000000}
  netloop: {wait: block, busy_poll_usecs: 50000, prefer_busy_poll: 1}
  grade: counter
  expect:
    - {evidence: flow_ends_without_napi, per: none, at_most: 0}
    - {evidence: flow_ends_on_other_napi, per: none, at_most: 0}
    - {evidence: busy_poll_rx_packets, per: packet, at_least: 0.8}
END
export IOMODES_CONFIG=/tmp/net-config
cat > /tmp/net.yaml <<'END'
name: net
net_target: eth0
net_peer: eth1
baseline: interrupt
design: {blocks: 6, ramp: 0.1s, runtime: 0.5s, cpu_left: 0}
groups:
  - {target: net, modes: [interrupt, busy-poll-long, threaded]}
END
# The load must not depend on how fast the emulation is: a saturating one (a stream, a closed loop) has as many
# packets an interrupt as arrive while the previous ones are being served, with or without a delay. So requests at
# a fixed rate, below what the guest can do: they are 500 us apart, more than igb's slowest own choice at
# rx-usecs 3 (4000 interrupts a second), so that each is an interrupt of its own; in 5 ms there are ten. What a
# busy host holds up comes as a burst, in both rows alike; the median of the blocks is judged.
# The interrupts of sent packets are rare in both rows.
cat > /tmp/coalesced.yaml <<'END'
name: coalesced
net_target: eth0
net_peer: eth1
design: {blocks: 6, ramp: 100ms, runtime: 400ms, cpu_left: 0}
set: {net.tx-usecs: 5000}
groups:
  - {target: net, modes: [coalesced-3, coalesced-5000], pattern: rr, depth: 256, rate: 2000}
END
cat > /tmp/refused.yaml <<'END'
name: refused
net_target: eth2
net_peer: eth3
design: {blocks: 6, ramp: 50ms, runtime: 100ms, cpu_left: 0}
groups:
  - {target: net, modes: [interrupt, coalesced-50]}
END
rm -rf /tmp/net-runs
mkdir -m 700 /tmp/net-runs
is "planning moves no interface" "$("$iomodes" plan /tmp/net.yaml > /tmp/net-plan 2>&1; $busybox ip link show eth0 > /dev/null 2>&1 && echo here)" here
sed 's/^/# /' /tmp/net-plan | cut -c 1-160
for run in net coalesced refused; do
	once=() # a refusal is one at the first time
	[ $run != refused ] || once=(--single-block)
	"$iomodes" run /tmp/$run.yaml "${once[@]}" -q -o /tmp/net-runs --compare > /tmp/net-out 2>&1
	status=$?
	grep -v 'inconclusive against' /tmp/net-out | cut -c 1-200 | sed 's/^/# /'
	holds "the run $run ended well ($status)" test $status = 0 -o $status = 4
	[ $run != refused ] || cp /tmp/net-out /tmp/net-refused
	is "status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
	holds "every check and verdict of $run comes out again" "$iomodes" check /tmp/net-runs/2*-$run
done
looks > /tmp/looks.after
is "both interfaces are as before" "$(diff /tmp/looks.before /tmp/looks.after)" ""
python3 - /tmp/net-runs/2*-net /tmp/net-runs/2*-coalesced /tmp/net-runs/2*-refused <<'EOF'
import json, statistics, sys
trials = {run.rpartition("-")[2]: [json.loads(line) for line in open(run + "/trials.jsonl")] for run in sys.argv[1:]}


def say(good, text):
    print("ok" if good else "not ok", "-", text)


def of(run, mode):
    return [t for t in trials[run] if t["mode"] == mode and t["pass"] in ("measure", "retry")]


for run, mode in (("net", "interrupt"), ("net", "busy-poll-long"), ("net", "threaded"),
                  ("coalesced", "coalesced-3"), ("coalesced", "coalesced-5000")):
    seen = of(run, mode)
    verdicts = [t["verdict"]["mode"] for t in seen]
    say(len(seen) >= 6 and verdicts.count("in_force") >= 4,
        f"{run}, {mode}: {verdicts.count('in_force')} of {len(seen)} trials in force " +
        "; ".join(sorted({str(t["error"] or t["verdict"]["reasons"]) for t in seen
                          if t["verdict"]["mode"] != "in_force"}))[:600])


def per_packet(t):
    """Interrupts of the vectors that receive: rx-usecs says nothing of the others."""
    vectors = t["evidence"]["detail"]["interrupts"]["vectors"]
    return sum(v["count"] for v in vectors if "rx" in v["name"].lower()) / t["evidence"]["counts"]["packet"]


short, long = ([per_packet(t) for t in of("coalesced", f"coalesced-{n}") if t["status"] != "failed"] for n in (3, 5000))
print("# rx-usecs 3:", *(f"{x:.3f}" for x in short), "rx-usecs 5000:", *(f"{x:.3f}" for x in long))
short, long = (statistics.median(x or [0]) for x in (short, long))
say(0 < long <= short / 3, f"rx-usecs 3: {short:.3f} interrupts of the receiving vectors per packet; "
    f"5000: {long:.3f}, at most a third of that")

# virtio_net shows rx-usecs and refuses another value: that is seen only when it is written
seen = of("refused", "coalesced-50")
words = 'the kernel refuses "rx-usecs=50": Operation not supported'
wrong = [t for t in seen if t["verdict"]["mode"] != "unsupported" or words not in str(t["error"])]
say(seen and not wrong, f"coalesced-50 on a driver that refuses it: unsupported in the kernel's words: "
    f"{(wrong or seen or [{'error': 'no trial'}])[0]['error']}")
seen = of("refused", "interrupt")
say(seen and all(t["metrics"].get("transactions_per_s") for t in seen), "and its other row is measured")
EOF
holds "the comparison says it, too" grep -E '^coalesced-50 +unsupported' /tmp/net-refused
