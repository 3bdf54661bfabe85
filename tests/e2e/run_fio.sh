#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fio as a workload: beside ioloop, by options and by the user's own job file; job files that are
# refused before anything is changed; a fio that is killed, hangs, or prints garbage or gigabytes.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"
real=$(command -v fio) || { echo "skip: no fio"; exit 77; }

plan_says() { # FILE STATUS WORDS
	local status=0
	"$iomodes" plan "$1" --output "$results" >"$work/out" 2>&1 || status=$?
	((status == $2)) || { cat "$work/out"; fail "plan of $1 ends with $status, not $2"; }
	grep -q -- "$3" "$work/out" || { cat "$work/out"; fail "plan of $1 does not say: $3"; }
}
with_job() { # writes $work/job.yaml, which runs $work/job.fio (standard input)
	cat >"$work/job.fio"
	cat >"$work/job.yaml" <<-'END'
		name: job
		target: scratch
		scratch_size: 64MiB
		design: {blocks: 6, ramp: 50ms, runtime: 200ms}
		groups: [{modes: [sync], fio_job: job.fio}]
	END
}

# Refused with a place, before anything is changed.
job_says() { with_job; plan_says "$work/job.yaml" "$1" "$2"; }
job_says 1 'job.fio:2:1: exec_prerun=true: runs a command' <<<$'[a]\nexec_prerun=true'
job_says 1 'job.fio:2:1: ioengine=external:/x.so: runs a command or loads code' <<<$'[a]\nioengine=external:/x.so'
job_says 1 'job.fio:2:1: include=x.fio: reads or writes other files' <<<$'[a]\ninclude x.fio'
job_says 1 'job.fio:3:1: filename=/dev/vdz: is not the target' <<<$'[a]\nrw=read\nfilename=/dev/vdz'
job_says 1 'job.fio:2:1: directory=/tmp: names other files' <<<$'[a]\ndirectory=/tmp'
job_says 1 'job.fio:2:1: io_depth=4: is not on the list.*did you mean "iodepth"' <<<$'[a]\nio_depth=4'
job_says 1 'job.fio:2:3: a line is option=value' <<<$'[a]\nb s=4k'
job_says 1 'job.fio: fio does not take it: .*bs=foo' <<<$'[a]\nbs=foo'
job_says 1 'job.fio:3:1: stonewall: makes jobs run one after another' <<<$'[a]\n[b]\nstonewall'
job_says 1 'job.fio:3:1: size=128m: is not seen to stay within the target' <<<$'[a]\nrw=randwrite\nsize=128m'
[[ ! -e $results ]] || fail "a refused job file made $results"
# One that writes passes the gate: a file that we did not make is not written.
head -c 1M /dev/zero >"$work/theirs"
with_job <<<$'[a]\nrw=randwrite'
"$iomodes" plan "$work/job.yaml" --target "$work/theirs" >"$work/out" 2>&1 && fail "a job that writes to a file of others"
grep -q 'job.fio:2:1: rw=randwrite writes: ' "$work/out" || { cat "$work/out"; fail "what writes is not said"; }
# Without fio, its rows do not run, and the others do.
mkdir "$work/bare"
for tool in mount umount; do ln -s "$(command -v $tool)" "$work/bare/"; done
experiment beside 'sync'
sed -i 's/modes: \[sync\]/modes: [sync], workloads: [ioloop, fio]/' "$work/beside.yaml"
PATH=$work/bare "$iomodes" plan "$work/beside.yaml" --output "$results" >"$work/out" 2>&1 || { cat "$work/out"; fail "plan without fio"; }
grep -q 'sync/randread/4k/d1/fio: fio is not installed' "$work/out" || { cat "$work/out"; fail "a missing fio is not said"; }
grep -q '^sync/randread/4k/d1 ' "$work/out" || fail "without fio nothing runs"

