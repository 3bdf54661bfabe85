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
END
cat > /tmp/net-places.yaml <<'END'
name: net-places
net_target: eth0
net_peer: eth1
design: {blocks: 6, ramp: 0.3s, runtime: 0.8s, cpu_left: 0}
groups:
  - {target: net, modes: [interrupt], placement: [local, remote-node, same-cpu, remote-interrupt, os-default]}
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
if [ "$nic" = igb ]; then run net-places; else echo "skip - the first pair is $nic, not igb"; fi
affinities > /tmp/affinity.after
# those of interfaces that were down had no number then
is "every vector may fire where it might before" "$(while read -r irq cpus; do grep "^$irq " /tmp/affinity.after | grep -vxF "$irq $cpus"; done < /tmp/affinity.before)" ""
python3 - /tmp/places/2*-places <<'EOF'
import json, sys

trials, cells = [], {}
for run in sys.argv[1:]:
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
    at[(kind, name)] = place
    verdict = t["verdict"]
    say(verdict["mode"] == "in_force", f"{kind} {name}: {verdict['mode']} {t['error'] or ''} {'; '.join(verdict['reasons'])[:300]}")
    if name == "os-default":
        continue
    # counted here again from the vectors, by another program
    wanted = {}
    for end, text in place["interrupts"].items():
        wanted[end] = cpus(text)
    fired = {}
    for v in t["evidence"]["detail"]["interrupts"]["vectors"]:
        if kind == "disk" and v["name"].endswith("q0") or v["name"] in ("eth0", "eth1"):
            continue
        end = "device" if kind == "disk" else "client" if v["name"].startswith("eth0") else "server"
        for cpu, n in v["cpu"].items():
            fired.setdefault(end, {}).setdefault(int(cpu), 0)
            fired[end][int(cpu)] += n
    for end, by_cpu in fired.items():
        inside = sum(n for cpu, n in by_cpu.items() if cpu in wanted[end])
        say(inside >= 0.95 * sum(by_cpu.values()) and inside > 20,
            f"{kind} {name}: {inside} of {sum(by_cpu.values())} interrupts of the {end} on CPUs {sorted(wanted[end])}")
    for end, node in place["memory_node"].items():
        report = t["workload_report"] if end != "server" else t["workload_report"]["server"]
        nodes = report["memory"]["nodes"]
        say(node is not None and sum(nodes.values()) > 0 and set(nodes) == {str(node)},
            f"{kind} {name}: buffers of the {end} on node {nodes}, wanted {node}")
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

# Somebody moves a vector, then a thread, in the middle of a trial.
cat > /tmp/astray.yaml <<'END'
name: astray
net_target: eth0
net_peer: eth1
design: {blocks: 6, ramp: 0.3s, runtime: 4s, cpu_left: 0}
groups:
  - {target: net, modes: [interrupt], placement: local}
END
[ "$nic" = igb ] || exit 0
rm -rf /tmp/places
mkdir -m 700 /tmp/places
for what in vector thread; do
	"$iomodes" run /tmp/astray.yaml --single-block -q -o /tmp/places > /tmp/places-out 2>&1 &
	run=$!
	python3 - $what <<'EOF'
import glob, os, sys, time
end = time.monotonic() + 60
while time.monotonic() < end:
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = open(path).read().split("\0")
        except OSError:
            continue
        if words[0].endswith("/netloop") and any(w.startswith("--runtime=4") for w in words):
            found.append(os.path.dirname(path))
    if found:
        time.sleep(2.5)
        if sys.argv[1] == "thread":
            for pid in found:
                for tid in os.listdir(pid + "/task"):
                    os.sched_setaffinity(int(tid), {0, 1, 2, 3} - os.sched_getaffinity(int(tid)))
        else:
            for line in open("/proc/interrupts"):
                if "eth0-rx" in line or "eth0-tx" in line:
                    with open(f"/proc/irq/{line.split(':')[0].strip()}/smp_affinity_list", "w") as f:
                        f.write("3")
        sys.exit(0)
    time.sleep(0.05)
sys.exit("no netloop to disturb")
EOF
	wait $run
	dir=$(ls -d /tmp/places/2*-astray | tail -n 1)
	said=$(python3 -c 'import json, sys
for line in open(sys.argv[1]):
    t = json.loads(line)
    if t["pass"] == "measure":
        print(t["verdict"]["mode"], "; ".join(t["verdict"]["reasons"]))' "$dir/trials.jsonl")
	case $what in vector) counter=placement_.*elsewhere ;; thread) counter=placement_threads_elsewhere_share ;; esac
	holds "a $what that was moved away in mid-trial is noticed: ${said:0:200}" grep -q "^not_in_force .*$counter" <<< "$said"
	rm -rf "$dir"
	"$iomodes" restore > /dev/null 2>&1
done
python3 -c '
for line in open("/tmp/affinity.before"):
    irq, cpus = line.split()
    try:
        open(f"/proc/irq/{irq}/smp_affinity_list", "w").write(cpus)
    except OSError:
        pass'
