#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Preparation of the target on a loop device: refused without its identity, every byte written by fill, SNIA's
# rounds by pts; a signal ends it; a resumed run does not prepare again. Write rows run on it.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

file=$work/disk.img
mib=24
truncate -s ${mib}M "$file"
loop=$(losetup --find --show "$file") || { echo "skip: no loop device can be set up here"; exit 77; }
trap 'losetup -d "$loop" 2>/dev/null || true; cleanup' EXIT
id=loop-$(stat -c '%Hd:%Ld-%i' "$file")
cat >"$work/write.yaml" <<END
name: write
target: $loop
prepare_round: 200ms
design: {blocks: 6, ramp: 20ms, runtime: 100ms}
load: {rw: randwrite, bs: 4k, iodepth: 4}
groups: [{modes: [aio]}]
END
# The loop driver has no interrupts: the row runs, but cannot be proven.
command=("$iomodes" run "$work/write.yaml" --output "$results")
zero_pages() { python3 -c '
import sys
data = open(sys.argv[1], "rb").read()
print(sum(not any(data[i:i + 4096]) for i in range(0, len(data), 4096)))' "$file"; }

# Without its identity: refused before anything, whatever the level; with it, the plan says what it will do.
sum=$(sha256sum "$file")
for level in fill pts; do
	status=0
	"${command[@]}" --prepare $level >"$work/out" 2>"$work/err" || status=$?
	((status == 1)) || { cat "$work/err"; fail "$level without --write-id: exit status $status"; }
	grep -q "prepare: $level would overwrite the whole of $loop" "$work/err" || { cat "$work/err"; fail "$level: no reason"; }
	grep -qF "$id" "$work/err" || { cat "$work/err"; fail "$level: the message does not name the identity"; }
done
[[ $sum == $(sha256sum "$file") && ! -e $results ]] || fail "a refused preparation changed something"
"$iomodes" run "$work/write.yaml" --output "$results" --prepare half >/dev/null 2>"$work/err" && fail "--prepare half was taken"
grep -q 'half.*none.*fill\|fill.*half\|pts' "$work/err" || { cat "$work/err"; fail "--prepare half: the levels are not named"; }
"$iomodes" plan "$work/write.yaml" --output "$results" --write-id "$id" --prepare pts >"$work/plan"
grep "^Prepare  *pts: overwrites 24.0 MiB of $loop twice, then 5 to 25 rounds of 0.2 s" "$work/plan" || { cat "$work/plan"; fail "plan does not tell of the preparation"; }
sed 's/^prepare_round: .*/prepare: filled/' "$work/write.yaml" >"$work/bad.yaml"
"$iomodes" plan "$work/bad.yaml" 2>"$work/err" && fail "prepare: filled was taken"
grep -q 'bad.yaml:3:.*none, fill' "$work/err" || { cat "$work/err"; fail "prepare: filled: no place, or not what would be right"; }

# fill: each page was written
[[ $(zero_pages) == $((mib * 256)) ]] || fail "the file is not empty to begin with"
# with a row of each kind that writes
sed 's/^groups: .*/groups: [{modes: [aio]}, {modes: [aio], rw: write, dsync: 1, iodepth: 1}, {modes: [aio], rw: randrw, rwmixread: 70}]/' \
	"$work/write.yaml" >"$work/rows.yaml"
start "$iomodes" run "$work/rows.yaml" --output "$results" --write-id "$id" --prepare fill
wait "$run_pid" || true
run_pid=
[[ $(zero_pages) == 0 ]] || fail "fill left $(zero_pages) pages as they were"
python3 - "$(run_dir)" $mib <<'END' || fail "fill: records"
import json, sys
run = json.load(open(sys.argv[1] + "/run.json"))
p = run["prepared"]
print(p)
assert p["level"] == "fill" and p["bytes_written"] == int(sys.argv[2]) << 20 and p["seconds"] > 0
trials = [json.loads(l) for l in open(sys.argv[1] + "/trials.jsonl")]
assert all(t["status"] != "failed" for t in trials), [t["error"] for t in trials]
rows = {}
for t in trials:
    if t["pass"] == "measure":
        rows.setdefault((t["load"]["rw"], t["load"]["dsync"]), []).append(t)
assert set(rows) == {("randwrite", False), ("write", True), ("randrw", False)}, rows.keys()
assert all(len(r) == 6 for r in rows.values())
for (rw, _), trial in ((k, t) for k, r in rows.items() for t in r):
    report = trial["workload_report"]
    assert trial["counts"]["io"] > 0 and trial["counts"]["bytes"] == 4096 * trial["counts"]["io"], trial["counts"]
    if rw == "randrw":
        assert 0.6 < report["read"]["ios"] / trial["counts"]["io"] < 0.8, report["read"]["ios"]
        assert report["read"]["ios"] + report["write"]["ios"] == trial["counts"]["io"]
    else:
        assert "read" not in report and report["write"]["ios"] == trial["counts"]["io"], report.keys()
END
status_is_clean "fill"

# pts: twice, and rounds until the rule holds, which is worked out again here
rm -rf "$results"/2*
start "${command[@]}" --write-id "$id" --prepare pts
wait "$run_pid" || true
run_pid=
grep -q 'preparing: round' "$work/err" || { cat "$work/err"; fail "pts: no progress"; }
python3 - "$(run_dir)" $mib <<'END' || fail "pts: records"
import json, sys
p = json.load(open(sys.argv[1] + "/run.json"))["prepared"]
print(p)
assert p["level"] == "pts" and p["bytes_written"] == 2 * int(sys.argv[2]) << 20
y = p["rounds"]
assert 5 <= len(y) <= 25 and all(v > 0 for v in y)
def holds(w):
    mean = sum(w) / 5
    slope = sum((x - 2) * v for x, v in enumerate(w)) / 10
    return (max(w) - min(w)) / mean <= 0.2 and abs(slope * 4) / mean <= 0.1
assert holds(y[-5:]) == p["steady"]["reached"] and (p["steady"]["reached"] or len(y) == 25)
assert not any(holds(y[i:i + 5]) for i in range(len(y) - 5))
END

# A signal while it is written, then in a round: ends in order, and says so.
for word in 'preparing the target' 'preparing: round'; do
	rm -rf "$results"/2*
	sed -i "s/^prepare_round: .*/prepare_round: 20s/" "$work/write.yaml"
	rm -f "$work/err"
	start "${command[@]}" --write-id "$id" --prepare pts
	for _ in {1..500}; do grep -qs "$word" "$work/err" && break; sleep 0.01; done
	kill -INT "$run_pid"
	ends_with 130 "SIGINT: $word"
	no_process_left "SIGINT: $word"
	status_is_clean "SIGINT: $word"
	[[ $(trials) == 0 ]] || fail "SIGINT: $word: a trial was made"
done
# A write identity is never taken from a file: resumed without it, nothing is written.
sum=$(sha256sum "$file")
if "$iomodes" run --resume "$(run_dir)" >/dev/null 2>"$work/err"; then fail "resumed without --write-id"; fi
grep -qF "$id" "$work/err" || { cat "$work/err"; fail "resume without --write-id: no reason"; }
[[ $sum == $(sha256sum "$file") ]] || fail "resume without --write-id wrote"

# A run that was prepared is not prepared again when it goes on.
rm -rf "$results"/2*
start "${command[@]}" --write-id "$id" --prepare fill
await_trials 2
kill -TERM "$run_pid"
wait "$run_pid" || true
run_pid=
before=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["prepared"])' "$(run_dir)/run.json")
"$iomodes" run --resume "$(run_dir)" --write-id "$id" >"$work/out" 2>"$work/err" || true
grep -q 'preparing' "$work/err" && { cat "$work/err"; fail "prepared again"; }
[[ $before == $(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["prepared"])' "$(run_dir)/run.json") ]] ||
	fail "the record of the preparation changed"
grep -q '"complete": true' "$(run_dir)/run.json" || { cat "$work/err"; fail "the run was not completed"; }
is_as_before "preparation"
