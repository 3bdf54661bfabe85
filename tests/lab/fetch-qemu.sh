#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fetch-qemu.sh [newest|system|PATH]: print the command of a QEMU, one word a line.
#   system   the installed one
#   newest   the installed one if it has the igb NIC (8.0), else the one of this release's backports,
#            unpacked into the cache with the libraries that this machine lacks; else the installed one
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$LAB_DIR/archive.sh"

name=qemu-system-x86_64

# The unpacked one needs to be told where its libraries, modules and firmware are.
unpacked_command() {
	local root=$1 libs
	libs=$root/usr/lib/x86_64-linux-gnu
	printf '%s\n' env "LD_LIBRARY_PATH=$libs" "QEMU_MODULE_DIR=$libs/qemu" "$root/usr/bin/$name" \
		-L "$root/usr/share/qemu" -L "$root/usr/share/seabios"
}

fetch() {
	local suite version root memo=$LAB_CACHE/qemu/.newest
	# shellcheck source=/dev/null
	suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")-backports
	exec 9>"$LAB_CACHE/lock"
	flock 9
	if archive_fresh "$memo" && [ -x "$(grep -x '/.*/'$name "$memo")" ]; then
		cat "$memo"
		return
	fi
	archive_open
	version=$(archive_versions qemu-system-x86 "$suite" | awk 'NR == 1')
	[ -n "$version" ] || return 1
	root=$LAB_CACHE/qemu/${version#*:} # a colon would split LD_LIBRARY_PATH
	if [ ! -e "$root/complete" ]; then
		# what apt would install beside the packages that are here already
		mapfile -t packages < <(archive_apt apt-get -qq --print-uris --no-install-recommends \
			-y -t "$suite" install qemu-system-x86 "seabios/$suite" 2>"$LAB_APT/qemu.log" |
			sed -n "s/^'[^']*' \([^_ ]*\)_\([^_ ]*\)_.*/\1=\2/p" | sed 's/%3a/:/g')
		[ ${#packages[@]} -gt 0 ] || return 1
		lab_say "fetching QEMU $version: ${packages[*]%%=*}"
		rm -rf "$root"
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
	if command -v $name >/dev/null && lab_has_device igb $name; then
		echo $name
	elif command=$(fetch); then
		echo "$command"
	elif command -v $name >/dev/null; then
		lab_say "no QEMU with igb to be had ($name is older than 8.0): e1000e takes its place"
		echo $name
	else
		lab_skip "no QEMU; install the package qemu-system-x86"
	fi ;;
*)
	lab_fail "--qemu: '$1' is none of newest, system, an absolute path" ;;
esac
