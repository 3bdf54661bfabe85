#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Nights on this machine: twelve short ones are recorded, a clean one is judged, then the loop of a new
# "version" is slowed down on purpose: nightly alerts, the confirmation against the version before names
# metric and interval, JUnit says so. No timing is asserted but that a loop that burns 200 us an I/O is
# slower than one that does not.
set -euo pipefail
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/run_common.sh"
command -v jq >/dev/null || { echo "skip: no jq"; exit 77; }

mkdir "$work/good" "$work/slow"
cp "$IOMODES_BIN"/{ioloop,spinner} "$work/good"
cp "$IOMODES_BIN"/spinner "$work/slow"
printf '#!/bin/sh\nexec %s/ioloop --test-delay=200us "$@"\n' "$work/good" >"$work/slow/ioloop"
chmod +x "$work/slow/ioloop"
experiment nightly interrupt
night() { # STATUSES VERSION PROGRAMS [OPTIONS...]: any of the statuses will do
	local status=0 wanted=$1 version=$2 programs=$3
	shift 3
	"$iomodes" nightly "$work/nightly.yaml" --db "$work/h.sqlite" --output "$results" --pairs 10 \
		--version "$version" --programs "$programs" "$@" >"$work/out" 2>"$work/err" || status=$?
	[[ " $wanted " == *" $status "* ]] || { cat "$work/out" "$work/err"; fail "$version: exit status $status, not one of $wanted"; }
}
# The first nine are too short a history; the others are judged, and what a busy host makes of one of
# them is a flag, which nothing confirms here.
for i in 01 02 03 04 05 06 07 08 09; do night 3 "night-$i" "$work/good"; done
for i in 10 11 12; do night "0 3" "night-$i" "$work/good" --no-confirm; done

# Clean: green. A flag of a noisy host is refuted by the repeated run, as nothing differs.
night 0 night-13 "$work/good" --junit "$work/clean.xml"
grep -q 'failures="0" errors="0" skipped="0"' "$work/clean.xml" || { cat "$work/clean.xml"; fail "the clean night is not green"; }

night 2 slowed "$work/slow" --junit "$work/slow.xml" --json
jq -e '.test_delay_ns == 200000 and .status == "worse"' "$work/out" >/dev/null || fail "the report does not say that the loop was slowed down"
jq -e '[.series[] | select(.metric == "latency_p50_ns" and .alert == "confirmed")][0] |
	.since == "slowed" and .confirmation.kind == "paired" and .confirmation.n == 10 and
	.confirmation.low > 0 and .confirmation.high >= .confirmation.low' "$work/out" >/dev/null ||
	{ cat "$work/out"; fail "no confirmed alert on the median latency"; }
grep -q '<failure type="confirmed" message="confirmed alert: .*latency_p50_ns of .*95 % interval .* over 10 interleaved pairs' "$work/slow.xml" ||
	{ cat "$work/slow.xml"; fail "JUnit does not say so"; }
"$iomodes" history list --db "$work/h.sqlite" | grep 'SLOWED DOWN ON PURPOSE' >/dev/null || fail "the history hides the slowdown"

# The old version is gone: the alert says that it is unconfirmed, and why.
echo >>"$work/good/spinner"
mkdir "$work/other"; cp "$IOMODES_BIN"/{ioloop,spinner} "$work/other"
sed -i "s|$work/good|$work/other|" "$work/slow/ioloop"
echo '# changed' >>"$work/good/ioloop"
night 2 slowed-2 "$work/slow"
grep -q 'ALERT, UNCONFIRMED' "$work/out" || { cat "$work/out"; fail "the alert is not marked as unconfirmed"; }
grep -q 'cannot be made again here: ioloop of the last good run' "$work/out" || { cat "$work/out"; fail "no reason"; }
is_as_before nightly
status_is_clean nightly
