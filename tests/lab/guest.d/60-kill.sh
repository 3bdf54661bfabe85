# SPDX-License-Identifier: Apache-2.0
# kill -9 of the orchestrator, of its guardian, of both, at random moments of real commands on a real
# driver. (That every single step survives is tests/e2e/knob_kill.sh's.) LAB_SEED repeats a sequence.
. "$(dirname "$0")/check.sh"

seed=${LAB_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
echo "# LAB_SEED=$seed"
RANDOM=$seed
export IOMODES_STATE_DIR=/tmp/kill-state
disk=$(path_of nvme1)
modprobe -q mq-deadline
echo mq-deadline > "/sys/block/$disk/queue/scheduler" # an administrator's, which each trial of a run sets to none
vector=$(basename "$(readlink /sys/class/nvme/nvme1/device)"):nvme1q0
settings=(--set "block.scheduler:$disk=none" --set "block.nomerges:$disk=2"
	--set "block.read_ahead_kb:$disk=64" --set "irq.affinity:$vector=3" --set sysctl.vm.swappiness=7
	--set thp.enabled=never)
snapshot "$disk" > /tmp/kill-before

# children of PROCESS that are iomodes too: its guardian
guardian_of() {
	local pid
	for pid in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		[[ $(cat "/proc/$pid/comm" 2>/dev/null) != iomodes* ]] || { echo "$pid"; return; }
	done
}

# recorded: a run has ended a trial (within 30 s). journal_open: settings of the next stand in the journal (5 s).
recorded() { [ -n "$(find /tmp/kill-runs -name trials.jsonl -size +0 2>/dev/null)" ]; }
journal_open() { [ -s "$IOMODES_STATE_DIR/journal" ]; }
wait_for() { # TENTHS COMMAND
	local i
	for ((i = 0; i < $1; i++)); do
		"$2" && return
		sleep 0.1
	done
	return 1
}

found=0 left=0 within=0
for n in $(seq 20); do
	victim=$((RANDOM % 3)) wait_ms=$((RANDOM % 900))
	if [ $((n % 4)) -eq 0 ]; then
		rm -rf /tmp/kill-runs
		"$iomodes" run lab -q -t /dev/nvme1n1 -m iopoll -m interrupt -o /tmp/kill-runs > /tmp/kill-out 2>&1 &
	else
		"$iomodes" with "${settings[@]}" -- sleep 1 > /tmp/kill-out 2>&1 &
	fi
	orchestrator=$!
	if [ $((n % 4)) -eq 0 ]; then
		wait_for 300 recorded || echo "not ok - $n: no trial was recorded in 30 s: $(tail -n 1 /tmp/kill-out)"
	fi
	sleep "$((wait_ms / 1000)).$(printf %03d $((wait_ms % 1000)))"
	# the delay alone falls between two trials now and then: of the five runs, two wait for the next one
	[ $((n % 8)) -ne 0 ] || wait_for 50 journal_open || echo "not ok - $n: no trial came"
	guardian=$(guardian_of $orchestrator)
	[ $((n % 4)) -ne 0 ] || ! recorded || ! journal_open || within=$((within + 1))
	[ -z "$guardian" ] || found=$((found + 1))
	case $victim in
	0) what=orchestrator; kill -9 $orchestrator ;;
	1) what=guardian; [ -z "$guardian" ] || kill -9 "$guardian"
		[ $((n % 4)) -ne 0 ] || kill -TERM $orchestrator ;;
	2) what=both; kill -9 ${guardian:+"$guardian"} $orchestrator ;;
	esac 2>/dev/null
	wait $orchestrator 2>/dev/null
	# the lock is free when the guardian has restored
	[ ! -e /run/iomodes.lock ] || flock -w 30 /run/iomodes.lock true || echo "not ok - $n: the lock is still held"
	if [ $what = both ]; then
		diff -q /tmp/kill-before <(snapshot "$disk") >/dev/null || left=$((left + 1))
		"$iomodes" restore > /tmp/kill-restore 2>&1 || echo "not ok - $n: restore: $(cat /tmp/kill-restore)"
	fi
	state=$("$iomodes" status) && diff /tmp/kill-before <(snapshot "$disk") > /tmp/kill-diff
	if [ $? -eq 0 ]; then
		echo "ok - $n: $what killed after $wait_ms ms: clean"
	else
		echo "not ok - $n: $what killed after $wait_ms ms: $state $(cat /tmp/kill-diff /tmp/kill-out)"
	fi
done
holds "the guardian was there in $found of 20" test $found -ge 5
holds "$within of the 5 runs were hit within a trial, after another" test $within -ge 1
holds "both killed left something behind" test $left -ge 1
echo "# both killed left something behind $left times, which restore mended"
holds "no workload lives on" sh -c '! pgrep -x ioloop'
