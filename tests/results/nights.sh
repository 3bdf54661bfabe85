#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fourteen real nights, recorded with tests/fixtures/record_nights.sh: twelve to learn from, a clean one,
# which is green, and one whose loop was slowed down by 500 us an I/O, which is flagged.
set -euo pipefail
. "$IOMODES_SOURCE/tests/results/lib.sh"
cd "$tmp"
export IOMODES_HISTORY=$tmp/h.sqlite
xz -dc "$IOMODES_SOURCE/tests/fixtures/nights.tar.xz" | tar -x

for i in 01 02 03 04 05 06 07 08 09; do "$bin" history add "night-$i" --version "$i" >out; done
expect 3 '9 of the 10 versions that are needed' "$bin" nightly nights --no-run
for i in 10 11 12 13; do
	"$bin" history add "night-$i" --version "$i" >out
	expect 0 '6 series: 6 judged, 0 skipped' "$bin" nightly nights --no-run --junit "$i.xml"
	grep -q 'tests="6" failures="0" errors="0" skipped="0"' "$i.xml"
done

# The slowed one: every series of rate and latency is flagged; without a run to confirm it that is no alert.
"$bin" history add night-slowed --version slowed >out
expect 3 'slowed down on purpose, by 500000 ns' "$bin" nightly nights --no-run --junit slowed.xml
# A report that cannot be saved is told all the same.
expect 4 'Verdict: inconclusive' "$bin" nightly nights --no-run --junit nowhere/x.xml
"$bin" nightly nights --no-run --json >slowed.json || true
python3 - <<'END'
import json, xml.etree.ElementTree as xml
report = json.load(open("slowed.json"))
assert report["test_delay_ns"] == 500000 and report["status"] == "inconclusive", report["status"]
for s in report["series"]:
    if s["metric"] in ("iops", "latency_p50_ns"):
        assert s["state"] == "flagged" and s["worse"] and s["since"] == "slowed" and s["good_version"] == "13", s
        assert "prediction interval" in s["rules"], s
assert sum(s["state"] == "flagged" for s in report["series"]) >= 4
suite = xml.parse("slowed.xml").getroot().find("testsuite")
skipped = [c.get("name") for c in suite.iter("testcase") if c.find("skipped") is not None]
assert len(skipped) >= 4 and not list(suite.iter("failure")), skipped
END

# The whole history again from the directories, with its labels; the judgement is the same.
"$bin" history rebuild night-* >out
"$bin" nightly nights --no-run --json >again.json || true
cmp slowed.json again.json
