#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check and compare on synthetic runs: golden texts, every number again by another program, and
# every kind of bad run. "compare.sh --bless" rewrites the golden files.
set -euo pipefail
. "$IOMODES_SOURCE/tests/results/lib.sh"

make_run "$tmp/ten"
make_run "$tmp/six" --blocks 6 --ios 200
for run in ten six; do
	"$bin" compare "$tmp/$run" >"$tmp/$run.txt"
	"$bin" compare "$tmp/$run" --json >"$tmp/$run.json"
	python3 "$here/verify.py" "$tmp/$run" "$tmp/$run.json"
	[ "${1:-}" = --bless ] && cp "$tmp/$run.txt" "$here/golden-$run.txt"
	diff -u "$here/golden-$run.txt" "$tmp/$run.txt"
	awk '/^[a-z-]+ +(in force|NOT|unsup)/ && length > 140 {print "too wide: " $0; bad = 1} END {exit bad}' \
		"$tmp/$run.txt"
done
"$bin" compare "$tmp/ten" --csv >"$tmp/ten.csv"
python3 - "$tmp/ten.csv" <<'PY'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
assert all(None not in r and None not in r.values() for r in rows), "ragged CSV"
assert {r["mode"] for r in rows} == {"interrupt", "sqpoll", "defer-taskrun", "aio", "iopoll",
                                     "hybrid-iopoll"}
assert {r["verdict"] for r in rows if r["mode"] == "aio" and r["metric"] == "iops"} == {"worse", ""}
for r in rows:  # an interval is that of the median over blocks, also where the value is a percentile of all together
    assert not r["low"] or float(r["low"]) <= float(r["block_median"]) <= float(r["high"]), r
assert any(r["metric"] == "latency_p99_ns" and r["value"] != r["block_median"] for r in rows)
PY
expect 0 "every check and verdict comes out as recorded" "$bin" check "$tmp/ten"
expect 2 "worse than interrupt" "$bin" compare "$tmp/ten" --gate
make_run "$tmp/slowed" --blocks 6 --ios 50 --test-delay 3000
expect 0 "SLOWED DOWN ON PURPOSE, by up to 3000 ns" "$bin" compare "$tmp/slowed"
expect 0 "^\*\*SLOWED DOWN ON PURPOSE" "$bin" compare "$tmp/slowed" --markdown
expect 1 "slowed down on purpose" "$bin" export csv "$tmp/slowed"
make_run "$tmp/noisy" --blocks 6 --ios 100 --modes interrupt,defer-taskrun
expect 3 "settle it" "$bin" compare "$tmp/noisy" --gate
expect 0 "better than aio" "$bin" compare "$tmp/ten" --baseline aio
expect 0 "irq/IO VS interrupt" "$bin" compare "$tmp/ten" --metric interrupts_per_io
expect 0 "cpu_left_per_io" "$bin" compare --metric help

# What was slow and out of force for one reason is no ground for a verdict: with it in, both must agree
for factor in 2.3 1.0; do
	make_run "$tmp/out$factor" --dropout $factor --modes interrupt,sqpoll,aio
	"$bin" compare "$tmp/out$factor" --json >"$tmp/out$factor.json"
	python3 "$here/verify.py" "$tmp/out$factor" "$tmp/out$factor.json"
done
expect 0 "^  sqpoll: IOPS +11.5 % .*, inconclusive against interrupt: .*, but with the 1 trial left out put back in: +11.3 % \[-26.8 %, +12.0 %\]" "$bin" compare "$tmp/out2.3"
expect 0 "^  Answer: sqpoll has the best IOPS: .* in 9 of 10 trials" "$bin" compare "$tmp/out1.0"
! grep -q "put back" "$tmp/out" || { echo "FAILED: both agree"; exit 1; }
sed -i 's/"verdict": "inconclusive"/"verdict": "better"/' "$tmp/out2.3.json"
! python3 "$here/verify.py" "$tmp/out2.3" "$tmp/out2.3.json" >/dev/null 2>&1 || { echo "FAILED: blind to a drop-out"; exit 1; }

