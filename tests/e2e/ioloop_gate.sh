#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The write gate on real devices: loop devices here, mounted, swap, held, right and wrong identity.
set -euo pipefail
. "$IOMODES_SOURCE/tests/e2e/ioloop_lib.sh"
[ "$(id -u)" = 0 ] || skip "needs root for loop devices"
command -v losetup >/dev/null && command -v mkfs.ext4 >/dev/null || skip "no losetup or mkfs.ext4"
loops=() mounts=() swaps=()
cleanup() {
	for x in "${swaps[@]}"; do swapoff "$x" 2>/dev/null || true; done
	for x in "${mounts[@]}"; do umount "$x" 2>/dev/null || true; done
	for ((i = ${#loops[@]} - 1; i >= 0; i--)); do losetup -d "${loops[i]}" 2>/dev/null || true; done
	rm -rf "$dir"
}
new_loop() { # BACKING-FILE [OPTION...] -> $loop
	loop=$(losetup --show -f "${@:2}" "$1") || skip "no free loop device"
	loops+=("$loop")
}
identity() { # of DEVICE, as the refusal tells it
	"$ioloop" --rw randwrite "$1" 2>&1 >/dev/null | sed -n 's/.*give --write-id //p' || true
}
options=("" "--write-id x" "--check" "--engine sync" "--engine aio" "--sqpoll" "--sync dsync"
	"--direct=0" "--rw rw" "--number-ios 1 --iodepth 4 --numjobs 2" "--control-fd 0" "--offset 4096")
refused_always() { # WHY DEVICE IDENTITY
	for more in "${options[@]}"; do
		expect_error "$1" "$ioloop" --rw randwrite $more "$2"
		grep -q "refused to write" "$dir/stderr" || fail "$2 $more: not refused by the gate"
		expect_error "$1" "$ioloop" --rw write --write-id "$3" $more "$2"
	done
	expect '.ios == 5' "$ioloop" --number-ios 5 "$2" # reading is allowed
}

truncate -s 64M "$dir/image"
new_loop "$dir/image"
dev=$loop
id=$(identity "$dev")
[[ $id == loop-*:*-$(stat -c %i "$dir/image") ]] || fail "identity '$id' does not name the inode"
# unused: only the right identity opens it
expect_error "give --write-id $id" "$ioloop" --rw randwrite "$dev"
expect_error "is not this device's identity" "$ioloop" --rw randwrite --write-id "${id}0" "$dev"
[ "$(tr -d '\0' <"$dir/image" | wc -c)" = 0 ] || fail "a refused run wrote"
expect ".write.ios == 100 and .targets[0].id == \"$id\"" \
	"$ioloop" --rw randwrite --write-id "$id" --number-ios 100 "$dev"

# mounted, here and in another mount namespace only
mkfs.ext4 -q "$dev"
mkdir "$dir/mnt"
mount "$dev" "$dir/mnt"
mounts+=("$dir/mnt")
refused_always "is mounted on" "$dev" "$id"
umount "$dir/mnt"
if command -v unshare >/dev/null; then
	unshare --mount --propagation private sh -c \
		"mount $dev $dir/mnt && echo >$dir/up && exec sleep 60" &
	hidden=$!
	for _ in $(seq 50); do [ ! -e "$dir/up" ] || break; sleep 0.1; done
	findmnt "$dir/mnt" >/dev/null && fail "the hidden mount is visible here"
	refused_always "is mounted on" "$dev" "$id"
	kill $hidden
	wait $hidden 2>/dev/null || true
	for _ in $(seq 50); do grep -q "$dev" /proc/*/mountinfo 2>/dev/null || break; sleep 0.1; done
fi

# a loop device on it
new_loop "$dev"
above=$loop
refused_always "is what ${above#/dev/} stands on" "$dev" "$id"
# and from above: what is below is mounted
losetup -d "$above"
# a partition of it is mounted: the whole disk is refused, and the other partition is not
truncate -s 64M "$dir/disk"
entry() { # START, 32768 sectors, type 83h
	printf '\0\0\0\0\x83\0\0\0'
	printf "$(printf '\\x%02x\\x%02x\\0\\0' $(($1 & 255)) $(($1 >> 8)))"
	printf '\0\x80\0\0'
}
{ entry 2048; entry 34816; } | dd of="$dir/disk" bs=1 seek=446 conv=notrunc status=none
printf '\x55\xaa' | dd of="$dir/disk" bs=1 seek=510 conv=notrunc status=none
new_loop "$dir/disk" -P
disk=$loop
for _ in $(seq 30); do [ ! -b "${disk}p2" ] || break; sleep 0.1; done
if [ -b "${disk}p1" ] && [ -b "${disk}p2" ]; then
	disk_id=$(identity "$disk")
	mkfs.ext4 -q "${disk}p1"
	mount "${disk}p1" "$dir/mnt"
	mounts+=("$dir/mnt")
	refused_always "p1 is mounted on" "$disk" "$disk_id"
	refused_always "p1 is mounted on" "${disk}p1" "$disk_id-part1"
	expect_error "is not this device's identity" \
		"$ioloop" --rw randwrite --write-id "$disk_id" "${disk}p2"
	expect '.write.ios == 10' \
		"$ioloop" --rw randwrite --write-id "$disk_id-part2" --number-ios 10 "${disk}p2"
	umount "$dir/mnt"
else
	echo "skip: partitions (this kernel made none on a loop device)"
fi

# swap
dd if=/dev/zero of="$dir/swap" bs=1M count=16 status=none
new_loop "$dir/swap"
swap=$loop
swap_id=$(identity "$swap")
mkswap "$swap" >/dev/null
if swapon "$swap" 2>/dev/null; then
	swaps+=("$swap")
	refused_always "is swap" "$swap" "$swap_id"
	swapoff "$swap"
else
	echo "skip: swap (swapon refused)"
fi

# held by device mapper, where there is one
if command -v dmsetup >/dev/null && dmsetup version >/dev/null 2>&1; then
	dmsetup create "ioloop-e2e-$$" --table "0 8192 linear $swap 0"
	refused_always "is held by dm-" "$swap" "$swap_id"
	dmsetup remove "ioloop-e2e-$$"
else
	echo "skip: device mapper (not in this kernel, or no dmsetup)"
fi

# opened exclusively by a program that leaves no other trace
if command -v python3 >/dev/null; then
	python3 -c "import os, time
fd = os.open('$swap', os.O_RDONLY | os.O_EXCL); open('$dir/held', 'w'); time.sleep(60)" &
	holder=$!
	for _ in $(seq 50); do [ ! -e "$dir/held" ] || break; sleep 0.1; done
	expect_error "refuses O_EXCL" "$ioloop" --rw randwrite --write-id "$swap_id" "$swap"
	kill $holder
	wait $holder 2>/dev/null || true
fi

# the disk this machine runs from
root=$(findmnt -no SOURCE /)
[ ! -b "$root" ] || expect_error "is mounted on" "$ioloop" --rw randwrite --write-id x "$root"

# a scratch file of ours that somebody made a loop device of
scratch ours 4M
new_loop "$dir/ours"
expect_error "is what" "$ioloop" --rw randwrite "$dir/ours"
losetup -d "$loop"
expect '.write.ios == 10' "$ioloop" --rw randwrite --number-ios 10 "$dir/ours"

# a device that goes away under the loop: an error, no hang. (A loop device whose file shrinks
# answers reads behind its end with an I/O error.)
truncate -s 16M "$dir/going"
new_loop "$dir/going"
timeout 20 "$ioloop" --runtime 15 --iodepth 8 "$loop" >"$dir/stdout" 2>"$dir/stderr" &
pid=$!
sleep 0.3
truncate -s 4096 "$dir/going"
status=0
wait $pid || status=$?
[ $status -eq 1 ] && [ ! -s "$dir/stdout" ] && grep -q "read of 4096 bytes\|of 4096 bytes came" \
	"$dir/stderr" || fail "vanishing device: status $status, $(cat "$dir/stderr")"
exit $failed
