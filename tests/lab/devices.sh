# SPDX-License-Identifier: Apache-2.0
# Sourced. The guest's hardware, as QEMU options in the array `devices`.

LAB_MEMORY_MIB=1024	# per NUMA node
LAB_DISK=1G	# per NVMe namespace; sparse: never-written blocks read as zeroes, the counters do not mind

# devices_numa: four CPUs in two nodes
devices_numa() {
	devices+=(-smp 4,sockets=2,cores=2,threads=1 -m $((2 * LAB_MEMORY_MIB))M)
	local node
	for node in 0 1; do
		devices+=(-object "memory-backend-ram,id=mem$node,size=${LAB_MEMORY_MIB}M"
			-numa "node,nodeid=$node,memdev=mem$node,cpus=$((2 * node))-$((2 * node + 1))")
	done
	devices+=(-numa dist,src=0,dst=1,val=21 -numa dist,src=1,dst=0,val=21)
}

# devices_pcie: an expander bridge per node with root ports below it. Only a device behind a root
# port can be unplugged, and once there is an expander `bus=pcie.0` has to be said everywhere else.
devices_pcie() {
	local node port
	for node in 0 1; do
		devices+=(-device "pxb-pcie,id=pxb$node,bus=pcie.0,bus_nr=$((64 + 64 * node)),numa_node=$node")
		for port in nvme nic; do
			devices+=(-device "pcie-root-port,id=port-$port$node,bus=pxb$node,chassis=$((node + 1)),slot=$((2 * node + ${#port}))")
		done
	done
}

# devices_nvme WORKDIR: one controller per node with 8 queue pairs. Only the second names a subsystem,
# whose namespaces Linux then takes for multipath ones (a head in front of a hidden path).
devices_nvme() {
	local node subsystem=('' ,subsys=subsys1) shared=(off on)
	devices+=(-device nvme-subsys,id=subsys1,nqn=lab-1)
	for node in 0 1; do
		truncate -s $LAB_DISK "$1/nvme$node.raw"
		devices+=(-drive "if=none,id=disk$node,file=$1/nvme$node.raw,format=raw,cache=unsafe,discard=unmap"
			-device "nvme,id=nvme$node,bus=port-nvme$node,serial=LAB-NVME-$node,max_ioqpairs=8${subsystem[node]}"
			-device "nvme-ns,id=ns$node,bus=nvme$node,drive=disk$node,nsid=1,shared=${shared[node]},eui64=0x525400000000000$((node + 1)),eui64-default=off")
	done
}

# devices_nic MODEL: igb or e1000e, one per node, joined by a hub; a pair of virtio-net likewise.
# A hub has one queue per port, so virtio-net has one queue pair (more would need a tap on the host).
devices_nic() {
	local i
	for i in 0 1; do
		devices+=(-netdev "hubport,id=nic$i,hubid=1"
			-device "$1,id=$1$i,netdev=nic$i,bus=port-nic$i,mac=52:54:00:00:01:0$i,romfile="
			-netdev "hubport,id=vnic$i,hubid=2"
			-device "virtio-net-pci,id=virtio-net$i,netdev=vnic$i,bus=pcie.0,mac=52:54:00:00:02:0$i,romfile=")
	done
}

# devices_share TAG PATH on|off [MODEL]: a folder of the host (on: read-only)
devices_share() {
	devices+=(-fsdev "local,id=fs-$1,path=${2//,/,,},readonly=$3,security_model=${4:-none},multidevs=remap"
		-device "virtio-9p-pci,fsdev=fs-$1,mount_tag=$1,bus=pcie.0")
}

# devices_channels WORKDIR: ports of the guest's command. lab.out, lab.err and lab.ctl are QEMU's
# descriptors 3, 4 and 6, lab.qmp is QEMU's own monitor as seen from inside. (A stdio chardev will not
# do: at the end of its input the guest's writes to the port block.)
devices_channels() {
	devices+=(-device virtio-serial-pci,id=ports,bus=pcie.0
		-add-fd fd=6,set=3 -chardev file,id=ctl,path=/dev/fdset/3,append=on
		-device virtserialport,bus=ports.0,chardev=ctl,name=lab.ctl
		-add-fd fd=3,set=1 -chardev file,id=out,path=/dev/fdset/1,append=on
		-device virtserialport,bus=ports.0,chardev=out,name=lab.out
		-add-fd fd=4,set=2 -chardev file,id=err,path=/dev/fdset/2,append=on
		-device virtserialport,bus=ports.0,chardev=err,name=lab.err
		-chardev "socket,id=inner,path=$1/inner,server=on,wait=off"
		-device virtserialport,bus=ports.0,chardev=inner,name=lab.qmp
		-chardev "socket,id=monitor,path=$1/inner" -mon chardev=monitor,mode=control
		-qmp "unix:$1/qmp,server=on,wait=off")
}
