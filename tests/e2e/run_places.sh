#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where a run happens: a disk that fills up, an ordinary user, a second instance, bad directories.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"
experiment small 'interrupt, sync'

# A second instance at once, and --resume of the directory that the first one fills.
start "$iomodes" run "$work/small.yaml" --output "$results" --quiet
await_trials 3
for second in "run $work/small.yaml --output $work/other" "run --resume $(run_dir)"; do
	status=0
	# shellcheck disable=SC2086
	"$iomodes" $second --quiet >"$work/out2" 2>"$work/err2" || status=$?
	((status == 6)) || { cat "$work/err2"; fail "$second: exit status $status, not 6"; }
	grep -q "process $run_pid .*small.yaml" "$work/err2" || { cat "$work/err2"; fail "$second: the holder is not named"; }
	cat "$work/err2"
done
[[ -z $(ls -A "$work/other" 2>/dev/null) ]] || fail "the second instance left something in $work/other"
ends_with 0 "the first of two"
is_whole "$(run_dir)" "the first of two"
is_as_before "two instances"

# Results on a small tmpfs of a mount namespace of their own; the scratch file on the disk.
mkdir "$work/full"
size=$(($(du -sk --exclude=figures --exclude=report.html "$(run_dir)" | cut -f1) * 6 / 10)) # of what the measuring takes
cat >"$work/in_namespace" <<END
mount -t tmpfs -o size=${size}k none "$work/full"
"$iomodes" run "$work/small.yaml" --output "$work/full" --scratch "$work/scratch" --quiet
status=\$?
cp -r "$work/full" "$work/copy"
exit \$status
END
status=0
unshare -m bash "$work/in_namespace" >"$work/out" 2>"$work/err" || status=$?
cat "$work/out" "$work/err"
((status == 4)) || fail "disk full: exit status $status, not 4"
grep -q 'No space left' "$work/err" || fail "disk full: the error does not say so"
is_as_before "disk full"
status_is_clean "disk full"
no_process_left "disk full"
records intact "$(echo "$work"/copy/2*)"
(($(wc -l <"$(echo "$work"/copy/2*)/trials.jsonl") > 0)) || fail "disk full: too early, no record was written"
[[ $(ls "$work/scratch"/*.bin | wc -l) == 1 ]] || fail "disk full: the scratch file is not where it was asked for"

# Others may write the directory: root does not put results there.
mkdir -m 777 "$work/open"
status=0
"$iomodes" run "$work/small.yaml" --output "$work/open" >"$work/out" 2>"$work/err" || status=$?
((status != 0)) && grep -q 'others may write' "$work/err" || fail "a directory that others may write was taken"
[[ -z $(ls -A "$work/open") ]] || fail "something was put into a directory that others may write"

# No place for a scratch file.
if findmnt -n -t tmpfs /dev/shm >/dev/null; then
	status=0
	"$iomodes" run "$work/small.yaml" --output "$work/no" --scratch /dev/shm >"$work/out" 2>"$work/err" || status=$?
	((status == 1)) && grep -q -- '--scratch DIR' "$work/err" || { cat "$work/err"; fail "tmpfs: status $status"; }
	cat "$work/err"
fi

# An ordinary user runs what needs no root, and is told what was not set.
user=$work/user
mkdir "$user"
cp "$work/small.yaml" "$user/"
chown -R nobody "$user"
chmod 711 "$work"
as_nobody() {
	(cd "$user" && exec setpriv --reuid nobody --regid nogroup --clear-groups \
		env -i PATH="$PATH" HOME="$user" IOMODES_STATE_DIR="$user/state" "$@")
}
if ! as_nobody "$iomodes" --version >/dev/null 2>&1; then
	echo "skip: an ordinary user (nobody cannot read $iomodes)"
	exit 0
fi
as_nobody "$iomodes" plan small.yaml --output "$user/results" >"$work/out" || fail "nobody: plan"
grep -A2 'needs root' "$work/out" || { cat "$work/out"; fail "nobody: plan does not say what needs root"; }
grep -q "block.scheduler=$wanted on $disk" "$work/out" || fail "nobody: the scheduler is not named"
status=0
as_nobody "$iomodes" run small.yaml --output "$user/results" >"$work/out" 2>"$work/err" || status=$?
cat "$work/out" "$work/err"
((status == 0)) || fail "nobody: exit status $status"
grep -q "block.scheduler=$wanted on $disk" "$work/out" "$work/err" ||
	fail "nobody: the run does not say which knobs were not set"
is_whole "$(echo "$user"/results/2*)" "nobody"
python3 - "$(echo "$user"/results/2*)/run.json" <<-'END' || fail "nobody: run.json"
	import json, sys
	run = json.load(open(sys.argv[1]))
	assert any("block.scheduler" in k for k in run["knobs_not_applied"]), run["knobs_not_applied"]
END
records verdicts "$(echo "$user"/results/2*)" interrupt=in_force/counter sync=in_force/counter
is_as_before "nobody"
