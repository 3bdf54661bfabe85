#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two live nights behind the twelve recorded ones of tests/fixtures/nights.tar.xz: the clean one is green;
# then the loop of a new "version" is slowed down on purpose: nightly alerts, the confirmation against the
# version before names metric and interval, JUnit says so.
#
# The recorded nights are another machine's, and nightly says so and ends with 4. For the rest their run.json
# gets this machine, its programs and dates before today; the measured values stay as they were recorded.
# How far this machine is away from them is planted as its noise floor, and the injected delay is large
# against that and against its latency: so no noise decides, and no timing is asserted but that a loop
# that burns milliseconds an I/O is slower than one that does not. Sixteen pairs are made, ten are needed: on a
# busy host some blocks have no valid trial.
set -euo pipefail
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/run_common.sh"
command -v jq >/dev/null || { echo "skip: no jq"; exit 77; }

mkdir "$work/good" "$work/slow" "$work/recorded"
cp "$IOMODES_BIN"/{ioloop,spinner} "$work/good"
experiment nights 'interrupt, sync' 300ms
xz -dc "$IOMODES_SOURCE/tests/fixtures/nights.tar.xz" | tar -C "$work/recorded" -x
night() { # STATUSES VERSION PROGRAMS [OPTIONS...]: any of the statuses will do
	local status=0 wanted=$1 version=$2 programs=$3
	shift 3
	"$iomodes" nightly "$work/nights.yaml" --output "$results" --pairs 16 --db "$work/h.sqlite" \
		--version "$version" --programs "$programs" "$@" >"$work/out" 2>"$work/err" || status=$?
	[[ " $wanted " == *" $status "* ]] || { cat "$work/out" "$work/err"; fail "$version: exit status $status, not one of $wanted"; }
}

