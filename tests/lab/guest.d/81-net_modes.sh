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

cat > /tmp/net.yaml <<'END'
name: net
net_target: eth0
net_peer: eth1
baseline: interrupt
design: {blocks: 6, ramp: 0.2s, runtime: 0.5s}
groups:
  - {target: net, modes: [interrupt, busy-poll, threaded, io_uring]}
  - {target: net, modes: [interrupt, defer-200, coalesced-3, coalesced-5000], pattern: rr, depth: 32}
END
rm -rf /tmp/net-runs
mkdir -m 700 /tmp/net-runs
is "planning moves no interface" "$("$iomodes" plan /tmp/net.yaml > /tmp/net-plan 2>&1; $busybox ip link show eth0 > /dev/null 2>&1 && echo here)" here
sed 's/^/# /' /tmp/net-plan | cut -c 1-160
"$iomodes" run /tmp/net.yaml -q -o /tmp/net-runs --compare > /tmp/net-out 2>&1
status=$?
grep -v 'inconclusive against' /tmp/net-out | cut -c 1-200 | sed 's/^/# /'
holds "the run ended well ($status)" test $status = 0 -o $status = 4
is "status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
dir=$(echo /tmp/net-runs/2*)
holds "every check and verdict comes out again" "$iomodes" check "$dir"
looks > /tmp/looks.after
is "both interfaces are as before" "$(diff /tmp/looks.before /tmp/looks.after)" ""
python3 - "$dir" <<'EOF'
import json, sys
trials = [json.loads(line) for line in open(sys.argv[1] + "/trials.jsonl")]


def say(good, text):
    print("ok" if good else "not ok", "-", text)


def of(cell):
    return [t for t in trials if t["cell"] == cell and t["pass"] in ("measure", "retry")]


for cell in ("interrupt/udp-pingpong/16/d1", "busy-poll/udp-pingpong/16/d1",
             "threaded/udp-pingpong/16/d1", "coalesced-5000/udp-rr/16/d32"):
    seen = of(cell)
    verdicts = [t["verdict"]["mode"] for t in seen]
    say(len(seen) >= 6 and verdicts.count("in_force") >= 4,
        f"{cell}: {verdicts.count('in_force')} of {len(seen)} trials in force " +
        "; ".join(sorted({str(t["error"] or t["verdict"]["reasons"]) for t in seen
                          if t["verdict"]["mode"] != "in_force"}))[:600])


def per_packet(cell):
    counts = [(t["evidence"]["counters"].get("device_interrupts"), t["evidence"]["counts"].get("packet"))
              for t in of(cell) if t["status"] != "failed"]
    counts = [c for c in counts if None not in c]
    return sum(c[0] for c in counts) / max(1, sum(c[1] for c in counts)) if counts else None


short, long = per_packet("coalesced-3/udp-rr/16/d32"), per_packet("coalesced-5000/udp-rr/16/d32")
say(short and long and long <= short / 3,
    f"rx-usecs 3: {short} interrupts per packet; 5000: {long}, at most a third of that")
EOF
