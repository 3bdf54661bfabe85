#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What ioloop must refuse, and how it ends when it is ended.
set -euo pipefail
. "$IOMODES_SOURCE/tests/e2e/ioloop_lib.sh"
scratch file 16M
f=$dir/file
kernel_at_least() { [ "$(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -1)" = "$1" ]; }

# flags the kernel refuses are named
expect_error "IORING_SETUP_HYBRID_IOPOLL refused by io_uring_setup: Invalid argument" \
	"$ioloop" --hybrid "$f"
expect_error "IORING_SETUP_DEFER_TASKRUN or IORING_SETUP_SQPOLL refused by io_uring_setup" \
	"$ioloop" --sqpoll --defer-taskrun "$f"
expect_error "IORING_SETUP_SQ_AFF refused by io_uring_setup" \
	"$ioloop" --sqpoll --sqthread-poll-cpu 4000 "$f"
if kernel_at_least 6.11; then
	disk=$(df --output=source "$f" | tail -1)
	disk=$(lsblk -ndo pkname "$disk" | grep . || basename "$disk")
	if [ "$(cat "/sys/block/$disk/queue/io_poll" 2>/dev/null)" = 0 ]; then
		for more in "" --hybrid --check; do
			kernel_at_least 6.13 || [ "$more" != --hybrid ] || continue
			expect_error "IORING_SETUP_IOPOLL: read at byte" "$ioloop" --hipri $more "$f"
			grep -q "no poll queues" "$dir/stderr" || fail "no reason given: $more"
		done
	fi
fi
# options that an engine would ignore
expect_error "--registerfiles means nothing to engine nop" "$ioloop" --engine nop --registerfiles
expect_error "--fixedbufs means nothing to engine sync" "$ioloop" --engine sync --fixedbufs "$f"
expect_error "--hipri means nothing to engine aio" "$ioloop" --engine aio --hipri "$f"
expect_error "engine sync has depth 1" "$ioloop" --engine sync --iodepth 2 "$f"
expect_error "engine nop has no target" "$ioloop" --engine nop "$f"
expect_error "needs a namespace's generic device" "$ioloop" --engine io_uring-passthrough "$f"
expect_error "--min-wait waits for a batch" "$ioloop" --min-wait 1ms "$f"
# bad input names the right word
expect_error 'did you mean "iodepth"' "$ioloop" --iodept 4 "$f"
expect_error 'did you mean "io_uring"' "$ioloop" --engine io_urin "$f"
expect_error "no target" "$ioloop"
expect_error "No such file" "$ioloop" "$dir/absent"
expect_error "no room for one I/O" "$ioloop" --offset 16M "$f"
expect_error "Invalid argument" "$ioloop" --bs 1000 "$f"
expect_error "a directory" "$ioloop" "$dir"
expect_error "character device" "$ioloop" /dev/zero

# files it did not make
head -c 1M /dev/urandom >"$dir/foreign"
sum=$(sha256sum <"$dir/foreign")
for rw in write randwrite rw randrw; do
	for more in "" "--write-id x" "--engine sync" "--engine aio" "--sqpoll" "--check" "--direct=0"; do
		expect_error "refused to write: iomodes did not make this file" \
			"$ioloop" --rw $rw $more "$dir/foreign"
	done
done
cp -a "$f" "$dir/copy" # takes the mark along, but is another inode
expect_error "did not make this file" "$ioloop" --rw randwrite "$dir/copy"
ln -s "$f" "$dir/link"
expect_error "through a symbolic link" "$ioloop" --rw randwrite "$dir/link"
expect '.ios > 0' "$ioloop" --number-ios 10 "$dir/link"
expect_error "File exists" "$ioloop" --layout 1M "$dir/foreign"
[ "$sum" = "$(sha256sum <"$dir/foreign")" ] || fail "the foreign file changed"
expect_error "lives in memory" "$ioloop" --layout 1M /dev/shm/ioloop-e2e-$$
[ ! -e /dev/shm/ioloop-e2e-$$ ] || fail "left a file in /dev/shm"

# signals: ends at once with 1 and no result
for signal in INT TERM HUP; do
	for more in "--iodepth 16" "--sqpoll" "--rate-iops 1" "--engine sync" "--ramp-time 60"; do
		"$ioloop" --runtime 60 $more "$f" >"$dir/stdout" 2>"$dir/stderr" &
		pid=$!
		sleep 0.2
		kill -$signal $pid
		status=0
		wait $pid || status=$?
		[ $status -eq 1 ] || fail "$signal: status $status"
		[ ! -s "$dir/stdout" ] || fail "$signal: printed a result"
		grep -q "ended by" "$dir/stderr" || fail "$signal: $(cat "$dir/stderr")"
	done
done

# a result that cannot be written is an error
status=0
"$ioloop" --number-ios 10 "$f" >/dev/full 2>"$dir/stderr" || status=$?
[ $status -eq 1 ] && grep -q "cannot be written" "$dir/stderr" || fail "/dev/full: status $status"
exit $failed
