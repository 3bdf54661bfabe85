# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests of a recorded machine: MACHINE is the first word; what is printed goes to $actual, to be
# compared with $expected. With UPDATE=1 both are the expectation itself.
machine=$1
cd "${IOMODES_SOURCE:?}/tests/fakeroot"
iomodes=${IOMODES_BIN:?}/iomodes
expected=$machine.expected
if [ "${UPDATE:-}" ]; then
	mkdir -p "$expected"
	actual=$expected
else
	actual=$(mktemp -d)
	trap 'rm -rf "$actual"' EXIT
fi
