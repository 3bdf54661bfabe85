#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fetch-kernel.sh [6.1|6.12|newest|…]: unpack that kernel into the cache (unless it is there) and
# print its folder, which holds `release`, `vmlinuz` and `lib/modules/RELEASE`.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$LAB_DIR/archive.sh"

# kernel_version WANTED: the package version of the highest kernel that WANTED stands for
kernel_version() {
	if [ "$1" = newest ]; then
		archive_versions linux-image-amd64
	else
		archive_versions linux-image-amd64 | awk -v p="$1." 'index($0, p) == 1'
	fi | awk 'NR == 1'
}

# kernel_packages VERSION: what the metapackage of that version stands for. Since 6.19 or so Debian
# splits a kernel: linux-image-R depends on linux-base-R, linux-binary-R and linux-modules-R.
kernel_packages() {
	local image
	image=$(archive_apt apt-cache show "linux-image-amd64=$1" |
		sed -n 's/^Depends:.* \?\(linux-image-[0-9][^ ,]*\).*/\1/p' | sort -u)
	[ -n "$image" ] || return
	archive_apt apt-cache show "$image=$1" | sed -n 's/^Depends: //p' | tr ',|' '\n\n' |
		grep -o "linux-[a-z]*-${image#linux-image-}" | sort -u || true
	echo "$image"
}

# the highest kernel of the cache that WANTED stands for, when the archive cannot be read
cached_kernel() {
	for dir in "$LAB_CACHE"/kernel/*/; do
		[ ! -e "$dir/release" ] || printf '%s %s\n' "$(cat "$dir/release")" "${dir%/}"
	done | { [ "$1" = newest ] && cat || awk -v p="$1." 'index($0, p) == 1'; } | sort -rV | awk 'NR == 1 { print $2 }'
}

wanted=${1:-newest}
lab_need depmod kmod
mkdir -p "$LAB_CACHE/kernel"
exec 9>"$LAB_CACHE/lock"
flock 9
memo=$LAB_CACHE/kernel/.$wanted # apt takes seconds to say the same again
if archive_fresh "$memo" && [ -e "$(cat "$memo")/release" ]; then
	cat "$memo"
	exit
fi
archive_open
version=$(kernel_version "$wanted")
if [ -z "$version" ]; then
	dir=$(cached_kernel "$wanted")
	[ -n "$dir" ] || lab_skip "no kernel $wanted: the archive $(archive_uri) has no such package linux-image-amd64$(archive_trouble); set IOMODES_LAB_ARCHIVE to the URI of a Debian mirror that has it"
	lab_say "the archive offers no kernel $wanted now; using the cached one"
	echo "$dir"
	exit
fi
dir=$LAB_CACHE/kernel/$version
if [ ! -e "$dir/release" ]; then
	mapfile -t packages < <(kernel_packages "$version")
	lab_say "fetching kernel $version: ${packages[*]}"
	rm -rf "$dir" "$dir.part"
	archive_unpack "$dir.part" "${packages[@]/%/=$version}" || lab_skip "kernel $version cannot be fetched"
	# merged and unmerged /usr, vmlinuz in /boot or beside its modules: one layout from here on
	[ -d "$dir.part/lib/modules" ] || ln -s usr/lib "$dir.part/lib"
	release=$(ls "$dir.part/lib/modules")
	for image in "$dir.part/boot/vmlinuz-$release" "$dir.part/lib/modules/$release/vmlinuz"; do
		[ ! -e "$image" ] || ln -sr "$image" "$dir.part/vmlinuz"
	done
	[ -e "$dir.part/vmlinuz" ] || lab_fail "kernel $version: no vmlinuz in ${packages[*]}"
	depmod -b "$dir.part" "$release"
	echo "$release" > "$dir.part/release"
	mv "$dir.part" "$dir"
fi
echo "$dir" | tee "$memo"
