# SPDX-License-Identifier: Apache-2.0
# Every block mode on a drive that came without poll queues and gets them for the run: proven by counters, or
# unsupported with the right reason. In one block, which tells as much of what they are as six. (With poll queues
# from boot, and as a whole, it is test-default.sh that runs the experiment.)
. "$(dirname "$0")/check.sh"

kernel_at_least 6 13 && hybrid=yes || hybrid=no
options=(--single-block --no-cpu-left)
[ "${LAB_POLL_QUEUES:-2}" -gt 0 ] || options+=(--allow-rebind)
mkdir -m 700 /lab/results/modes
again=() status=0
for go in 1 2 3; do
	LAB_RESULTS=/lab/results/modes "$LAB_DIR/experiment.sh" "${options[@]}" "${again[@]}" > /tmp/modes-out 2>&1
	status=$?
	grep -v 'inconclusive against' /tmp/modes-out | sed 's/^/# /'
	mapfile -t again < <("$(dirname "$0")/again.py" /lab/results/modes/2*)
	[ ${#again[@]} -gt 0 ] || break
	echo "# go $go: once more ${again[*]}"
done
is "the last of $go runs ends well" $status 0
for dir in /lab/results/modes/2*; do
	holds "every check and verdict comes out again" "$iomodes" check "$dir"
done
is "status" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
"$(dirname "$0")/modes_judge.py" $hybrid 1 /lab/results/modes/2*