# A block whose canary moved: on bare metal its trials are out but for what was made again; shown in a VM
make_run "$tmp/metal" --canary bare
make_run "$tmp/vm" --canary vm
expect 0 "host_suspect: CPU work -20 % off the run's median" "$bin" compare "$tmp/metal"
expect 0 "^HOST SUSPECT: work that no mode touches moved 1 time in 10 blocks, named below the tables\.$" "$bin" compare "$tmp/metal"
head -4 "$tmp/out" | grep -q "HOST SUSPECT" || { echo "FAILED: a suspect host is said below the numbers"; exit 1; }
expect 0 "^\*\*HOST SUSPECT: work that no mode touches moved 1 time in 10 blocks" "$bin" compare "$tmp/metal" --markdown
for run in metal vm; do "$bin" compare "$tmp/$run" --json >"$tmp/$run.json"; done
python3 - "$tmp/metal.json" "$tmp/vm.json" <<'PY'
import json, sys
for path, n in ((sys.argv[1], {"interrupt": 9, "aio": 10}), (sys.argv[2], {"interrupt": 10, "aio": 10})):
    result = json.load(open(path))
    for g in result["groups"]:
        for r in g["rows"]:
            if r["mode"] in n:
                assert r["metrics"]["iops"]["n"] == n[r["mode"]], (path, r["mode"], r["metrics"]["iops"])
    assert [s["block"] for s in result["canary"]["suspect"]] == [3], result["canary"]
PY
# A run that is said to have ended early because it was precise enough: it was, or it was not
make_run "$tmp/early" --looks 10 --planned 30
expect 4 "precision after 10 blocks: recorded as made, again 9 of 9 intervals are as narrow as asked" "$bin" check "$tmp/early"
! grep -q "end of the blocks" "$tmp/out" || { echo "FAILED: a precise run may end"; exit 1; }
expect 0 "Precision met: .*; the run ended after 10 of at most 30 blocks" "$bin" compare "$tmp/early"
make_run "$tmp/tooearly" --looks 6 --planned 30 --blocks 6 --ios 30
expect 4 "end of the blocks: recorded complete, again ended after 6 of 30 blocks without the precision" "$bin" check "$tmp/tooearly"
expect 4 "precision_met: recorded true, again false" "$bin" check "$tmp/tooearly"
make_run "$tmp/given-up" --invalid --canary vm
expect 4 "aio .* failed" "$bin" compare "$tmp/given-up"

# The noise floor of a machine is the least difference that is claimed: what is beyond 1 % but within 12 % is neither a
# difference nor none
make_run "$tmp/floor" --floor 0.12
expect 0 "^  aio: IOPS .* inconclusive against interrupt: .*lies within 12 % (this machine's noise floor)" "$bin" compare "$tmp/floor"
expect 3 "" "$bin" compare "$tmp/floor" --gate
expect 0 "Answer: none of the 3 other modes in force (not: iopoll, hybrid-iopoll) is shown to be better than interrupt in IOPS (11.9k): 1 equivalent, 2 inconclusive; sqpoll, nominally first, is at .*which identical arms on this machine reach too" \
	"$bin" compare "$tmp/floor"
! grep -q "has the best" "$tmp/out" || { echo "FAILED: the answer claims less than the noise floor"; exit 1; }
# whose it is, and what speaks against it
expect 0 "^Noise floor: the larger of floor and margin decides: IOPS 12 % (margin 1 %), p50 12 % (margin 2 %), from 2 pairs of identical arms in 10 blocks on scratch, Linux 6.1.0-test, 2025-12-31 (aa-run)\.$" \
	"$bin" compare "$tmp/floor"
! grep -q "measures it anew" "$tmp/out" || { echo "FAILED: a fresh floor is doubted"; exit 1; }
expect 0 "^Noise floor: none was measured on this machine for these metrics: how far identical arms differ here is not known; 'iomodes aa' tells\.$" "$bin" compare "$tmp/ten"
make_run "$tmp/oldfloor" --floor 0.12 --old-floor
for form in "" --markdown; do
	for what in "was found 61 days before this run" "was found under Linux 6.0.0-old, this run is of Linux 6.1.0-test" \
		"was not found on scratch" "rests on one pair of arms"; do
		# shellcheck disable=SC2086
		expect 0 "But the noise floor of IOPS, p50 $what; .*iomodes aa.* measures it anew" "$bin" compare "$tmp/oldfloor" $form
	done
