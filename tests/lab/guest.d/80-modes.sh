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
	return $status
}
# Blocks are for comparing: two modes have the six of them, and all modes one, which tells as much of what they are.
if [ $hybrid = yes ]; then
	experiment /lab/results/compared -m interrupt -m iopoll
	is "a run of six blocks and its comparison end well" $? 0
	"$iomodes" compare --json /lab/results/compared/2* > /tmp/compared
	python3 - <<'EOF'
import json
group = next(g for g in json.load(open("/tmp/compared"))["groups"] if g["load"]["iodepth"] == 1)
rows = {r["mode"]: (r["trials"]["used"], r["trials"]["not_in_force"], r["metrics"]["interrupts_per_io"]["value"])
        for r in group["rows"] if r["state"] == "measured"}
good = (all(rows[m][:2] == (6, 0) for m in ("iopoll", "interrupt")) and rows["iopoll"][2] == 0
        and 0.9 <= rows["interrupt"][2] <= 1.1)
print("ok" if good else "not ok", "- at depth 1 both are in force, iopoll with no interrupt, interrupt with about one per I/O:", rows)
EOF
fi
again=() status=0
for go in 1 2 3; do
	experiment /lab/results/modes --single-block --no-cpu-left "${again[@]}"
	status=$?
	mapfile -t again < <("$(dirname "$0")/again.py" /lab/results/modes/2*)
	[ ${#again[@]} -gt 0 ] || break
	echo "# go $go: once more ${again[*]}"
done
is "the last of $go runs ends well" $status 0
for dir in /lab/results/modes/2* /lab/results/compared/2*; do
	[ -d "$dir" ] || continue
	holds "every check and verdict comes out again" "$iomodes" check "$dir"
done
is "status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
python3 - $hybrid /lab/results/modes/2* <<'EOF'
import json, sys
hybrid = sys.argv[1] == "yes"
run = json.load(open(sys.argv[2] + "/run.json"))
every = [t for run in sys.argv[2:] for t in map(json.loads, open(run + "/trials.jsonl"))
         if t["pass"] in ("measure", "retry")]
trials = {t["cell"]: t for t in every} # the last of each cell


def say(good, text):
    print("ok" if good else "not ok", "-", text)


def of(mode, depth):
    return [t for t in trials.values() if t["mode"] == mode and t["load"]["iodepth"] == depth]


wanted = ["interrupt", "interrupt-registered", "sync", "aio", "defer-taskrun", "sqpoll", "iopoll", "sqpoll-iopoll",
          "passthrough", "passthrough-iopoll"] + (["hybrid-iopoll"] if hybrid else [])
for mode in wanted:
    seen = of(mode, 1)
    verdicts = [t["verdict"]["mode"] for t in seen]
    say(verdicts == ["in_force"] and seen[0]["status"] == "valid", f"{mode}: {' '.join(verdicts)}, {seen and seen[0]['status']} " +
        "; ".join(sorted({str(t["error"] or t["verdict"]["reasons"]) for t in seen
                          if t["verdict"]["mode"] != "in_force"})))
    # Checks of time fail now and then where a vCPU is not always run; those of counts must not, in no go.
    seen = [t for t in every if t["mode"] == mode and t["load"]["iodepth"] == 1 and t["status"] != "failed"]
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
