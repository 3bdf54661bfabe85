#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# skips.sh OUTPUT LOG ALLOWED: what the tests left out and the file ALLOWED does not name, a line each; exit status 1
# when there is any. OUTPUT is what ctest printed, which tells the tests that were skipped whole (exit status 77).
# LOG is its LastTest.log, which has the output of passed tests, too: there a test says what it leaves out in a line
# "skip: REASON", cmocka in a line "[  SKIPPED ] NAME". The guest's checks ("skip - ...") are judged there, by guest.d/run.
# ALLOWED: "NAME REASON" for a whole test, "NAME: WORDS" for parts, with WORDS in their line.
set -euo pipefail
output=$1 log=$2 allowed=$3
status=0
say() { echo "$*"; status=1; }
[[ -s $log ]] && grep -qa '^Start testing' "$log" || say "there is no log of ctest in $log"
skipped=$(sed -n 's/.*- \([^ ]*\) (Skipped)$/\1/p' "$output" | sort -u)
for name in $skipped; do
	grep -q "^$name[[:space:]]" "$allowed" || say "$name was skipped"
done
while IFS=$'\t' read -r name line; do
	! grep -qxF -- "$name" <<<"$skipped" || continue
	# grep -f takes a line of nothing for everything
	words=$(sed -n "s/^$name:[[:space:]]*\([^[:space:]]\)/\1/p" "$allowed")
	[[ -n $words ]] && grep -qF -f <(echo "$words") <<<"$line" || say "$name left something out: $line"
done < <(LC_ALL=C awk '
	/^[0-9]+\/[0-9]+ Test: / { name = $3 }
	/^Output:$/ { inside = 1 }
	/^<end of output>$/ { inside = 0 }
	inside && /^(skip|SKIP): |^\[  SKIPPED \] [a-z_]/ { gsub(/\t/, " "); print name "\t" $0 }
	' "$log" | sort -u)
exit $status
