#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The study numa-matrix as it was run in the lab's guest of two nodes (fixtures/record_places.sh): each number and interval
# of table, matrix and report again.
set -euo pipefail
. "$IOMODES_SOURCE/tests/results/lib.sh"
python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$IOMODES_SOURCE/tests/fixtures/places.tar.xz" "$tmp/places"
for name in numa-matrix; do
	run=$tmp/places/$name
	reseal "$run" # it is what was kept of the run
	expect 0 "every check and verdict comes out as recorded" "$bin" check "$run"
	"$bin" compare "$run" >"$tmp/text"
	expect 0 "figures" "$bin" report "$run"
	python3 "$here/verify_places.py" "$run" "$tmp/text" "$run/report.html"
	# it is not blind
	sed 's/\[[+-]\([0-9]\)/[+9\1/' "$tmp/text" >"$tmp/wrong"
	! python3 "$here/verify_places.py" "$run" "$tmp/wrong" "$run/report.html" >/dev/null 2>&1 || { echo "FAILED: blind to an interval"; exit 1; }
done
