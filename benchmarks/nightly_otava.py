#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Apache Otava finds in the series that `nightly` judged, night by night: OTAVA_DIR < series

Otava sees the series as it grows, with its defaults (window 50, p 0.001) and, as the least magnitude, the
noise floor that nightly derived for that night; a change point counts when it lies within the last 16
versions, as nightly's does. Otava has no confirmation run, so its detections are set against nightly's
change point rule, all of nightly's flags, and its alerts.
"""
import collections, json, sys

sys.path.insert(0, sys.argv[1])
from otava.analysis import compute_change_points

POINTS_MIN, RECENT = 10, 16


def otava(series):
    for n in range(POINTS_MIN, len(series["values"]) + 1):
        found, _ = compute_change_points(series["values"][:n], window_len=50, max_pvalue=0.001,
                                         min_magnitude=series["floors"][n - 1])
        if found and found[-1].index + RECENT >= n:
            return [n - 1, found[-1].index]
    return None


judges = ["Otava", "nightly: change point", "nightly: any flag", "nightly: alert"]
count = collections.Counter()
for line in sys.stdin:
    series = json.loads(line)
    kind, at = series["class"], series["step_at"]
    count[kind] += 1
    for judge, said in zip(judges, [otava(series), series["step"], series["flag"], series["alert"]]):
        if kind != "step":
            count[kind, judge] += said is not None
        elif said is not None and said[0] < at:
            count["early", judge] += 1
        elif said is not None and said[0] < at + 5:
            count["found", judge] += 1
            count["near", judge] += abs(said[1] - at) <= 2
print("%-24s %12s %12s %12s | %12s %12s %12s" % ("", "clean", "one spike", "wider noise", "steps: false",
                                                 "found in 5", "within 2"))
print("%-24s %12d %12d %12d | %12d" % ("series", count["clean"], count["spike"], count["wide"], count["step"]))
for judge in judges:
    print("%-24s %12d %12d %12d | %12d %12d %12d" % (judge, count["clean", judge], count["spike", judge],
          count["wide", judge], count["early", judge], count["found", judge], count["near", judge]))
