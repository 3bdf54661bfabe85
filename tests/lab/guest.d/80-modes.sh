# SPDX-License-Identifier: Apache-2.0
# Every block mode is measured and proven by counters, or unsupported with the right reason.
. "$(dirname "$0")/check.sh"

kernel_at_least 6 13 && hybrid=yes || hybrid=no
# A drive that came without poll queues gets them for the run.
options=()
[ "${LAB_POLL_QUEUES:-2}" -gt 0 ] || options=(--allow-rebind)
mkdir -m 700 /lab/results/{compared,modes}

# experiment RESULTS OPTION...: as ./run.sh lab has it, with the results on the share
experiment() {
	local status=0
	LAB_RESULTS=$1 "$LAB_DIR/experiment.sh" "${@:2}" "${options[@]}" > /tmp/modes-out 2>&1 || status=$?
	grep -v 'inconclusive against' /tmp/modes-out | sed 's/^/# /'
	# 4: a cell has no valid trial, by its times or by what is looked for below
	holds "the run and its comparison end well ($status)" test $status = 0 -o $status = 4
}
# Blocks are for comparing: two modes have the six of them, and all modes one, which tells as much of what they are.
if [ $hybrid = yes ]; then
	experiment /lab/results/compared -m interrupt -m iopoll
	holds "the comparison has both in force, iopoll with no interrupt, interrupt with about one per I/O" sh -c \
		'grep -Eq "^iopoll +in force.* 0\.000 " /tmp/modes-out && grep -Eq "^interrupt +in force.* (0\.9|1\.0)[0-9]* " /tmp/modes-out'
fi
again=()
for _ in 1 2 3 4 5; do
	experiment /lab/results/modes --single-block --no-cpu-left "${again[@]}"
	mapfile -t again < <("$(dirname "$0")/again.py" /lab/results/modes/2*)
	[ ${#again[@]} -gt 0 ] || break
done
for dir in /lab/results/modes/2*; do
	holds "every check and verdict comes out again" "$iomodes" check "$dir"
done
is "status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
python3 - $hybrid /lab/results/modes/2* <<'EOF'
import json, sys
hybrid = sys.argv[1] == "yes"
run = json.load(open(sys.argv[2] + "/run.json"))
# the last of each cell
trials = {t["cell"]: t for run in sys.argv[2:] for t in map(json.loads, open(run + "/trials.jsonl"))
          if t["pass"] in ("measure", "retry")}


def say(good, text):
    print("ok" if good else "not ok", "-", text)


def of(mode, depth):
    return [t for t in trials.values() if t["mode"] == mode and t["load"]["iodepth"] == depth]


wanted = ["interrupt", "interrupt-registered", "sync", "aio", "defer-taskrun", "sqpoll", "iopoll", "sqpoll-iopoll",
          "passthrough", "passthrough-iopoll"] + (["hybrid-iopoll"] if hybrid else [])
for mode in wanted:
    seen = of(mode, 1)
    verdicts = [t["verdict"]["mode"] for t in seen]
    say(verdicts == ["in_force"], f"{mode}: {' '.join(verdicts)} " +
        "; ".join(sorted({str(t["error"] or t["verdict"]["reasons"]) for t in seen
                          if t["verdict"]["mode"] != "in_force"})))
    # Checks of time fail now and then where a vCPU is not always run; those of counts must not.
    wrong = {c["sentence"] for t in seen for c in t["checks"]
             if c["result"] == "fail" and c["id"] not in ("runtime_as_asked", "littles_law")}
    say(not wrong and all(t["checks"] for t in seen), f"{mode}: its counts are consistent {'; '.join(sorted(wrong))}")
    per_io = [t["metrics"].get("interrupts_per_io") for t in seen]
    if None in per_io or not per_io:
        say(False, f"{mode}: no interrupts per I/O")
    elif "iopoll" in mode:
        say(sum(t["evidence"]["counters"]["device_interrupts"] for t in seen) == 0, f"{mode}: no device interrupt at all")
    else:
        say(min(per_io) >= 0.9 and max(per_io) <= 1.1, f"{mode}: {min(per_io):.3f} to {max(per_io):.3f} interrupts per I/O")
for mode in ["interrupt", "iopoll", "passthrough-iopoll"] + ["min-wait"] * hybrid + ["hybrid-iopoll"] * hybrid:
    verdicts = [t["verdict"]["mode"] for t in of(mode, 8)]
    say(verdicts == ["in_force"], f"{mode}, depth 8: {' '.join(verdicts)}")
cells = {c["id"]: c for c in run["cells"]}
if not hybrid:
    c = cells["hybrid-iopoll/randread/4k/d1"]
    say(not c["supported"] and "IORING_SETUP_HYBRID_IOPOLL" in c["reason"], f"hybrid-iopoll: unsupported: {c.get('reason')}")
    c = cells["min-wait/randread/4k/d8"]
    say(not c["supported"] and "IORING_FEAT_MIN_TIMEOUT" in c["reason"], f"min-wait: unsupported: {c.get('reason')}")
seen = of("nvme-coalesced", 8)
say(seen and all(t["verdict"]["mode"] == "unsupported" and "Feature Not Changeable (0x10e)" in t["error"] for t in seen),
    f"nvme-coalesced: unsupported in the device's words: {seen[0]['error'] if seen else 'no trial'}")
EOF
# The vectors of the queues are the kernel's own; since 6.12 it shows it.
probe=$("$iomodes" probe)
if kernel_at_least 6 12; then
	is "managed vectors of both drives" "$(grep -c 'nvme[01]q[1-4] .* managed' <<< "$probe")" 8
else
	is "managed cannot be told before 6.12, and is not guessed" "$(grep -c 'nvme[01]q[1-4] .* unknown' <<< "$probe")" 8
fi
