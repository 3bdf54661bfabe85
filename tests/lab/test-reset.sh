#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# test-reset.sh [KERNEL]: the guest is reset in the middle of a run. The next boot finds the journal of an older
# boot, whose settings the reset has undone: what is volatile is moot and is not written (DESIGN: restore
# contract), and the run goes on where it was cut.
set -euo pipefail
. "$(dirname "$0")/common.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -m 700 "$dir/state" "$dir/results"
iomodes=${IOMODES_BIN:-$LAB_TREE/build/bin}/iomodes
lab=("$LAB_DIR/lab" --kernel "${1:-newest}" --state "$dir/state" --results "$dir/results")

# an administrator's scheduler, which every trial sets to none
status=0
"${lab[@]}" -- bash -c ". '$LAB_DIR/guest.d/check.sh'
	cat > /tmp/reset.yaml <<-'END'
	name: reset
	target: /dev/nvme0n1
	design: {blocks: 6, ramp: 50ms, runtime: 200ms, cpu_left: 0}
	set: {block.scheduler: none}
	load: {rw: randread, bs: 4k}
	groups: [{modes: [interrupt, iopoll], iodepth: 1}]
	END
	modprobe -q mq-deadline
	echo mq-deadline > /sys/block/nvme0n1/queue/scheduler
	'$iomodes' run /tmp/reset.yaml -q -o /lab/results > /tmp/out 2>&1 &
	in_trial() { [ \$(cat /lab/results/2*/trials.jsonl 2> /dev/null | wc -l) -ge 3 ] && grep -q mq-deadline /lab/state/journal; }
	stopped_when \$! 120 in_trial || { cat /tmp/out; exit 1; }
	echo b > /proc/sysrq-trigger
	sleep 60" 2> "$dir/err" || status=$?
cat "$dir/err" >&2
[ $status -ne $LAB_SKIP ] || exit $LAB_SKIP
lab_again $status "$@"
[ $status -eq $LAB_DOWN ] || { echo "the first boot ended with $status, not by a reset"; exit 1; }
grep -q '^lab: DOWN: ' "$dir/err" || { echo "the lab does not say that the guest went down"; exit 1; }
[ -s "$dir/state/journal" ] || { echo "the reset left no journal"; ls -la "$dir/state"; exit 1; }
echo "reset in the middle: $(wc -l < "$(echo "$dir"/results/2*/trials.jsonl)") trials, $(wc -l < "$dir/state/journal") lines of journal"

status=0
"${lab[@]}" -- sh -c "set -e
	modprobe -q mq-deadline
	'$iomodes' status
	grep -F '[none]' /sys/block/nvme0n1/queue/scheduler
	'$iomodes' run --resume /lab/results/2* -q
	grep -F '[none]' /sys/block/nvme0n1/queue/scheduler
	'$iomodes' status
	'$iomodes' check /lab/results/2*
	'$iomodes' restore" || status=$?
lab_again $status "$@"
[ $status -eq 0 ] || exit $status
[ ! -s "$dir/state/journal" ] || { echo "a journal is left: $(cat "$dir/state/journal")"; exit 1; }
python3 - "$dir"/results/2* <<'END'
import json, sys
run = json.load(open(sys.argv[1] + "/run.json"))
trials = [json.loads(line) for line in open(sys.argv[1] + "/trials.jsonl")]
blocks = {t["block"] for t in trials if t["pass"] == "measure"}
assert run["complete"] and run["resumed"] == 1 and len(blocks) == 6, (run["complete"], run.get("resumed"), blocks)
END
echo "the older boot's journal was moot and is gone; the run went on, and has its 6 blocks"
