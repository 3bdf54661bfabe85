# SPDX-License-Identifier: Apache-2.0
# Two nodes, two CPUs and a drive and a NIC on each.
. "$(dirname "$0")/check.sh"

node=/sys/devices/system/node
is "two NUMA nodes" "$(cat $node/online)" 0-1
is "distances of node 0" "$(cat $node/node0/distance)" "10 21"
is "distances of node 1" "$(cat $node/node1/distance)" "21 10"
is "CPUs of node 0" "$(cat $node/node0/cpulist)" 0-1
is "CPUs of node 1" "$(cat $node/node1/cpulist)" 2-3
for n in 0 1; do
	holds "node $n has memory" awk '/MemTotal/ { exit !($4 > 800000) }' $node/node$n/meminfo
	is "nvme$n is on node $n" "$(cat /sys/class/nvme/nvme$n/device/numa_node)" $n
	is "nvme$n has its serial" "$(tr -d ' ' < /sys/class/nvme/nvme$n/serial)" LAB-NVME-$n
	is "eth$n is on node $n" "$(cat /sys/class/net/eth$n/device/numa_node)" $n
	holds "nvme$n is behind a root port" test -e "$(readlink -f /sys/class/nvme/nvme$n/device)/../subordinate_bus_number"
done

# What `collect` records of this machine names it nowhere, and is a machine to probe.
$busybox hostname secrethost
holds "collect" "$iomodes" collect -o /tmp/machine.tar
$busybox hostname lab
mkdir -p /tmp/machine
tar -xf /tmp/machine.tar -C /tmp/machine
is "no host name, MAC address or serial number is in it" \
	"$(grep -rlaiE 'secrethost|52:?54:?00:?00:?0[012]|LAB-NVME' /tmp/machine | head -n 3; find /tmp/machine | grep -iE 'secrethost|LAB-NVME' | head -n 3)" ""
holds "probe reads it, and finds both drives" sh -c "'$iomodes' probe --root /tmp/machine.tar > /tmp/machine.txt && grep -q '^nvme0n1 ' /tmp/machine.txt && grep -q '^nvme1n1 ' /tmp/machine.txt"
