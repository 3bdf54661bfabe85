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

# read_4k HIPRI: 2000 reads of each drive at depth 1, by one fio for both, as its start takes seconds here; sets
# counted, per controller, to interrupts or the error
declare -A counted before
read_4k() {
	local c
	for c in nvme0 nvme1; do before[$c]=$(device_interrupts "^${c}q[1-9]"); done
	fio --readonly --rw=randread --bs=4k --direct=1 --size=512m --ioengine=io_uring --hipri="$1" --iodepth=1 \
		--number_ios=2000 --name=a --filename=/dev/nvme0n1 --name=b --filename=/dev/nvme1n1 >/tmp/fio 2>&1
	for c in nvme0 nvme1; do
		counted[$c]=$(sed -n "s|.*io_u error on file /dev/${c}n1: \([^:]*\):.*|\1|p" /tmp/fio | head -n 1)
		[ -n "${counted[$c]}" ] || counted[$c]=$(($(device_interrupts "^${c}q[1-9]") - ${before[$c]}))
	done
}

for c in nvme0 nvme1; do
	path=$(path_of $c)
	wanted="default default default default "
	i=0
	while [ $i -lt "$poll" ]; do wanted+="poll "; i=$((i + 1)); done
	is "queue types of $path" "$(queue_types "$path")" "$wanted"
	is "vectors of $c (admin and one per CPU; none for polling)" "$(grep -c "${c}q[0-9]*$" /proc/interrupts)" 5
done
if command -v fio >/dev/null; then
	read_4k 0
	for c in nvme0 nvme1; do
		holds "$c, interrupt mode: ${counted[$c]} interrupts in 2000 reads" test "${counted[$c]}" -ge 1800
	done
	read_4k 1
	for c in nvme0 nvme1; do
		count=${counted[$c]}
		if [ "$poll" -gt 0 ]; then
			is "$c, IOPOLL: interrupts in 2000 reads" "$count" 0
			is "and they were made, by both" "$(grep -c 'issued rwts: total=2000,' /tmp/fio)" 2
		elif kernel_at_least 6 11; then
			is "$c, IOPOLL without poll queues is refused" "$count" "Operation not supported"
		else
			holds "$c, IOPOLL without poll queues: $count interrupts in 2000 reads, no error" test "$count" -ge 1800
		fi
	done
else
	echo "skip - interrupts of fio: no fio on the host"
fi
is "null_blk polls" "$(cat /sys/block/nullb0/queue/io_poll)" 1
is "queue types of nullb0" "$(queue_types nullb0)" "default default default default poll poll "
umount /tmp/debug
holds "an ext4 on nvme1n1 carries a file" sh -c 'mkfs.ext4 -q /dev/nvme1n1 && mkdir -p /tmp/fs &&
	mount /dev/nvme1n1 /tmp/fs && echo x > /tmp/fs/x && sync && umount /tmp/fs'
