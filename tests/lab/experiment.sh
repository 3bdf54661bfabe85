#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the lab runs when no command is given: the lab experiment and its comparison. Options are those of run.
set -uo pipefail
iomodes=${IOMODES_BIN:-$(dirname "${BASH_SOURCE[0]}")/../../build/bin}/iomodes
status=0
out=$("$iomodes" run lab -q -o "${LAB_RESULTS:-/lab/results}" "$@") || status=$?
printf '%s\n' "$out"
run=$(sed -n 's/^Results: //p' <<< "$out")
[ -n "$run" ] || exit $status
"$iomodes" compare "$run" || status=$?
echo "The guest's counters are exact, its times mean nothing: it is an emulation."
exit $status
