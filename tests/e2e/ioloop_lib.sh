# SPDX-License-Identifier: Apache-2.0
# Sourced by the ioloop tests: a directory for scratch files on the disk the build is on, and a few
# words to say what is expected.
ioloop=$IOMODES_BIN/ioloop
dir=$(mktemp -d "$IOMODES_BIN/../e2e-XXXXXX")
cleanup() { rm -rf "$dir"; }
trap cleanup EXIT
failed=0

skip() { echo "SKIP: $1"; exit 77; }
fail() { echo "FAIL: $1"; failed=1; }
# expect_error WORDS COMMAND...: it ends with 1, says WORDS, prints nothing on standard output
expect_error() {
	local words=$1 out status=0
	shift
	out=$("$@" 2>"$dir/stderr") || status=$?
	[ $status -eq 1 ] || fail "status $status instead of 1: $*"
	[ -z "$out" ] || fail "printed a result: $*"
	grep -qF -- "$words" "$dir/stderr" || fail "no \"$words\" in \"$(cat "$dir/stderr")\": $*"
}
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
