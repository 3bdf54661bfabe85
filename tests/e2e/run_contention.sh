#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A co-runner of normal priority beside every measured trial, and in no other: what it lost is in the record,
# worked out again here from what it did and what it does alone. It is on the measured CPUs, and loses to a mode
# that spins. Then, without one: SQPOLL with a CPU of its own, and on the application's.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

experiment small 'interrupt, sync, sqpoll' 300ms
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
def cpus(text):
    out = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        out |= set(range(int(first), int(last or first) + 1))
    return out
seen, lost_to_spinning, measured, beside = 0, 0, set(), set()
for t in trials:
    if t["pass"] == "cpu_left":
        assert "corunner_lost_share" not in t["metrics"] and "cpu_left_per_io" in t["metrics"], t["metrics"]
    if t["pass"] not in ("measure", "retry") or t["status"] == "failed":
        continue
    assert "cpu_left_per_io" not in t["metrics"]
    s = t["spinner"]
    here = {c["cpu"] for c in s["per_cpu"]}
    assert cpus(t["placement"]["cpus"]) <= here == set(alone), (t["placement"]["cpus"], here)
    measured |= cpus(t["placement"]["cpus"])
    beside |= here
    whole = run["corunner"]["alone"]["window_ns"]
    had = sum(s["window_ns"] * alone[c]["cpu_ns"] / whole for c in here)
    did = sum(c["work"] * alone[c["cpu"]]["cpu_ns"] / alone[c["cpu"]]["work"] for c in s["per_cpu"])
    lost = max(had - did, 0)
    assert abs(t["metrics"]["corunner_lost_share"] - lost / had) < 1e-9
    assert abs(t["metrics"]["corunner_lost_per_io"] - lost / t["evidence"]["counts"]["io"]) < 1e-3
    assert sum(c["work"] for c in s["per_cpu"]) > 0
    seen += 1
    if t["mode"] == "sqpoll":
        lost_to_spinning = max(lost_to_spinning, t["metrics"]["corunner_lost_share"])
assert measured == beside, (measured, beside)
assert lost_to_spinning > 0, "two that never sleep shared a CPU, and neither lost anything"
print(seen, "trials beside a co-runner")
assert seen >= 12
END
grep -q 'lost/IO' "$work/compare" || { cat "$work/compare"; fail "compare does not show what the co-runner lost"; }

rm -rf "$results"/2*
experiment sharing 'sqpoll, sqpoll-same-cpu' 200ms
start "$iomodes" run "$work/sharing.yaml" --output "$results" --quiet
ends_with 0 "SQPOLL alone and sharing"
is_as_before "SQPOLL alone and sharing"
python3 - "$(run_dir)" <<'END' || fail "SQPOLL alone and sharing"
import json, sys
proven = {}
for t in map(json.loads, open(sys.argv[1] + "/trials.jsonl")):
    if t["status"] == "failed":
        continue
    # a busy host may starve the SQ thread in a trial or two; not in all of them
    proven.setdefault(t["mode"], []).append(t["verdict"]["mode"])
    place = t["placement"]
    if t["mode"] == "sqpoll":
        assert str(place["sq_cpu"]) != place["workers"], place
    else:  # nothing but the application's CPU is measured
        assert "sq_cpu" not in place and place["cpus"] == place["workers"], place
print(proven)
assert set(proven) == {"sqpoll", "sqpoll-same-cpu"} and all("in_force" in v for v in proven.values()), proven
END
