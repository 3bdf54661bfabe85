#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# skips.sh on logs as ctest writes them, and the file that CI gives it.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }

cat >"$work/out" <<'END'
1/4 Test #2: a.whole ..........................***Skipped   0.01 sec
The following tests did not run:
	  2 - a.whole (Skipped)
END
cat >"$work/log" <<'END'
Start testing: Nov 22 00:32 UTC
----------------------------------------------------------
2/4 Testing: a.whole
2/4 Test: a.whole
Output:
----------------------------------------------------------
skip: no such thing here
<end of output>
Test Passed.

1/4 Testing: a.part
1/4 Test: a.part
Output:
----------------------------------------------------------
skip: kernels before 6.9 only
skip - of a guest
# skip: not at the beginning of its line
<end of output>
Test Passed.
"skip: of nobody"

3/4 Testing: unit.c
3/4 Test: unit.c
Output:
----------------------------------------------------------
[ RUN      ] terminal
[  SKIPPED ] terminal
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] terminal
<end of output>
Test Passed.

4/4 Testing: a.loud
4/4 Test: a.loud
Output:
----------------------------------------------------------
no skip: all of it ran
<end of output>
Test Passed.
END
# judged ALLOWED EXPECTED
judged() {
	local status=0 want=1
	[[ -n $2 ]] || want=0
	printf '%s' "$1" >"$work/allowed"
	"$here/skips.sh" "$work/out" "$work/log" "$work/allowed" >"$work/said" || status=$?
	((status == want)) || fail "exit status $status: $1"
	diff <(printf '%s' "$2") "$work/said" || fail "$1"
}
whole=$'a.whole was skipped\n'
part=$'a.part left something out: skip: kernels before 6.9 only\n'
unit=$'unit.c left something out: [  SKIPPED ] terminal\n'
judged "" "$whole$part$unit"
judged $'# comment\na.whole no such thing\na.part: before 6.9\nunit.c: terminal\n' ""
judged $'a.whole no such thing\na.part: other words\na.part:\nunit.c: terminal\n' "$part"
judged $'a.whole: no such thing\na.part before 6.9\nunit.c:terminal\n' "$whole$part" # the forms are not each other
rm "$work/log"
: >"$work/log"
judged $'a.whole no such thing\n' "there is no log of ctest in $work/log"$'\n'
echo ok
