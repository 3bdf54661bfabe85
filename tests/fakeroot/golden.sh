#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# golden.sh MACHINE: what probe and preflight say of a recorded machine, against MACHINE.expected/.
# UPDATE=1 writes the expectation anew; read the difference before you commit it.
set -euo pipefail
machine=$1
cd "${IOMODES_SOURCE:?}/tests/fakeroot"
iomodes=${IOMODES_BIN:?}/iomodes
expected=$machine.expected
if [ "${UPDATE:-}" ]; then
	mkdir -p "$expected"
	actual=$expected
else
	actual=$(mktemp -d)
	trap 'rm -rf "$actual"' EXIT
fi
"$iomodes" probe --root "$machine" > "$actual/probe.txt"
"$iomodes" probe --root "$machine" --json > "$actual/probe.json"
"$iomodes" preflight --root "$machine" > "$actual/preflight.txt"
# placements are compared by unit.test_placement_golden, paths by paths.sh
diff -ru -x placements.golden -x "paths.*" "$expected" "$actual"
