# SPDX-License-Identifier: Apache-2.0
# Network modes on two real drivers, cabled: busy polling and threads are in force, a long interrupt
# delay gives fewer interrupts than a short one, and the interfaces come back as they were.
. "$(dirname "$0")/check.sh"

nic=$(basename "$(readlink /sys/class/net/eth0/device/driver)")
[ "$nic" = igb ] || { echo "# the first pair is $nic, not igb: nothing to measure here"; exit 0; }
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
design: {blocks: 6, ramp: 0.2s, runtime: 0.5s}
groups:
  - {target: net, modes: [interrupt, busy-poll-long, threaded]}
END
# The interrupts of sent packets are rare in both rows alike.
cat > /tmp/coalesced.yaml <<'END'
name: coalesced
net_target: eth0
net_peer: eth1
design: {blocks: 6, ramp: 0.2s, runtime: 0.5s}
set: {net.tx-usecs: 5000}
groups:
  - {target: net, modes: [coalesced-3, coalesced-5000], pattern: rr, depth: 256}
  - {target: net, modes: [coalesced-3, coalesced-5000], pattern: stream, size: 1400}
END
rm -rf /tmp/net-runs
mkdir -m 700 /tmp/net-runs
is "planning moves no interface" "$("$iomodes" plan /tmp/net.yaml > /tmp/net-plan 2>&1; $busybox ip link show eth0 > /dev/null 2>&1 && echo here)" here
sed 's/^/# /' /tmp/net-plan | cut -c 1-160
for run in net coalesced; do
	"$iomodes" run /tmp/$run.yaml -q -o /tmp/net-runs --compare > /tmp/net-out 2>&1
	status=$?
	grep -v 'inconclusive against' /tmp/net-out | cut -c 1-200 | sed 's/^/# /'
	holds "the run $run ended well ($status)" test $status = 0 -o $status = 4
	is "status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
	holds "every check and verdict of $run comes out again" "$iomodes" check /tmp/net-runs/2*-$run
done
looks > /tmp/looks.after
is "both interfaces are as before" "$(diff /tmp/looks.before /tmp/looks.after)" ""
python3 - /tmp/net-runs/2*-net /tmp/net-runs/2*-coalesced <<'EOF'
import json, sys
trials = [json.loads(line) for run in sys.argv[1:] for line in open(run + "/trials.jsonl")]


def say(good, text):
    print("ok" if good else "not ok", "-", text)


def of(cell):
    return [t for t in trials if t["cell"] == cell and t["pass"] in ("measure", "retry")]


for cell in ("interrupt/udp-pingpong/16/d1", "busy-poll-long/udp-pingpong/16/d1", "threaded/udp-pingpong/16/d1",
             "coalesced-5000/udp-rr/16/d256"):
    seen = of(cell)
    verdicts = [t["verdict"]["mode"] for t in seen]
    say(len(seen) >= 6 and verdicts.count("in_force") >= 4,
        f"{cell}: {verdicts.count('in_force')} of {len(seen)} trials in force " +
        "; ".join(sorted({str(t["error"] or t["verdict"]["reasons"]) for t in seen
                          if t["verdict"]["mode"] != "in_force"}))[:600])


def per_packet(cell):
    """Interrupts of the vectors that receive: rx-usecs says nothing of the others."""
    interrupts = packets = 0
    for t in of(cell):
        if t["status"] != "failed":
            interrupts += sum(v["count"] for v in t["evidence"]["detail"]["interrupts"]["vectors"]
                              if "rx" in v["name"].lower())
            packets += t["evidence"]["counts"]["packet"]
    return interrupts / packets if interrupts else None


for load in ("udp-rr/16/d256", "udp-stream/1400/d1"):
    short, long = per_packet("coalesced-3/" + load), per_packet("coalesced-5000/" + load)
    say(short and long and long <= short / 3,
        f"{load}: rx-usecs 3: {short} interrupts of the receiving vectors per packet; 5000: {long}, at most a third of that")
EOF
