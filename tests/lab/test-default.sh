#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# test-default.sh: `./run.sh lab` without a command, as anybody types it, on the newest kernel: it boots, runs the lab
# experiment on a drive that has poll queues from boot, ends in the comparison, and with status 0. What it left is
# judged here. (--results keeps it.)
set -euo pipefail
. "$(dirname "$0")/common.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -m 700 "$dir/results" "$dir/state"
command=("$LAB_DIR/lab")
# Built elsewhere, or by somebody who did not say ./run.sh: then without its build.
if [ "$(realpath "${IOMODES_BIN:-$LAB_TREE/build/bin}")" = "$LAB_TREE/build/bin" ] && dpkg-query -W cmake >/dev/null 2>&1; then
	IOMODES_WERROR=$(sed -n 's/^IOMODES_WERROR:BOOL=//p' "$LAB_TREE/build/CMakeCache.txt")
	export IOMODES_WERROR
	command=("$LAB_TREE/run.sh" lab)
fi
iomodes=${IOMODES_BIN:-$LAB_TREE/build/bin}/iomodes
failed=0
say() { # GOOD TEXT
	[ "$1" -eq 0 ] && echo "ok - $2" || { echo "not ok - $2"; failed=1; }
}

status=0
"${command[@]}" --results "$dir/results" --state "$dir/state" --console "$dir/console" > "$dir/out" 2> "$dir/err" || status=$?
cat "$dir/err" >&2
sed 's/^/# /' "$dir/out"
[ $status -ne $LAB_SKIP ] || exit $LAB_SKIP
lab_again $status "$@"
[ $status -eq 0 ] || tail -n 60 "$dir/console"
say $status "${command[*]##*/} ends with status $status"
run=$(echo "$dir"/results/2*-lab)
[ -s "$run/trials.jsonl" ] || { say 1 "no run was recorded"; exit 1; }
say "$([ ! -s "$dir/state/journal" ]; echo $?)" "no setting is left in the journal"
checked=0
"$iomodes" check "$run" > "$dir/check" 2>&1 || checked=$?
say $checked "every check and verdict comes out again $([ $checked -eq 0 ] || tail -n 3 "$dir/check")"
"$iomodes" compare --json "$run" > "$dir/compared"
# What the guest printed at its end, and what its records say.
python3 - "$dir" "$run" > "$dir/judged" <<'EOF' || echo "not ok - the judge died" >> "$dir/judged"
import json, re, sys
said = open(sys.argv[1] + "/out").read()
run = json.load(open(sys.argv[2] + "/run.json"))


def say(good, text):
    print("ok" if good else "not ok", "-", text)


say(not run.get("rebind") and run["complete"], f"nothing was rebound, and it is complete: {run.get('rebind')}")
trials = [json.loads(l) for l in open(sys.argv[2] + "/trials.jsonl")]
blocks = {t["block"] for t in trials if t["pass"] == "measure"}
say(len(blocks) == 6 and len(run["cells"]) == 17, f"{len(run['cells'])} cells in {len(blocks)} blocks")
# the table of depth 1 is the first
rows = dict(re.findall(r"^(interrupt|iopoll) +(in force \(counter\) .*)$", said.partition("depth 8")[0], re.M))
wanted = {"interrupt": r" (0\.9\d\d|1\.0\d\d) ", "iopoll": r" 0\.000 "}
for mode, per_io in wanted.items():
    say(mode in rows and re.search(per_io, rows[mode]), f"the comparison it ends in has {mode} in force, and its interrupts per I/O: {rows.get(mode)}")
group = next(g for g in json.load(open(sys.argv[1] + "/compared"))["groups"] if g["load"]["iodepth"] == 1)
rows = {r["mode"]: (r["trials"]["used"], r["metrics"]["interrupts_per_io"]["value"]) for r in group["rows"] if r["state"] == "measured"}
say(rows["iopoll"][0] >= 4 and rows["iopoll"][1] == 0, f"iopoll, depth 1: {rows['iopoll']}")
say(rows["interrupt"][0] >= 4 and 0.9 <= rows["interrupt"][1] <= 1.1, f"interrupt, depth 1: {rows['interrupt']}")
EOF
"$LAB_DIR/guest.d/modes_judge.py" yes 3 "$run" >> "$dir/judged" || echo "not ok - the judge of modes died" >> "$dir/judged"
cat "$dir/judged"
! grep -q '^not ok' "$dir/judged" || failed=1
exit $failed