done
expect 0 "inconclusive against interrupt: .*lies within 12 % (this machine's noise floor)" "$bin" compare "$tmp/oldfloor"
# A drive that never became steady, in the first lines of the report and beside the table
make_run "$tmp/unsteady" --unsteady
expect 0 "^Prepared: pts, 48.0 MiB written, NOT steady after 25 rounds.*137 %" "$bin" compare "$tmp/unsteady"
"$bin" report "$tmp/unsteady" >/dev/null
grep -q "NOT steady after 25 rounds" "$tmp/unsteady/report.html" || { echo "FAILED: the report does not say that the drive was not steady"; exit 1; }
make_run "$tmp/floor2" --floor 0.002
"$bin" compare "$tmp/floor2" | diff -u <(grep -v "^Noise floor" "$here/golden-ten.txt") <(grep -v "^Noise floor" -) # below the margin it changes nothing
# The answer claims nothing that the verdict of the same row does not: of two comparisons of 6 blocks one reaches p 1/32
make_run "$tmp/two" --blocks 6 --ios 200 --depths 4
expect 0 "^sqpoll .* inconclusive" "$bin" compare "$tmp/two"
expect 0 "Answer: none of the 2 other modes in force.* is shown to be better than interrupt in IOPS.*: 2 inconclusive; sqpoll, nominally first, is at .*, p 0.062 after correction for 2" \
	"$bin" compare "$tmp/two"
# Only the baseline in force: there is nothing to compare, and a gate does not open
make_run "$tmp/alone" --modes interrupt,iopoll,hybrid-iopoll
expect 0 "Answer: only interrupt was in force (not: iopoll, hybrid-iopoll): nothing to compare it with" "$bin" compare "$tmp/alone"
expect 4 "nothing was judged in .*--gate has nothing to pass" "$bin" compare "$tmp/alone" --gate
# A price that is not known is not said to be none
make_run "$tmp/price" --blocks 6 --modes interrupt,sqpoll --cpu-noise 0.6
expect 0 "Answer: sqpoll has the best IOPS: .*at a price in CPU/IO that is not known: " "$bin" compare "$tmp/price"
make_run "$tmp/cheap" --modes interrupt,fast
expect 0 "Answer: fast has the best IOPS: .*, for the same CPU/IO to 2 %; none is shown to cost less CPU" "$bin" compare "$tmp/cheap"

# Two instruments: what they disagree on and which rule names the reason, as it was put in; each number again
make_run "$tmp/instruments" --instruments
"$bin" compare "$tmp/instruments" --json >"$tmp/instruments.json"
python3 "$here/verify.py" "$tmp/instruments" "$tmp/instruments.json"
python3 - "$tmp/instruments.json" <<'PY'
import json, sys
every = json.load(open(sys.argv[1]))["instruments"]
pairs = {p["mode"]: p for p in every if not p["load"]["open_loop"]}
rate, latency = {}, {}
for mode, p in pairs.items():
    assert p["instruments"] == ["ioloop", "fio"], p
    for c in p["comparisons"]:
        (rate if c["metric"] == "iops" else latency).setdefault(mode, []).append(
            c["agreement"] if c["agreement"] != "disagree" else [e["rule"] for e in c["explanations"]])
print(rate, latency)
assert rate == {"interrupt": [["cpu_per_io"]], "sqpoll": [[]], "defer-taskrun": [["ring_flags"]], "aio": [[]],
                "same": ["agree"], "other-irq": [["interrupts_per_io"]], "polled": [[]],
                "other-switches": [["context_switches_per_io"]], "little": [[]]}, rate
want = {**rate, "sqpoll": [["slat_missing"]], "little": [["check_failed"]]}
for mode, both in latency.items():  # the tail is known less well: it may be undecided
    assert both[0] == want[mode][0] and all(one in (want[mode][0], "undecided") for one in both), (mode, both)
assert "in force" in pairs["iopoll"]["reason"] and "neither can" in pairs["hybrid-iopoll"]["reason"]
assert not pairs["iopoll"]["comparisons"]
# at open loop the rate is given, and what fio has is the service time
given = {p["mode"]: {c["metric"]: c["agreement"] if c["agreement"] != "disagree" else [e["rule"] for e in c["explanations"]]
                     for c in p["comparisons"]} for p in every if p["load"]["open_loop"]}
assert all(set(g) in (set(), {"service_p50_ns", "service_p99_ns"}) for g in given.values()), given
median = {m: g["service_p50_ns"] for m, g in given.items() if g}
assert {m: median[m] for m in ("interrupt", "sqpoll", "defer-taskrun", "aio", "same", "little")} == {
    "interrupt": ["cpu_per_io"], "sqpoll": ["slat_missing"], "defer-taskrun": ["ring_flags"], "aio": [],
    "same": "agree", "little": ["check_failed"]}, median
