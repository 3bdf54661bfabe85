#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timed.sh FILE NAME COMMAND...: the command, whose start and end FILE gets.
# timed.sh FILE: how long some test of FILE was running, and each test's share. Nothing judges it.
file=$1
if [ $# -gt 1 ]; then
	name=$2 begun=$EPOCHSECONDS
	shift 2
	"$@"
	status=$?
	printf '%d %d %s\n' "$begun" $EPOCHSECONDS "$name" >> "$file"
	exit $status
fi
sort -n "$file" | awk '
	{
		each = each sprintf("%s%s %d", NR > 1 ? ", " : "", $3, $2 - $1)
		if ($2 > end) {
			total += $2 - ($1 > end ? $1 : end)
			end = $2
		}
	}
	END { printf "Lab suite: %d:%02d min (%s s)\n", total / 60, total % 60, each }'
