#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A run is bundled, and the bundle repeated on this machine: what was in force is reproduced. A doctored
# bundle is not; one of another machine cannot be compared, and nothing is measured for it.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"
lib() { python3 "$here/../results/bundle_lib.py" "$@"; }
says() { # STATUSES PATTERN COMMAND...
	local statuses=$1 pattern=$2 status=0
	shift 2
	"$@" >"$work/out" 2>&1 || status=$?
	[[ " $statuses " == *" $status "* ]] || { cat "$work/out"; fail "$*: exit status $status"; }
	grep -q -- "$pattern" "$work/out" || { cat "$work/out"; fail "$*: does not say: $pattern"; }
}

# Interrupts per I/O at depth 1, of which both modes have one: true on any machine, however busy.
experiment bundled 'interrupt, sync' 100ms
sed -i 's/blocks: 6/blocks: 8/; s/^set:/primary: [interrupts_per_io]\nset:/' "$work/bundled.yaml"
start "$iomodes" run "$work/bundled.yaml" --output "$results" --quiet
ends_with 0 "the run to be bundled"
dir=$(run_dir)
says 0 'Replaced: .*' "$iomodes" bundle "$dir" -o "$work/bundle.tar.zst"
says 0 'comes out as recorded' "$iomodes" check "$work/bundle.tar.zst"

# Timed rates are no claim of this run, so noise can refute none: but a block may be lost to it.
says '0 4' '^reproduced .*interrupt/randread/4k/d1: in_force' \
	"$iomodes" reproduce "$work/bundle.tar.zst" --output "$work/again"
grep -q '^reproduced .*sync/randread/4k/d1: in_force' "$work/out" || { cat "$work/out"; fail "sync is not reproduced"; }
grep -q '^not reproduced .*in_force' "$work/out" && { cat "$work/out"; fail "a mode is not reproduced"; }
grep -q ' [0-9]* of [0-9]* trials' "$work/out" || fail "no number of trials"
is_as_before "reproduce"
status_is_clean "reproduce"
again=$(echo "$work"/again/2*)
for member in machine/before.json machine/after.json run.json; do [[ -s $again/$member ]] || fail "no $member"; done

# What it will cost is said before; of a stranger no more than an hour is taken.
grep -q 'iomodes reproduce: about 0 min .*; a scratch file of 64' "$work/out" || { cat "$work/out"; fail "reproduce does not say what it costs"; }
cp -r "$dir" "$work/long"
sed -i 's/blocks: 8, ramp: 50ms, runtime: 100ms/blocks: 30, ramp: 55s, runtime: 59s/' "$work/long/experiment.yaml"
lib reseal "$work/long"
says 0 claims "$iomodes" bundle "$work/long" -o "$work/long.tar"
says 1 "takes about [0-9]* min .* here; of a stranger's at most 60 min" "$iomodes" reproduce "$work/long.tar" --dry-run
says 0 'iomodes run experiment.yaml' "$iomodes" reproduce "$work/long.tar" --dry-run --trust

# Of one that says sync had 0.4 times the interrupts, consistently, the run just made says otherwise.
cp -r "$dir" "$work/doctored"
lib doctor "$work/doctored" sync 0.4
says 0 claims "$iomodes" bundle "$work/doctored" -o "$work/doctored.tar"
says 0 'comes out as recorded' "$iomodes" check "$work/doctored.tar"
says 4 '^not reproduced .*sync.*interrupts_per_io' "$iomodes" reproduce "$work/doctored.tar" --with "$again"

# Another machine's: in what it differs, before anything is measured.
cp -r "$dir" "$work/other"
lib other "$work/other"
says 0 claims "$iomodes" bundle "$work/other" -o "$work/other.tar"
says 4 'cpu.model: published Some Other CPU 9000, here ' "$iomodes" reproduce "$work/other.tar" --output "$work/never"
grep -q '^not comparable' "$work/out" || fail "no claim is called not comparable"
grep -q 'nothing is measured' "$work/out" || fail "reproduce does not say that nothing was measured"
[[ ! -e $work/never ]] || fail "reproduce measured for a bundle of another machine"
no_process_left "reproduce"
