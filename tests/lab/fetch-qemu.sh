#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fetch-qemu.sh [newest|system|PATH]: print the command of a QEMU, one word a line.
#   system   the installed one
#   newest   the installed one if it is good enough, else one unpacked into the cache with every
#            library it needs, else the installed one after all
# Good enough is 11. igb came with 8.0, but 10.0.2 failed in 3 to 4 of 45 boots: an abort with
# "iotlb_to_section: Assertion" while the guest moved PCI BARs, or a virtual CPU that took no interrupt
# any more (an EOI to the APIC gone astray the same way, it seems). 7.2 and 11.1: none of 28.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$LAB_DIR/archive.sh"

name=qemu-system-x86_64

qemu_major() { "$@" --version | sed -n '1s/.*version \([0-9]*\).*/\1/p'; }

# The unpacked one runs with the loader and the libraries it came with, whatever release this is.
unpacked_command() {
	printf '%s\n' "$1/usr/lib64/ld-linux-x86-64.so.2" --library-path "$1/usr/lib/x86_64-linux-gnu" \
		"$1/usr/bin/$name" -L "$1/usr/share/qemu" -L "$1/usr/share/seabios"
}

# closure SUITE: what apt would install on a machine with nothing on it
closure() {
	: > "$LAB_APT/nothing"
	archive_apt apt-get -qq -y --print-uris --no-install-recommends -o Dir::State::status="$LAB_APT/nothing" \
		-t "$1" install qemu-system-x86 2>"$LAB_APT/qemu.log" |
		sed -n "s/^'[^']*' \([^_ ]*\)_\([^_ ]*\)_.*/\1=\2/p" | sed 's/%3a/:/g'
}

fetch() {
	local suite=trixie-backports version root memo=$LAB_CACHE/qemu/.newest
	exec 9>"$LAB_CACHE/lock"
	flock 9
	if archive_fresh "$memo" && [ -x "$(sed -n 1p "$memo")" ]; then
		cat "$memo"
		return
	fi
	archive_open
	version=$(archive_versions qemu-system-x86 "$suite" | awk 'NR == 1')
	[ -n "$version" ] || return 1
	root=$LAB_CACHE/qemu/${version#*:} # a colon would split the library path
	if [ ! -e "$root/complete" ]; then
		mapfile -t packages < <(closure "$suite")
		[ ${#packages[@]} -gt 0 ] || return 1
		lab_say "fetching QEMU $version and its libraries: ${#packages[@]} packages"
		rm -rf "$root" "$root.part"
		archive_unpack "$root.part" "${packages[@]}" || return 1
		touch "$root.part/complete"
		mv "$root.part" "$root"
	fi
	mapfile -t command < <(unpacked_command "$root")
	lab_has_device igb "${command[@]}" || return 1
	printf '%s\n' "${command[@]}" | tee "$memo"
}

mkdir -p "$LAB_CACHE/qemu"
case ${1:-newest} in
/*)
	[ -x "$1" ] || lab_skip "no program $1"
	echo "$1" ;;
system)
	lab_need $name qemu-system-x86
	echo $name ;;
newest)
	if command -v $name >/dev/null && [ "$(qemu_major $name)" -ge 11 ]; then
		echo $name
	elif command=$(fetch); then
		echo "$command"
	elif command -v $name >/dev/null; then
		lab_say "the archive has no newer QEMU: $($name --version | sed -n 1p)"
		echo $name
	else
		lab_skip "no QEMU; install the package qemu-system-x86$(archive_trouble)"
	fi ;;
*)
	lab_fail "--qemu: '$1' is none of newest, system, an absolute path" ;;
esac