# So do those that another fio lacks: an engine, an option; or all of them, when it is too old.
mkdir "$work/fake"
lacks() { # WORDS SCRIPT
	printf '#!/bin/bash\ncase $1 in\n%s\nesac\nexec %s "$@"\n' "$2" "$real" >"$work/fake/fio"
	chmod +x "$work/fake/fio"
	PATH=$work/fake:$PATH "$iomodes" plan "$work/beside.yaml" --output "$results" >"$work/out" 2>&1 || { cat "$work/out"; fail "plan with a fio that lacks something"; }
	grep -q "^  sync/randread/4k/d1/fio: $1" "$work/out" || { cat "$work/out"; fail "not said: $1"; }
	grep -q '^sync/randread/4k/d1 ' "$work/out" || fail "$1: it is not fio's row alone"
}
lacks 'this fio has no engine pvsync2' '--enghelp=*) echo "fio: engine pvsync2 not loadable"; exit 1 ;;'
lacks "this fio does not take the mode's options: Bad option <hipri=2>" '--parse-only) echo "Bad option <hipri=2>"; exit 1 ;;'
lacks 'fio 3.16 is too old: 3.33 or newer' '--version) echo fio-3.16; exit 0 ;;'
lacks 'fio --version says "banana"' '--version) echo banana; exit 0 ;;'

# By trust, after showing it.
with_job <<END
[a]
rw=randread
exec_prerun=touch $work/trusted
END
plan_says "$work/job.yaml" 1 'trust allows it'
"$iomodes" plan "$work/job.yaml" --output "$results" --trust >"$work/out" 2>&1 || { cat "$work/out"; fail "--trust"; }
grep -q "trusted: .*job.fio:3:1: exec_prerun=touch $work/trusted: runs a command" "$work/out" || fail "what is trusted is not shown"
[[ ! -e $work/trusted ]] || fail "plan ran a command of the job file"

# The user's own job, as it is: mode, target, CPUs and time are imposed, and each line is shown.
with_job <<-'END'
	; mine
	[global]
	ioengine=libaio
	runtime=60
	bs=8k
	direct=1
	[reads]
	rw=randread
	[mix]
	rw=randrw
	rwmixread=50
	rate_iops=0,300
END
plan_says "$work/job.yaml" 0 'instead of .*job.fio:3:1: ioengine=libaio'
grep -q 'ioengine=pvsync2  *mode' "$work/out" || { cat "$work/out"; fail "an imposed line is not shown"; }
grep -q 'runtime=200000us  *time' "$work/out" || fail "the imposed time is not shown"

sqpoll=', sqpoll'
(($(nproc) > 1)) || sqpoll=
cat >"$work/both.yaml" <<-END
	name: both
	target: scratch
	scratch_size: 64MiB
	design: {blocks: 6, ramp: 50ms, runtime: 400ms}
	set: {block.scheduler: $wanted}
	load: {rw: randread, bs: 4k, iodepth: 1}
	groups:
	  - {modes: [sync, defer-taskrun$sqpoll, hybrid-iopoll], workloads: [ioloop, fio]}
	  - {modes: [defer-taskrun], workloads: [fio], rw: randrw, iodepth: 4, rwmixread: 70}
	  - {modes: [defer-taskrun], workloads: [fio], iodepth: 8, rate: 500, rate_process: constant}
	  - {modes: [sync], fio_job: job.fio}
	  - {modes: [aio], workloads: [ioloop, fio], rw: read, bs: 128k, iodepth: 16}