PY
expect 0 "unexplained" "$bin" compare "$tmp/instruments"
expect 0 "interrupt, randread 4.00 KiB, depth 1: IOPS .*cpu_per_io: fio spends .* more CPU time of its own" "$bin" compare "$tmp/instruments"
expect 0 "### Instruments" "$bin" compare "$tmp/instruments" --markdown
"$bin" compare "$tmp/instruments" --csv | python3 -c '
import csv, sys
rows = list(csv.DictReader(sys.stdin))
assert all(None not in r and None not in r.values() for r in rows), "ragged CSV"
both = [r for r in rows if r["workload"] == "ioloop, fio"]
assert {r["state"] for r in both} <= {"agree", "disagree", "undecided"} and len(both) >= 25, both
assert any(r["verdict"] == "unexplained" for r in both)'
# the verification can fail: a rule that is not there, one that is not named
for change in 's/"rule": "cpu_per_io"/"rule": "other"/' 's/"agreement": "agree"/"agreement": "undecided"/'; do
	sed "$change" "$tmp/instruments.json" >"$tmp/sabotage.json"
	! python3 "$here/verify.py" "$tmp/instruments" "$tmp/sabotage.json" >/dev/null 2>&1 ||
		{ echo "FAILED: blind to $change"; exit 1; }
done

# Bad words and bad places
expect 1 'did you mean "interrupt"' "$bin" compare "$tmp/ten" --baseline interupt
expect 1 'did you mean "latency_p99_ns"' "$bin" compare "$tmp/ten" --metric latency_p99ns
expect 1 "one run directory or more" "$bin" compare
expect 1 "$tmp/nowhere" "$bin" compare "$tmp/nowhere"
expect 1 "not both" "$bin" compare "$tmp/ten" --json --csv

# Over the load: a crossing at depth 4 is found there, with an interval that holds it, and is said
make_run "$tmp/cross" --depths 1,2,8,16
"$bin" compare "$tmp/cross" --json | python3 -c '
import json, sys
found = [c for c in json.load(sys.stdin)["crossovers"] if c["finding"] == "crossing"]
assert {c["metric"] for c in found} == {"iops", "latency_p50_ns", "latency_p99_ns"}, found
for c in found:
    assert c["mode"] == "crossing" and c["axis"] == "iodepth", c
    assert 3.6 < c["at"] < 4.4 and c["low"] <= c["at"] <= c["high"] and 2 < c["low"] < 4.2 and 3.8 < c["high"] < 8, c
    assert [l["side"] for l in c["levels"]] == [1, 1, -1, -1], c'
expect 0 "IOPS: crossing is better at both measured depths (1 and 2), interrupt at both measured depths (8 and 16); they cross at about" "$bin" compare "$tmp/cross"
expect 0 "crossing against interrupt: at both measured depths (1 and 2) crossing has IOPS .* for 66.* % more CPU; at both measured depths (8 and 16) interrupt wins both (crossing: IOPS .* more CPU); in IOPS they cross at about " "$bin" compare "$tmp/cross"
# Levels between that cannot be told apart: the interval holds them, and the sentence is about those that can
make_run "$tmp/between" --factors 1:0.95,2:0.999,4:1.001,16:5.0
"$bin" compare "$tmp/between" --json | python3 -c '
import json, sys
found = [c for c in json.load(sys.stdin)["crossovers"] if c["finding"] == "crossing" and c["metric"] == "iops"]
assert len(found) == 1 and [l["side"] for l in found[0]["levels"]] == [1, 0, 0, -1], found
assert found[0]["low"] < 2.01 and found[0]["high"] > 3.99 and 2 <= found[0]["at"] <= 4, found'
expect 0 "IOPS: crossing is better at a depth of 1, interrupt at a depth of 16; they cross at about .*: 1.* to 4" "$bin" compare "$tmp/between"
# Of what a verdict does not call better or worse, nothing is said to be so at every level
make_run "$tmp/within" --factors 1:0.996,2:0.996,8:0.996 --blocks 30
expect 0 "crossing: IOPS .* equivalent to interrupt" "$bin" compare "$tmp/within"
! grep -q "crossing is better\|crossing has IOPS" "$tmp/out" || { echo "FAILED: better, where the verdict is equivalent"; exit 1; }
# The other axes: rate (open loops: a latency crosses), size of blocks and of messages, jobs, flows
for axis in "bs iops 512 block size" "jobs iops 1 number of jobs" "rate latency_p50_ns 500 rate" "flows transactions_per_s 1 number of flows" \
	"size transactions_per_s 64 message size"; do
	read -r name metric times words <<<"$axis"
	make_run "$tmp/axis" --axis "$name" --depths 1,2,8,16 --ios 300
	"$bin" compare "$tmp/axis" --json | python3 -c '
