#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a trial costs beside ramp and measured time, what knob writes take, how long a run is against
# its forecast, and the CPU the orchestrator uses while a trial is measured: the difference between
# two runs that differ only in measured time. Needs root and a quiet machine.
# Usage: trial_overhead.sh [BUILD_DIRECTORY]   (default: build)
set -euo pipefail
root=$(dirname "$(dirname "$(readlink -f "$0")")")
iomodes=$(readlink -f "${1:-$root/build}")/bin/iomodes
work=$(mktemp -d -p /var/tmp)
trap 'rm -rf "$work"' EXIT
export IOMODES_STATE_DIR=$work/state
cat >"$work/overhead.yaml" <<END
name: overhead
target: scratch
scratch_size: 64MiB
design: {blocks: 6, ramp: 50ms, runtime: 300ms}
set: {block.scheduler: none}
groups: [{modes: [interrupt]}]
END
# /proc/PID/stat of iomodes alone, without its children: read by the shell that execs it, at its end.
measure() { # RUNTIME
	rm -rf "$work/results"/2*
	python3 - "$iomodes" run "$work/overhead.yaml" --output "$work/results" --quiet --runtime "$1" <<-'PY'
	import os, sys, time
	pid = os.fork()
	if not pid:
	    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
	    os.execv(sys.argv[1], sys.argv[1:])
	# waitid with WNOWAIT: the process is a zombie and its own times are still to be read; its
	# children's (workload, guardian) stand in other fields.
	os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
	fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
	sched = open("/proc/%d/schedstat" % pid).read().split()[0]
	_, status = os.waitpid(pid, 0)
	if status:
	    sys.exit("the run ended with status %d" % status)
	print(sched, int(fields[11]) + int(fields[12]))
	PY
}
measure 1s >"$work/warm"
short=$(measure 1s)
cp "$work/results"/2*/trials.jsonl "$work/short.jsonl"
cp "$work/results"/2*/run.json "$work/run.json"
long=$(measure 11s)
python3 - "$work/short.jsonl" "$work/run.json" $short $long <<'PY'
import json, statistics, sys
trials = [json.loads(l) for l in open(sys.argv[1])]
run = json.load(open(sys.argv[2]))
over = [t["timing"]["overhead_ns"] / 1e6 for t in trials]
knobs = [t["timing"]["knob_write_ns"] / 1e6 for t in trials]
short_ns, short_ticks, long_ns, long_ticks = map(int, sys.argv[3:7])
print("overhead a trial     median %.1f ms, largest %.1f ms (bound: 100 ms)" % (statistics.median(over), max(over)))
print("inside knob writes   median %.1f ms, largest %.1f ms a trial" % (statistics.median(knobs), max(knobs)))
canary = [s["took_ns"] / 1e6 for s in run["canary"]["samples"]]
print("canary a block       median %.1f ms, largest %.1f ms (180 in the forecast)" % (statistics.median(canary), max(canary)))
print("duration             %.2f s, planned %.2f s (%+.1f %%; bound: 10 %%)" % (
    run["actual_seconds"], run["planned_seconds"], (run["actual_seconds"] / run["planned_seconds"] - 1) * 100))
extra = 6 * 10
print("orchestrator CPU     %.1f ms at 6 x 1 s, %.1f ms at 6 x 11 s: %.4f %% of a CPU while measuring (bound: 0.1 %%)" % (
    short_ns / 1e6, long_ns / 1e6, (long_ns - short_ns) / 1e9 / extra * 100))
sys.exit(max(over) > 100 or (long_ns - short_ns) / 1e9 / extra > 0.001)
PY
