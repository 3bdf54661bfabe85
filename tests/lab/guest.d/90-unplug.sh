# SPDX-License-Identifier: Apache-2.0
# Last, because the drives are gone for a while: both ways of losing one while it works.
. "$(dirname "$0")/check.sh"

# gone CONTROLLER: within 20 s
gone() {
	local i=0
	while [ -e "/sys/class/nvme/$1" ]; do
		i=$((i + 1))
		[ $i -lt 100 ] || return 1
		sleep 0.2
	done
}

# load DISK: keep it busy in the background
load() { dd if="/dev/$1" of=/dev/null bs=64k iflag=direct 2>/tmp/load & loader=$!; }

load nvme0n1
holds "sysfs remove of nvme0 under load" sh -c 'echo 1 > /sys/class/nvme/nvme0/device/remove'
holds "nvme0 is gone" gone nvme0
wait $loader || :
echo 1 > /sys/bus/pci/rescan
i=0
while [ ! -e /dev/nvme0n1 ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.2; done
holds "nvme0 is back after a rescan" test -b /dev/nvme0n1
if ! command -v python3 >/dev/null; then
	echo "skip - device_del: no python3 on the host"
	exit
fi
load nvme1n1
holds "QEMU takes device_del of nvme1 under load" "$LAB_DIR/qmp" --wait DEVICE_DELETED device_del id=nvme1
holds "nvme1 is gone" gone nvme1
wait $loader || :
