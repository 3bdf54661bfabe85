#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is not green, on synthetic nights: nothing measured, a cell that is missing, a metric that is not
# there any more, a changed machine. And what people say about it: an environment that is meant, noise, a
# new level.
set -euo pipefail
. "$IOMODES_SOURCE/tests/results/lib.sh"
cd "$tmp"
export IOMODES_HISTORY=$tmp/h.sqlite
night() { # NAME DAY OPTIONS...: a run directory
	local name=$1 day=$2
	shift 2
	make_run "$name" --run "$name" --modes interrupt,sqpoll --blocks 6 --ios 50 --seed "$day" --started "2026-01-${day}T00:00:00.000Z" "$@"
}
add() { "$bin" history add "$@" >out; }
# Everything but the last night is the same for each case.
for day in 10 11 12 13 14 15 16 17 18 19 20 21; do night "night-$day" "$day"; done
add night-*
cp h.sqlite twelve.sqlite
again() { rm -f h.sqlite*; cp twelve.sqlite h.sqlite; }
expect 0 'judged' "$bin" nightly unnamed --no-run
grep -q 'skipped' out || { cat out; echo "FAILED: the report does not say what was skipped"; exit 1; }

# Nothing measured.
night empty 22 --invalid
add empty
expect 4 'nothing was measured in run empty' "$bin" nightly unnamed --no-run --junit x.xml
grep -q '<error ' x.xml
again

# A planned cell without a trial, and one whose trials all failed. (A cell that could run has an empty reason.)
night failed 22
python3 - <<'END'
import hashlib, json
def canonical(record):
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
def write(path, values):
    with open(path, "w") as f:
        f.writelines(canonical(v) + "\n" for v in values)
run = json.load(open("failed/run.json"))
for cell in run["cells"]:
    cell.setdefault("reason", "")
write("failed/run.json", [run])
trials = [json.loads(line) for line in open("failed/trials.jsonl")]
for t in trials:
    if t["cell"] == "sqpoll-d1":
        t.update(status="failed", error="ioloop: it would not", checks=[], metrics={})
        del t["sha256"]
        t["sha256"] = hashlib.sha256(canonical(t).encode()).hexdigest()
write("failed/trials.jsonl", trials)
END
rm -f failed/SHA256SUMS
add failed
expect 4 'missing cell sqpoll-d1: ioloop: it would not' "$bin" nightly unnamed --no-run
again
night hole 22
grep -v '"cell":"sqpoll-d16"\|"cell": "sqpoll-d16"' hole/trials.jsonl >kept && mv kept hole/trials.jsonl
rm -f hole/SHA256SUMS
add hole
expect 4 'missing cell sqpoll-d16: no trial of it' "$bin" nightly unnamed --no-run
again

# A row that is not planned any more takes its series with it.
make_run gone --run gone --modes interrupt --blocks 6 --ios 50 --seed 22 --started 2026-01-22T00:00:00.000Z
add gone
expect 4 'not measured: iops of sqpoll-d1, which run night-21 has' "$bin" nightly unnamed --no-run
# ... and the next night it is no less gone, until somebody says that this is meant
make_run gone-2 --run gone-2 --modes interrupt --blocks 6 --ios 50 --seed 23 --started 2026-01-23T00:00:00.000Z
add gone-2
expect 4 'not measured: iops of sqpoll-d1, which run night-21 has' "$bin" nightly unnamed --no-run
"$bin" history accept --environment --run gone --who ada --why 'no poll queues any more' >out
expect 0 'judged' "$bin" nightly unnamed --no-run
again; rm -f h.sqlite.marks.jsonl

# Another kernel is a version; another CPU is another machine, until somebody says that it is meant.
night kernel 22 --kernel 6.9.0-other
add kernel
expect 0 'judged' "$bin" nightly unnamed --no-run
again
night cpu 22
night cpu-2 23
rm -f cpu/SHA256SUMS cpu-2/SHA256SUMS
python3 - cpu cpu-2 <<'END'
import json, sys
for name in sys.argv[1:]:
    run = json.load(open(name + "/run.json"))
    run["machine"].setdefault("facts", {})["cpu.model"] = {"value": "another CPU"}
    json.dump(run, open(name + "/run.json", "w"))
END
add cpu
expect 4 'changed machine: cpu.model was .* in run night-10 and is another CPU now' "$bin" nightly unnamed --no-run
add cpu-2
expect 4 'changed machine: cpu.model' "$bin" nightly unnamed --no-run
id=$("$bin" history accept --environment --run cpu --who ada --why 'board swapped' | cut -d' ' -f2)
expect 0 'judged' "$bin" nightly unnamed --no-run
"$bin" history note --withdraw "$id" --who ada --why 'it was not' >out
expect 4 'changed machine: cpu.model' "$bin" nightly unnamed --no-run
again; rm -f h.sqlite.marks.jsonl

# A machine that the history has never seen.
night stranger 22
rm -f stranger/SHA256SUMS
python3 - <<'END'
import json
run = json.load(open("stranger/run.json"))
run.setdefault("machine_key", {})["identity"] = "f" * 64
json.dump(run, open("stranger/run.json", "w"))
END
add stranger
expect 4 'none of the 12 earlier runs of "unnamed" was made on this one' "$bin" nightly unnamed --no-run
again

# 30 % slower is a flag, and without a confirmation no alert; as noise it does not disturb the next night;
# as the new level it leaves nothing to judge by yet.
night slow 22 --slow 1.3
add slow
expect 3 'flagged' "$bin" nightly unnamed --no-run
"$bin" history accept --noise --run slow --who ada --why 'backup ran' >out
night after 23
add after
expect 0 'judged' "$bin" nightly unnamed --no-run
expect 3 'flagged' "$bin" nightly unnamed --no-run --run slow
"$bin" history accept --run slow --who ada --why 'new disk' >out
expect 3 '1 of the 10 versions' "$bin" nightly unnamed --no-run --run slow
