#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""modes_judge.py HYBRID LEAST RUN...: runs of the experiment `lab`, judged by their records.

HYBRID: yes or no, does the kernel poll as hybrid; LEAST: so many trials of a mode must be valid and in force. What
counters say, interrupts above all, is judged over every trial of every run.
"""
import json
import sys

TIMES = ("runtime_as_asked", "littles_law", "cpu_time_bounded") # checks of times
hybrid = sys.argv[1] == "yes"
least = int(sys.argv[2])
runs = sys.argv[3:]
every = [t for run in runs for t in map(json.loads, open(run + "/trials.jsonl")) if t["pass"] in ("measure", "retry")]


def say(good, text):
    print("ok" if good else "not ok", "-", text)


def of(mode, depth):
    return [t for t in every if t["mode"] == mode and t["load"]["iodepth"] == depth]


def in_force(mode, depth):
    seen = of(mode, depth)
    good = sum(t["status"] == "valid" and t["verdict"]["mode"] == "in_force" for t in seen)
    why = {str(t["error"] or t["verdict"]["reasons"]) for t in seen if t["verdict"]["mode"] != "in_force"}
    say(good >= least, f"{mode}, depth {depth}: {good} of {len(seen)} trials valid and in force {'; '.join(sorted(why))[:400]}")


at_1 = ["interrupt", "interrupt-registered", "sync", "aio", "defer-taskrun", "sqpoll", "iopoll", "sqpoll-iopoll",
        "passthrough", "passthrough-iopoll"] + ["hybrid-iopoll"] * hybrid
at_8 = ["interrupt", "iopoll", "passthrough-iopoll"] + ["min-wait", "hybrid-iopoll"] * hybrid
for mode in at_1:
    in_force(mode, 1)
    # Checks of time fail now and then where a vCPU is not always run; those of counts must not, in no trial.
    seen = [t for t in of(mode, 1) if t["status"] != "failed"]
    wrong = {c["sentence"] for t in seen for c in t["checks"]
             if c["result"] == "fail" and c["id"] not in TIMES}
    say(seen and not wrong and all(t["checks"] for t in seen), f"{mode}: its counts are consistent {'; '.join(sorted(wrong))}")
    per_io = [t["metrics"].get("interrupts_per_io") for t in seen]
    if None in per_io or not per_io:
        say(False, f"{mode}: no interrupts per I/O")
    elif "iopoll" in mode:
        say(sum(t["evidence"]["counters"]["device_interrupts"] for t in seen) == 0,
            f"{mode}: no device interrupt at all in {len(seen)} trials")
    else:
        say(min(per_io) >= 0.9 and max(per_io) <= 1.1,
            f"{mode}: {min(per_io):.3f} to {max(per_io):.3f} interrupts per I/O in {len(seen)} trials")
for mode in at_8:
    in_force(mode, 8)
cells = {c["id"]: c for c in json.load(open(runs[0] + "/run.json"))["cells"]}
if not hybrid:
    for cell, why in (("hybrid-iopoll/randread/4k/d1", "IORING_SETUP_HYBRID_IOPOLL"),
                      ("min-wait/randread/4k/d8", "IORING_FEAT_MIN_TIMEOUT")):
        c = cells[cell]
        say(not c["supported"] and why in c["reason"], f"{cell}: unsupported: {c.get('reason')}")
seen = of("nvme-coalesced", 8)
say(seen and all(t["verdict"]["mode"] == "unsupported" and "Feature Not Changeable (0x10e)" in t["error"] for t in seen),
    f"nvme-coalesced: unsupported in the device's words: {seen[0]['error'] if seen else 'no trial'}")
