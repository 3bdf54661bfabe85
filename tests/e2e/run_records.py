#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the tests say about a run directory, from its files alone: independent of record/ and analysis/."""
import json, sys, collections


def fail(text):
    print("FAIL:", text)
    sys.exit(1)


def load(run):
    with open(run + "/run.json") as f:
        head = json.load(f)
    trials = []
    with open(run + "/trials.jsonl") as f:
        text = f.read()
    if text and not text.endswith("\n"):
        fail("trials.jsonl ends in a torn line: %r" % text[-80:])
    for number, line in enumerate(text.splitlines(), 1):
        try:
            trials.append(json.loads(line))
        except ValueError as e:
            fail("trials.jsonl:%d is no JSON: %s: %r" % (number, e, line[:80]))
    return head, trials


def measured(trials):
    return [t for t in trials if t["pass"] == "measure"]


def plan_disk(path):
    with open(path) as f:
        plan = json.load(f)
    for cell in plan["cells"]:
        for s in cell.get("settings", []):
            if s["knob"].startswith("block."):
                print(s["instance"])
                return
    fail("no block knob in the plan")


def intact(run):
    head, trials = load(run)
    ids = collections.Counter(t["trial"] for t in trials)
    twice = [i for i, n in ids.items() if n > 1]
    if twice:
        fail("trials that are there twice: %s" % twice)
    for t in trials:
        if t["run"] != head["run"]:
            fail("%s belongs to run %s, not %s" % (t["trial"], t["run"], head["run"]))
        if t["status"] != "failed" and not t["checks"]:
            fail("%s: no check was made" % t["trial"])
        if t["status"] == "failed" and not t["error"]:
            fail("%s failed without a reason" % t["trial"])
    print("%d records, each whole and there once" % len(trials))


def complete(run):
    """Executed = planned: every block holds every cell once, in the order drawn before the first trial."""
    head, trials = load(run)
    if head.get("complete") is not True:
        fail("run.json does not say complete, but %s: %s" % (head.get("complete"), head.get("error")))
    cells = [c["id"] for c in head["cells"]]
    ended = head["precision"]["blocks"]  # a run may end before the last block that is planned
    blocks = sorted({t["block"] for t in measured(trials)})
    if blocks != list(range(ended)):
        fail("blocks %s were executed, %d were wanted" % (blocks, ended))
    for number, order in enumerate(head["order"][:ended]):
        if len(set(order)) != len(order) or set(order) != {i for i, c in enumerate(head["cells"]) if c["supported"]}:
            fail("block %d is no permutation of the supported cells: %s" % (number, order))
        want = [cells[i] for i in order]
        got = [t["cell"] for t in measured(trials) if t["block"] == number]
        if want != got:
            fail("block %d: planned %s, executed %s" % (number, want, got))
    print("executed as planned: %d blocks of %d cells" % (ended, len(head["order"][0])))


def verdicts(run, *wanted):
    """MODE=VERDICT/GRADE; one trial of a mode may be spoilt on a busy machine."""
    head, trials = load(run)
    for word in wanted:
        mode, _, verdict = word.partition("=")
        of_mode = [t for t in measured(trials) if t["mode"] == mode]
        if not of_mode:
            fail("%s: no trial" % mode)
        have = ["%s/%s" % (t["verdict"]["mode"], t["verdict"]["grade"]) for t in of_mode]
        other = [v for v in have if v != verdict]
        if len(other) > 1 + len(have) // 12:
            reasons = [t["verdict"]["reasons"] for t in of_mode if t["verdict"]["mode"] != verdict.split("/")[0]]
            fail("%s: %s wanted, the trials say %s: %s" % (mode, verdict, have, reasons))
        print("%s: %s in %d of %d trials" % (mode, verdict, len(have) - len(other), len(have)))


def unsupported(run, mode, reason):
    head, trials = load(run)
    cells = [c for c in head["cells"] if c["mode"] == mode]
    for c in cells:
        if c["supported"] or reason not in c["reason"]:
            fail("%s: supported %s, reason %r; wanted: %r" % (c["id"], c["supported"], c["reason"], reason))
    if not cells or [t for t in trials if t["mode"] == mode]:
        fail("%s: no cell, or a trial of it was made" % mode)
    print("%s: unsupported, %s" % (mode, cells[0]["reason"]))


def little(run, tolerance):
    """depth x jobs = rate x mean latency, from counts and histogram; a violation must be flagged."""
    head, trials = load(run)
    closed = [t for t in measured(trials) if t["status"] != "failed" and not t["load"]["open_loop"]]
    worst, outside = 0, 0
    for t in closed:
        rate = t["counts"]["io"] / (t["timing"]["measured_ns"] / 1e9)
        mean = t["latency"]["sum_ns"] / t["latency"]["count"] / 1e9
        off = rate * mean / (t["load"]["iodepth"] * t["load"]["numjobs"]) - 1
        worst = max(worst, abs(off))
        if abs(off) <= float(tolerance):
            continue
        outside += 1
        flagged = [c["id"] for c in t["checks"] if c["result"] == "fail"]
        if "littles_law" not in flagged:
            fail("%s is %+.1f %% off Little's law and not flagged (%s)" % (t["trial"], off * 100, flagged))
    if not closed or outside > len(closed) * 0.1:
        fail("%d of %d closed-loop trials are off Little's law by more than %s" % (outside, len(closed), tolerance))
    print("Little's law: %d closed-loop trials, largest deviation %.2f %%" % (len(closed), worst * 100))


def failed(run, count, *words):
    """Exactly `count` failed trials (or "all"), each with every word in its reason."""
    head, trials = load(run)
    bad = [t for t in measured(trials) if t["status"] == "failed"]
    want = len(measured(trials)) if count == "all" else int(count)
    if len(bad) != want or not want:
        fail("%d failed trials of %d, wanted %s: %s" % (len(bad), len(trials), count, [t["error"] for t in bad]))
    for t in bad:
        for word in words:
            if word not in t["error"]:
                fail("%s: reason %r does not say %r" % (t["trial"], t["error"], word))
        if t["verdict"]["mode"] == "in_force" or t["metrics"].get("iops"):
            fail("%s failed, yet has verdict %s" % (t["trial"], t["verdict"]["mode"]))
    print("%d of %d trials failed: %s" % (len(bad), len(measured(trials)), bad[0]["error"]))


def never_in_force(run, mode):
    head, trials = load(run)
    of_mode = [t for t in measured(trials) if t["mode"] == mode]
    for t in of_mode:
        if t["verdict"]["mode"] == "in_force":
            fail("%s: %s in force: %s" % (t["trial"], mode, t["verdict"]["reasons"]))
    print("%s: %s" % (mode, sorted({(t["status"], t["verdict"]["mode"], t["error"]) for t in of_mode}, key=str)))


if __name__ == "__main__":
    commands = {f.__name__.replace("_", "-"): f for f in (
        plan_disk, intact, complete, verdicts, unsupported, little, failed, never_in_force)}
    commands[sys.argv[1]](*sys.argv[2:])
