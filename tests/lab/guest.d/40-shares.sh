# SPDX-License-Identifier: Apache-2.0
# What may be written, what may not, what survives.
. "$(dirname "$0")/check.sh"

holds "the root can be written (RAM)" sh -c 'echo x > /etc/lab-was-here'
holds "the checkout cannot" sh -c "! touch '$LAB_DIR/x' 2>/dev/null"
for dir in /lab/results /lab/state; do
	holds "$dir: write, fsync, rename, fsync the folder" sh -c "dd if=/dev/zero of=$dir/a bs=4k count=4 conv=fsync &&
		mv $dir/a $dir/b && sync $dir && cmp -n 16384 $dir/b /dev/zero"
done
is "IOMODES_STATE_DIR" "${IOMODES_STATE_DIR:-}" /lab/state
holds "cgroup v2 can be written" sh -c 'mkdir /sys/fs/cgroup/lab && test -e /sys/fs/cgroup/lab/cgroup.kill && rmdir /sys/fs/cgroup/lab'
is "debugfs is left to who needs it" "$(grep -c debugfs /proc/mounts)" 0
holds "modprobe finds modules" sh -c 'modprobe veth && test -d /sys/module/veth'
holds "/dev/stdout can be opened again" sh -c 'test "$(echo x | cat /dev/stdin | tee /dev/stdout | grep -c x)" = 2'
