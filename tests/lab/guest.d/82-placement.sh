# SPDX-License-Identifier: Apache-2.0
# Two nodes: the drive of node 1 is found there; local and remote-node are different CPUs and both
# proven by the interrupts of each CPU, the vectors of a NIC follow the placement, those that the
# kernel manages are met by the threads, buffers are on the wanted node; a vector or a thread that
# somebody moves away in the middle of a trial is noticed.
. "$(dirname "$0")/check.sh"

disk=$(path_of nvme1)
is "nvme1 is on node 1" "$(cat /sys/class/nvme/nvme1/device/numa_node)" 1
is "and probe --paths has it there" "$("$iomodes" probe --paths | awk -v d="$disk" '$1 == d { print $2; exit }')" 1

cat > /tmp/disk-places.yaml <<'END'
name: disk-places
design: {blocks: 6, ramp: 0.2s, runtime: 0.6s, cpu_left: 0}
groups:
  - {modes: [interrupt], rw: randread, bs: 4k, iodepth: 1, placement: [local, remote-node, same-cpu, remote-memory, os-default, remote-interrupt]}
  # by hand, with LAB_FIO=1
  #fio - {modes: [aio], workloads: [fio], rw: randread, bs: 4k, iodepth: 1, placement: [remote-memory]}
END
[ -z "${LAB_FIO:-}" ] || sed -i 's/#fio//; s/runtime: 0.6s/runtime: 4s/' /tmp/disk-places.yaml
cat > /tmp/net-places.yaml <<'END'
name: net-places
net_target: eth0
net_peer: eth1
design: {blocks: 6, ramp: 0.3s, runtime: 0.8s, cpu_left: 0}
groups:
  - {target: net, modes: [interrupt], placement: [local, remote-node, same-cpu, remote-interrupt, os-default, steered, full]}
  - {target: net, modes: [threaded], placement: [local]}
END
nic=$(basename "$(readlink /sys/class/net/eth0/device/driver)")
$busybox ip link set eth0 down
$busybox ip link set eth1 down
affinities() { for f in /proc/irq/[0-9]*/smp_affinity_list; do echo "$(basename "$(dirname "$f")") $(cat "$f")"; done; }
affinities > /tmp/affinity.before
rm -rf /tmp/places
mkdir -m 700 /tmp/places
run() { # NAME [OPTION...]
	local name=$1 status=0
	shift
	"$iomodes" run "/tmp/$name.yaml" --single-block -q -o /tmp/places "$@" > /tmp/places-out 2>&1 || status=$?
	sed 's/^/# /' /tmp/places-out | cut -c 1-180
	holds "the run $name ended well ($status)" test $status = 0 -o $status = 4
	is "status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
	holds "every check and verdict of $name comes out again" "$iomodes" check /tmp/places/2*-"$name"
}
run disk-places --target /dev/nvme1n1
"$iomodes" compare /tmp/places/2*-disk-places > /tmp/places-compare 2>&1
grep -A 12 'memory at home' /tmp/places-compare | cut -c 1-160 | sed 's/^/# /'
holds "the comparison has the matrix" grep -q 'thread away, interrupts away .*inconclusive' /tmp/places-compare
nets=
if [ "$nic" = igb ]; then
	run net-places
	nets=/tmp/net-run
	rm -rf $nets
	mv /tmp/places/2*-net-places $nets
else
	echo "skip - the first pair is $nic, not igb"
fi
affinities > /tmp/affinity.after
# those of interfaces that were down had no number then
is "every vector may fire where it might before" "$(while read -r irq cpus; do grep "^$irq " /tmp/affinity.after | grep -vxF "$irq $cpus"; done < /tmp/affinity.before)" ""
# shellcheck disable=SC2086 # none without that pair
python3 - "$nic" /tmp/places/2*-places $nets <<'EOF' || echo "not ok - what was recorded of placements could not be read"
import json, sys

trials, cells = [], {}
for run in sys.argv[2:]:
    trials += [json.loads(line) for line in open(run + "/trials.jsonl")]
    for c in json.load(open(run + "/run.json"))["cells"]:
        cells[(c["target"], c["placement_asked"])] = c


def say(good, text):
    print("ok" if good else "not ok", "-", text)


def cpus(text):
    out = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        out |= set(range(int(first), int(last or first) + 1))
    return out