END
start "$iomodes" run "$work/both.yaml" --output "$results" --quiet --compare
ends_with 0 "a run with fio"
cat "$work/out"
dir=$(run_dir)
is_as_before "a run with fio"
no_process_left "a run with fio"
is_whole "$dir" "a run with fio"
python3 - "$dir" <<-'END' || fail "records of fio"
	import json, sys
	hybrid = [c for c in json.load(open(sys.argv[1] + "/run.json"))["cells"] if c["mode"] == "hybrid-iopoll"]
	reason = {c["workload"]: c["reason"] for c in hybrid if not c["supported"]}
	assert reason["fio"].startswith("fio cannot make mode hybrid-iopoll"), reason
	assert "fio" not in reason.get("ioloop", ""), reason
	trials = [t for t in map(json.loads, open(sys.argv[1] + "/trials.jsonl"))]
	merged = [t for t in trials if "/128k/" in t["cell"] and t["status"] != "failed"]
	for t in merged:  # I/Os side by side become one request, and none of them is missing
	    device = next(c for c in t["checks"] if c["id"] == "device_ios")
	    assert device["result"] == "pass", (t["cell"], device)
	assert len(merged) >= 12, len(merged)
	trials = [t for t in trials if t["workload"] == "fio"]
	cells = {t["cell"] for t in trials}
	assert len(cells) >= 5, cells
	used = set()
	for t in trials:
	    where = t["cell"], t["trial"], t["error"]
	    # a busy machine may be too slow; in some block it is not (the run ended with 0)
	    failing = {c["id"] for c in t["checks"] if c["result"] == "fail" and "*" in c["spoils"]}
	    assert t["status"] == "valid" or failing == {"runtime_as_asked"}, (where, failing)
	    if t["status"] == "valid" and t["verdict"]["mode"] == "in_force":
	        used.add(t["cell"])
	    if t["pass"] == "proof":
	        continue
	    # one window: every I/O of it is in fio's counts (warm-up included) and in the device's
	    ios, device = t["evidence"]["counts"]["io"], t["evidence"]["counters"]["device_ios"]
	    device += t["evidence"]["counters"]["device_merges"]
	    assert device >= 0.99 * ios > 0, (where, ios, device)
	    assert t["counts"]["io"] <= ios, where
	    hist = t.get("latency") or t["service"]
	    assert hist["count"] == t["counts"]["io"], where
	    assert t["fio"]["version"] == t["workload_report"]["version"], where
	    assert t["metrics"]["cpu_ns_per_io_task"] > 0, where
	    assert t["evidence"]["steady"]["counters"]["context_switches"] > 0, where
	    if t["load"]["rate_iops"]:
	        assert "latency_p50_ns" not in t["metrics"] and t["metrics"]["service_p50_ns"] > 0, where
	    if t["load"]["rw"] == "randrw":
	        sides = t["workload_report"]["directions"]
	        assert 0.6 < sides["read"]["ios"] / t["counts"]["io"] < 0.8, (where, sides)
	    if "job.fio" in t["cell"]:
	        assert t["counts"]["bytes"] == 8192 * t["counts"]["io"], where
	        assert {p["job"] for p in t["workload_report"]["parts"]} == {"reads", "mix"}, where
	        assert any(i["line"] == "ioengine=pvsync2" for i in t["fio"]["imposed"]), where
        assert t["load"]["rates"] == {"write": 300}, (where, t["load"])  # reads go as fast as they can
        rate = next(c for c in t["checks"] if c["id"] == "open_loop_rate")
        assert rate["result"] != "not_applicable" and rate["sentence"].startswith("write: "), (where, rate)
    if "defer-taskrun" in t["cell"] or "sqpoll" in t["cell"]:  # SQPOLL refuses it, and fio says nothing
        rings = t["evidence"]["proof"]["counters"]
        assert rings["io_uring_rings"] >= 1, (where, rings)
        assert (rings["io_uring_defer_taskrun_rings"] > 0) == ("defer" in t["cell"]), (where, rings)
	    if "sqpoll" in t["cell"]:
	        assert t["evidence"]["counters"]["sq_thread_runnable_share"] > 0.1, where
	        assert t["metrics"]["cpu_ns_per_io_sq_thread"] > 0, where
	assert used == cells, cells - used
END
# The same mode by both: set against each other, and what none can measure has its reason.
"$iomodes" compare "$dir" --json | python3 -c '
import json, sys
pairs = {p["mode"]: p for p in json.load(sys.stdin)["instruments"]}
assert {"sync", "defer-taskrun", "hybrid-iopoll"} <= set(pairs), pairs.keys()
assert pairs["hybrid-iopoll"]["reason"] and not pairs["hybrid-iopoll"]["comparisons"]
for c in pairs["sync"]["comparisons"]:
    assert c["n"] >= 1 and bool(c["why"]) == (c["agreement"] == "disagree"), c
