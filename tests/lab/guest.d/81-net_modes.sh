# SPDX-License-Identifier: Apache-2.0
# Network modes on two real drivers, cabled: busy polling and threads are in force, a long interrupt
# delay gives fewer interrupts than a short one, a driver that refuses the delay makes the row unsupported, and
# the interfaces come back as they were.
. "$(dirname "$0")/check.sh"

nic=$(basename "$(readlink /sys/class/net/eth0/device/driver)")
[ "$nic" = igb ] || { echo "skip - the first pair is $nic, not igb"; exit 0; }
for dev in eth0 eth1; do
	$busybox ip link set $dev up # until it first was, igb shows queues that it does not have
	$busybox ip link set $dev down
done

looks() { # what a person would compare, by other programs than the harness
	for dev in eth0 eth1; do
		ethtool -c $dev; ethtool -k $dev; ethtool -l $dev
		# The kernel drops its own default qdisc in a move and makes it anew at the next up; one of somebody's is refused.
		$busybox ip link show $dev | sed 's/^[0-9]*: //; s/ qdisc \(mq\|noop\)//'
		cat /sys/class/net/$dev/threaded /sys/class/net/$dev/gro_flush_timeout \
			/sys/class/net/$dev/napi_defer_hard_irqs /sys/class/net/$dev/queues/rx-*/rps_cpus 2>/dev/null
	done 2>&1
}
echo f > /sys/class/net/eth0/queues/rx-0/rps_cpus
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
# What threaded-busy-poll expects, of threads that sleep between packets.
sed -n '/^threaded-busy-poll:/,/^$/p' /tmp/net-config/modes/net.yaml |
	sed 's/^threaded-busy-poll:/threaded-unpolled:/; s/, napi.threaded: busy-poll}/}/' >> /tmp/net-config/modes/lab.yaml
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
# Rows as they are shipped: packets that leave by a card need not be copied; those of a stream come fast enough for
# 64 us of polling. An administrator's RPS is off meanwhile.
cat > /tmp/shipped.yaml <<'END'
name: shipped
net_target: eth0
net_peer: eth1
design: {blocks: 6, ramp: 50ms, runtime: 200ms, cpu_left: 0}
groups:
  - {target: net, modes: [zerocopy], protocol: tcp, pattern: rr, size: 16k}
  - {target: net, modes: [epoll-busy-poll], pattern: stream, size: 1400}
END
# Threads that poll without pause leave an emulated machine little time: on the pair with one queue, with few trials.
cat > /tmp/refused.yaml <<'END'
name: refused
net_target: eth2
net_peer: eth3
design: {blocks: 6, ramp: 50ms, runtime: 100ms, cpu_left: 0}
groups:
  - {target: net, modes: [interrupt, coalesced-50, adaptive, threaded-busy-poll, threaded-unpolled]}
END
rm -rf /tmp/net-runs
mkdir -m 700 /tmp/net-runs
is "planning moves no interface" "$("$iomodes" plan /tmp/net.yaml > /tmp/net-plan 2>&1; $busybox ip link show eth0 > /dev/null 2>&1 && echo here)" here
sed 's/^/# /' /tmp/net-plan | cut -c 1-160
# What is compared has its six blocks; that a row is in force is seen in one, and what the host did not let run is
# measured once more.
for run in net coalesced shipped refused; do
	again=() blocks=(--single-block)
	[ $run != coalesced ] || blocks=()
	for go in 1 2 3; do
		"$iomodes" run /tmp/$run.yaml -q "${blocks[@]}" "${again[@]}" -o /tmp/net-runs --compare > /tmp/net-out 2>&1
		status=$?
		grep -v 'inconclusive against' /tmp/net-out | cut -c 1-200 | sed 's/^/# /'
		holds "the run $run ended well ($status)" test $status = 0 -o $status = 4
		[ $run != refused ] || [ $go != 1 ] || cp /tmp/net-out /tmp/net-refused
		[ $run != coalesced ] || break
		mapfile -t again < <("$(dirname "$0")/again.py" /tmp/net-runs/2*-$run)
		[ ${#again[@]} -gt 0 ] || break
		echo "# go $go: once more ${again[*]}"
	done
	is "$run: status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
done
for run in /tmp/net-runs/2*; do
	holds "every check and verdict of ${run##*/} comes out again" "$iomodes" check "$run"
done
looks > /tmp/looks.after
is "both interfaces are as before" "$(diff /tmp/looks.before /tmp/looks.after)" ""
echo 0 > /sys/class/net/eth0/queues/rx-0/rps_cpus
python3 - /tmp/net-runs/2* <<'EOF'
import json, statistics, sys
trials = {}
for run in sys.argv[1:]:
    trials.setdefault(run.rpartition("-")[2], []).extend(json.loads(line) for line in open(run + "/trials.jsonl"))


def say(good, text):
    print("ok" if good else "not ok", "-", text)


def of(run, mode):
    return [t for t in trials[run] if t["mode"] == mode and t["pass"] in ("measure", "retry")]


for run, mode in (("net", "interrupt"), ("net", "busy-poll-long"), ("net", "threaded"),
                  ("coalesced", "coalesced-3"), ("coalesced", "coalesced-5000"), ("refused", "interrupt"),
                  ("shipped", "zerocopy"), ("shipped", "epoll-busy-poll"), ("refused", "threaded-busy-poll")):
    seen = of(run, mode)
    verdicts = [t["verdict"]["mode"] for t in seen]
    say(verdicts.count("in_force") >= (4 if run == "coalesced" else 1),
        f"{run}, {mode}: {verdicts.count('in_force')} of {len(seen)} trials in force " +
        "; ".join(sorted({str(t["error"] or t["verdict"]["reasons"]) for t in seen
                          if t["verdict"]["mode"] != "in_force"}))[:600])

seen = [t["verdict"]["mode"] for t in of("refused", "threaded-unpolled")]
say("not_in_force" in seen and "in_force" not in seen,
    f"threaded-busy-poll without its polling, threads alone: {sorted(seen)}")
steered = {str(s["during"]).lstrip("0,") or "0" for run in ("net", "shipped") for t in trials[run] for s in t["knobs"] or []
           if s["knob"] == "net.rps-cpus"}
say(steered == {"0"}, f"RPS of eth0 while the modes run: {steered}")

# A bound that is kept without the delay, too, shows nothing: 4000 packets a second do for 5 ms, none for 3 us.
for usecs, needed in ((3, 5400000), (5000, 3200)):
    wrong, counters = [], 0
    for t in of("coalesced", f"coalesced-{usecs}"):
        if t["verdict"]["mode"] != "in_force":
            continue
        rate = t["evidence"]["counts"]["packet"] / (t["evidence"]["window_ns"] / 1e9)
        counters += t["verdict"]["grade"] == "counter"
        if (t["verdict"]["grade"] == "counter") != (rate >= needed):
            wrong.append((t["verdict"]["grade"], round(rate)))
    say(not wrong and (counters >= 1) == (usecs == 5000),
        f"coalesced-{usecs}: {counters} trials by counter, from {needed} packets/s on; wrong: {wrong}")


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
EOF
# so does adaptive-rx, in its own way: it takes the value and does not keep it
holds "adaptive on a driver that has no such thing: unsupported" grep -E '^adaptive +unsupported' /tmp/net-refused
holds "the comparison says it, too" grep -E '^coalesced-50 +unsupported' /tmp/net-refused