# This machine, its distance from the recorded nights, and the delay; nights as another machine made them.
start "$iomodes" run "$work/nights.yaml" --programs "$work/good" --output "$work/first" --quiet
ends_with 0 "the run that shows this machine"
mkdir -p "$IOMODES_STATE_DIR"
delay=$(python3 - "$work" "$work"/first/2* "$IOMODES_STATE_DIR/noise.json" <<'PY'
import copy, datetime, hashlib, json, math, os, statistics, sys
work, first, noise = sys.argv[1:]
METRICS = ("iops", "latency_p50_ns", "cpu_ns_per_io_task")
def medians(run):
    values = {}
    for line in open(run + "/trials.jsonl"):
        t = json.loads(line)
        for m in METRICS:
            if t["pass"] == "measure" and t["metrics"].get(m):
                values.setdefault((t["cell"], m), []).append(t["metrics"][m])
    return {k: statistics.median(v) for k, v in values.items()}
def write(folder, run):
    os.makedirs(folder)
    os.link(nights + "/trials.jsonl", folder + "/trials.jsonl")
    json.dump(run, open(folder + "/run.json", "w"))
    with open(folder + "/SHA256SUMS", "w") as out:
        for name in ("run.json", "trials.jsonl"):
            out.write("%s  %s\n" % (hashlib.sha256(open(folder + "/" + name, "rb").read()).hexdigest(), name))
live, here = json.load(open(first + "/run.json")), medians(first)
today = datetime.datetime.strptime(live["started"][:19], "%Y-%m-%dT%H:%M:%S")
away = 0
for i in range(1, 13):
    nights = "%s/recorded/night-%02d" % (work, i)
    run, there = json.load(open(nights + "/run.json")), medians(nights)
    assert set(there) == set(here), (there, here)
    away = max([away] + [abs(math.log(here[k] / there[k])) for k in here])
    run["started"] = (today - datetime.timedelta(days=13 - i)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    other = copy.deepcopy(run)
    other["machine_key"]["identity"] = "f" * 64
    write("%s/other/%02d" % (work, i), other)
    for member in ("machine", "machine_key", "build", "tools"):
        run[member] = live[member]
    run["command"]["programs"] = live["command"]["programs"]
    write("%s/nights/%02d" % (work, i), run)
floor = max(1, 1.5 * away)
json.dump({"identity": live["machine_key"]["identity"], "metrics": {m: {"floor": floor} for m in METRICS}}, open(noise, "w"))
slowest = max(v for (cell, m), v in here.items() if m == "latency_p50_ns")
print("%dus" % max(2000, 5 * slowest / 1000 * math.exp(floor)))
PY
)
jq -r '"noise floor \(.metrics.iops.floor)"' "$IOMODES_STATE_DIR/noise.json"
echo "delay $delay"
printf '#!/bin/sh\nexec %s/ioloop --test-delay=%s "$@"\n' "$work/good" "$delay" >"$work/slow/ioloop"
cp "$IOMODES_BIN"/spinner "$work/slow"
chmod +x "$work/slow/ioloop"

# Clean: green, and all is judged. Of another machine's nights the same run is an error.
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
	"$iomodes" history add "$work/nights/$i" --db "$work/h.sqlite" --version "$i" >"$work/out"
	"$iomodes" history add "$work/other/$i" --db "$work/other.sqlite" --version "$i" >"$work/out"
done
night 0 13 "$work/good" --junit "$work/clean.xml"
grep -q 'tests="6" failures="0" errors="0" skipped="0"' "$work/clean.xml" || { cat "$work/clean.xml"; fail "the clean night is not green"; }
"$iomodes" history add "$(printf '%s\n' "$results"/2* | head -n 1)" --db "$work/other.sqlite" --version 13 >"$work/out"
status=0
"$iomodes" nightly "$work/nights.yaml" --no-run --db "$work/other.sqlite" >"$work/out" || status=$?
[[ $status == 4 ]] && grep -q 'none of the 12 earlier runs of "nights" was made on this one' "$work/out" ||
	{ cat "$work/out"; fail "nights of another machine: status $status"; }

night 2 slowed "$work/slow" --junit "$work/slow.xml" --json
jq -e '.test_delay_ns > 1000000 and .status == "worse"' "$work/out" >/dev/null || { cat "$work/out"; fail "the report does not say that the loop was slowed down"; }
for metric in iops latency_p50_ns; do
	jq -e --arg metric $metric '[.series[] | select(.metric == $metric and .alert == "confirmed")][0] |
		.since == "slowed" and .good_version == "13" and .confirmation.kind == "paired" and .confirmation.n >= 10 and
		.confirmation.low * .confirmation.high > 0 and .confirmation.high >= .confirmation.low' "$work/out" >/dev/null ||
		{ cat "$work/out"; cat "$results"/2*/trials.jsonl | jq -r 'select(.status != "valid") | .error, (.checks[] | select(.result == "fail") | .sentence)' | sort | uniq -c; fail "no confirmed alert on $metric"; }
	grep -q "<failure type=\"confirmed\" message=\"confirmed alert: .*$metric of .*95 % interval .* over 1[0-6] interleaved pairs" "$work/slow.xml" ||
		{ cat "$work/slow.xml"; fail "JUnit does not say so of $metric"; }
done
"$iomodes" history list --db "$work/h.sqlite" | grep 'SLOWED DOWN ON PURPOSE' >/dev/null || fail "the history hides the slowdown"

# The old version is gone: the alert says that it is unconfirmed, and why.
echo >>"$work/good/spinner"
mkdir "$work/other-good"; cp "$IOMODES_BIN"/{ioloop,spinner} "$work/other-good"
sed -i "s|$work/good|$work/other-good|" "$work/slow/ioloop"
echo '# changed' >>"$work/good/ioloop"
night 2 slowed-2 "$work/slow"
grep -q 'ALERT, UNCONFIRMED' "$work/out" || { cat "$work/out"; fail "the alert is not marked as unconfirmed"; }
grep -q 'cannot be made again here: ioloop of the last good run' "$work/out" || { cat "$work/out"; fail "no reason"; }
is_as_before nightly
status_is_clean nightly