import json, sys
name, metric, times, words = sys.argv[1:]
member = {"jobs": "numjobs", "rate": "rate_iops"}.get(name, name)
found = [c for c in json.load(sys.stdin)["crossovers"] if c["finding"] == "crossing" and c["metric"] == metric]
assert len(found) == 1, (name, found)
c = found[0]
assert c["axis"] == member and [l["side"] for l in c["levels"]] == [1, 1, -1, -1], c
assert 3.5 < c["at"] / int(times) < 4.5 and c["low"] <= c["at"] <= c["high"], c
assert "better at both measured %ss (" % words.removesuffix("s") in c["sentence"], c' "$name" "$metric" "$times" "$words"
	expect 0 "crossing against .*interrupt: at both measured ${words%s}s (.*crossing has .* they cross at about" "$bin" compare "$tmp/axis"
done
make_run "$tmp/turn" --depths 1,2,8,16 --turn 16
expect 0 "IOPS: crossing is better at both measured depths (1 and 2), interrupt at a depth of 8; they cross at about .*, and crossing is better again at 16" "$bin" compare "$tmp/turn"
make_run "$tmp/loud" --depths 1,2,8,16 --floor 0.9
"$bin" compare "$tmp/loud" --json | python3 -c '
import json, sys
assert {c["finding"] for c in json.load(sys.stdin)["crossovers"] if c["metric"] in ("iops", "latency_p50_ns")} == {"none"}'
make_run "$tmp/flat" --depths 1,2
expect 0 "at both measured depths (1 and 2) crossing is better" "$bin" compare "$tmp/flat"

# Across runs: another kernel and 5 % slower; the same; nothing in common; Markdown and CSV
make_run "$tmp/later" --run later --seed 7 --slow 1.05 --kernel 6.2.0-test --started 2026-02-01T00:00:00.000Z
expect 0 "configuration: kernel.release: 6.1.0-test -> 6.2.0-test" "$bin" compare "$tmp/ten" "$tmp/later"
expect 0 "one machine in two configurations: their difference is the candidate explanation" "$bin" compare "$tmp/ten" "$tmp/later"
expect 2 "worse" "$bin" compare "$tmp/ten" "$tmp/later" --gate
"$bin" compare "$tmp/ten" "$tmp/later" --json >"$tmp/across.json"
python3 "$here/verify_across.py" "$tmp/ten" "$tmp/later" "$tmp/across.json"
"$bin" compare "$tmp/ten" "$tmp/later" --csv | python3 -c '
import csv, sys
rows = list(csv.DictReader(sys.stdin))
assert len(rows) == 12 and all(None not in r and None not in r.values() for r in rows), rows
assert {r["verdict"] for r in rows} <= {"worse", "inconclusive"} and rows[0]["second_run"] == "later"'
# One machine is one by its name, with a drive more, too; by its drives where it has none; another one passes no gate
for machine in "same m1 m1 s2" "named m1 - s1" "other m1 m2 s1" "swapped - - s2" "drive - - -"; do
	read -r name one two serial <<<"$machine"
	for side in one two; do
		make_run "$tmp/$name-$side" --run $side --modes interrupt,aio --blocks 6 --ios 50 --slow "$([ $side = one ] && echo 1 || echo 1.3)"
		python3 - "$tmp/$name-$side/run.json" "${!side}" "$([ $side = one ] && echo s1 || echo "$serial")" <<'PY'
import json, sys
path, machine, serial = sys.argv[1:]
run = json.load(open(path))
if machine != "-":
    run["machine_key"] = {"identity": machine}
if serial == "-":
    run["machine"]["disks"].append({"name": "sdz", "serial": "usb", "virtual": False})
else:
    run["machine"]["disks"][0]["serial"] = serial
