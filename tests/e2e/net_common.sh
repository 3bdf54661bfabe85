# SPDX-License-Identifier: Apache-2.0
# Sourced by net_*.sh: short runs over a veth pair of ours, and what their records say. Shares no code
# with the knobs or the analysis.
iomodes=$IOMODES_BIN/iomodes
fail() { echo "FAIL: $*"; exit 1; }
[[ $(id -u) == 0 ]] || { echo "skip: namespaces need root"; exit 77; }
(($(nproc) > 1)) || { echo "skip: client and server need a CPU each, and there is one"; exit 77; }
work=$(mktemp -d -p "${IOMODES_TEST_DIR:-/var/tmp}")
export IOMODES_STATE_DIR=$work/state
# Shipped modes, and those that a test adds in $work/config/modes.
mkdir -p "$work/config/modes" "$work/config/experiments"
cp "$IOMODES_SOURCE"/configs/modes/*.yaml "$work/config/modes/"
export IOMODES_CONFIG=$work/config

cleanup() {
	[[ -z ${background-} ]] || kill "$background" 2>/dev/null || true
	[[ ! -e /run/iomodes.lock ]] || flock -w 20 /run/iomodes.lock true
	"$iomodes" restore >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap cleanup EXIT

# measure NAME GROUPS [OPTION...]: six short blocks; the records are in $work/NAME.jsonl. Whether a cell
# was measured is what the tests look at, so exit status 4 is not an error here.
measure() {
	local name=$1 status=0
	printf 'name: %s\ndesign: {blocks: 6, ramp: 50ms, runtime: 150ms}\ngroups: %s\n' \
		"$name" "$2" >"$work/$name.yaml"
	shift 2
	"$iomodes" run "$work/$name.yaml" -q --output "$work/results" "$@" \
		>"$work/out" 2>"$work/err" || status=$?
	((status == 0 || status == 4)) || fail "$name: exit $status: $(cat "$work/err")"
	dir=$(sed -n 's/^Results: //p' "$work/out")
	[[ -n $dir ]] || fail "$name: $(cat "$work/out" "$work/err")"
	jq -c 'select(.pass == "measure" or .pass == "retry")' "$dir/trials.jsonl" >"$work/$name.jsonl"
	no_namespace_left "$name"
}

# count NAME CELL VERDICT: trials of a cell with a verdict
count() {
	jq -s --arg cell "$2" --arg verdict "$3" \
		'map(select(.cell == $cell and .verdict.mode == $verdict)) | length' "$work/$1.jsonl"
}

reasons() {
	jq -r --arg cell "$2" 'select(.cell == $cell) | .verdict.reasons[]?, .error // empty' \
		"$work/$1.jsonl" | sort | uniq -c | sort -rn | head -5
}

# No veth of ours outside, no process left in a namespace of ours.
no_namespace_left() {
	local mine ns dir
	mine=$(readlink /proc/self/ns/net)
	for _ in {1..50}; do
		local left=
		for dir in /proc/[0-9]*; do
			ns=$(readlink "$dir/ns/net" 2>/dev/null) || continue
			[[ $ns == "$mine" ]] && continue
			[[ $(tr '\0' ' ' <"$dir/cmdline" 2>/dev/null) == *"$IOMODES_BIN/netloop"* ]] || continue
			left+=" ${dir#/proc/}"
		done
		[[ -n $left ]] || return 0
		sleep 0.1
	done
	fail "$1: processes are left in namespaces:$left"
}
