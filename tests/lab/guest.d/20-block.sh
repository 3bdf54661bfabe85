# SPDX-License-Identifier: Apache-2.0
# Queues as asked for, and the counters tell polling from interrupts. LAB_POLL_QUEUES: expected number.
. "$(dirname "$0")/check.sh"

poll=${LAB_POLL_QUEUES:-2}
mkdir -p /tmp/debug
mount -t debugfs debugfs /tmp/debug

# queue_types PATH: "default default … poll poll"
queue_types() {
	for hctx in $(ls -d /tmp/debug/block/$1/hctx* | sort -V); do cat "$hctx/type"; done | tr '\n' ' '
}

# read_4k DEVICE HIPRI: 2000 reads at depth 1 by fio; prints interrupts, or the error
read_4k() {
	local before after
	before=$(device_interrupts "^${1%n1}q[1-9]")
	fio --name=lab --filename="/dev/$1" --readonly --rw=randread --bs=4k --direct=1 --size=512m \
		--ioengine=io_uring --hipri="$2" --iodepth=1 --number_ios=2000 >/tmp/fio 2>&1 ||
		{ grep -o -m1 'error=.*' /tmp/fio | head -n 1; return; }
	after=$(device_interrupts "^${1%n1}q[1-9]")
	echo $((after - before))
}

for c in nvme0 nvme1; do
	path=$(path_of $c)
	wanted="default default default default "
	i=0
	while [ $i -lt "$poll" ]; do wanted+="poll "; i=$((i + 1)); done
	is "queue types of $path" "$(queue_types "$path")" "$wanted"
	is "vectors of $c (admin and one per CPU; none for polling)" "$(grep -c "${c}q[0-9]*$" /proc/interrupts)" 5
	if ! command -v fio >/dev/null; then
		echo "skip - $c: interrupts of fio: no fio on the host"
		continue
	fi
	count=$(read_4k ${c}n1 0)
	holds "$c, interrupt mode: $count interrupts in 2000 reads" test "$count" -ge 1800
	count=$(read_4k ${c}n1 1)
	if [ "$poll" -gt 0 ]; then
		is "$c, IOPOLL: interrupts in 2000 reads" "$count" 0
	elif kernel_at_least 6 11; then
		is "$c, IOPOLL without poll queues is refused" "$count" "error=Operation not supported"
	else
		holds "$c, IOPOLL without poll queues: $count interrupts in 2000 reads, no error" test "$count" -ge 1800
	fi
done
is "null_blk polls" "$(cat /sys/block/nullb0/queue/io_poll)" 1
is "queue types of nullb0" "$(queue_types nullb0)" "default default default default poll poll "
umount /tmp/debug
holds "an ext4 on nvme1n1 carries a file" sh -c 'mkfs.ext4 -q /dev/nvme1n1 && mkdir -p /tmp/fs &&
	mount /dev/nvme1n1 /tmp/fs && echo x > /tmp/fs/x && sync && umount /tmp/fs'