json.dump(run, open(path, "w"))
PY
		reseal "$tmp/$name-$side"
	done
done
expect 0 ": one machine, rebuilt in between: its devices" "$bin" compare "$tmp/same-one" "$tmp/same-two"
expect 0 ": one machine, rebuilt in between: its devices" "$bin" compare "$tmp/named-one" "$tmp/named-two"
expect 0 ": one machine, rebuilt in between: its devices" "$bin" compare "$tmp/drive-one" "$tmp/drive-two"
expect 0 ": different machines: a result between machines" "$bin" compare "$tmp/other-one" "$tmp/other-two"
expect 0 ": different machines: a result between machines" "$bin" compare "$tmp/swapped-one" "$tmp/swapped-two"
expect 0 ',"different machines: ' "$bin" compare "$tmp/other-one" "$tmp/other-two" --csv
expect 4 "different machines: --gate judges runs of one machine" "$bin" compare "$tmp/other-one" "$tmp/other-two" --gate
expect 2 "worse" "$bin" compare "$tmp/same-one" "$tmp/same-two" --gate
make_run "$tmp/again" --run again --seed 8
expect 0 "one machine in one configuration, measured by one build" "$bin" compare "$tmp/ten" "$tmp/again"
make_run "$tmp/other" --run other --modes aio --blocks 6 --ios 50
expect 0 "not compared: the other run has no such cell" "$bin" compare "$tmp/ten" "$tmp/other"
make_run "$tmp/net" --run net --modes hybrid-iopoll --net --blocks 6 --ios 100
expect 4 "no mode was measured in force at the same load" "$bin" compare "$tmp/ten" "$tmp/net"
expect 1 "is given twice" "$bin" compare "$tmp/ten" "$tmp/ten"
expect 1 "the first run is the baseline" "$bin" compare "$tmp/ten" "$tmp/later" --baseline aio
for runs in "$tmp/ten" "$tmp/ten $tmp/later"; do
	# shellcheck disable=SC2086
	"$bin" compare $runs --markdown | python3 -c '
import re, sys
tables = [t.split("\n") for t in re.findall(r"(?:^\|.*\|\n)+", sys.stdin.read(), re.M)]
assert tables
for t in tables:
    widths = {len(re.split(r"(?<!\\)\|", l)) for l in t if l}
    assert len(widths) == 1 and len([l for l in t if l]) >= 4, (widths, t)'
done

# What no record's own digest covers: run.json edited after the run ended, a raw file gone, a cell that is there twice
cp -r "$tmp/six" "$tmp/sealed"
mkdir "$tmp/sealed/raw"
echo raw >"$tmp/sealed/raw/output"
(cd "$tmp/sealed" && sha256sum run.json trials.jsonl raw/output >SHA256SUMS)
expect 0 "every check and verdict comes out as recorded" "$bin" check "$tmp/sealed"
sed -i 's/6\.1\.0-test/6.2.0-test/' "$tmp/sealed/run.json"
expect 4 "differs *run.json: sha256" "$bin" check "$tmp/sealed"
for reader in "compare" "report" "compare $tmp/six"; do
	# shellcheck disable=SC2086
	expect 1 "run.json is not what the run left: its digest is not that in SHA256SUMS" "$bin" $reader "$tmp/sealed"
