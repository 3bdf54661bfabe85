#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# guest-suite.sh KERNEL [LAB-OPTION...] [-- CHECK...]: one boot, the checks of guest.d in it.
# Its time-out and three boots end before that of ctest, so that it is the lab that says TIMEOUT or HANG.
set -euo pipefail
. "$(dirname "$0")/common.sh"
kernel=$1
shift
options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	options+=("$1")
	shift
done
shift || true
console=$(mktemp)
trap 'rm -f "$console"' EXIT
status=0
"$LAB_DIR/lab" --kernel "$kernel" --timeout 500 --console "$console" ${options[@]+"${options[@]}"} \
	-- "$LAB_DIR/guest.d/run" "$@" || status=$?
[ $status -eq 0 ] || [ $status -eq $LAB_SKIP ] || tail -n 60 "$console"
exit $status
