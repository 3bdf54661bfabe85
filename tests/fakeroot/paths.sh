#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# paths.sh MACHINE: the way of completions on a recorded machine, as table, graph and JSON, against
# MACHINE.expected/paths.*. UPDATE=1 writes the expectation anew; read the difference first.
set -euo pipefail
. "${IOMODES_SOURCE:?}/tests/fakeroot/golden_lib.sh"
"$iomodes" probe --paths --root "$machine" > "$actual/paths.txt"
"$iomodes" probe --paths --dot --root "$machine" > "$actual/paths.dot"
"$iomodes" probe --paths --json --root "$machine" > "$actual/paths.json"
for form in txt dot json; do
	diff -u "$expected/paths.$form" "$actual/paths.$form"
done
# Every queue of the table is in the other two.
rows=$(($(wc -l < "$actual/paths.txt") - 2))
[ "$rows" -gt 0 ]
[ "$(grep -c '"queue"' "$actual/paths.json")" = "$rows" ]
[ "$(grep -cE '^  "[^"]*( \(node [0-9]+\))?" -> "[^"]* ([0-9]+ [a-z]+|[rt]x-[0-9]+)(, [^"]*)?"' "$actual/paths.dot")" = "$rows" ]
if "$iomodes" probe --dot --root "$machine" 2> /dev/null; then
	echo "--dot alone was taken"
	exit 1
fi