done
cp "$tmp/six/run.json" "$tmp/sealed"
sed -i 7d "$tmp/sealed/trials.jsonl" # each record that is left is whole
expect 0 "ALTERED: .*trials.jsonl is not what the run left" "$bin" compare "$tmp/sealed"
expect 0 "\*\*ALTERED: .*trials.jsonl is not what the run left" "$bin" compare "$tmp/sealed" --markdown
expect 0 "ALTERED: .*trials.jsonl is not what the run left" "$bin" compare "$tmp/six" "$tmp/sealed"
expect 4 "differs *trials.jsonl: sha256" "$bin" check "$tmp/sealed"
expect 1 "trials.jsonl is not what the run left" "$bin" export csv "$tmp/sealed"
expect 4 "trials.jsonl is not what the run left" "$bin" history add "$tmp/sealed" --db "$tmp/h.db"
expect 0 "report.html" "$bin" report "$tmp/sealed"
grep -q "<strong>Altered:</strong>" "$tmp/sealed/report.html" || { echo "FAILED: the report trusts an altered run"; exit 1; }
cp "$tmp/six/trials.jsonl" "$tmp/sealed"
! "$bin" compare "$tmp/sealed" | grep -q ALTERED || { echo "FAILED: a whole run is called altered"; exit 1; }
# without its list a run is one that nobody vouches for; one that was killed has none
cp "$tmp/six/run.json" "$tmp/sealed"
mv "$tmp/sealed/SHA256SUMS" "$tmp/sums"
sed -i 7d "$tmp/sealed/trials.jsonl"
none="no SHA256SUMS, which a complete run leaves: it cannot be verified"
expect 0 "^NOT VERIFIED: $none" "$bin" compare "$tmp/sealed"
head -3 "$tmp/out" | grep -q "NOT VERIFIED" || { echo "FAILED: what cannot be verified is said below the numbers"; exit 1; }
expect 0 "^\*\*NOT VERIFIED: $none" "$bin" compare "$tmp/sealed" --markdown
expect 0 "^NOT VERIFIED: $none" "$bin" compare "$tmp/sealed" --csv
expect 0 "^NOT VERIFIED: $none" "$bin" compare "$tmp/six" "$tmp/sealed"
expect 0 "^\*\*NOT VERIFIED: $none" "$bin" compare "$tmp/six" "$tmp/sealed" --markdown
expect 4 "differs *SHA256SUMS: .*again $none" "$bin" check "$tmp/sealed"
expect 0 "report.html" "$bin" report "$tmp/sealed"
grep -q "<strong>Not verified:</strong> $none" "$tmp/sealed/report.html" || { echo "FAILED: the report trusts a run without sums"; exit 1; }
sed -i 's/"complete": true/"complete": false/' "$tmp/sealed/run.json"
expect 0 "^unverified *no SHA256SUMS, as the run was killed or it was removed" "$bin" check "$tmp/sealed"
grep run.json "$tmp/sums" >"$tmp/sealed/SHA256SUMS"
cp "$tmp/six/run.json" "$tmp/sealed"
expect 4 "again SHA256SUMS does not list trials.jsonl" "$bin" check "$tmp/sealed"
cp "$tmp/sums" "$tmp/sealed/SHA256SUMS"
cp "$tmp/six/trials.jsonl" "$tmp/sealed"
rm "$tmp/sealed/raw/output"
expect 4 "differs *raw/output: sha256.*again no such file" "$bin" check "$tmp/sealed"
echo "raw removed" >"$tmp/sealed/removed.log" # by iomodes-rotate, which says so
expect 0 "every check and verdict comes out as recorded" "$bin" check "$tmp/sealed"
cp -r "$tmp/six" "$tmp/twice"
python3 - "$tmp/twice/run.json" <<'PY'
import json, sys
run = json.load(open(sys.argv[1]))
run["cells"].append(run["cells"][0])
json.dump(run, open(sys.argv[1], "w"))
PY
reseal "$tmp/twice"
expect 1 "is there twice" "$bin" compare "$tmp/twice"

# One block; every trial invalid; no trial; baseline without a valid trial
make_run "$tmp/one" --blocks 1
expect 0 "too few blocks: 1 paired blocks; no interval exists below 6" "$bin" compare "$tmp/one"
make_run "$tmp/invalid" --invalid
expect 4 "nothing was measured" "$bin" compare "$tmp/invalid"
expect 4 "I/Os of 4096 bytes\|bytes do not match" "$bin" compare "$tmp/invalid"
expect 4 "bytes_match" "$bin" check "$tmp/invalid" # its status is right, its sentence is listed
mkdir "$tmp/empty"
cp "$tmp/ten/run.json" "$tmp/empty"
expect 4 "nothing was measured" "$bin" compare "$tmp/empty"
expect 4 "no trial" "$bin" check "$tmp/empty"
: >"$tmp/empty/trials.jsonl"
expect 4 "no trial of it is in the run" "$bin" compare "$tmp/empty"
make_run "$tmp/nobase" --modes sqpoll,aio
expect 0 "No comparison: the baseline interrupt has no row" "$bin" compare "$tmp/nobase"
expect 4 "nothing was judged" "$bin" compare "$tmp/nobase" --gate
make_run "$tmp/bare" --no-metrics
expect 4 "nothing was measured" "$bin" compare "$tmp/bare"

