#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long and with how much memory `nightly --no-run` judges 500 series, over histories of 125,000 to
# 1,000,000 trial records: benchmarks/history_speed.sh [BUILD]. Bound: 10 s, 500 MiB, linear.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")/..
iomodes=$(readlink -f "${1:-$here/build}")/bin/iomodes
tmp=$(mktemp -d -p /var/tmp)
trap 'rm -rf "$tmp"' EXIT
python3 "$here/tests/results/make_run.py" "$tmp/run" --blocks 6 --ios 50
printf '%10s %8s %8s %10s %10s\n' records nights seconds 'us/record' 'peak MiB'
for nights in 25 50 100 200; do
	"$iomodes" history add "$tmp/run" --db "$tmp/$nights.sqlite" >/dev/null
	experiment=$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select experiment from run").fetchone()[0])' "$tmp/$nights.sqlite")
	python3 "$here/tests/results/make_history.py" "$tmp/$nights.sqlite" $nights 500 10 >/dev/null
	python3 - "$iomodes" "$tmp/$nights.sqlite" "$experiment" $nights <<-'END'
		import resource, subprocess, sys, time
		iomodes, db, experiment, nights = sys.argv[1:]
		start = time.monotonic()
		subprocess.run([iomodes, "nightly", experiment, "--no-run", "--db", db, "--json"], stdout=subprocess.DEVNULL)
		seconds = time.monotonic() - start
		peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
		records = int(nights) * 5000
		print("%10d %8s %8.2f %10.2f %10.0f" % (records, nights, seconds, seconds * 1e6 / records, peak))
	END
done
