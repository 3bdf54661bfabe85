# SPDX-License-Identifier: Apache-2.0
# Knob nvme.poll_queues and runs with allow_rebind, on the plain drive and on the multipath one.
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/poll_queues_common.sh"

if [ "${LAB_POLL_QUEUES:-2}" -gt 0 ]; then
	experiment iopoll
	is "a drive with poll queues is not rebound" \
		"$(run --dry-run --allow-rebind --target /dev/nvme0n1 | grep -o 'Rebind .*')" "Rebind      none: nvme0n1 has poll queues"
	exit
fi

experiment "interrupt, iopoll, hybrid-iopoll"
once=--single-block # counters tell as much in one block as in six
for c in 0 1; do
	disk=nvme${c}n1 pci=$(pci_of nvme$c)
	# neither the drive's defaults nor ours: both must come back
	choose=/sys/block/$(path_of nvme$c)/queue
	echo mq-deadline > $choose/scheduler
	echo 100 > $choose/nr_requests
	before=$(state $c)

	of=()
	is "$disk: no poll queues" "$(knob nvme.poll_queues:$pci)" 0
	run $once --target /dev/$disk --mode interrupt --mode iopoll > /tmp/plain 2>&1
	read_last_run
	holds "$disk: without allow_rebind iopoll is unsupported, and the remedy is named" \
		sh -c "grep -q 'no poll queues: nvme.poll_queues=0' $(last_run)run.json && grep -q allow_rebind $(last_run)run.json"
	is "$disk: and was not measured" "${of["iopoll verdicts"]-}" ""

	run --dry-run --target /dev/$disk --allow-rebind > /tmp/dry 2>&1
	holds "$disk: a dry run says what it would do" grep -q "^Rebind .*$pci with nvme.poll_queues=2 for the whole run (now 0)" /tmp/dry
	holds "$disk: and plans the polled row" grep -q '^iopoll/' /tmp/dry
	unchanged "$disk: and changes nothing" $c "$before"

	of=() again=()
	for go in 1 2 3; do # a polling mode that the host did not let run is measured once more
		run $once --target /dev/$disk --allow-rebind "${again[@]}" > /tmp/rebound 2>&1
		status=$? # 4: a trial has failed a check of its times
		read_last_run
		mapfile -t again < <("$(dirname "$0")/again.py" "$(last_run)")
		[ ${#again[@]} -gt 0 ] || break
		echo "# $disk, go $go: once more ${again[*]}"
	done
	holds "$disk: a run with allow_rebind ends well ($status)" test $status = 0 -o $status = 4
	is "$disk: and without complaint" "$(grep 'iomodes run:.*reason\|cannot' /tmp/rebound)" ""
	is "$disk: interrupt" "${of["interrupt verdicts"]-}" "in_force x1"
	is "$disk: iopoll" "${of["iopoll verdicts"]-}" "in_force x1"
	holds "$disk: iopoll has 0 interrupts per I/O (${of["iopoll interrupts"]-})" test "${of["iopoll interrupts"]-}" = 0.000
	holds "$disk: interrupt has about 1 (${of["interrupt interrupts"]-})" within "${of["interrupt interrupts"]-}" 0.9 1.1
	if kernel_at_least 6 13; then
		is "$disk: hybrid-iopoll" "${of["hybrid-iopoll verdicts"]-}" "in_force x1"
	fi
	unchanged "$disk: afterwards the controller is as before" $c "$before"
	holds "$disk: and the status is clean" iomodes status

	of=()
	run $once --target /dev/$disk --mode iopoll --ignore-requires > /tmp/ignored 2>&1
	read_last_run
	if kernel_at_least 6 11; then
		is "$disk: --ignore-requires without poll queues: nothing is measured" "${of["iopoll verdicts"]-}" ""
		is "$disk: and each trial fails with EOPNOTSUPP" "${of["iopoll refused"]-}" "all"
	else
		is "$disk: --ignore-requires without poll queues: not in force" "${of["iopoll verdicts"]-}" "not_in_force x1"
		holds "$disk: on about 1 interrupt per I/O (${of["iopoll interrupts"]-})" within "${of["iopoll interrupts"]-}" 0.9 1.1
		holds "$disk: with a CPU of its own all the time (${of["iopoll cpu"]-} of one)" within "${of["iopoll cpu"]-}" 0.9 1.1
	fi
done

mkfs.ext4 -q /dev/nvme1n1 && mkdir -p /tmp/mounted && mount /dev/nvme1n1 /tmp/mounted
before=$(state 1)
run --target /dev/nvme1n1 --allow-rebind > /tmp/refused 2>&1
is "a mounted drive refuses the rebind" $? 1
holds "with the reason" grep -q "not rebound: nvme1n1 is mounted on /tmp/mounted" /tmp/refused
unchanged "and nothing was touched" 1 "$before"
umount /tmp/mounted
exec 9< /dev/nvme1n1
run --target /dev/nvme1n1 --allow-rebind > /tmp/refused 2>&1
holds "so does one that a process has open" grep -q "not rebound: /dev/nvme1n1 is open in process $$" /tmp/refused
exec 9<&-

holds "an experiment asks for it, and how many" sh -c "sed 's/^name:.*/&\nallow_rebind: true\npoll_queues: 1/' /tmp/poll_queues.yaml > /tmp/one.yaml &&
	iomodes plan /tmp/one.yaml --target /dev/nvme1n1 | grep -q 'nvme.poll_queues=1 for the whole run'"
sed 's/^name:.*/&\npoll_queues: 1/' /tmp/poll_queues.yaml > /tmp/bad.yaml
is "poll_queues alone is an error with its place" "$(iomodes plan /tmp/bad.yaml 2>&1 | grep -o 'bad.yaml:2:[0-9]*: poll_queues needs')" "bad.yaml:2:14: poll_queues needs"
