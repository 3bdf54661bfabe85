#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""again.py RUN...: modes to be measured once more, as options of `run`.

The host has fewer CPUs than the guest. A polling thread that it does not let run sleeps, or is counted as such, and is
not in force (of a network likewise one of NAPI's); a trial whose times do not fit is invalid. Each further go is judged by the same bounds, and counts
(interrupts above all) by those of every go. A row called -unpolled is there to be refused.
"""
import json
import sys

last = {}
for run in sys.argv[1:]:
    for trial in map(json.loads, open(run + "/trials.jsonl")):
        if trial["pass"] in ("measure", "retry"):
            last[trial["cell"]] = trial
wrong = {t["mode"] for t in last.values()
         if t["status"] == "invalid" or t["verdict"]["mode"] == "not_in_force" and
         not t["mode"].endswith("-unpolled") and ("poll" in t["mode"] or "threaded" in t["mode"] or "pattern" in t["load"])}
for mode in sorted(wrong):
    print(f"-m\n{mode}")
