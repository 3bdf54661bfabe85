#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What compare and report cost on runs of 1,000 and 10,000 trials as large as real ones (14 kB each): seconds, peak
# memory, and the cost a trial of the large run over that of the small one (linear: 1 or less). Paired: both sizes by
# turns, five times, medians; ends with 1 where a limit is not kept. report_speed.sh [RUN]: a run to take the records from (default: synthetic ones).
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
bin=${IOMODES_BIN:-$source/build/bin}/iomodes
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
run=${1:-$tmp/run}
[ $# -gt 0 ] || python3 "$source/tests/results/make_run.py" "$run" --blocks 30
python3 "$source/benchmarks/enlarge_run.py" "$run" "$tmp/small" 1000
python3 "$source/benchmarks/enlarge_run.py" "$run" "$tmp/large" 10000
for round in 1 2 3 4 5; do
	for size in small large; do
		for command in compare report; do
			python3 - "$command" "$size" "$bin" "$command" "$tmp/$size" <<'PY' >>"$tmp/times"
import os, resource, subprocess, sys, time
begin = time.monotonic()
subprocess.run(sys.argv[3:], stdout=subprocess.DEVNULL, check=True)
seconds = time.monotonic() - begin
print(sys.argv[1], sys.argv[2], seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
PY
		done
	done
done
python3 - "$tmp/times" <<'PY'
import statistics, sys
rows, beyond = [l.split() for l in open(sys.argv[1])], False
for command, limit in (("compare", 1), ("report", 5)):
    s = {size: statistics.median(float(r[2]) for r in rows if r[:2] == [command, size]) for size in ("small", "large")}
    mib = max(float(r[3]) for r in rows if r[:2] == [command, "large"])
    print("%-8s 1,000 trials %.2f s; 10,000 trials %.2f s (at most %d), %.0f MiB (at most 300); "
          "cost a trial x %.2f" % (command, s["small"], s["large"], limit, mib, s["large"] / s["small"] / 10))
    beyond |= s["large"] > limit or mib > 300 or s["large"] / s["small"] / 10 > 1.2
sys.exit(beyond)
PY
