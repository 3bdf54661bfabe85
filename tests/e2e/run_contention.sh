#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A co-runner of normal priority beside every measured trial, and in no other: what it lost is in the record,
# worked out again here from what it did and what it does alone.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

experiment small 'interrupt, sync' 300ms
sed -i 's/runtime: 300ms/runtime: 300ms, cpu_left: 1, corunner: cpu/' "$work/small.yaml"
sed 's/corunner: cpu/corunner: core/' "$work/small.yaml" >"$work/bad.yaml"
"$iomodes" plan "$work/bad.yaml" 2>"$work/err" && fail "corunner: core was taken"
grep -q 'bad.yaml:4:.*none, cpu .* or sibling' "$work/err" || { cat "$work/err"; fail "corunner: core: no place or not what is right"; }
sed 's/corunner: cpu/corunner: sibling/' "$work/small.yaml" >"$work/sibling.yaml"
if [[ $(cat /sys/devices/system/cpu/smt/active 2>/dev/null) == 1 ]]; then
	"$iomodes" plan "$work/sibling.yaml" --output "$results" | grep '^Co-runner ' || fail "no co-runner on a sibling"
else
	"$iomodes" plan "$work/sibling.yaml" --output "$results" 2>"$work/err" && fail "a sibling where there is none"
	grep -q 'no SMT sibling' "$work/err" || { cat "$work/err"; fail "corunner: sibling: no reason"; }
fi
"$iomodes" plan "$work/small.yaml" --output "$results" | grep '^Co-runner  *a program of normal priority' || fail "plan does not tell of it"

start "$iomodes" run "$work/small.yaml" --output "$results" --quiet
ends_with 0 "beside a co-runner"
is_as_before "beside a co-runner"
no_process_left "beside a co-runner"
is_whole "$(run_dir)" "beside a co-runner"
python3 - "$(run_dir)" <<'END' || fail "records"
import json, sys
run = json.load(open(sys.argv[1] + "/run.json"))
alone = {c["cpu"]: c for c in run["corunner"]["alone"]["per_cpu"]}
trials = [json.loads(l) for l in open(sys.argv[1] + "/trials.jsonl")]
seen = 0
for t in trials:
    if t["pass"] == "cpu_left":
        assert "corunner_lost_share" not in t["metrics"] and "cpu_left_per_io" in t["metrics"], t["metrics"]
    if t["pass"] not in ("measure", "retry") or t["status"] == "failed":
        continue
    assert "cpu_left_per_io" not in t["metrics"]
    s = t["spinner"]
    had = s["window_ns"] * len(s["per_cpu"])
    did = sum(c["work"] * alone[c["cpu"]]["cpu_ns"] / alone[c["cpu"]]["work"] for c in s["per_cpu"])
    lost = max(had - did, 0)
    assert abs(t["metrics"]["corunner_lost_share"] - lost / had) < 1e-9
    assert abs(t["metrics"]["corunner_lost_per_io"] - lost / t["evidence"]["counts"]["io"]) < 1e-3
    assert sum(c["work"] for c in s["per_cpu"]) > 0
    seen += 1
print(seen, "trials beside a co-runner")
assert seen >= 12
END
grep -q 'lost/IO' "$work/compare" || { cat "$work/compare"; fail "compare does not show what the co-runner lost"; }
