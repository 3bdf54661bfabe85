#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A run ends with its report: every number of it again from the records, opened in a browser (screenshots stay in the
# build's tests/artefacts/default), and made again byte for byte. The rows and loads of the default experiment,
# shorter.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"
for tool in gnuplot chromium; do
	command -v $tool >/dev/null || { echo "skip: no $tool"; exit 77; }
done
results_tests=$IOMODES_SOURCE/tests/results
start "$iomodes" run default --blocks 6 --runtime 150ms --ramp-time 50ms --max-cells 12 --no-cpu-left --output "$results"
ends_with 0 "a run of the default experiment"
dir=$(run_dir)
grep -q "^Report: $dir/report.html" "$work/out" || { cat "$work/out"; fail "no report is named"; }
is_whole "$dir" "a run with a report"
is_as_before "after the run"
cp "$dir/report.html" "$work/first.html"
"$iomodes" report "$dir" >/dev/null
cmp "$work/first.html" "$dir/report.html" || fail "the report made again is another"
(cd "$dir" && sha256sum --quiet -c SHA256SUMS) || fail "the report changed what is sealed"
python3 "$results_tests/verify_report.py" "$dir" "$dir"
python3 "$results_tests/browser.py" "$dir/report.html" "$IOMODES_BIN/../tests/artefacts/default"
