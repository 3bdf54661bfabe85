#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# guest-suite.sh KERNEL [LAB-OPTION...] [-- CHECK...]: one boot, the checks of guest.d in it.
# Its time-out and three boots, twice, end before that of ctest, so that it is the lab that says TIMEOUT or HANG.
set -euo pipefail
. "$(dirname "$0")/common.sh"
given=("$@")
kernel=$1
shift
options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	options+=("$1")
	shift
done
shift || true
# The installed QEMU is there for what an older one lacks.
if [[ " ${options[*]-} " == *" --qemu system "* ]]; then
	words=$("$LAB_DIR/fetch-qemu.sh" system)
	! lab_has_device igb "$words" || lab_skip "the installed QEMU has igb, and this is about one that has not (before 8.0)"
fi
if [[ " $* " == *" 53-irqbalance.sh "* ]]; then
	mkdir -p "$LAB_CACHE"
	if LAB_IRQBALANCE=$("$LAB_DIR/fetch-irqbalance.sh" 2>"$LAB_CACHE/irqbalance.log"); then
		[[ $LAB_IRQBALANCE != "$LAB_CACHE"/* ]] || options+=(--share "$(dirname "$LAB_IRQBALANCE")")
	fi
	LAB_IRQBALANCE_WHY=$(tail -n 1 "$LAB_CACHE/irqbalance.log") || true
	export LAB_IRQBALANCE LAB_IRQBALANCE_WHY
fi
# What the newest kernel is asked for must not shrink unnoticed to what an older one or another NIC can do: in CI a
# skip that tests/allowed-skips does not name is a failure.
if [ "$kernel" = newest ]; then
	dir=$("$LAB_DIR/fetch-kernel.sh" newest)
	release=$(cat "$dir/release")
	[ "$(printf '6.13\n%s\n' "$release" | sort -V | head -n 1)" = 6.13 ] ||
		lab_skip "the newest kernel to be had is $release, and these checks need 6.13 (hybrid polling)"
	words=$("$LAB_DIR/fetch-qemu.sh" "${LAB_QEMU:-newest}")
	mapfile -t qemu <<< "$words"
	lab_has_device igb "${qemu[@]}" || lab_skip "this QEMU has no igb, a NIC with several queues; it takes QEMU 8.0 or newer"
fi
console=$(mktemp)
trap 'rm -f "$console"' EXIT
status=0
"$LAB_DIR/lab" --kernel "$kernel" --timeout 900 --console "$console" ${options[@]+"${options[@]}"} \
	-- "$LAB_DIR/guest.d/run" "$@" || status=$?
lab_again $status "${given[@]}"
[ $status -eq 0 ] || [ $status -eq $LAB_SKIP ] || tail -n 60 "$console"
exit $status
