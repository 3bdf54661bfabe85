# SPDX-License-Identifier: Apache-2.0
# kill -9 of the orchestrator, of its guardian, of both, 20 times at random moments of real commands on a real
# driver. Who is killed is fixed, round by round, and each was there: the orchestrator is stopped, looked at, then
# killed. (That every single step survives is tests/e2e/knob_kill.sh's.) LAB_SEED repeats a sequence.
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

# What the random delay is followed by. Builtins, as forks are slow here.
alive() { :; }
guarded() { guardian_of $orchestrator; }
all_set() { [ -e /tmp/kill-ran ] && guarded; } # the command of `with` is running
in_trial() { [ -s "$IOMODES_STATE_DIR/journal" ] && guarded; }
recorded() { # a first trial of the run
	local end=$((SECONDS + 60)) file
	while [ $SECONDS -lt $end ]; do
		for file in /tmp/kill-runs/2*/trials.jsonl; do
			[ ! -s "$file" ] || return 0
		done
		sleep 0.1
	done
	return 1
}

hit=0 left=0
for n in $(seq 20); do
	wait_ms=$((RANDOM % 900))
	rm -rf /tmp/kill-runs /tmp/kill-ran /tmp/kill-go
	case $((n % 3)) in
	1) what=orchestrator when=alive ;;
	2) what=guardian when=guarded ;;
	0) what=both when=guarded ;;
	esac
	if [ $((n % 4)) -eq 0 ]; then # two of the five runs at any moment after a trial, three within another one
		[ $what = orchestrator ] || when=in_trial
		"$iomodes" run lab -q -t /dev/nvme1n1 -m iopoll -m interrupt -o /tmp/kill-runs > /tmp/kill-out 2>&1 &
		recorded || echo "not ok - $n: no trial was recorded in 60 s: $(tail -n 1 /tmp/kill-out)"
	else
		[ $n -ne 9 ] || when=all_set
		"$iomodes" with "${settings[@]}" -- sh -c ': > /tmp/kill-ran; until [ -e /tmp/kill-go ]; do sleep 0.1; done' \
			> /tmp/kill-out 2>&1 &
	fi
	orchestrator=$! guardian=
	sleep "0.$(printf %03d $wait_ms)"
	stopped_when $orchestrator 60 $when ||
		{ echo "not ok - $n: $what was not there to be killed: $(tail -n 1 /tmp/kill-out)"; break; }
	case $what in
	orchestrator) victims=($orchestrator) ;;
	guardian) victims=("$guardian") ;;
	both) victims=("$guardian" $orchestrator) ;;
	esac
	for pid in "${victims[@]}"; do
		! kill -9 "$pid" || hit=$((hit + 1))
	done
	: > /tmp/kill-go
	if [ $what = guardian ]; then # the other goes on, and puts back what it set itself
		kill -CONT $orchestrator
		[ $((n % 4)) -ne 0 ] || kill -TERM $orchestrator
	fi
	wait $orchestrator 2>/dev/null
	# the lock is free when the guardian has restored
	[ ! -e /run/iomodes.lock ] || flock -w 60 /run/iomodes.lock true || echo "not ok - $n: the lock is still held"
	if [ $what = both ]; then
		snapshot "$disk" | cmp -s /tmp/kill-before || left=$((left + 1))
		"$iomodes" restore > /tmp/kill-restore 2>&1 || echo "not ok - $n: restore: $(cat /tmp/kill-restore)"
	fi
	if state=$("$iomodes" status) && snapshot "$disk" | diff /tmp/kill-before - > /tmp/kill-diff; then
		echo "ok - $n: $what killed $wait_ms ms after the start ($when): clean"
	else
		echo "not ok - $n: $what killed $wait_ms ms after the start ($when): $state $(cat /tmp/kill-diff /tmp/kill-out)"
	fi
done
is "processes that were there to be killed: 7 orchestrators, 7 guardians, 6 times both" $hit 26
holds "both killed left something behind $left times, which restore mended" test $left -ge 1
holds "no workload lives on" sh -c '! pgrep -x ioloop'