NODE = [{0, 1}, {2, 3}]
at = {}
for t in trials:
    if t["pass"] != "measure":
        continue
    place, name = t["placement"], t["placement"]["name"]
    kind = "net" if "server" in place else "disk"
    if t["mode"] != "interrupt":
        kind = t["mode"]
    at[(kind, name)] = place
    verdict = t["verdict"]
    say(verdict["mode"] == "in_force", f"{kind} {name}: {verdict['mode']} {t['error'] or ''} {'; '.join(verdict['reasons'])[:300]}")
    if name == "os-default":
        moved = {m["vector"].split(":")[-1]: m["cpus"] for m in place["moves"]}
        say(all(moved.get(v, cpu) == cpu for v, cpu in place["effective"].items()),
            f"{kind} os-default: vectors fire where they were found: {place['effective']}")
        continue
    # counted here again from the vectors, by another program
    wanted = {}
    for end, text in place["interrupts"].items():
        wanted[end] = cpus(text)
    fired = {}
    for v in t["evidence"]["detail"]["interrupts"]["vectors"]:
        if kind in ("disk", "aio") and v["name"].endswith("q0") or v["name"] in ("eth0", "eth1"):
            continue
        end = "device" if kind in ("disk", "aio") else "client" if v["name"].startswith("eth0") else "server"
        for cpu, n in v["cpu"].items():
            fired.setdefault(end, {}).setdefault(int(cpu), 0)
            fired[end][int(cpu)] += n
    say(set(fired) == set(wanted), f"{kind} {name}: interrupts of {sorted(fired)} were counted")
    for end, by_cpu in fired.items():
        inside = sum(n for cpu, n in by_cpu.items() if cpu in wanted[end])
        say(inside >= 0.95 * sum(by_cpu.values()) and inside > 20,
            f"{kind} {name}: {inside} of {sum(by_cpu.values())} interrupts of the {end} on CPUs {sorted(wanted[end])}")
    for end, node in place["memory_node"].items():
        report = t["evidence"]["steady"] if kind == "aio" else t["workload_report"]["server"] if end == "server" else t["workload_report"]
        nodes = report["memory"]["nodes"]
        there = nodes.get(str(node), 0)
        say(node is not None and there > 0 and there >= (0.99 if kind == "aio" else 1) * sum(nodes.values()),
            f"{kind} {name}: buffers of the {end} on node {nodes}, wanted {node}")
    if kind == "threaded":
        ran = place["napi_threads"]
        say({n["cpu"] for n in ran if n["name"].startswith("napi/eth0-")} == {place["napi_cpu"]["client"]} and
            {n["cpu"] for n in ran if n["name"].startswith("napi/eth1-")} == {place["napi_cpu"]["server"]} and
            place["napi_cpu"]["client"] not in cpus(place["workers"]) and place["napi_cpu"]["server"] not in cpus(place["server"]),
            f"threaded {name}: NAPI threads ran on {place['napi_cpu']} alone: {[(n['name'], n['cpu']) for n in ran]}")
    if name in ("steered", "full"):
        for end, device in t["evidence"]["detail"]["net_devices"].items():
            packets = {q["queue"]: q["packets"] for q in device["queues"]}
            for way in ("tx", "rx") if name == "full" else ("tx",):
                all_of = sum(n for q, n in packets.items() if q.startswith(way))
                say(packets[way + "-0"] > 20 and packets[way + "-0"] >= 0.95 * all_of,  # the kernel has packets of its own
                    f"net {name}: {packets[way + '-0']} of {all_of} {way} packets of {end} by queue 0")
wanted = [("disk", n) for n in ("local", "remote-node", "same-cpu", "remote-memory", "os-default")]
if sys.argv[1] == "igb":
    wanted += [("net", n) for n in ("local", "remote-node", "same-cpu", "remote-interrupt", "os-default", "steered", "full")]
    wanted += [("threaded", "local")]
say(set(wanted) <= set(at), f"each was measured: {sorted(set(wanted) - set(at)) or len(wanted)}")
for name in ("local", "remote-node", "same-cpu"):
    place = at.get(("disk", name))
    say(place and place["interrupts"]["device"] == place["workers"] and len(place["vectors"]) == 1 and not place["moves"],
        f"disk {name}: the thread is where its managed vector {place and place['vectors']} fires")
disk, net = (lambda name: at.get(("disk", name))), (lambda name: at.get(("net", name)))
say(disk("local") and cpus(disk("local")["workers"]) <= NODE[1], "disk local: the thread is on node 1")
say(disk("remote-node") and cpus(disk("remote-node")["workers"]) <= NODE[0], "disk remote-node: the thread is on node 0")
c = cells.get((next(t for t, _ in cells if "nvme1n1" in t), "remote-interrupt"))
say(c and not c["supported"] and "managed" in c["reason"], f"disk remote-interrupt: {c and c['reason']}")
if net("local"):
    say(net("local")["interrupts"] == {"client": net("local")["workers"], "server": net("local")["server"]},
        f"net local: each end is interrupted on its thread's CPU: {net('local')['interrupts']}")
    far = net("remote-interrupt")
    say(far and cpus(far["interrupts"]["client"]) <= NODE[1] and cpus(far["workers"]) <= NODE[0] and
        cpus(far["interrupts"]["server"]) <= NODE[0] and cpus(far["server"]) <= NODE[1],
        f"net remote-interrupt: vectors are on the other node: {far and far['interrupts']}")
