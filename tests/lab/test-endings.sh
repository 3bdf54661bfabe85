#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How a lab can end, told apart by status and words; nothing is left behind.
set -euo pipefail
. "$(dirname "$0")/common.sh"
kernel=${1:-newest}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export TMPDIR=$dir/tmp
mkdir "$TMPDIR"
failed=0

not_ok() {
	echo "not ok - $*"
	failed=1
}

# ends NAME STATUS WORDS LAB-ARGUMENT...: in a folder of its own, so that two guests may run at once
ends() {
	local name=$1 wanted=$2 words=$3 status=0 begun=$SECONDS dir=$dir/$1
	shift 3
	mkdir -p "$dir/tmp"
	TMPDIR=$dir/tmp "$LAB_DIR/lab" --kernel "$kernel" "$@" >"$dir/out" 2>"$dir/err" || status=$?
	[ $status -ne $LAB_SKIP ] || [ "$wanted" = $LAB_SKIP ] || { cat "$dir/err"; exit $LAB_SKIP; }
	if [ $status -eq "$wanted" ] && grep -q -- "$words" "$dir/err"; then
		echo "ok - $name: status $status, '$words' ($((SECONDS - begun)) s)"
	else
		not_ok "$name: status $status (wanted $wanted), wanted '$words', said:"
		tail -n 20 "$dir/err"
	fi
	[ -z "$(ls "$dir/tmp")" ] || not_ok "left behind: $(ls -R "$dir/tmp")"
	exit $failed
}
# both FIRST SECOND: two processes, which boot at the same time
both() {
	local one status=0
	for one in "$@"; do
		wait "$one" || status=$?
		[ $status -ne $LAB_SKIP ] || exit $LAB_SKIP
		[ $status -eq 0 ] || failed=1
	done
}

# Stdout and stderr stay apart, arguments and status come through, results stay. (That the guest goes down in the
# middle of a command is test-reset.sh's.)
# shellcheck disable=SC2016 # for the guest
(ends words 77 "^to stderr" --results "$dir/results" -- sh -c \
	'echo "to stdout $1"; echo "to stderr" >&2; echo kept > /lab/results/file; exit 77' sh 'two  words') & first=$!
(ends panic $LAB_PANIC "PANIC: .*Kernel panic - not syncing: sysrq" -- \
	sh -c 'echo c > /proc/sysrq-trigger; sleep 60') & second=$!
both $first $second
[ "$(cat "$dir/words/out")" = "to stdout two  words" ] || not_ok "stdout was '$(cat "$dir/words/out")'"
[ "$(cat "$dir/results/file")" = kept ] || not_ok "the result was not kept"
# what the emulator's own fault looks like: the test may start again, and says why
(ends emulator $LAB_EMULATOR "EMULATOR: .*int3" -- sh -c \
	'echo "<0>Oops: int3: 0000 [#1] SMP NOPTI" > /dev/kmsg; echo c > /proc/sysrq-trigger; sleep 60') & emulator=$!
(ends no-init $LAB_PANIC "PANIC: .*before the command was started" --append rdinit=/nonexistent -- true) & first=$!
(ends timeout $LAB_TIMEOUT "TIMEOUT: .*after 3 s" --timeout 3 -- sleep 600) & second=$!
both $first $second $emulator
# a machine that stands still: its CPUs are stopped by the monitor
(LAB_HEARTBEAT_TIMEOUT=8 ends hang $LAB_HANG "HANG: no heartbeat" -- "$LAB_DIR/qmp" stop) & first=$!

# Ctrl-C while it boots: QEMU goes with it
"$LAB_DIR/lab" --kernel "$kernel" -- sleep 600 2>"$dir/err" &
lab=$!
for _ in $(seq 600); do
	[ ! -s "$(echo "$TMPDIR"/iomodes-lab.*/console)" ] || break
	sleep 0.1
done
kill -TERM $lab
status=0
wait $lab || status=$?
for _ in $(seq 300); do # it has been killed, and goes when the kernel lets it
	pgrep -f "$TMPDIR/iomodes-lab" > /dev/null || break
	sleep 0.1
done
[ $status -eq 143 ] && echo "ok - terminated: status 143" || not_ok "terminated: status $status"
[ -z "$(ls "$TMPDIR")" ] || not_ok "left behind: $(ls -R "$TMPDIR")"
! pgrep -f "$TMPDIR/iomodes-lab" || not_ok "a QEMU lives on"
both $first
exit $failed
