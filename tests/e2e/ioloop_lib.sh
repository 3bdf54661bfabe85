# SPDX-License-Identifier: Apache-2.0
# Sourced by the ioloop tests, which put scratch files on the disk the build is on.
ioloop=$IOMODES_BIN/ioloop
. "$IOMODES_SOURCE/tests/e2e/loop_lib.sh"
# expect JQ COMMAND...: it ends with 0 and its JSON satisfies JQ
expect() {
	local filter=$1 status=0
	shift
	"$@" >"$dir/stdout" 2>"$dir/stderr" || status=$?
	[ $status -eq 0 ] || fail "status $status ($(cat "$dir/stderr")): $*"
	jq -e "$filter" "$dir/stdout" >/dev/null ||
		fail "$filter does not hold: $* -> $(head -c 2000 "$dir/stdout")"
}
scratch() { # NAME SIZE
	"$ioloop" --layout "$2" "$dir/$1" 2>"$dir/stderr" || {
		grep -q 'use --scratch' "$dir/stderr" && skip "$(cat "$dir/stderr")"
		fail "$(cat "$dir/stderr")"
		exit 1
	}
}
command -v jq >/dev/null || skip "jq is not installed"
