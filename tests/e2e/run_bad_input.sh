#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bad input: one line with its place and the nearest right word, exit status 1, nothing changed.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

refused() { # WORDS-IN-THE-LINE... -- COMMAND...
	local words=() status=0
	while [[ $1 != -- ]]; do words+=("$1"); shift; done
	shift
	"$iomodes" "$@" --output "$results" >"$work/out" 2>"$work/err" || status=$?
	((status == 1)) || { cat "$work/err"; fail "$*: exit status $status, not 1"; }
	[[ $(wc -l <"$work/err") == 1 ]] || { cat "$work/err"; fail "$*: not one line"; }
	for word in "${words[@]}"; do
		grep -qF -- "$word" "$work/err" || { cat "$work/err"; fail "$*: the line does not say: $word"; }
	done
	[[ ! -s $work/out ]] || fail "$*: something was printed on standard output"
	[[ ! -e $results ]] || fail "$*: a results directory was made"
	[[ ! -e $IOMODES_STATE_DIR/journal.jsonl ]] || fail "$*: a journal was written"
	is_as_before "$*"
	cases=$((cases + 1))
	sed 's/^/  /' "$work/err"
}
cases=0
# mangled NAME SED-SCRIPT: the good experiment with one mistake
mangled() { sed "$2" "$work/probe.yaml" >"$work/$1.yaml"; }

refused 'options follow a command' 'iomodes run --blocks' -- --blocks 6
for command in plan run; do
	mangled key 's/scratch_size/scratch_sise/'
	refused 'key.yaml:3:1:' 'unknown key "scratch_sise"' 'did you mean "scratch_size"' -- $command "$work/key.yaml"
	mangled mode 's/modes: \[interrupt\]/modes: [interupt]/'
	refused 'mode.yaml:7:' 'unknown mode "interupt"' 'did you mean "interrupt"' -- $command "$work/mode.yaml"
	mangled knob 's/block.scheduler/block.sheduler/'
	refused 'knob.yaml:5:7:' 'unknown knob "block.sheduler"' 'did you mean "block.scheduler"' -- $command "$work/knob.yaml"
	mangled unit 's/runtime: 100ms/runtime: 100sm/'
	refused 'unit.yaml:4:' "unknown unit 'sm'" 'a duration (0.2s, 50ms, 3m)' -- $command "$work/unit.yaml"
	mangled size 's/64MiB/64MeB/'
	refused 'size.yaml:3:15:' "unknown unit 'MeB'" -- $command "$work/size.yaml"
	mangled blocks 's/blocks: 6/blocks: 5/'
	refused 'blocks.yaml:4:18:' 'blocks must be 6 to 30' 'no 95 % interval' -- $command "$work/blocks.yaml"
	mangled axis 's/randread/randraed/'
	refused 'axis.yaml:6:12:' 'unknown rw "randraed"' 'did you mean "randread"' -- $command "$work/axis.yaml"
	mangled broken 's/groups: \[/groups: [[/'
	refused 'broken.yaml:' -- $command "$work/broken.yaml"
	: >"$work/empty.yaml"
	refused 'empty.yaml' -- $command "$work/empty.yaml"
	refused "$work/nowhere" -- $command "$work/probe.yaml" --target "$work/nowhere"
	refused /proc/version -- $command "$work/probe.yaml" --target /proc/version
	refused 'no experiment "defualt"' 'did you mean "default"' -- $command defualt
	refused 'unknown option' '--bloks' 'did you mean "blocks"' -- $command "$work/probe.yaml" --bloks 6
	refused --blocks "'six'" -- $command "$work/probe.yaml" --blocks six
	refused --blocks 6 -- $command "$work/probe.yaml" --blocks 5
	refused --runtime "'ten'" -- $command "$work/probe.yaml" --runtime ten
	refused 'unknown mode "iopol"' 'did you mean "iopoll"' -- $command "$work/probe.yaml" --mode iopol
	refused '--mode iopoll: not in experiment probe' -- $command "$work/probe.yaml" --mode iopoll
	refused unexpected '"second"' -- $command "$work/probe.yaml" second
done
mkdir "$work/runs"
refused --resume "$work/runs/none" -- run --resume "$work/runs/none"
refused run.json -- run --resume "$work/runs"

# A mode file with a mistake, through IOMODES_CONFIG.
mkdir -p "$work/config/modes" "$work/config/experiments"
export IOMODES_CONFIG=$work/config
bad_mode() { # SED-SCRIPT WORDS...
	sed "$1" "$IOMODES_SOURCE/configs/modes/block.yaml" >"$work/config/modes/block.yaml"
	cmp -s "$IOMODES_SOURCE/configs/modes/block.yaml" "$work/config/modes/block.yaml" &&
		fail "block.yaml has nothing that $1 changes"
	shift
	refused "$work/config/modes/block.yaml:" "$@" -- run "$work/probe.yaml"
}
bad_mode 's/requires: {aio.available/requires: {aio.availible/' 'unknown requirement' 'did you mean "aio.available"'
bad_mode 's/evidence: voluntary_context_switches/evidence: voluntary_context_switch/' 'unknown evidence' 'did you mean "voluntary_context_switches"'
bad_mode 's/set: {block.scheduler: none}/set: {block.io_poll: 1}/' 'can only be read'
bad_mode 's/per: io, at_most/per: oi, at_most/' '"oi"'
bad_mode 's/grade: counter/grade: conuter/' 'conuter' 'counter'
bad_mode 's/  target: block/  target: blok/' 'unknown target "blok"' 'did you mean "block"'
bad_mode 's/^aio:/sync:/' 'key "sync" stands here twice'
cp "$IOMODES_SOURCE/configs/modes/block.yaml" "$work/config/modes/"
cp "$IOMODES_SOURCE/configs/modes/block.yaml" "$work/config/modes/more.yaml"
refused "$work/config/modes/more.yaml:" 'mode "sync" is already there, at' block.yaml -- run "$work/probe.yaml"
echo "$cases mistakes: one line each, exit status 1, no results, no journal, the machine as before"
