#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Invalid trials are tried again at the end, at most a fifth more; the retry stands for its block. What is
# never valid has failed, and says so. A run cut short in its retries goes on with them.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"
experiment small 'interrupt, sync' 100ms
export IOMODES_CONFIG=$IOMODES_SOURCE/configs

# An ioloop that lies about its bytes as often as $work/lies says (and when $work/whom is an engine of it).
mkdir "$work/bin"
cp "$iomodes" "$IOMODES_BIN/spinner" "$work/bin/"
cat >"$work/bin/ioloop" <<END
#!/bin/bash
if [[ "\$*" == *--engine=nop* || "\$*" != *--engine="\$(cat "$work/whom")"* ]]; then exec "$IOMODES_BIN/ioloop" "\$@"; fi
lies=\$(cat "$work/lies")
echo \$((lies - 1)) >"$work/lies"
if ((lies <= 0)); then exec "$IOMODES_BIN/ioloop" "\$@"; fi
"$IOMODES_BIN/ioloop" "\$@" >"$work/told"
python3 -c 'import json, sys; r = json.load(sys.stdin); r["bytes"] -= 512; print(json.dumps(r))' <"$work/told"
END
chmod 755 "$work/bin/ioloop"
lie() { echo "$1" >"$work/lies"; echo "$2" >"$work/whom"; rm -rf "$results"/2*; }
look() { # PYTHON: `m` the planned trials, `again` the retries, `run`
	python3 - "$(run_dir)" <<-END || fail "${2:-records}"
		import json, sys
		run = json.load(open(sys.argv[1] + "/run.json"))
		trials = [json.loads(l) for l in open(sys.argv[1] + "/trials.jsonl")]
		m = [t for t in trials if t["pass"] == "measure"]
		again = [t for t in trials if t["pass"] == "retry"]
		bad = [t for t in m if t["status"] != "valid"]
		print(len(m), "planned,", len(bad), "of them invalid,", len(again), "again:", [t["status"] for t in again])
		$1
	END
}

# Runs the experiment until no trial is invalid for another reason than the lie: on a busy machine some
# may run longer than asked.
crowded() {
	python3 - "$(run_dir)" <<-'END'
		import json, sys
		trials = [json.loads(l) for l in open(sys.argv[1] + "/trials.jsonl")]
		why = {c["id"] for t in trials if t["status"] == "invalid" for c in t["checks"] if c["result"] == "fail"}
		sys.exit(not why - {"bytes_match", "littles_law"})
	END
}
scenario() { # STATUS LIES WHAT
	for _ in {1..6}; do
		lie "$2" sync
		start "$work/bin/iomodes" run "$work/small.yaml" --output "$results"
		ends_with "$1" "$3"
		crowded || return 0
	done
	echo "skip: this machine is too busy for trials of the length they are to have"
	exit 77
}

scenario 0 2 "two invalid trials"
grep -q 'trying again' "$work/err" || fail "progress does not say that trials are made again"
grep -q '2 of them a second try' "$work/out" || { cat "$work/out"; fail "the end does not tell of the retries"; }
is_as_before "two invalid trials"
is_whole "$(run_dir)" "two invalid trials"
look '
assert len(m) == 12 and len(bad) == 2 and len(again) == 2
assert all(t["mode"] == "sync" and [c["id"] for c in t["checks"] if c["result"] == "fail"] == ["bytes_match"] for t in bad), bad
assert [t["retry_of"] for t in again] == [t["trial"] for t in bad]
assert [(t["block"], t["cell"]) for t in again] == [(t["block"], t["cell"]) for t in bad]
assert all(t["status"] == "valid" for t in again)
assert run["retries"]["budget"] == 2 and run["retries"]["made"] == 2 and not run["retries"]["given_up"]
assert len(run["canary"]["samples"]) == 7 and run["canary"]["samples"][-1]["retry"]
assert all(s["spin_per_s"] > 0 and s["nop_per_s"] > 0 and s["wakeup_p50_ns"] > 0 for s in run["canary"]["samples"])'
"$iomodes" compare "$(run_dir)" --json | python3 -c '
import json, sys
rows = {r["mode"]: r for g in json.load(sys.stdin)["groups"] for r in g["rows"]}
assert rows["sync"]["metrics"]["iops"]["n"] == 6, rows["sync"]
assert rows["sync"]["trials"]["invalid"] == 2 and rows["sync"]["trials"]["all"] == 8, rows["sync"]
assert rows["interrupt"]["trials"]["all"] == 6
' || fail "compare does not use the retries in place of the invalid trials"

# Three are wrong, two may be made again: five blocks are left, and the third is named.
scenario 0 3 "three invalid trials"
look '
assert len(bad) == 3 and len(again) == 2
given_up = run["retries"]["given_up"]
assert [g["trial"] for g in given_up] == [bad[2]["trial"].split("/")[1]] and "bytes_match" in given_up[0]["reason"], given_up'

# Never right: one more try, then the cell has failed, with the reason, and so has the run.
scenario 4 1000 "never valid"
look 'assert len(bad) == 6 and len(again) == 1 and again[0]["status"] == "invalid"'
"$iomodes" compare "$(run_dir)" >"$work/compare"
grep -E '^sync +failed' "$work/compare" || { cat "$work/compare"; fail "compare does not call the cell failed"; }
grep -q 'sync: failed.*bytes' "$work/compare" || { cat "$work/compare"; fail "compare does not say why"; }

# Cut short in the retries: resumed with what was left of them, nothing twice.
lie 2 sync
start "$work/bin/iomodes" run "$work/small.yaml" --output "$results"
await_trials 13
kill -TERM "$run_pid"
wait "$run_pid" || status=$?
run_pid=
((${status:-0} == 143 || ${status:-0} == 0)) || fail "stopped in its retries: exit status $status"
if ((${status:-0} == 143)); then
	"$work/bin/iomodes" run --resume "$(run_dir)" --quiet >"$work/out" 2>"$work/err" || { cat "$work/err"; fail "resume"; }
fi
is_whole "$(run_dir)" "resumed in its retries"
look '
assert len(m) == 12 and 1 <= len({t["retry_of"] for t in again}) <= len(again) <= 2
assert len({t["trial"] for t in trials}) == len(trials)'
is_as_before "retries"
