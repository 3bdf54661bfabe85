# SPDX-License-Identifier: Apache-2.0
# kill -9 of the orchestrator at random moments of a run that stands on a rebound controller.
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/poll_queues_common.sh"
[ "${LAB_POLL_QUEUES:-2}" -eq 0 ] || exit 0

experiment "interrupt, iopoll"
echo mq-deadline > "/sys/block/$(path_of nvme1)/queue/scheduler"
before=$(state 1)
# Moments: before, inside and after the rebind (it takes a second or two here), in the trials.
for wait in 0.4 0.8 1.2 1.6 2 2.4 3 4 6; do
	start --target /dev/nvme1n1 --allow-rebind
	sleep $wait
	was=$(cat /sys/block/nvme1*n1/queue/io_poll 2>/dev/null | tail -n 1)
	kill -KILL $pid
	wait $pid 2>/dev/null
	idle || echo "not ok - kill after $wait s: the guardian is still there after 60 s"
	unchanged "kill -9 after $wait s (io_poll was '$was'): the controller is as before" 1 "$before"
	holds "kill -9 after $wait s: the status is clean" iomodes status
done

# Without the guardian the journal stays open, and the next start restores.
start --target /dev/nvme1n1 --allow-rebind
sleep 6
kill -KILL "$(pgrep -x iomodes-guard)" $pid
wait $pid 2>/dev/null
holds "both killed: the status lists the poll queues" sh -c "! iomodes status > /tmp/status 2>&1; grep -q nvme.poll_queues /tmp/status"
holds "both killed: restore mends it" iomodes restore
unchanged "both killed: the controller is as before" 1 "$before"

# Between unbind and bind nothing of the drive is there.
start --target /dev/nvme1n1 --allow-rebind
sleep 6
kill -KILL "$(pgrep -x iomodes-guard)" $pid
wait $pid 2>/dev/null
echo "$(pci_of nvme1)" > /tmp/pci
cat /tmp/pci > /sys/bus/pci/drivers/nvme/unbind
echo 3 > /sys/module/nvme/parameters/poll_queues # as if we had died right there
holds "unbound: status lists it" sh -c "! iomodes status > /tmp/status 2>&1; grep -q unbound /tmp/status"
iomodes restore > /tmp/restore 2>&1
case $? in
0) holds "unbound: restored" true ;;
*) # our read-back is known by now, so the unbinding is somebody else's: said, not overwritten
	holds "unbound by somebody else is a conflict" grep -q conflict /tmp/restore
	holds "restore --overwrite mends it" iomodes restore --overwrite ;;
esac
echo 0 > /sys/module/nvme/parameters/poll_queues
unchanged "unbound: the controller is as before" 1 "$before"