# Torn, edited, doubled, malformed, newer
cp -r "$tmp/ten" "$tmp/torn"
truncate -s -100 "$tmp/torn/trials.jsonl"
expect 0 "left out: trials.jsonl:150 : the last line is cut short" "$bin" compare "$tmp/torn"
expect 4 "cut short" "$bin" check "$tmp/torn"
cp -r "$tmp/ten" "$tmp/edited"
sed -i '3s/"iops":1/"iops":9/' "$tmp/edited/trials.jsonl"
expect 0 "left out: trials.jsonl:3 synthetic-0002: edited" "$bin" compare "$tmp/edited"
expect 4 "edited" "$bin" check "$tmp/edited"
cp -r "$tmp/ten" "$tmp/odd"
sed -i -e '5s/^/{"odd":/' -e '7p' "$tmp/odd/trials.jsonl"
expect 0 "trials.jsonl:5 : not JSON" "$bin" compare "$tmp/odd"
expect 0 "trials.jsonl:8 synthetic-0006: the id was there before" "$bin" compare "$tmp/odd"
make_run "$tmp/newer" --trial-schema 2
expect 4 "trials.jsonl:1: trial: schema 2 is newer" "$bin" compare "$tmp/newer"
expect 4 "schema 2 is newer" "$bin" check "$tmp/newer"
make_run "$tmp/newer-run" --run-schema 9
expect 4 "run.json: schema 9 is newer" "$bin" compare "$tmp/newer-run"

# Records that are whole and do not belong: all readers leave the same ones out, and say why
cp -r "$tmp/ten" "$tmp/placed"
python3 - "$tmp/placed" <<'PY'
import hashlib, json, sys
run = sys.argv[1]
lines = [json.loads(l) for l in open(run + "/trials.jsonl")]
for t, change in zip(lines, ({"run": "other"}, {"cell": "ghost"}, {"mode": "ghost"}, {"block": 2 ** 40}, {"block": -1},
                             {"metrics": dict(lines[5]["metrics"], iops="12")}, {"block": 9})):
    t.update(change)
for t in lines:
    t.pop("sha256")
    t["sha256"] = hashlib.sha256(json.dumps(t, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
open(run + "/trials.jsonl", "w").write("".join(
    json.dumps(t, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n" for t in lines))
PY
reseal "$tmp/placed"
for command in compare check report; do
	status=0
	[ $command != check ] || status=4
	expect $status "" "$bin" $command "$tmp/placed"
	cp "$tmp/out" "$tmp/said"
	[ $command != report ] || sed 's/<[^>]*>/ /g; s/&quot;/"/g' "$tmp/placed/report.html" >"$tmp/said"
	for why in 'of another run, other' 'its cell "ghost" is not in run.json' 'its mode "ghost" is not that of its cell' \
		'its block 1099511627776 is not in the order' '"block" is negative' 'metrics.iops: not a number' \
		'its cell was measured in block 9 before: counted once'; do
		grep -qF "$why" "$tmp/said" || { echo "FAILED: $command does not say: $why"; cat "$tmp/said"; exit 1; }
	done
done
! "$bin" check "$tmp/placed" | grep -q "comes out as recorded" || { echo "FAILED: all as recorded, and left out"; exit 1; }

# A check that fails now and failed then is no difference; a rate that is no quotient is one
make_run "$tmp/little" --break-little
expect 4 "metrics.latency_mean_ns: recorded" "$bin" check "$tmp/little"
expect 0 "littles_law: Little's law is violated" "$bin" compare "$tmp/little"
expect 4 "why *littles_law: rate, latency and depth must belong together.*; spoils latency_\*, service_\*" "$bin" check "$tmp/little"
expect 0 "^device_ios: I/Os that never reached the device.*; spoils the trial" "$bin" check --list
python3 - "$tmp/little" <<'PY'
import json, sys
run = sys.argv[1]
lines = [json.loads(l) for l in open(run + "/trials.jsonl")]
for t in lines:
    t.pop("sha256")
    if t["mode"] == "iopoll":
        t["verdict"]["mode"] = "in_force"
open(run + "/trials.jsonl", "w").write("".join(json.dumps(t) + "\n" for t in lines))
PY
reseal "$tmp/little"
expect 4 "verdict: recorded in_force, again not_in_force" "$bin" check "$tmp/little"
! grep -q "sha256" "$tmp/out" || { echo "FAILED: a list that was made anew differs"; exit 1; }
echo "ok"