EOF

# A process that may use node 0 alone, and a CPU that is switched off.
cat > /tmp/fewer.yaml <<'END'
name: fewer
design: {blocks: 6, ramp: 0.2s, runtime: 0.4s, cpu_left: 0}
groups:
  - {modes: [interrupt], rw: randread, bs: 4k, iodepth: 1, placement: [local, remote-node, remote-thread-interrupt, "cpus:3"]}
END
group=/sys/fs/cgroup/fewer
mkdir $group
echo 0-1 > $group/cpuset.cpus
echo 0 > $group/cpuset.mems
rm -rf /tmp/places
mkdir -m 700 /tmp/places
bash -c "echo \$\$ > $group/cgroup.procs; exec '$iomodes' run /tmp/fewer.yaml --target /dev/nvme1n1 --single-block --no-cpu-left -q -o /tmp/places" > /tmp/places-out 2>&1
status=$?
holds "a run in a cpuset of node 0 ended well ($status)" test $status = 0 -o $status = 4
python3 - /tmp/places/2*-fewer <<'EOF' || echo "not ok - the run in a cpuset could not be read"
import json, sys
cells = {c["placement_asked"]: c for c in json.load(open(sys.argv[1] + "/run.json"))["cells"]}
trial = next(t for t in map(json.loads, open(sys.argv[1] + "/trials.jsonl")) if t["pass"] == "measure" and t["placement"]["name"] == "remote-node")
def say(good, text): print("ok" if good else "not ok", "-", text)
say(trial["verdict"]["mode"] == "in_force" and set(trial["placement"]["cpu_ns"]) <= {"0", "1"},
    f"in a cpuset of node 0 remote-node is {trial['verdict']['mode']} on CPUs {set(trial['placement']['cpu_ns'])}")
for name, why in (("local", "no CPU of node 1 may be used"), ("cpus:3", "CPU 3 may not be used"),
                  ("remote-thread-interrupt", "the memory of node 1 may not be used")):
    c = cells[name]
    say(not c["supported"] and why in c["reason"], f"and {name} is not: {c.get('reason')}")
EOF
rmdir $group
echo 0 > /sys/devices/system/cpu/cpu3/online
"$iomodes" plan /tmp/fewer.yaml --target /dev/nvme1n1 > /tmp/plan 2>&1
holds "with CPU 3 switched off it is not planned for" grep -q 'cpus:3: CPU 3 is not online' /tmp/plan
grep 'local ' /tmp/plan | sed 's/^/# /'
echo 1 > /sys/devices/system/cpu/cpu3/online

