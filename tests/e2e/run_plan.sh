#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# plan and run --dry-run print the same and change nothing; the same seed gives the same order.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

experiment small 'interrupt, sync, iopoll'
plan() { "$iomodes" "$@" "$work/small.yaml" --output "$results/not/yet" --seed 42; }
plan plan >"$work/plan"
plan run --dry-run >"$work/dry"
diff "$work/plan" "$work/dry" || fail "plan and run --dry-run differ"
cat "$work/plan"
for word in 'block.scheduler:'"$disk=$wanted" sysctl.vm.compaction_proactiveness=21 interrupt/randread/4k/d1 'seed 42' 'about 0 min'; do
	grep -qF "$word" "$work/plan" || fail "plan does not say: $word"
done
plan plan --json >"$work/a"
plan run --dry-run --json >"$work/b"
diff "$work/a" "$work/b" || fail "plan --json and run --dry-run --json differ"
"$iomodes" plan "$work/small.yaml" --output "$results" --seed 43 --json >"$work/c"
diff -q "$work/a" "$work/c" >/dev/null && fail "another seed gives the same order"
[[ ! -e $results ]] || fail "planning made $results"
[[ ! -e $IOMODES_STATE_DIR ]] || fail "planning made $IOMODES_STATE_DIR"
is_as_before "plan"
"$iomodes" modes >"$work/modes"
for mode in sync aio interrupt interrupt-registered defer-taskrun min-wait sqpoll sqpoll-same-cpu iopoll \
	hybrid-iopoll sqpoll-iopoll passthrough passthrough-iopoll nvme-coalesced; do
	grep -q "^$mode " "$work/modes" || fail "modes does not list $mode"
done
head -c 1M /dev/urandom >"$work/file"
"$iomodes" modes --target "$work/file" --json | python3 -c '
import json, sys
for m in json.load(sys.stdin):
    assert m["available"] or m["reason"], m
' || fail "a mode is unavailable without a reason"
echo "plan, run --dry-run and modes: the same words, nothing changed"
