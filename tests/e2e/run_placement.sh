#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Placements on this machine: what it has runs and is proven, what it has not says why; a thread
# that is moved away in the middle of a trial is not where it should be, and the trial says so.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

cat >"$work/places.yaml" <<-END
	name: places
	target: scratch
	scratch_size: 64MiB
	design: {blocks: 6, ramp: 50ms, runtime: 700ms}
	load: {rw: randread, bs: 4k, iodepth: 1, placement: [local, same-cpu, os-default, remote-node, remote-memory]}
	groups:
	  - {modes: [interrupt]}
	  - {modes: [aio], workloads: [fio], placement: [local]}
END
if ! type fio >/dev/null 2>&1; then sed -i '/\[fio\]/d' "$work/places.yaml"; fi
"$iomodes" run "$work/places.yaml" --single-block --output "$results" -q >"$work/out" 2>"$work/err" ||
	{
		cat "$work/out" "$work/err"
		jq -c 'select(.status != "valid") | [.cell, .status, .error, [.checks[] | select(.result == "fail") | .sentence]]' \
			"$results"/2*/trials.jsonl
		fail "the run"
	}
dir=$(run_dir)
python3 - "$dir" <<'END' || fail "places"
import json, sys
trials = [json.loads(line) for line in open(sys.argv[1] + "/trials.jsonl")]
cells = {c["id"]: c for c in json.load(open(sys.argv[1] + "/run.json"))["cells"]}
nodes = len(json.load(open(sys.argv[1] + "/run.json"))["machine"]["cpus"]["nodes"])
bad = []
seen = set()
for t in trials:
    if t["pass"] != "measure":
        continue
    name = t["placement"]["name"]
    seen.add(name)
    verdict, counters = t["verdict"], t["evidence"]["counters"]
    if verdict["mode"] != "in_force":
        bad.append(f"{t['cell']}: {verdict}")
    ours = [k for k in counters if k.startswith("placement_")]
    if name == "os-default":
        if ours or not t["placement"]["unpinned"]:
            bad.append(f"os-default claims {ours}")
        continue
    if counters.get("placement_threads_elsewhere_share") != 0:
        bad.append(f"{t['cell']}: {counters}")
    for e in verdict["expectations"]:
        if e["evidence"].startswith("placement_") and e["result"] != "passed":
            bad.append(f"{t['cell']}: {e}")
if not {"local", "same-cpu", "os-default"} <= seen:
    bad.append(f"only {seen}")
if nodes == 1:
    for name in ("remote-node", "remote-memory"):
        c = cells["interrupt/randread/4k/d1/" + name]
        if c["supported"] or "this machine has one node" not in c["reason"]:
            bad.append(f"{name}: {c}")
print("\n".join(bad) or f"{len(trials)} trials, placements {sorted(seen)}")
sys.exit(bool(bad))
END
"$iomodes" check "$dir" >/dev/null || fail "check"
grep -q '<object type="Machine"' "$dir/machine/hwloc.xml" || fail "hwloc's XML is not in the run"
"$iomodes" compare "$dir" --by placement >"$work/compare" || { cat "$work/compare"; fail "compare"; }
grep -q '^same-cpu ' "$work/compare" || { cat "$work/compare"; fail "no row same-cpu"; }
grep -q 'this machine has one node' "$work/compare" || [[ -d /sys/devices/system/node/node1 ]] ||
	{ cat "$work/compare"; fail "compare does not say what this machine lacks"; }
rm -rf "$results"

