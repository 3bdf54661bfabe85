#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fetch-irqbalance.sh: print the path of an irqbalance daemon: the installed one, else that of this machine's own
# release, unpacked into the cache. It runs in the guest with this machine's libraries, like everything there.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$LAB_DIR/archive.sh"

# answer PROGRAM: if it finds its libraries
answer() {
	local missing
	missing=$(ldd "$1" | awk '/not found/ { print $1 }' | tr '\n' ' ')
	[ -z "$missing" ] || lab_skip "irqbalance needs ${missing% }; install the package irqbalance (it need not run)"
	echo "$1"
}

if program=$(command -v irqbalance); then
	answer "$program"
	exit
fi
mkdir -p "$LAB_CACHE/irqbalance"
exec 9>"$LAB_CACHE/lock"
flock 9
memo=$LAB_CACHE/irqbalance/.program
if [ -x "$(cat "$memo" 2>/dev/null)" ] && archive_fresh "$memo"; then
	answer "$(cat "$memo")"
	exit
fi
archive_open
# shellcheck source=/dev/null
version=$(archive_versions irqbalance "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" | awk 'NR == 1')
if [ -z "$version" ]; then
	cached=$(find "$LAB_CACHE/irqbalance" -path '*/sbin/irqbalance' -type f | sort -V | tail -n 1)
	[ -n "$cached" ] || lab_skip "the archive $(archive_uri) has no irqbalance of this release$(archive_trouble); install the package irqbalance (it need not run)"
	answer "$cached"
	exit
fi
dir=$LAB_CACHE/irqbalance/$version
if [ ! -e "$dir" ]; then
	lab_say "fetching irqbalance $version"
	rm -rf "$dir.part"
	archive_unpack "$dir.part" "irqbalance=$version" || lab_skip "irqbalance $version cannot be fetched"
	mv "$dir.part" "$dir"
fi
answer "$(find "$dir" -path '*/sbin/irqbalance' -type f)" | tee "$memo"
