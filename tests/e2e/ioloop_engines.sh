#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every engine on a real O_DIRECT file: the counts of one result agree with each other.
set -euo pipefail
. "$IOMODES_SOURCE/tests/e2e/ioloop_lib.sh"
scratch file 64M
f=$dir/file

# what holds for every closed loop, whatever the engine
books='.ios > 0 and .bytes == .ios * .options.bs and .ios_total >= .ios and
	.ios_total - .ios <= .options.iodepth * .options.numjobs and .errors == 0 and
	.latency.count == .ios and ([.latency.bins[]] | add) == .ios and
	.latency.min_ns <= .latency.max_ns and .open_loop == null and
	.in_flight.max <= .options.iodepth * .options.numjobs and .in_flight.mean > 0 and
	([.system_calls | to_entries[] | select(.key != "total") | .value] | add // 0) ==
		.system_calls.total and ([.tasks[] | select(.role == "worker")] | length) ==
		.options.numjobs'
t='--runtime 0.3'

expect "$books and .read.ios == .ios and .system_calls.preadv2 == .ios_total" \
	"$ioloop" --engine sync $t "$f"
expect "$books and .system_calls.io_submit > 0 and .system_calls.io_getevents > 0" \
	"$ioloop" --engine aio --iodepth 16 $t "$f"
expect "$books and .system_calls.io_uring_enter == .ios_total" "$ioloop" $t "$f"
expect "$books and .in_flight.max == 16" "$ioloop" --iodepth 16 $t "$f"
expect "$books and .flags.registered == [\"files\", \"buffers\", \"ring\"]" \
	"$ioloop" --iodepth 16 --fixedbufs --registerfiles --registerring $t "$f"
expect "$books and (.flags.setup | contains([\"IORING_SETUP_DEFER_TASKRUN\"]))" \
	"$ioloop" --iodepth 4 --defer-taskrun $t "$f"
expect "$books and (.flags.setup | contains([\"IORING_SETUP_COOP_TASKRUN\"]))" \
	"$ioloop" --iodepth 4 --coop_taskrun $t "$f"
expect "$books" "$ioloop" --engine nop --iodepth 32 --iodepth-batch 8 $t
expect "$books and .read.ios > 0 and .write.ios > 0" "$ioloop" --rw randrw --iodepth 4 $t "$f"
expect "$books and .write.ios == .ios and .flags.o_dsync" \
	"$ioloop" --rw write --sync dsync $t "$f"
expect "$books and .options.rw == \"randwrite\"" \
	"$ioloop" --engine aio --rw randwrite --iodepth 8 $t "$f"
expect "$books and (.tasks | length) == 4" "$ioloop" --numjobs 3 --iodepth 2 $t "$f"

# the SQ thread submits: hardly any system call, and its CPU time is told apart
expect "$books and .system_calls.total <= 3 and .flags.sq_threads[0].tid > 0 and
	([.tasks[] | select(.role == \"sq\") | .cpu_ns] | length == 1 and .[0] > 1000000)" \
	"$ioloop" --sqthread_poll --iodepth 16 $t "$f"

# a number of I/Os is met exactly; several files in one thread are used in turn
scratch second 1M
expect "$books and .ios == 2000 and .ios_total == 2000 and (.targets | length) == 2" \
	"$ioloop" --number-ios 1000 --numjobs 2 --iodepth 8 --rw read "$f" "$dir/second"
# latencies off: none is reported, rather than zeros
expect '.ios > 0 and (has("latency") | not) and (.read | has("latency") | not) and
	(has("in_flight") | not)' "$ioloop" --lat=0 $t "$f"
expect "$books and .options.ramp_time_ns == 100000000" "$ioloop" --ramp-time 0.1 $t "$f"
expect '.check and (has("ios") | not)' "$ioloop" --check "$f"

# 6.12: min-wait batches completions
if [ "$(printf '%s\n' 6.12 "$(uname -r)" | sort -V | head -1)" = 6.12 ]; then
	expect "$books and .flags.min_wait_usec == 200 and
		.system_calls.io_uring_enter < .ios / 2" "$ioloop" --iodepth 32 \
		--iodepth-batch-complete-min 8 --min-wait 200us $t "$f"
fi

# open loop: as many starts as asked, whatever the way of waiting
for more in "--engine sync" "--engine aio" "--engine io_uring" "--open-wait spin" \
	"--rate-process poisson" "--sqthread-poll"; do
	expect '.open_loop.asked_per_s == 500 and .latency.count == .ios_total and
		.service.count == .ios_total and .service.sum_ns <= .latency.sum_ns and
		(.open_loop.started_per_s - 500 | fabs) < 150' \
		"$ioloop" --rate-iops 500 --iodepth $([ "$more" = "--engine sync" ] && echo 1 || echo 32) \
		$more --runtime 1 "$f"
done
# faster than the queue: arrivals wait, are counted late, and their waiting is in the latency
expect '.open_loop.late_starts > 0 and .latency.sum_ns > .service.sum_ns * 2' \
	"$ioloop" --rate-iops 5000000 --iodepth 1 --runtime 0.3 "$f"
# every arrival of the window is recorded or told as never started, wherever saturation lies: below
# it, about it (by this disk's own closed-loop rate) and far above
"$ioloop" --iodepth 4 $t "$f" >"$dir/stdout"
near=$(jq '.ios * 1e9 / .window_ns * 0.95 | floor' "$dir/stdout")
all='.open_loop.arrivals == .latency.count + .open_loop.never_started and .latency.count == .ios_total and
	.service.count == .ios_total and ([.latency.bins[]] | add) == .ios_total and .ios_total >= .ios'
for rate in 200 "$near" 5000000; do
	for more in "--engine aio" "--engine io_uring" "--open-wait spin" "--rate-process poisson"; do
		expect "$all" "$ioloop" --rate-iops "$rate" --iodepth 4 $more --runtime 0.5 "$f"
	done
	# at a constant rate their number is known beforehand (one may fall on the edge)
	expect "$all and (.open_loop.arrivals - $rate / 2 | fabs) < $rate / 100 + 2" \
		"$ioloop" --rate-iops "$rate" --engine sync --runtime 0.5 "$f"
done
expect "$all and .open_loop.never_started > 0" "$ioloop" --rate-iops 5000000 --runtime 0.3 "$f"
expect "$all and .open_loop.arrivals == 300 and .open_loop.never_started == 0" \
	"$ioloop" --rate-iops 5000000 --number-ios 300 "$f"
# a trap of the kernel's: accepted, and without any effect
expect "$books" "$ioloop" --engine sync --hipri $t "$f"
grep -q 'no effect since Linux 5.19' "$dir/stderr" || fail "--hipri of engine sync is not told to be idle"
exit $failed
