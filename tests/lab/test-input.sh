#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the lab says when something is missing or wrong: one line and the right exit status, no boot.
set -euo pipefail
. "$(dirname "$0")/common.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# says STATUS TEXT COMMAND...: in one line, and a skip says at its beginning that it is one
says() {
	local wanted=$1 text=$2 status=0
	shift 2
	"$@" >"$dir/out" 2>&1 || status=$?
	local begins='lab: '
	[ "$wanted" -ne 77 ] || begins='lab: cannot run here: '
	if [ $status -eq "$wanted" ] && [ "$(wc -l < "$dir/out")" -eq 1 ] && grep -q -- "^$begins.*$text" "$dir/out"; then
		echo "ok - $text"
	else
		echo "not ok - status $status (wanted $wanted), said '$(tail -n 5 "$dir/out")', wanted one line '$begins…$text'"
		failed=1
	fi
}

# without PROGRAM COMMAND...: PATH holds everything but PROGRAM
without() {
	local program=$1
	shift
	rm -rf "$dir/bin"
	mkdir "$dir/bin"
	find -L /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin -maxdepth 1 -type f -perm /111 \
		! -name "$program" -exec ln -sf -t "$dir/bin" {} + 2>/dev/null || true
	PATH=$dir/bin "$@"
}

empty=(env "IOMODES_LAB_CACHE=$dir/cache" "IOMODES_LAB_ARCHIVE=file:///nonexistent/")
says 125 "needs a value" "$LAB_DIR/lab" --kernel
says 125 "unknown option" "$LAB_DIR/lab" --nothing -- true
says 125 "is not a number" "$LAB_DIR/lab" --timeout soon -- true
mkdir "$dir/user"
printf '#!/bin/sh\necho 1000\n' > "$dir/user/id"
chmod +x "$dir/user/id"
says 77 "the lab needs root" env "PATH=$dir/user:$PATH" "$LAB_DIR/lab" -- true
says 77 "install the package busybox-static" without busybox "$LAB_DIR/lab" -- true
says 77 "install the package cpio" without cpio "$LAB_DIR/lab" -- true
says 77 "install the package kmod" without depmod "$LAB_DIR/lab" -- true
says 77 "no kernel 6.1: .* package linux-image-amd64.*; set IOMODES_LAB_ARCHIVE to" "${empty[@]}" "$LAB_DIR/lab" --kernel 6.1 -- true
says 77 "no program /nonexistent/qemu" "$LAB_DIR/fetch-qemu.sh" /nonexistent/qemu
says 77 "install the package irqbalance" without irqbalance "${empty[@]}" "$LAB_DIR/fetch-irqbalance.sh"
says 125 "none of newest, system" "$LAB_DIR/fetch-qemu.sh" other
# kernel RELEASE MODULE...: a cache that holds this kernel, found today; of it only the list of modules
kernel() {
	local release=$1 modules=$dir/kernel/kernel/fake/lib/modules/$1
	shift
	rm -rf "$dir/kernel"
	mkdir -p "$modules"
	echo "$release" > "$dir/kernel/kernel/fake/release"
	printf 'kernel/%s.ko.xz:\n' "$@" > "$modules/modules.dep"
	mkdir -p "$dir/kernel/apt"
	touch -d '1 minute ago' "$dir/kernel/apt/updated"
	echo "$dir/kernel/kernel/fake" > "$dir/kernel/kernel/.newest"
}
with_kernel=(env "IOMODES_LAB_CACHE=$dir/kernel" "IOMODES_LAB_ARCHIVE=file:///nonexistent/")
modules=(virtio_pci virtio_console fs/9p/9p net/9p/9pnet_virtio overlay)

kernel 7.0-fake "${modules[@]}"
says 77 "no QEMU; install the package qemu-system-x86" without qemu-system-x86_64 "${with_kernel[@]}" "$LAB_DIR/lab" -- true
kernel 7.0-fake "${modules[@]}"
says 77 "no qemu-system-x86_64; install the package qemu-system-x86" without qemu-system-x86_64 "${with_kernel[@]}" \
	"$LAB_DIR/lab" --qemu system -- true
# a QEMU without 9p: /bin/true answers nothing
kernel 7.0-fake "${modules[@]}"
says 77 "this QEMU has no 9p; install the package qemu-system-x86" "${with_kernel[@]}" "$LAB_DIR/lab" --qemu /bin/true -- true
kernel 7.0-fake "${modules[@]/fs\/9p\/9p/nothing}"
says 77 "kernel 7.0-fake has no 9p; choose" "${with_kernel[@]}" "$LAB_DIR/lab" -- true

# Which archive is Debian's is said by its lists, not by its address; by that only where there are no lists.
. "$LAB_DIR/archive.sh"
picks() { # WANTED, index targets on standard input
	local got
	got=$(archive_pick)
	[ "$got" = "$1" ] && echo "ok - the archive is ${1:-none}" || { echo "not ok - the archive is '$got', wanted '$1'"; failed=1; }
}
picks http://mirror/deb12/ <<-'END'
	http://vendor/apt/debian/ stable main Packages o=Vendor l=Vendor
	http://mirror/deb12-security/ bookworm-security main Packages o=Debian l=Debian-Security
	http://mirror/deb12/ bookworm contrib Packages o=Debian l=Debian
	http://mirror/deb12/ bookworm main Packages o=Debian l=Debian
END
picks http://mirror/debian/ <<-'END'
	http://vendor/apt/ stable main Packages o=$(ORIGIN) l=$(LABEL)
	http://mirror/debian/ bookworm main Packages o=$(ORIGIN) l=$(LABEL)
END
picks "" <<< "http://vendor/apt/debian/ stable main Packages o=Vendor l=Vendor"

# What is there only from some kernel or some QEMU on is not left out unnoticed.
kernel 6.12.99-fake "${modules[@]}"
says 77 "the newest kernel to be had is 6.12.99-fake" "${with_kernel[@]}" "$LAB_DIR/guest-suite.sh" newest
kernel 7.0-fake "${modules[@]}"
says 77 "this QEMU has no igb" "${with_kernel[@]}" LAB_QEMU=/bin/true "$LAB_DIR/guest-suite.sh" newest
for check in "$LAB_DIR"/guest.d/[0-9]*.sh; do
	grep -q "^[^#]*${check##*/}" "$LAB_DIR/CMakeLists.txt" || {
		echo "not ok - no test runs guest.d/${check##*/}: list it in CMakeLists.txt"
		failed=1
	}
done
exit $failed
