# SPDX-License-Identifier: Apache-2.0
# Sourced by the libraries of both own loops: a directory on the disk the build is on, and a few words
# to say what is expected.
dir=$(mktemp -d "$IOMODES_BIN/../e2e-XXXXXX")
cleanup() { rm -rf "$dir"; } # a test with more to undo has its own
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
