# SPDX-License-Identifier: Apache-2.0
# Sourced by run_*.sh: a directory on a real disk, a small experiment, the machine before it, and
# what may be said of a run afterwards. Shares no code with the knobs or the analysis.
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
iomodes=$IOMODES_BIN/iomodes
records() { python3 "$here/run_records.py" "$@"; }
fail() { echo "FAIL: $*"; exit 1; }
[[ $(id -u) == 0 ]] || { echo "skip: runs that set knobs need root"; exit 77; }

work=$(mktemp -d -p "${IOMODES_TEST_DIR:-/var/tmp}")
export IOMODES_STATE_DIR=$work/state
results=$work/results
run_pid=

cleanup() {
	if [[ -n $run_pid ]]; then kill -9 "$run_pid" 2>/dev/null || true; fi
	await_guardian
	"$iomodes" restore >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap cleanup EXIT

# Until every process that holds the host lock (the guardian) is gone.
await_guardian() { [[ ! -e /run/iomodes.lock ]] || flock -w 20 /run/iomodes.lock true; }

# experiment NAME MODES [RUNTIME]: two cells and more, 6 blocks; knobs of two families change
experiment() {
	cat >"$work/$1.yaml" <<-END
		name: $1
		target: scratch
		scratch_size: 64MiB
		design: {blocks: 6, ramp: 50ms, runtime: ${3:-100ms}}
		set: {block.scheduler: $wanted, sysctl.vm.compaction_proactiveness: 21}
		load: {rw: randread, bs: 4k, iodepth: 1}
		groups: [{modes: [$2]}]
	END
}

# A scheduler that is not in force now, so that every trial writes.
wanted=none
experiment probe interrupt
if ! "$iomodes" plan "$work/probe.yaml" --output "$results" --json >"$work/plan" 2>"$work/err"; then
	echo "skip: nothing can be measured in $work: $(cat "$work/err")"
	exit 77
fi
[[ ! -e $results ]] || fail "plan made $results"
disk=$(records plan-disk "$work/plan")
scheduler=/sys/block/$disk/queue/scheduler
if grep -q '\[none\]' "$scheduler"; then wanted=$(tr ' ' '\n' <"$scheduler" | grep -v '\[' | head -1); fi
# What these experiments change or a switch of the scheduler does; other things may be tested beside.
snapshot() { "$here/snapshot.sh" "$disk" | grep -E "^/sys/block/$disk/|compaction_proactiveness"; }
snapshot >"$work/before"
(($(wc -l <"$work/before") > 20)) || fail "the snapshot is too small to show anything"
is_as_before() { diff "$work/before" <(snapshot) || fail "$1: the machine is not as it was"; }

# No process of a run is left: workloads name the scratch file, guardians and supervisors the command.
left_processes() {
	local dir words
	for dir in /proc/[0-9]*; do
		{ words=$(<"$dir/cmdline"); } 2>/dev/null || continue
		if [[ $words == *"$work/"* ]]; then echo "${dir#/proc/} $words"; fi
	done
}
no_process_left() {
	for _ in {1..100}; do
		[[ -n $(left_processes) ]] || return 0
		sleep 0.1
	done
	left_processes
	fail "$1: processes are left"
}

start() { # IOMODES ARGUMENTS...: in the background, as run_pid
	"$@" >"$work/out" 2>"$work/err" &
	run_pid=$!
}
# Trials on disk of the one run below $results; 0 before there is any.
trials() { cat "$results"/*/trials.jsonl 2>/dev/null | wc -l; }
await_trials() { # N
	for _ in {1..600}; do
		(($(trials) < $1)) || return 0
		kill -0 "$run_pid" 2>/dev/null || { cat "$work/err"; fail "the run ended before trial $1"; }
		sleep 0.02
	done
	fail "no trial $1 within 12 s"
}
ends_with() { # STATUS WHAT
	local status=0
	wait "$run_pid" || status=$?
	run_pid=
	((status == $1)) || { cat "$work/out" "$work/err"; fail "$2: exit status $status, not $1"; }
}
# The run is ended now; why its first trial failed, and nothing of it goes on.
first_trial_failed() { # WHAT WORDS
	kill -TERM "$run_pid" 2>/dev/null || true
	wait "$run_pid" || true
	run_pid=
	head -n 1 "$results"/2*/trials.jsonl | jq -r '.status + ": " + .error' >"$work/said"
	cat "$work/said"
	grep -q "^failed: .*$2" "$work/said" || fail "$1: the trial does not say: $2"
	no_process_left "$1"
}
run_dir() { echo "$results"/2*; }
status_is_clean() { "$iomodes" status >"$work/status" || { cat "$work/status"; fail "$1: status"; }; }
# Of a run that was left alone: whole, checked again, compared, sealed.
is_whole() { # DIR WHAT
	records intact "$1"
	records complete "$1"
	"$iomodes" compare "$1" >"$work/compare" 2>&1 || { cat "$work/compare"; fail "$2: compare"; }
	(cd "$1" && sha256sum --quiet -c SHA256SUMS) || fail "$2: SHA256SUMS"
	(cd "$1" && find . -type f ! -name SHA256SUMS ! -name '.*' ! -path ./report.html ! -path './figures/*' | sed 's|^\./||' | sort) >"$work/files"
	diff <(sed 's/^[0-9a-f]*  //' "$1/SHA256SUMS" | sort) "$work/files" || fail "$2: files without a sum"
}
