# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests that kill what holds knobs. They have $driver, $iomodes, $work, settings, fail
# and is_as_before.

# Until every process that holds the host lock (the guardian) is gone.
await_guardian() { flock -w 20 /run/iomodes.lock true || fail "$1: the lock is still held"; }

count_points() { # AT-LEAST: sets points
	points=$("$driver" "$IOMODES_STATE_DIR" 0 orchestrator "${settings[@]}")
	is_as_before "dry run"
	echo "$points points where a run can be killed: after each journal record and each write"
	((points > $1)) || fail "too few points: $points"
}

killed() { # N MODE
	local status=0
	{ "$driver" "$IOMODES_STATE_DIR" "$1" "$2" "${settings[@]}" >/dev/null; } 2>>"$work/steps" || status=$?
	((status == 137)) || fail "step $1: the driver ended with $status, not by SIGKILL"
}

kill_orchestrator() { # at every point
	local n
	for ((n = 1; n <= points; n++)); do
		killed "$n" orchestrator
		await_guardian "step $n"
		is_as_before "step $n, restored by the guardian"
		"$iomodes" status >/dev/null || fail "step $n: status is not clean after the guardian"
	done
	echo "orchestrator killed at $points points: restored by its guardian each time"
}

# After both were killed; at $left of the points something was left.
restored_by_hand() { # N
	"$iomodes" restore >/dev/null || fail "step $1: restore"
	is_as_before "step $1, restored by 'iomodes restore'"
	"$iomodes" status >/dev/null || fail "step $1: status is not clean after restore"
}
tell_left() {
	echo "both killed at $points points, $left of them left something: 'iomodes restore' mended each"
	((left > points / 3)) || fail "only $left points left anything: the test shows nothing"
}

kill_guardian() { # EVERY-NTH
	local n
	for ((n = 1; n <= points; n += $1)); do
		"$driver" "$IOMODES_STATE_DIR" "$n" guardian "${settings[@]}" >/dev/null 2>>"$work/steps" ||
			fail "step $n: guardian killed"
		is_as_before "step $n, guardian killed"
	done
	echo "guardian killed alone: the run restored by itself and started another"
}
