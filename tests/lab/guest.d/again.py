#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""again.py RUN...: modes of which the last measured trial of a cell is not in force, as options of `run`.

A polling thread that the host does not let run, as it has fewer CPUs than the guest, sleeps or is counted as such: a
mode has five trials to be in force in one, each judged by the same bounds.
"""
import json
import sys

last = {}
for run in sys.argv[1:]:
    for trial in map(json.loads, open(run + "/trials.jsonl")):
        if trial["pass"] in ("measure", "retry"):
            last[trial["cell"]] = trial
wrong = {t["mode"] for t in last.values() if t["verdict"]["mode"] not in ("in_force", "unsupported")}
for mode in sorted(wrong):
    print(f"-m\n{mode}")
