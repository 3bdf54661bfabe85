#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# test-reset.sh [KERNEL]: the guest is reset in the middle of `with`; the next boot finds the journal of
# an older boot, whose settings the reset has undone (DESIGN: volatile knobs are moot).
set -euo pipefail
. "$(dirname "$0")/common.sh"
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
chmod 700 "$state"
iomodes=${IOMODES_BIN:-$LAB_TREE/build/bin}/iomodes
lab=("$LAB_DIR/lab" --kernel "${1:-newest}" --state "$state")

status=0
"${lab[@]}" -- sh -c "modprobe -q mq-deadline
	'$iomodes' with --set block.scheduler:nullb0=mq-deadline --set sysctl.vm.swappiness=7 \
	-- sh -c 'cat /proc/sys/vm/swappiness; echo b > /proc/sysrq-trigger; sleep 60'" 2> "$state/err" || status=$?
cat "$state/err" >&2
[ $status -ne $LAB_SKIP ] || exit $LAB_SKIP
[ $status -eq $LAB_DOWN ] || { echo "the first boot ended with $status, not by a reset"; exit 1; }
grep -q '^lab: DOWN: ' "$state/err" || { echo "the lab does not say that the guest went down"; exit 1; }
[ -s "$state/journal" ] || { echo "the reset left no journal"; ls -la "$state"; exit 1; }
# a knob that survives nothing, as found by the next boot, is not to be "restored" to the old value
"${lab[@]}" -- sh -c "set -e
	echo 33 > /proc/sys/vm/swappiness
	'$iomodes' status
	'$iomodes' with --set sysctl.vm.swappiness=8 -- cat /proc/sys/vm/swappiness
	'$iomodes' status
	test \$(cat /proc/sys/vm/swappiness) = 33
	'$iomodes' restore"
[ ! -s "$state/journal" ] || { echo "a journal is left: $(cat "$state/journal")"; exit 1; }
echo "the older boot's journal was moot, and is gone"
