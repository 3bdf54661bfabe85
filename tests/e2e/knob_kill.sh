#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 at every journal step: of the orchestrator alone (the guardian restores), of both ('iomodes
# restore' does), of the guardian alone (the orchestrator does, and starts another).
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/knob_common.sh"

count_points 20
kill_orchestrator

left=0
for ((n = 1; n <= points; n++)); do
	killed "$n" both
	if ! diff -q "$work/before" <(snapshot) >/dev/null; then
		left=$((left + 1))
		set +e
		"$iomodes" status >"$work/status"
		status=$?
		set -e
		((status == 5)) || fail "step $n: something is left, but status ends with $status"
	fi
	restored_by_hand "$n"
done
tell_left

kill_guardian 3

# Killed while another start follows at once: it restores first.
killed $((points / 2)) both
"$iomodes" with --set sysctl.vm.stat_interval=9 -- true 2>"$work/err" || fail "start after a kill"
grep -q 'of an earlier run' "$work/err" || fail "the next start did not say what it restored"
is_as_before "the next start"
