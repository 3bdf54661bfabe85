# SPDX-License-Identifier: Apache-2.0
# kill -9 before, in and after a rebind: at journal steps, and at moments of a run that stands on a rebound controller.
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/poll_queues_common.sh"
[ "${LAB_POLL_QUEUES:-2}" -eq 0 ] || exit 0

experiment "interrupt, iopoll"
driver=$(dirname "$iomodes")/../tests/knob_driver
path=$(path_of nvme1) pci=$(pci_of nvme1)
echo mq-deadline > "/sys/block/$path/queue/scheduler"
before=$(state 1)
io_poll() { cat "/sys/block/$path/queue/io_poll" 2>/dev/null || echo gone; }

# Orchestrator and guardian die at a step: nobody restores until told to. Each step until the one after the write,
# then some.
at_step() { "$driver" "$IOMODES_STATE_DIR" "$1" both "nvme.poll_queues:$pci=2" 2> /tmp/step; }
points=$(at_step 0) || points=0
holds "a rebind and back has $points steps" test "$points" -gt 4
old=0 new=0 n=1 first=
while [ "$n" -le "$points" ]; do
	at_step $n > /dev/null
	was=$(io_poll)
	[ "$was" != 1 ] || new=$((new + 1))
	[ "$was" != 0 ] || [ -n "$first" ] || old=$((old + 1))
	if [ -z "$first" ] && [ "$was" = 1 ]; then
		# Written, not yet read back: any other value counts as ours, also none between unbind and bind.
		first=$n
		echo "$pci" > /sys/bus/pci/drivers/nvme/unbind
		holds "step $n and unbound: status lists it" sh -c "! iomodes status > /tmp/status 2>&1; grep -q unbound /tmp/status"
	fi
	holds "$(head -n 1 /tmp/step), io_poll was $was: restored" iomodes restore
	unchanged "step $n: the controller is as before" 1 "$before"
	[ -z "$first" ] || [ "$n" = "$first" ] && n=$((n + 1)) || n=$((n + (points - first) / 3 + 1))
done
holds "killed before the change at $old steps, after it at $new" test $old -ge 1 -a $new -ge 2

# The orchestrator alone, before the rebind and in the trials on it: the guardian restores.
# caught WHAT COMMAND...: killed when it stands still and the command holds
caught() {
	local what=$1
	shift
	rm -rf "$results"/2*
	start --target /dev/nvme1n1 --allow-rebind
	stopped_when $pid 120 "$@" || echo "not ok - $what: never came to that: $(tail -n 1 /tmp/killed)"
	was=$(io_poll)
	kill -KILL $pid
	wait $pid 2>/dev/null
	idle || echo "not ok - $what: the guardian is still there after 60 s"
	unchanged "kill -9 $what (io_poll was $was): the controller is as before" 1 "$before"
	holds "kill -9 $what: the status is clean" iomodes status
}
begun() { [ "$(cat /proc/$pid/comm)" = iomodes ] && [ "$(io_poll)" = 0 ]; }
rebound() { [ "$(io_poll)" = 1 ]; }
in_trials() { rebound && [ -s "$(last_run)trials.jsonl" ]; }
caught "before the rebind" begun
is "io_poll then" "$was" 0
caught "right after the rebind" rebound
is "io_poll then" "$was" 1
caught "in the trials" in_trials
is "io_poll then" "$was" 1

# Without the guardian the journal stays open, and the next start restores.
both_killed() {
	rm -rf "$results"/2*
	start --target /dev/nvme1n1 --allow-rebind
	stopped_when $pid 120 in_trials || echo "not ok - no trial after 120 s: $(tail -n 1 /tmp/killed)"
	guardian_of $pid || echo "not ok - it has no guardian"
	kill -KILL "$guardian" $pid
	wait $pid 2>/dev/null
}
both_killed
holds "both killed: the status lists the poll queues" sh -c "! iomodes status > /tmp/status 2>&1; grep -q nvme.poll_queues /tmp/status"
holds "both killed: restore mends it" iomodes restore
unchanged "both killed: the controller is as before" 1 "$before"

# What was set had been read back, so the unbinding is somebody else's: said, not overwritten.
both_killed
echo "$pci" > /sys/bus/pci/drivers/nvme/unbind
echo 3 > /sys/module/nvme/parameters/poll_queues
iomodes restore > /tmp/restore 2>&1
is "unbound by somebody else: restore ends with" $? 5
holds "and calls it a conflict" grep -q conflict /tmp/restore
holds "restore --overwrite mends it" iomodes restore --overwrite
echo 0 > /sys/module/nvme/parameters/poll_queues
unchanged "unbound: the controller is as before" 1 "$before"
