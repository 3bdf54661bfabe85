#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Network modes against each other on a prepared veth pair, alternating in one run. What must hold, as the
# median over blocks of the ratio within a block, of trials that are valid and in force:
#   busy-poll / interrupt    p50 round trip of a ping-pong     at most 1/4
#   busy-poll / spin         p50 round trip of a ping-pong     at most 1.25
#   suspend-20 / defer-20    transactions a second, depth 32   at least 1.5
#   suspend-20 / defer-20    NET_RX soft interrupts per packet at most 1/50
# Needs root and a quiet machine with two CPUs. Exit status 1 when one does not hold.
# Usage: net_modes.sh [IOMODES [DIR]]   BLOCKS=12 RUNTIME=1s
set -euo pipefail
iomodes=${1:-$(dirname "$0")/../build/bin/iomodes}
work=$(mktemp -d "${2:-${TMPDIR:-/var/tmp}}/net_modes.XXXXXX")
trap 'rm -rf "$work"' EXIT
cat >"$work/net-modes.yaml" <<END
name: net-modes
design: {blocks: ${BLOCKS:-12}, ramp: 200ms, runtime: ${RUNTIME:-1s}}
groups:
  - {target: net, modes: [interrupt, busy-poll, spin]}
  - {target: net, modes: [defer-20, suspend-20], pattern: rr, depth: 32}
END
status=0
"$iomodes" run "$work/net-modes.yaml" --target veth -q --output "$work/results" >"$work/out" || status=$?
((status == 0 || status == 4)) || { cat "$work/out"; exit 1; }
dir=$(sed -n 's/^Results: //p' "$work/out")
"$iomodes" compare "$dir"
python3 - "$dir" <<'END'
import json, statistics, sys

trials = [json.loads(line) for line in open(sys.argv[1] + "/trials.jsonl")]


def values(mode, get):
    return {t["block"]: get(t) for t in trials
            if t["mode"] == mode and t["pass"] == "measure" and t["status"] == "valid"
            and t["verdict"]["mode"] == "in_force"}


def p50(t):
    return t["metrics"]["rtt_p50_ns"]


def rate(t):
    return t["metrics"]["transactions_per_s"]


def softirqs(t):
    return t["evidence"]["counters"]["net_rx_softirqs"] / t["evidence"]["counts"]["packet"]


failed = 0
for a, b, what, get, most, bound in (
        ("busy-poll", "interrupt", "p50 round trip", p50, True, 1 / 4),
        ("busy-poll", "spin", "p50 round trip", p50, True, 1.25),
        ("suspend-20", "defer-20", "transactions/s", rate, False, 1.5),
        ("suspend-20", "defer-20", "NET_RX soft interrupts per packet", softirqs, True, 1 / 50)):
    x, y = values(a, get), values(b, get)
    ratios = sorted(x[block] / y[block] for block in x if block in y)
    if len(ratios) < 6:
        print(f"{a} / {b}, {what}: {len(ratios)} pairs in force; 6 are needed")
        failed += 1
        continue
    median = statistics.median(ratios)
    good = median <= bound if most else median >= bound
    failed += not good
    print(f"{a} / {b}, {what}: {median:.4g} ({ratios[0]:.4g} to {ratios[-1]:.4g}, {len(ratios)} pairs), "
          f"{'at most' if most else 'at least'} {bound:.4g}: {'holds' if good else 'DOES NOT HOLD'}")
sys.exit(failed > 0)
END
