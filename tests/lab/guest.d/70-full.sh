# SPDX-License-Identifier: Apache-2.0
# A full file system below the state directory and below the results.
. "$(dirname "$0")/check.sh"

disk=$(path_of nvme1)
mkdir -p /tmp/small
mount -t tmpfs -o size=64k,mode=700 small /tmp/small
snapshot "$disk" > /tmp/full-before

fill() { dd if=/dev/zero of=/tmp/small/fill bs=4k 2>/dev/null || :; }
fill
IOMODES_STATE_DIR=/tmp/small/state "$iomodes" with --set "block.nomerges:$disk=2" -- touch /tmp/full-ran > /tmp/full-out 2>&1
is "state directory full: nothing is started" "$?" 125
holds "it says why: $(tail -n 1 /tmp/full-out)" grep -q 'No space left' /tmp/full-out
holds "the command did not run" test ! -e /tmp/full-ran
rm /tmp/small/fill
# full only after the journal has begun: what was set comes back all the same
IOMODES_STATE_DIR=/tmp/small/state "$iomodes" with --set "block.nomerges:$disk=2" -- \
	dd if=/dev/zero of=/tmp/small/fill bs=4k > /tmp/full-out 2>&1
holds "full while it runs: the value is back ($(tail -n 1 /tmp/full-out))" diff /tmp/full-before <(snapshot "$disk")
rm -f /tmp/small/fill
IOMODES_STATE_DIR=/tmp/small/state "$iomodes" restore > /tmp/full-out 2>&1
holds "and clean with space again" env IOMODES_STATE_DIR=/tmp/small/state "$iomodes" status
umount /tmp/small

mount -t tmpfs -o size=256k,mode=700 small /tmp/small
"$iomodes" run lab -q -t /dev/nvme1n1 -m iopoll -m interrupt --runtime 100ms -o /tmp/small > /tmp/full-out 2>&1
status=$?
holds "results full: the run ends with $status and says why ($(tail -n 1 /tmp/full-out))" \
	sh -c "[ $status -eq 4 ] && grep -q 'No space left' /tmp/full-out"
holds "and the machine is as before" diff /tmp/full-before <(snapshot "$disk")
holds "status is clean" "$iomodes" status
umount /tmp/small
