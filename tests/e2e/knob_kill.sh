#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 at every journal step: of the orchestrator alone (the guardian restores), of both ('iomodes
# restore' does), of the guardian alone (the orchestrator does, and starts another).
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/knob_common.sh"

points=$("$driver" "$IOMODES_STATE_DIR" 0 orchestrator "${settings[@]}")
is_as_before "dry run"
echo "$points points where a run can be killed: after each journal record and each write"
((points > 20)) || fail "too few points: $points"

killed() { # N MODE
	set +e
	{ "$driver" "$IOMODES_STATE_DIR" "$1" "$2" "${settings[@]}" >/dev/null; } 2>>"$work/steps"
	local status=$?
	set -e
	((status == 137)) || fail "step $1: the driver ended with $status, not by SIGKILL"
}

for ((n = 1; n <= points; n++)); do
	killed "$n" orchestrator
	await_guardian "step $n"
	is_as_before "step $n, restored by the guardian"
	"$iomodes" status >/dev/null || fail "step $n: status is not clean after the guardian"
done
echo "orchestrator killed at $points points: restored by its guardian each time"

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
	"$iomodes" restore >/dev/null || fail "step $n: restore"
	is_as_before "step $n, restored by 'iomodes restore'"
	"$iomodes" status >/dev/null || fail "step $n: status is not clean after restore"
done
echo "both killed at $points points, $left of them left something: 'iomodes restore' mended each"
((left > points / 3)) || fail "only $left points left anything: the test shows nothing"

for ((n = 1; n <= points; n += 3)); do
	"$driver" "$IOMODES_STATE_DIR" "$n" guardian "${settings[@]}" >/dev/null 2>>"$work/steps" ||
		fail "step $n: guardian killed"
	is_as_before "step $n, guardian killed"
done
echo "guardian killed alone: the run restored by itself and started another"

# Killed while another start follows at once: it restores first.
killed $((points / 2)) both
"$iomodes" with --set sysctl.vm.stat_interval=9 -- true 2>"$work/err" || fail "start after a kill"
grep -q 'of an earlier run' "$work/err" || fail "the next start did not say what it restored"
is_as_before "the next start"
