#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long and with how much memory `nightly --no-run` judges 500 series, over histories of 125,000 to
# 1,000,000 trial records: benchmarks/history_speed.sh [BUILD]. Goal: at 1,000,000 every one of the 500 is
# judged in under 10 s and 500 MiB, and a record costs no more than 1.5 times what it costs at 250,000
# (linear; there, judging 50 nights, no window of the rules grows any more). Medians of five by turns; ends
# with 1 where the goal is not reached.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")/..
iomodes=$(readlink -f "${1:-$here/build}")/bin/iomodes
tmp=$(mktemp -d -p /var/tmp)
trap 'rm -rf "$tmp"' EXIT
python3 "$here/tests/results/make_run.py" "$tmp/run" --blocks 6 --ios 50
for nights in 25 50 100 200; do
	"$iomodes" history add "$tmp/run" --db "$tmp/$nights.sqlite" >/dev/null
	python3 "$here/tests/results/make_history.py" "$tmp/$nights.sqlite" $nights 500 10 >/dev/null
done
python3 - "$iomodes" "$tmp" <<'END'
import json, resource, sqlite3, statistics, subprocess, sys, time
iomodes, tmp = sys.argv[1:]
SIZES, SERIES, ROUNDS = (25, 50, 100, 200), 500, 5
taken, peak = {n: [] for n in SIZES}, {}
for _ in range(ROUNDS):
    for nights in SIZES:
        db = "%s/%d.sqlite" % (tmp, nights)
        experiment = sqlite3.connect(db).execute("select experiment from run").fetchone()[0]
        start = time.monotonic()
        done = subprocess.run([iomodes, "nightly", experiment, "--no-run", "--db", db, "--json"], stdout=subprocess.PIPE)
        taken[nights].append(time.monotonic() - start)
        # of all children so far: sizes come in order, so the first round tells each
        peak.setdefault(nights, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
        report = json.loads(done.stdout)
        judged = sum(s["cell"].startswith("synthetic-") and s["state"] != "skipped" for s in report["series"])
        if judged != SERIES:
            sys.exit("%d nights: %d of %d series judged, exit status %d" % (nights, judged, SERIES, done.returncode))
print("%10s %8s %8s %10s %10s" % ("records", "nights", "seconds", "us/record", "peak MiB"))
cost = {}
for nights in SIZES:
    records, seconds = nights * SERIES * 10, statistics.median(taken[nights])
    cost[nights] = seconds * 1e6 / records
    print("%10d %8d %8.2f %10.2f %10.0f" % (records, nights, seconds, cost[nights], peak[nights]))
ratio = cost[200] / cost[50]
print("goals: %.2f s of 10, %.0f MiB of 500, cost a record x %.2f of at most 1.5"
      % (statistics.median(taken[200]), peak[200], ratio))
sys.exit(statistics.median(taken[200]) > 10 or peak[200] > 500 or ratio > 1.5)
END
