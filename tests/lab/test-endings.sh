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

# ends STATUS WORDS LAB-ARGUMENT...
ends() {
	local wanted=$1 words=$2 status=0 begun=$SECONDS
	shift 2
	"$LAB_DIR/lab" --kernel "$kernel" "$@" >"$dir/out" 2>"$dir/err" || status=$?
	[ $status -ne $LAB_SKIP ] || [ "$wanted" = $LAB_SKIP ] || { cat "$dir/err"; exit $LAB_SKIP; }
	if [ $status -eq "$wanted" ] && grep -q -- "$words" "$dir/err"; then
		echo "ok - status $status, '$words' ($((SECONDS - begun)) s)"
	else
		not_ok "status $status (wanted $wanted), wanted '$words', said:"
		tail -n 20 "$dir/err"
	fi
	[ -z "$(ls "$TMPDIR")" ] || not_ok "left behind: $(ls -R "$TMPDIR")"
}

# stdout and stderr stay apart, arguments and status come through, results stay
# shellcheck disable=SC2016 # for the guest
ends 77 "^to stderr" --results "$dir/results" -- sh -c \
	'echo "to stdout $1"; echo "to stderr" >&2; echo kept > /lab/results/file; exit 77' sh 'two  words'
[ "$(cat "$dir/out")" = "to stdout two  words" ] || not_ok "stdout was '$(cat "$dir/out")'"
[ "$(cat "$dir/results/file")" = kept ] || not_ok "the result was not kept"
ends $LAB_PANIC "PANIC: .*Kernel panic - not syncing: sysrq" -- sh -c 'echo c > /proc/sysrq-trigger; sleep 60'
ends $LAB_DOWN "DOWN: " -- sh -c 'echo b > /proc/sysrq-trigger; sleep 60'
ends $LAB_TIMEOUT "TIMEOUT: .*after 3 s" --timeout 3 -- sleep 600
# a machine that stands still: its CPUs are stopped by the monitor
LAB_HANG=8 ends $LAB_HANG "HANG: no heartbeat" -- "$LAB_DIR/qmp" stop

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
sleep 1
[ $status -eq 143 ] && echo "ok - terminated: status 143" || not_ok "terminated: status $status"
[ -z "$(ls "$TMPDIR")" ] || not_ok "left behind: $(ls -R "$TMPDIR")"
! grep -las "$TMPDIR/iomodes-lab" /proc/[0-9]*/cmdline | grep -v /self/ || not_ok "a QEMU lives on"
exit $failed
