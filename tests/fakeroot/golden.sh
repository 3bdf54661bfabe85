#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# golden.sh MACHINE: what probe and preflight say of a recorded machine, against MACHINE.expected/.
# UPDATE=1 writes the expectation anew; read the difference before you commit it.
set -euo pipefail
. "${IOMODES_SOURCE:?}/tests/fakeroot/golden_lib.sh"
"$iomodes" probe --root "$machine" > "$actual/probe.txt"
"$iomodes" probe --root "$machine" --json > "$actual/probe.json"
"$iomodes" preflight --root "$machine" > "$actual/preflight.txt"
# placements are compared by unit.test_placement_golden, paths by paths.sh
diff -ru -x placements.golden -x "paths.*" "$expected" "$actual"
