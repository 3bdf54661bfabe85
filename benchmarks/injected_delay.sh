#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Is an injected 3 % slowdown found? Two pairs of rows, 20 blocks of short trials a run: an io_uring loop of NOPs that
# takes 20 us an I/O, and the same with 3 % more; and reads of a scratch file by interrupts, and the same with
# --test-delay of 3 % of their mean latency. "Found" is the verdict "worse"; it is owed only in runs whose forecast
# ("detectable": the change that so many blocks find four times in five) is 3 % or less, and there in 80 %: else it ends
# with 1, and with 3 where it was owed in fewer than ten, which shows nothing. injected_delay.sh [RUNS=15] [DIRECTORY]
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
iomodes=${IOMODES_BIN:-$source/build/bin}/iomodes
runs=${1:-15}
tmp=$(mktemp -d -p "${2:-/var/tmp}")
trap 'rm -rf "$tmp"' EXIT
export IOMODES_STATE_DIR=$tmp/state IOMODES_CONFIG=$tmp/configs
mkdir "$tmp/configs"
cp -r "$source/configs/modes" "$tmp/configs"
rows() { # NAME ENGINE BASE_NS SLOWED_NS
	local requires='requires: {io_uring.available: 1}'
	echo "$1: {doc: d, target: block, $requires, grade: accepted, ioloop: {engine: $2${3:+, test-delay: ${3}ns}}}"
	echo "$1-slowed: {doc: d, target: block, $requires, grade: accepted, ioloop: {engine: $2, test-delay: ${4}ns}}"
}
experiment() { # NAME DELAY_NS BLOCKS
	{
		rows fixed nop 20000 "$4"
		rows reads io_uring "" "$2"
	} >"$tmp/configs/modes/injected.yaml"
	cat >"$tmp/$1.yaml" <<-END
		name: $1
		target: scratch
		scratch_size: 64MiB
		design: {blocks: $3, ramp: 30ms, runtime: 100ms}
		load: {rw: randread, bs: 4k, iodepth: 1}
		groups: [{modes: [fixed, fixed-slowed, reads, reads-slowed]}]
	END
}
run() { # NAME
	rm -rf "$tmp/results"/2*
	"$iomodes" run "$tmp/$1.yaml" --output "$tmp/results" --quiet >"$tmp/out" 2>&1 || [ $? = 4 ] || { cat "$tmp/out"; exit 1; }
}
mean() { # MODE: median over blocks of the mean time of an I/O, ns
	python3 - "$tmp/results"/2*/trials.jsonl "$1" <<'PY'
import json, statistics, sys
print("%.0f" % statistics.median(1e9 / t["metrics"]["iops"] for t in map(json.loads, open(sys.argv[1]))
                                 if t["mode"] == sys.argv[2] and t["status"] == "valid"))
PY
}
# What 3 % is here: from a first run, in which both rows of a pair are the same.
experiment probe 1 6 20000
run probe
fixed=$(mean fixed) reads=$(mean reads)
experiment injected $((reads * 3 / 100)) 20 $((20000 + fixed * 3 / 100))
echo "an I/O takes $fixed ns and $reads ns; injected: $((fixed * 3 / 100)) ns and $((reads * 3 / 100)) ns"
for i in $(seq "$runs"); do
	run injected
	for mode in fixed reads; do
		"$iomodes" compare "$tmp/results"/2* --baseline "$mode" --json >"$tmp/$mode-$i.json"
	done
done
python3 - "$runs" "$tmp" <<'PY'
import json, math, sys
owed = kept = 0
for mode in ("fixed", "reads"):
    able = found = all_found = better = runs = 0
    effects, forecasts = [], []
    for i in range(1, int(sys.argv[1]) + 1):
        group = json.load(open("%s/%s-%d.json" % (sys.argv[2], mode, i)))["groups"][0]
        row = next(r for r in group["rows"] if r["mode"] == mode + "-slowed")
        if not row["comparisons"]:
            continue
        c = row["comparisons"][0]
        runs += 1
        effects.append(c["estimate"])
        forecast = c["detectable"] is not None and c["detectable"] <= 1.03
        forecasts += [c["detectable"]] if c["detectable"] else []
        able += forecast
        found += forecast and c["verdict"] == "worse"
        all_found += c["verdict"] == "worse"
        better += c["verdict"] == "better"
    effects.sort()
    forecasts.sort()
    owed, kept = owed + able, kept + found
    print("%s: rate %+.1f %% (median of %d runs); the forecast (%.1f to %.1f %%) says in %d of them that it can be found, found in %d of these%s; "
          "found in %d of all, called better in %d" % (
              mode, (effects[len(effects) // 2] - 1) * 100 if effects else math.nan, runs,
              *((v - 1) * 100 for v in (forecasts[0], forecasts[-1])) if forecasts else (math.nan, math.nan), able, found,
              " (%.0f %%, at least 80)" % (100 * found / able) if able else "", all_found, better))
if owed < 10:
    print("owed in %d series: a still host is needed to say more" % owed)
    sys.exit(3)
sys.exit(kept < 0.8 * owed)
PY