# The study as it is shipped: what this machine has runs, and each of the others says what is missing.
if [[ ! -d /sys/devices/system/node/node1 ]]; then
	status=0
	"$iomodes" run numa-matrix --single-block --ramp-time 50ms --runtime 200ms --no-cpu-left --output "$results" -q \
		>"$work/out" 2>"$work/err" || status=$?
	((status == 0 || status == 4)) || { cat "$work/out" "$work/err"; fail "numa-matrix: status $status"; }
	python3 - "$(run_dir)" <<-'END' || fail "numa-matrix"
		import json, sys
		cells = json.load(open(sys.argv[1] + "/run.json"))["cells"]
		seen = {json.loads(line)["cell"] for line in open(sys.argv[1] + "/trials.jsonl")}
		assert len(cells) == 32 and len({c["placement_asked"] for c in cells}) == 8, cells
		for c in cells:
		    if c["placement_asked"] == "local":
		        assert c["id"] in seen or not c["supported"], c["id"]
		    else:
		        assert not c["supported"] and c["reason"].endswith("this machine has one node"), c
		assert seen, "nothing was measured"
	END
	"$iomodes" compare "$(run_dir)" >"$work/compare"
	grep -q '^  thread home, interrupts home .* unsupported$' "$work/compare" || { cat "$work/compare"; fail "no matrix"; }
	grep -q '^  remote-memory, remote-interrupt, .*, remote-node: this machine has one node$' "$work/compare" ||
		{ cat "$work/compare"; fail "the matrix does not say what is missing"; }
	rm -rf "$results"
fi

# What this process may not use, or what is not there, is refused by name.
cat >"$work/cpuset.yaml" <<-END
	name: cpuset
	target: scratch
	scratch_size: 64MiB
	groups: [{modes: [interrupt], placement: [os-default, "cpus:1", "cpus:4095"]}]
END
taskset -c 0 "$iomodes" plan "$work/cpuset.yaml" --output "$results" >"$work/plan"
grep -q 'cpus:4095: CPU 4095 is not online' "$work/plan" || { cat "$work/plan"; fail "offline CPU"; }
(($(nproc) == 1)) || grep -q 'cpus:1: CPU 1 may not be used by this process; widen the cpuset' "$work/plan" ||
	{ cat "$work/plan"; fail "CPU outside of the cpuset"; }

# The worker goes to another CPU in the middle of the window, as an administrator's taskset would.
(($(nproc) > 1)) || { echo "skip: one CPU, nowhere to move a thread to"; exit 77; }
cat >"$work/astray.yaml" <<-END
	name: astray
	target: scratch
	scratch_size: 64MiB
	design: {blocks: 6, ramp: 50ms, runtime: 1500ms}
	load: {rw: randread, bs: 4k, iodepth: 1, placement: local}
	groups: [{modes: [interrupt]}]
END
start "$iomodes" run "$work/astray.yaml" --single-block --output "$results" -q
python3 - "$work" <<'END' || fail "no worker to move"
import glob, os, sys, time
end = time.monotonic() + 20
while time.monotonic() < end:
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = open(path).read().split("\0")
            if not words[0].endswith("/ioloop") or sys.argv[1] not in " ".join(words):
                continue
            if not any(w.startswith("--runtime=1500") for w in words):
                continue
            tasks = os.listdir(os.path.dirname(path) + "/task")
            if len(tasks) < 2:
                continue
            time.sleep(0.6)  # past the ramp, inside the window
            for tid in map(int, tasks):
                was = os.sched_getaffinity(tid)
                os.sched_setaffinity(tid, os.sched_getaffinity(0) - was)
            sys.exit(0)
        except (OSError, ValueError):
            pass
    time.sleep(0.01)
sys.exit(1)
END
status=0
wait "$run_pid" || status=$?
run_pid=
((status == 4)) || { cat "$work/out" "$work/err"; fail "nothing was in force, and the status is $status"; }
jq -r 'select(.pass == "measure") | .verdict.mode + " " + (.verdict.share | tostring) + ": " + (.verdict.reasons | join("; "))' \
	"$results"/2*/trials.jsonl >"$work/said"
cat "$work/said"
grep -q '^not_in_force 0.*placement_threads_elsewhere_share' "$work/said" || fail "the moved thread was not noticed"
"$iomodes" check "$(run_dir)" >/dev/null || true