assert {c["metric"] for c in pairs["sync"]["comparisons"]} >= {"iops", "latency_p50_ns"}' || fail "instruments"
"$iomodes" check "$dir" >"$work/check" 2>&1 || true
grep -E "^(differs|left out)" "$work/check" && fail "check makes another verdict than the run"
# What ran can be given to fio again as it is.
for input in "$dir"/raw/b00-*/fio.stdin; do
	fio --parse-only "$input" >/dev/null || fail "fio does not take $input again"
done

# A file with nothing in it, which both read fast and neither reads from the device: no number of it is shown.
rm -rf "$results"/2*
truncate -s 64M "$work/sparse.bin"
experiment sparse sync
sed -i "s|^target: scratch|target: $work/sparse.bin|; /^scratch_size/d; s/modes: \[sync\]/modes: [sync], workloads: [ioloop, fio]/" "$work/sparse.yaml"
start "$iomodes" run "$work/sparse.yaml" --output "$results" --quiet
ends_with 4 "a sparse file"
is_as_before "a sparse file"
python3 - "$(run_dir)" <<'END' || fail "a sparse file"
import json, sys
trials = [t for t in map(json.loads, open(sys.argv[1] + "/trials.jsonl")) if t["pass"] in ("measure", "retry")]
assert {t["workload"] for t in trials} == {"ioloop", "fio"}
for t in trials:
    device = next((c for c in t["checks"] if c["id"] == "device_ios"), {})
    assert t["status"] == "invalid" and device["result"] == "fail", (t["cell"], t["status"], t["error"], device)
    assert "came from memory or holes" in device["sentence"], device
print(len(trials), "trials of a sparse file, all invalid")
END

# KiB, of as late a look as the run lived to: what the first trial's output took is in it.
read_peak() {
	local now
	now=$(awk '/VmHWM/ {print $2}' "/proc/$run_pid/status" 2>/dev/null) || true
	peak=${now:-$peak}
}
# A fio that answers like one and then does not behave.
misbehaves() { # NAME WORDS SCRIPT
	rm -rf "$results"/2*
	cat >"$work/fake/fio" <<-END
		#!/bin/bash
		case \$1 in
		--version | --enghelp* | --parse-only) exec "$real" "\$@" ;;
		esac
		cat >/dev/null
		$3
	END
	chmod +x "$work/fake/fio"
	run_pid=
	PATH=$work/fake:$PATH start "$iomodes" run "$work/fake.yaml" --output "$results" --quiet
	peak=0
	for _ in {1..1500}; do
		read_peak
		(($(trials) < 1)) || break
		kill -0 "$run_pid" 2>/dev/null || break
		sleep 0.02
	done
	(($(trials) >= 1)) || { cat "$work/err"; fail "$1: no trial"; }
	read_peak
	((peak > 0)) || fail "$1: the memory that iomodes took was never read"
	first_trial_failed "$1" "$2"
	(($(cat "$work"/results/2*/raw/*/fio.stdout | wc -c) <= 34 << 20)) || fail "$1: the raw output is not bounded"
	((peak < 200000)) || fail "$1: iomodes took $peak KiB"
	is_as_before "$1"
}
experiment fake sync
sed -i 's/modes: \[sync\]/modes: [sync], workloads: [fio]/' "$work/fake.yaml"
misbehaves "killed" 'fio was killed by signal 9 (Killed): fio: first words' 'echo "fio: first words" >&2; kill -9 $$'
misbehaves "failing" 'exit status 3: fio: engine error 5' 'echo "note: hm"; echo "fio: engine error 5"; exit 3'
misbehaves "garbage" 'fio printed no JSON report' 'head -c 100000 /dev/urandom'
misbehaves "half a report" 'fio: its JSON report, from line 2 on, has no end' 'printf "note\\n{\\n\"jobs\": [\\n"'
misbehaves "gigabytes" 'fio printed more than 32 MiB, beginning with: y' 'yes | head -c 3G'
misbehaves "hung" 'it hangs, and was ended' 'setsid sleep 1000 & echo $$ >/dev/null; sleep 1000'
