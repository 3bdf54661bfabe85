#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Real A/A comparisons on this machine: how often does the verdict call two identical arms better or worse? Each run
# measures io_uring with interrupts on a scratch file, and NOPs, twice in every block, 10 blocks of short trials; the
# arms are the same program with the same options. At most 5 % of the series may be called different, else it ends with
# 1. The machine's own noise floor is neither used nor replaced. aa_real.sh [RUNS=20] [DIRECTORY]
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
iomodes=${IOMODES_BIN:-$source/build/bin}/iomodes
runs=${1:-20}
tmp=$(mktemp -d -p "${2:-/var/tmp}")
trap 'rm -rf "$tmp"' EXIT
export IOMODES_STATE_DIR=$tmp/state
cat >"$tmp/aa.yaml" <<-END
	name: aa-real
	target: scratch
	scratch_size: 64MiB
	design: {blocks: 10, ramp: 30ms, runtime: 100ms}
	load: {rw: randread, bs: 4k, iodepth: 1}
	groups: [{modes: [interrupt, nop]}]
END
for i in $(seq "$runs"); do
	status=0
	"$iomodes" aa "$tmp/aa.yaml" --mode interrupt --mode nop --output "$tmp/results" --quiet >"$tmp/out" 2>&1 || status=$?
	# 4: a cell without a valid trial; no floor was kept then, and the run is counted as one without an answer
	[ "$status" = 0 ] || [ "$status" = 4 ] || { cat "$tmp/out"; exit 1; }
	[ "$status" = 4 ] || cp "$IOMODES_STATE_DIR/noise.json" "$tmp/noise-$i.json"
done
python3 - "$runs" "$tmp"/noise-*.json <<'PY'
import json, math, sys
runs, metrics, blocks = int(sys.argv[1]), {}, set()
for path in sys.argv[2:]:
    noise = json.load(open(path))
    blocks.add(noise["blocks"])
    for name, m in noise["metrics"].items():
        s = metrics.setdefault(name, [0, 0, []])
        s[0] += int(m["series"])
        s[1] += int(m["false_positives"])
        s[2].append(m["floor"])


def upper(k, n):  # one-sided 95 % limit of a share, Clopper and Pearson
    low, high = k / n, 1.0
    for _ in range(60):
        mid = (low + high) / 2
        tail = sum(math.comb(n, i) * mid ** i * (1 - mid) ** (n - i) for i in range(k + 1))
        low, high = (mid, high) if tail > 0.05 else (low, mid)
    return high


print("%d of %d A/A runs gave an answer (%s blocks)" % (len(sys.argv) - 2, runs, "/".join(map(str, sorted(blocks)))))
n = k = 0
for name, (series, wrong, floors) in sorted(metrics.items()):
    print("  %-28s %d of %d series called different; floor %.1f %% (median; %.1f to %.1f)" % (
        name, wrong, series, sorted(floors)[len(floors) // 2] * 100, min(floors) * 100, max(floors) * 100))
    n, k = n + series, k + wrong
# the metrics of one pair of arms are not independent: the limit is of the rates alone
series, wrong, _ = metrics["iops"]
print("all: %d of %d series called better or worse, %.1f %% (at most 5 %%); of the rates %d of %d, 95 %% limit %.1f %%" % (
    k, n, 100 * k / n, wrong, series, 100 * upper(wrong, series)))
sys.exit(k > 0.05 * n)
PY
