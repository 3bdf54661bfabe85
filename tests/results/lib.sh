# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests of what reads results: synthetic runs in a directory of the test's own, and what
# is expected of a command.
here=$IOMODES_SOURCE/tests/results
bin=$IOMODES_BIN/iomodes
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
make_run() { python3 "$here/make_run.py" "$@"; }

# expect STATUS PATTERN COMMAND...: the exit status, and a sentence in what it prints
expect() {
	local status=$1 pattern=$2 got=0
	shift 2
	"$@" >"$tmp/out" 2>&1 || got=$?
	if [ "$got" != "$status" ] || ! grep -q -- "$pattern" "$tmp/out"; then
		echo "FAILED: $* : exit $got, wanted $status and \"$pattern\" in:"
		cat "$tmp/out"
		exit 1
	fi
	if grep -qiw nan "$tmp/out"; then
		echo "FAILED: $* prints NaN"
		exit 1
	fi
}

# reseal DIR: a run that a test edited on purpose, as if it had ended so
reseal() { (cd "$1" && sha256sum run.json trials.jsonl >SHA256SUMS); }
