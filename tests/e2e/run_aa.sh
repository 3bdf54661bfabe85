#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two identical arms: both are measured in every block, the floor is kept for this machine, the next run carries it and
# is judged by it, and a run of another machine would not. A/A runs are not judged by a floor.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

experiment small "interrupt, sync" 100ms
"$iomodes" aa "$work/small.yaml" --output "$work/aa" >"$work/out" 2>"$work/err" || { cat "$work/out" "$work/err"; fail "aa"; }
grep -q "^A/A: [0-9]* of [0-9]* series of two identical arms" "$work/out" || { cat "$work/out"; fail "no answer"; }
[[ $(stat -c %a "$IOMODES_STATE_DIR") == 700 ]] || fail "the state directory may be read by others"
start "$iomodes" run "$work/small.yaml" --output "$results"
ends_with 0 "a run after an A/A"
dir=$(run_dir)
python3 - "$work"/aa/2* "$dir" "$IOMODES_STATE_DIR/noise.json" <<'PY'
import json, sys
aa, run, noise = (json.load(open(p)) for p in (sys.argv[1] + "/run.json", sys.argv[2] + "/run.json", sys.argv[3]))
modes = [c["mode"] for c in aa["cells"]]
assert modes == ["interrupt", "interrupt (again)"], modes
trials = [t for t in map(json.loads, open(sys.argv[1] + "/trials.jsonl")) if t.get("pass") == "measure"]
blocks = {b: sorted(t["mode"] for t in trials if t["block"] == b) for b in range(6)}
assert all(set(m) == set(modes) for m in blocks.values()), blocks
assert "noise_floor" not in aa and run["noise_floor"] == noise, "the run does not carry the floor"
assert noise["identity"] == run["machine_key"]["identity"] and noise["run"] == aa["run"]
# the reach of the interval, again: 6 blocks, so the extremes of the Walsh averages are those of the values
import math
x = {}
for t in trials:
    x.setdefault(t["mode"], {})[t["block"]] = t["metrics"]["iops"]
d = [math.log(x[modes[1]][b] / x[modes[0]][b]) for b in range(6)]
assert math.isclose(noise["metrics"]["iops"]["floor"], math.expm1(max(abs(min(d)), abs(max(d)))), rel_tol=1e-6), d
PY
"$iomodes" compare "$dir" >"$work/out"
grep -q "^Noise floor: the larger of floor and margin decides: IOPS .*, from 1 pair of identical arms in 6 blocks on .*, Linux $(uname -r), $(date -u +%Y)" "$work/out" ||
	{ cat "$work/out"; fail "the comparison does not say what its floor rests on"; }
grep -q "rests on one pair of arms" "$work/out" || fail "one pair of arms is enough for a floor"
! grep -q "days before\|was found under\|was not found on" "$work/out" || { cat "$work/out"; fail "a fresh floor is doubted"; }
sed -i 's/"identity": "./"identity": "x/' "$IOMODES_STATE_DIR/noise.json" # another machine's
"$iomodes" run "$work/small.yaml" --output "$work/other" >"$work/out" 2>&1 || fail "a third run"
! grep -q noise_floor "$work"/other/2*/run.json || fail "the floor of another machine was taken"
is_as_before "after the runs"
status_is_clean "after the runs"
