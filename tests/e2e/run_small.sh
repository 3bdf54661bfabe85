#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A whole run: measured, proven, checked, sealed, and the machine as it was.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

modes='interrupt, sync, aio, sqpoll, interrupt-registered, defer-taskrun, iopoll'
(($(nproc) > 1)) || modes=${modes/sqpoll, /}
experiment small "$modes" 300ms
sed -i 's/runtime: 300ms/runtime: 300ms, cpu_left: 1/' "$work/small.yaml"
cat >>"$work/small.yaml" <<-END
	  - {modes: [interrupt], iodepth: 16}
	  - {modes: [interrupt], iodepth: 16, rate: 20%}
END
sed -i 's/^groups: \[\(.*\)\]$/groups:\n  - \1/' "$work/small.yaml"
start "$iomodes" run "$work/small.yaml" --output "$results" --ignore-requires=0
ends_with 0 "a whole run"
cat "$work/out"
is_as_before "a whole run"
status_is_clean "a whole run"
dir=$(run_dir)
grep -qxF "Results: $dir" "$work/out" || fail "the run does not say where its results are"
[[ -s $dir/report.html ]] && grep -qxF "Report: $dir/report.html" "$work/out" || fail "the run leaves no report"
is_whole "$dir" "a whole run"
proven=(interrupt=in_force/counter sync=in_force/counter aio=in_force/counter
	interrupt-registered=in_force/accepted defer-taskrun=in_force/accepted)
[[ $modes != *sqpoll* ]] || proven+=(sqpoll=in_force/counter)
records verdicts "$dir" "${proven[@]}"
if [[ $(cat "/sys/block/$disk/queue/io_poll") == 0 ]]; then
	records unsupported "$dir" iopoll 'no poll queues'
	grep -q '^iopoll *unsupported' "$work/compare" || fail "compare does not show iopoll as unsupported"
else
	echo "skip: iopoll unsupported ($disk has poll queues)"
fi
records little "$dir" 0.05

# Every check and verdict again: the same; a check may say that a busy machine was too slow.
status=0
"$iomodes" check "$dir" >"$work/check" 2>&1 || status=$?
cat "$work/check"
grep -E '^(differs|left out)' "$work/check" && fail "check makes another verdict than the run"
grep '^fails' "$work/check" | grep -vE 'runtime_as_asked|open_loop_rate|littles_law' && fail "a check fails"
((status == 0)) || { ((status == 4)) && grep -q '^fails' "$work/check"; } || fail "check ends with $status"

# 6 samples a cell: neither calibration nor the CPU-left pass is one.
grep -q '^interrupt .* 7 ' "$work/compare" && { cat "$work/compare"; fail "a seventh sample in 6 blocks"; }
python3 - "$dir" <<-'END' || fail "passes"
	import json, sys
	trials = [json.loads(l) for l in open(sys.argv[1] + "/trials.jsonl")]
	n = {p: sum(t["pass"] == p for t in trials) for p in ("calibration", "measure", "cpu_left")}
	print("passes:", n)
	assert n["calibration"] and n["cpu_left"] * 6 == n["measure"], n
	rates = {t["load"]["rate_iops"] for t in trials if t["load"]["open_loop"] and t["pass"] == "measure"}
	best = max(t["metrics"]["iops"] for t in trials if t["pass"] == "calibration")
	assert rates == {round(best * 0.2)} or abs(rates.pop() - best * 0.2) <= 1, (rates, best)
	for t in trials:
	    knobs = {k["knob"]: k for k in t["knobs"]}
	    k = knobs["block.scheduler"]
	    assert k["before"] == k["after"] != k["during"], k
	    assert t["timing"]["measured_ns"] > 0 and t["timing"]["knob_write_ns"] > 0, t["timing"]
	    if t["pass"] == "cpu_left":
	        assert t["metrics"]["cpu_left_per_io"] >= 0
END

# Another run of it may not claim to be a resumption of a whole one.
if "$iomodes" run --resume "$dir" >"$work/out" 2>"$work/err"; then fail "a complete run was resumed"; fi
grep -q 'is complete' "$work/err" || { cat "$work/err"; fail "resume of a complete run"; }
(cd "$dir" && sha256sum --quiet -c SHA256SUMS) || fail "resume of a complete run changed it"
is_as_before "resume refused"