# What full was, as scripts, on the interfaces as they are outside a run.
if [ "$nic" = igb ]; then
	"$iomodes" compare $nets --by placement --scripts /tmp/scripts --scripts-of full > /dev/null 2> /tmp/scripts-out
	$busybox ip link set eth0 up
	$busybox ip link set eth1 up
	steering() {
		for d in eth0 eth1; do
			ethtool -x $d | sed '/RSS hash key/,$d'
			grep -H '' /sys/class/net/$d/queues/*/{xps_cpus,rps_cpus,rps_flow_cnt}
		done
		affinities
	}
	steering > /tmp/steering.before
	holds "the script that sets what full was" sh /tmp/scripts/placement-1-set.sh
	python3 - <<'EOF'
import glob, re, subprocess
where = {"eth0": 1, "eth1": 2}
bad = []
for line in open("/proc/interrupts"):
    found = re.search(r"\b(eth[01])-[rt]x-\d+$", line.strip())
    if found:
        now = open(f"/proc/irq/{line.split(':')[0].strip()}/smp_affinity_list").read().strip()
        bad += [] if now == str(where[found[1]]) else [f"{found[0]} on {now}"]
for dev, cpu in where.items():
    for path in glob.glob(f"/sys/class/net/{dev}/queues/tx-*/xps_cpus"):
        wanted = 1 << cpu if "/tx-0/" in path else 0
        now = int(open(path).read().replace(",", ""), 16)
        bad += [] if now == wanted else [f"{path}: {now:x}"]
    table = [w for l in subprocess.run(["ethtool", "-x", dev], capture_output=True, text=True).stdout.splitlines()
             if re.match(r"\s*\d+:(\s+\d+)+$", l) for w in l.split(":")[1].split()]
    bad += [] if len(table) == 128 and set(table) == {"0"} else [f"{dev}: {set(table)}"]
print("not ok - the script set not all:" if bad else "ok - vectors, XPS and hash tables are as full has them", "; ".join(bad))
EOF
	holds "the script that undoes it" sh /tmp/scripts/placement-1-undo.sh
	steering > /tmp/steering.after
	is "everything is as before it" "$(diff /tmp/steering.before /tmp/steering.after)" ""
	$busybox ip link set eth0 down
	$busybox ip link set eth1 down
fi

# Somebody moves the vectors of one end and the threads of both in the middle of a trial; and switches off the CPU
# where a disk's thread is and its vector fires.
cat > /tmp/astray.yaml <<'END'
name: astray
net_target: eth0
net_peer: eth1
design: {blocks: 6, ramp: 0.3s, runtime: 4s, cpu_left: 0}
groups:
  - {target: net, modes: [interrupt], placement: local}
END
sed 's/target: net, modes: .interrupt.,/modes: [interrupt], rw: randread, bs: 4k, iodepth: 1,/; /^net_/d' /tmp/astray.yaml > /tmp/astray-disk.yaml
[ "$nic" = igb ] || exit 0
# astray FILE LOOP OPTION...: a run in whose middle it happens; its verdict is in $said
astray() {
	local file=$1 loop=$2 run
	shift 2
	rm -rf /tmp/places
	mkdir -m 700 /tmp/places
	"$iomodes" run "$file" --single-block -q -o /tmp/places "$@" > /tmp/places-out 2>&1 &
	run=$!
	python3 - $loop <<'EOF'
import glob, os, re, sys, time
end = time.monotonic() + 60
def tasks(pid): return [f"{pid}/task/{tid}" for tid in os.listdir(pid + "/task")]
while time.monotonic() < end:
    found, switches = [], 0
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = open(path).read().split("\0")
            if words[0].endswith("/" + sys.argv[1]) and any(w.startswith("--runtime=4") for w in words):
                found.append(os.path.dirname(path))
                for task in tasks(found[-1]):
                    switches = max(switches, int(re.search(r"\nvoluntary_ctxt_switches:\s*(\d+)", open(task + "/status").read())[1]))
        except OSError:
            continue
    if switches > 200: # it is at work: not before its threads are, and not when they are done
        time.sleep(0.6)
        if sys.argv[1] == "ioloop":
            with open("/sys/devices/system/cpu/cpu2/online", "w") as f:
                f.write("0")
            sys.exit(0)
        for line in open("/proc/interrupts"):
            if "eth0-rx" in line or "eth0-tx" in line:
                with open(f"/proc/irq/{line.split(':')[0].strip()}/smp_affinity_list", "w") as f:
                    f.write("3")
        for tid in [int(os.path.basename(task)) for pid in found for task in tasks(pid)]:
            os.sched_setaffinity(tid, {0, 1, 2, 3} - os.sched_getaffinity(tid))
        sys.exit(0)
    time.sleep(0.05)
sys.exit("no loop to disturb")
EOF
	wait $run
	said=$(python3 -c 'import json, sys
for line in open(sys.argv[1]):
    t = json.loads(line)
    if t["pass"] == "measure":
        print(t["verdict"]["mode"], "; ".join(t["verdict"]["reasons"]))' /tmp/places/2*-astray/trials.jsonl)
}
astray /tmp/astray.yaml netloop
holds "vectors that were taken away in mid-trial are noticed: ${said:0:300}" grep -q '^not_in_force .*placement_\(interrupts\|vectors\)_elsewhere' <<< "$said"
holds "and threads" grep -q '^not_in_force .*placement_threads_elsewhere_share' <<< "$said"
# where a vector is now is somebody else's will: said and kept, until it is decided
"$iomodes" restore > /tmp/restore-out 2>&1
is "a vector that somebody else has moved is a conflict" $? 5
holds "which restore says" grep -q 'irq.affinity.*somebody else set it' /tmp/restore-out
"$iomodes" restore --overwrite > /tmp/restore-out 2>&1
is "the value from before wins when asked" $? 0
is "status after it" "$("$iomodes" status | head -n 1)" "clean: nothing on this machine is as iomodes set it"
astray /tmp/astray-disk.yaml ioloop --target /dev/nvme1n1
echo 1 > /sys/devices/system/cpu/cpu2/online
holds "a CPU that was switched off in mid-trial is noticed: ${said:0:300}" grep -q '^not_in_force .*placement_threads_elsewhere_share' <<< "$said"
is "and leaves nothing behind" "$("$iomodes" status | head -n 1)" "clean: nothing on this machine is as iomodes set it"
python3 -c '
for line in open("/tmp/affinity.before"):
    irq, cpus = line.split()
    try:
        open(f"/proc/irq/{irq}/smp_affinity_list", "w").write(cpus)
    except OSError:
        pass'
