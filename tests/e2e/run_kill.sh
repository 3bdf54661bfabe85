#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of each process of a run, at random moments: knobs come back, nothing is left running, the
# records so far are intact, and the run is resumed or goes on.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"
RANDOM=${IOMODES_TEST_SEED:-$RANDOM}
echo "seed $RANDOM"

experiment small 'interrupt, sync' 200ms
child_of() { # PID NAME: waits for it
	for _ in {1..500}; do
		for p in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
			if [[ $(cat "/proc/$p/comm" 2>/dev/null) == "$2" ]]; then echo "$p"; return; fi
		done
		sleep 0.01
	done
	fail "process $1 has no child $2"
}
# The supervisor of a trial that starts now, so that there is time to kill what belongs to it.
fresh_supervisor() {
	local old new
	old=$(child_of "$run_pid" iomodes-child)
	while true; do
		new=$(child_of "$run_pid" iomodes-child)
		# not the canary's between two blocks
		if [[ $new != "$old" ]] && is_trial "$new"; then break; fi
		sleep 0.005
	done
	echo "$new"
}
is_trial() { # SUPERVISOR: of a workload under control; once it has one
	local child words
	for _ in {1..20}; do
		for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
			words=$(tr '\0' ' ' 2>/dev/null <"/proc/$child/cmdline") || continue
			case $words in
			*--control-fd*) return 0 ;;
			*--calibrate* | *engine=nop*) return 1 ;;
			esac
		done
		[[ -e /proc/$1 ]] || return 1
		sleep 0.005
	done
	return 1
}
begin() { # and a random moment of it
	rm -rf "$results"/2*
	start "$iomodes" run "$work/small.yaml" --output "$results" --quiet
	await_trials $((RANDOM % 8 + 1))
	sleep "0.$((RANDOM % 250 + 100))"
}

for n in 1 2 3; do
	begin
	kill -9 "$run_pid"
	ends_with 137 "orchestrator killed"
	await_guardian || fail "orchestrator killed: the guardian still holds the lock after 20 s"
	is_as_before "orchestrator killed, $n"
	no_process_left "orchestrator killed, $n"
	status_is_clean "orchestrator killed, $n"
	have=$(trials)
	"$iomodes" run --resume "$(run_dir)" --quiet >"$work/out" 2>"$work/err" ||
		{ cat "$work/out" "$work/err"; fail "orchestrator killed: resume"; }
	is_whole "$(run_dir)" "orchestrator killed, resumed"
	is_as_before "orchestrator killed, resumed"
	echo "orchestrator killed after $have of 12 trials: the guardian restored, --resume completed the run"
done

begin
supervisor=$(fresh_supervisor)
kill -9 "$(child_of "$supervisor" ioloop)"
ends_with 0 "workload killed"
is_as_before "workload killed"
is_whole "$(run_dir)" "workload killed"
records failed "$(run_dir)" 1 'killed by signal 9'

begin
kill -9 "$(fresh_supervisor)"
ends_with 0 "supervisor killed"
is_as_before "supervisor killed"
no_process_left "supervisor killed"
is_whole "$(run_dir)" "supervisor killed"
records failed "$(run_dir)" 1

begin
kill -9 "$(child_of "$run_pid" iomodes-guard)"
ends_with 0 "guardian killed"
is_as_before "guardian killed"
no_process_left "guardian killed"
status_is_clean "guardian killed"
is_whole "$(run_dir)" "guardian killed"
echo "guardian killed alone: the run went on"

# Both at once: nobody is left to restore; status says so, restore mends it.
begin
guardian=$(child_of "$run_pid" iomodes-guard)
for _ in {1..300}; do diff -q "$work/before" <(snapshot) >/dev/null || break; done
kill -9 "$guardian" "$run_pid"
ends_with 137 "both killed"
no_process_left "both killed"
if diff -q "$work/before" <(snapshot) >/dev/null; then
	echo "both killed between two trials: nothing to restore"
else
	if "$iomodes" status >"$work/status"; then fail "both killed: status says clean, but the machine differs"; fi
	"$iomodes" restore >"$work/out" || { cat "$work/out"; fail "both killed: restore"; }
	echo "both killed: status named what was left, restore brought it back"
fi
is_as_before "both killed"
status_is_clean "both killed"
