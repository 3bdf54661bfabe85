#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The history and its exports on synthetic runs: twice the same, two writers, bad files, marks, and the
# exports against golden files. "history.sh --bless" rewrites those.
set -euo pipefail
. "$IOMODES_SOURCE/tests/results/lib.sh"
cd "$tmp"
export IOMODES_HISTORY=$tmp/h.sqlite
count() { python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select count(*) from " + sys.argv[2]).fetchone()[0])' "$1" "$2"; }

for i in 01 02 03; do make_run "run$i" --run "run-$i" --blocks 6 --ios 50 --started "2026-01-${i}T00:00:00.000Z"; done
expect 1 'there is no history' "$bin" history list
expect 0 'run-01: [1-9][0-9]* trials added, 0 known' "$bin" history add run01 --version v1
expect 0 'run-01: 0 trials added, [1-9][0-9]* known' "$bin" history add run01 --version v1
expect 1 'already, as version "v1", not "v9"' "$bin" history add run01 --version v9

# A label is anybody's words, or made of what the run recorded.
python3 - <<'END'
import json
run = json.load(open("run01/run.json"))
run["machine"].setdefault("facts", {}).update({"kernel.release": {"value": "6.1.0-9"}, "host.bios": {"value": "F12.1"}})
run["machine"]["disks"] = [{"firmware": "2.1"}, {"firmware": "2.1"}]
run["machine"]["nics"] = [{"firmware": None}, {"firmware": "12.1"}]
run.setdefault("tools", {})["fio"] = {"version": "3.33"}
import os
os.makedirs("labelled"); os.link("run01/trials.jsonl", "labelled/trials.jsonl")
json.dump(run, open("labelled/run.json", "w"))
END
label() { rm -f label.sqlite*; "$bin" history add labelled --db label.sqlite ${1:+--version "$1"} >out && "$bin" history list --db label.sqlite --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["version"])'; }
[ "$(label @firmware)" = 'F12.1 2.1 12.1' ]
[ "$(label @kernel+fio)" = '6.1.0-9 fio-3.33' ]
[ "$(label 'my own')" = 'my own' ]
label | grep -q '^6.1.0-9 ioloop-'
expect 1 'did you mean "firmware"' "$bin" history add labelled --db label2.sqlite --version @firmwar
expect 1 'a label is made of' "$bin" nightly unnamed --version @

# The tables are those that results/schema/history.sql publishes.
python3 - h.sqlite "$IOMODES_SOURCE/results/schema/history.sql" <<'END'
import sqlite3, sys
ours, published = sqlite3.connect(sys.argv[1]), sqlite3.connect(":memory:")
published.executescript(open(sys.argv[2]).read())
tables = [[s.lower() for (s,) in db.execute("select sql from sqlite_master where sql is not null order by name")] for db in (ours, published)]
assert tables[0] == tables[1] and len(tables[0]) == 8, tables
assert ours.execute("pragma user_version").fetchone() == (1,) and ours.execute("pragma application_id").fetchone() == (1768910180,)
END

# Two writers at once: both whole. (Further down one of them makes it again.)
"$bin" history add run02 --version v2 >a & one=$!
"$bin" history add run02 --version v2 >b & two=$!
wait $one; wait $two
[ "$(count h.sqlite "run where run='run-02'")" = 1 ]
trials=$(count h.sqlite "trial where run=1")
[ "$(count h.sqlite trial)" = $((2 * trials)) ]

# The clock: before the newest run, and from the future.
make_run old --run old --blocks 6 --ios 50 --started 2025-12-01T00:00:00.000Z
make_run future --run future --blocks 6 --ios 50 --started 2199-01-01T00:00:00.000Z
expect 1 'clock set back' "$bin" history add old
expect 1 'still to come' "$bin" history add future
[ "$(count h.sqlite run)" = 2 ]
expect 0 'old: ' "$bin" history add old --older --version v0
"$bin" history list | head -1 | grep -q ' old '

# Corrupt, foreign, newer, held: refused with the reason, and unchanged.
cp h.sqlite bad.sqlite
python3 -c 'f = open("bad.sqlite", "r+b"); f.seek(4096); f.write(b"\xff" * 40960)'
sum=$(sha256sum <bad.sqlite)
expect 4 'no sound history' "$bin" history add run03 --db bad.sqlite
[ "$sum" = "$(sha256sum <bad.sqlite)" ]
echo 'this is no database, but long enough to be looked at as one: it has more than a hundred bytes, has it not? yes' >text
expect 4 'no sound history' "$bin" history list --db text
python3 -c 'import sqlite3; c = sqlite3.connect("foreign"); c.execute("create table x(y)"); c.commit()'
expect 4 'no history of iomodes' "$bin" history add run03 --db foreign
cp h.sqlite newer.sqlite
python3 -c 'import sqlite3; c = sqlite3.connect("newer.sqlite"); c.execute("pragma user_version=2"); c.commit()'
expect 4 'A newer one wrote it' "$bin" history list --db newer.sqlite
# held by a writer, and by somebody who has it open, in whose hands it cannot be replaced
python3 -c 'import fcntl, os, sqlite3, time
c = sqlite3.connect("h.sqlite"); c.execute("begin immediate")
lock = open("h.sqlite.lock"); fcntl.flock(lock, fcntl.LOCK_SH)
print("held", flush=True)
while not os.path.exists("release"): time.sleep(0.05)' >held & holder=$!
until [ -s held ]; do sleep 0.1; done
{ status=0; "$bin" history rebuild run01 run02 >replaced 2>&1 || status=$?; echo "status $status" >>replaced; } & rebuilding=$!
{ status=0; "$bin" history note iops --why 'not twice' >noted 2>&1 || status=$?; echo "status $status" >>noted; } & noting=$!
expect 6 'held by another program' "$bin" history add run03
wait $rebuilding; wait $noting
touch release
wait $holder
grep -q 'held by another program' replaced && grep -q 'status 6' replaced && [ ! -e h.sqlite.old-1 ]
grep -q 'status 6' noted && [ ! -e h.sqlite.marks.jsonl ] # nothing was written, so it can be said again
[ "$(count h.sqlite run)" = 3 ]

# Marks survive a rebuild, which keeps the old file and the labels.
expect 1 'needs its reason' "$bin" history note --run run-01
expect 1 'no run "nonsense"' "$bin" history accept --run nonsense --why x
expect 1 'names of several runs' "$bin" history accept --run run- --why x
expect 0 'accept' "$bin" history accept iops --run run-02 --who ada --why 'new firmware'
id=$(cut -d' ' -f2 out)
expect 0 'withdraw' "$bin" history note --withdraw "$id" --who bob --why 'wrong run'
expect 1 'no mark "zzz"' "$bin" history note --withdraw zzz --why x
expect 0 'the old file is kept' "$bin" history rebuild run01 run02 old
[ -s h.sqlite.old-1 ]
[ "$(count h.sqlite trial)" = $((3 * trials)) ] && [ "$(count h.sqlite mark)" = 2 ]
"$bin" history list >out; grep -q ' v1 ' out && grep -q 'accept (withdrawn) by ada' out
expect 0 'v2' "$bin" history show iops

# Three nights are no history, and that is not green.
expect 3 'of the 10 versions that are needed' "$bin" nightly unnamed --no-run
expect 4 'no run of experiment "other"' "$bin" nightly other --no-run
expect 1 'unknown format "juint"; did you mean "junit"' "$bin" export juint x
expect 1 'is no report' "$bin" export junit run01/run.json

# Twelve nights, the last 20 % slower; judged without a confirmation it is a flag, not an alert.
for i in 04 05 06 07 08 09 10 11 12; do
	make_run "run$i" --run "run-$i" --blocks 6 --ios 50 --seed "${i#0}" --started "2026-01-${i}T00:00:00.000Z"
done
"$bin" history add run03 run04 run05 run06 run07 run08 run09 run10 run11 run12 >out

# Writers while it is made again: whoever was told that a run was added finds it, under its label.
"$bin" history add run01 --db race.sqlite --version r01 >out
for i in 02 03 04 05 06 07; do
	"$bin" history add "run$i" --db race.sqlite --version "r$i" >a & one=$!
	"$bin" history rebuild --db race.sqlite >b & two=$!
	wait $one; wait $two
done
[ "$(count race.sqlite run)" = 7 ] && [ "$(count race.sqlite trial)" = $((7 * trials)) ]
# The labels are not lost with the database, and no run is without a word.
python3 -c 'f = open("race.sqlite", "r+b"); f.write(b"\xff" * 40960)'
rm -f race.sqlite-wal race.sqlite-shm
expect 4 'history rebuild --db race.sqlite' "$bin" history list --db race.sqlite
expect 0 'trials of 7 runs; the old file is kept' "$bin" history rebuild --db race.sqlite
"$bin" history list --db race.sqlite >out
for i in 01 02 03 04 05 06 07; do grep -q "run-$i .* r$i " out; done
mkdir moved; mv run05 moved
expect 1 '1 runs of the history are not where they were, and not given: run-05' "$bin" history rebuild --db race.sqlite
expect 0 'of 7 runs' "$bin" history rebuild --db race.sqlite moved/run05
"$bin" history list --db race.sqlite | grep -q 'run-05 .* r05 '
mv moved/run05 .
mv run06 moved
expect 0 'of 6 runs' "$bin" history rebuild --db race.sqlite --incomplete run05
mv moved/run06 .
expect 1 'no directory of a run' "$bin" history rebuild --db race.sqlite moved

status=0
"$bin" nightly unnamed --no-run --json >night.json || status=$?
python3 - night.json $status <<'END'
import json, sys
report, status = json.load(open(sys.argv[1])), int(sys.argv[2])
c = report["counts"]
assert c["judged"] + c["skipped"] == c["series"] == len(report["series"]) > 0
assert c["clean"] + c["flagged"] == c["judged"]
assert status == {"ok": 0, "worse": 2, "inconclusive": 3, "invalid": 4}[report["status"]]
END

"$bin" export go run01 >go
"$bin" export csv run01 >csv
"$bin" export otava unnamed --match interrupt >otava
for format in junit openmetrics; do "$bin" export $format "$here/night.json" >$format; done
for format in go csv otava junit openmetrics; do
	head -c 4000 $format >short
	[ "${1:-}" != --bless ] || cp short "$here/golden-export.$format"
	diff -u "$here/golden-export.$format" short
done
python3 - <<'END'
import csv, xml.etree.ElementTree as xml
suite = xml.parse("junit").getroot().find("testsuite")
kinds = [[c.tag for c in case if c.tag != "properties"] for case in suite.iter("testcase")]
for kind in ("failure", "error", "skipped"):
    assert [kind] in kinds, kind
assert [] in kinds
rows = list(csv.DictReader(open("csv")))
assert {r["metric"] for r in rows} >= {"iops", "latency_p50_ns"} and all(float(r["value"]) >= 0 for r in rows)
assert open("openmetrics").read().endswith("# EOF\n")
END
if command -v benchstat >/dev/null; then benchstat -col /mode -row /iodepth go | grep -q interrupt; fi

# Rotation: raw outputs go, records stay.
rotate=$IOMODES_SOURCE/packaging/systemd/iomodes-rotate
mkdir -p runs/a/raw runs/b/raw; cp run01/run.json run01/trials.jsonl runs/a; cp run02/run.json run02/trials.jsonl runs/b
head -c 3000000 /dev/urandom | tee runs/a/raw/x >runs/b/raw/x
IOMODES_RUNS_MAX_MB=5 "$rotate" runs
[ ! -e runs/a/raw ] && [ -s runs/b/raw/x ] && [ -s runs/a/trials.jsonl ] && grep -q 'raw removed' runs/a/removed.log
expect 1 'records are not removed' env IOMODES_RUNS_MAX_MB=0 "$rotate" runs
[ -s runs/a/run.json ] && [ -s runs/b/trials.jsonl ] && [ ! -e runs/b/raw ]
touch -d '60 days ago' runs/b/run.json; mkdir runs/b/raw; echo x >runs/b/raw/y
# A disk that is full cannot take a packed copy: nothing is lost, no part stays, and room is made all the same.
mkdir full; printf '#!/bin/sh\n: >runs/b/raw.tar.gz.part; exit 2\n' >full/tar; chmod +x full/tar
PATH=$PWD/full:$PATH "$rotate" runs 2>out
grep -q 'runs/b/raw cannot be packed' out
[ -s runs/b/raw/y ] && [ ! -e runs/b/raw.tar.gz.part ]
mkdir runs/a/raw; head -c 3000000 /dev/urandom >runs/a/raw/x
PATH=$PWD/full:$PATH IOMODES_RUNS_MAX_MB=1 "$rotate" runs 2>out
[ ! -e runs/a/raw ]
mkdir -p runs/b/raw; echo x >runs/b/raw/y
"$rotate" runs
[ -s runs/b/raw.tar.gz ] && [ ! -e runs/b/raw ]

# What was rotated is no edit, and is said; anything else that is gone is one, and so is a missing log.
cp -r run03 runs/c
mkdir -p runs/c/raw/1; echo 'output' >runs/c/raw/1/stdout; echo '{}' >runs/c/journal.jsonl
(cd runs/c && rm -f SHA256SUMS && find . -type f | sed 's|^\./||' | sort | xargs sha256sum >../sums && mv ../sums SHA256SUMS)
expect 0 'every check and verdict comes out as recorded' "$bin" check runs/c
touch -d '60 days ago' runs/c/run.json
"$rotate" runs
expect 0 'rotated    1 raw outputs: packed or removed since, see removed.log' "$bin" check runs/c
tar -tzf runs/c/raw.tar.gz | grep -q '^raw/1/stdout$'
"$bin" history add runs/c --db rotated.sqlite >out
mv runs/c/removed.log kept
expect 4 'raw/1/stdout: sha256: recorded .*, again no such file' "$bin" check runs/c
mv kept runs/c/removed.log; rm runs/c/journal.jsonl
expect 4 'journal.jsonl: sha256: recorded .*, again no such file' "$bin" check runs/c
# What is not a run is left alone, and a link out of the directory is not followed.
mkdir -p other/raw runs/not; cp run03/run.json run03/trials.jsonl other; touch -d '60 days ago' other/run.json; ln -s ../other runs/link
echo x >other/raw/y; echo x >runs/not/raw
IOMODES_RUNS_MAX_MB=0 "$rotate" runs 2>out || grep -q 'records are not removed' out
[ -s other/raw/y ] && [ -s runs/not/raw ] && [ -s runs/c/run.json ] && [ -s runs/c/trials.jsonl ]
