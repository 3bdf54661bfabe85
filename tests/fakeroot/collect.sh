#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A recording of this machine shows what this machine shows, and does not tell whose it is.
set -euo pipefail
iomodes=${IOMODES_BIN:?}/iomodes
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# What collect replaces or cuts, and what no two looks have in common.
same() {
	grep -vE '"(serial|wwid|mac)":|"value": "[0-9.]+ [0-9.]+"' "$1" |
		sed -E '/"kernel.cmdline"/,/}/d; s/pid [0-9]+//'
}

for attempt in 1 2 3 4 5; do # other tests set up loop devices at the same time
	rm -rf recording*
	"$iomodes" collect -o recording.tar.gz
	tar xf recording.tar.gz
	"$iomodes" probe --json > live.json
	"$iomodes" probe --json --root recording > recorded.json
	if diff <(same live.json) <(same recorded.json); then
		break
	elif [ "$attempt" = 5 ]; then
		echo "the recording differs from the machine"
		exit 1
	fi
done

# The archive itself says the same as what is in it, and leaves nothing behind.
mkdir tmp
TMPDIR=$work/tmp "$iomodes" probe --json --root recording.tar.gz | diff - recorded.json
rmdir tmp

# An archive from somebody else writes nowhere but in its own directory.
ln -s "$work" escape
echo x > machine
tar cf evil.tar escape && tar rf evil.tar --transform 's,^,escape/,' machine
tar cPf dots.tar --transform 's,^,../,' machine
echo ours > machine
for archive in evil.tar dots.tar machine; do
	mkdir tmp
	TMPDIR=$work/tmp "$iomodes" probe --root "$archive" > out 2>&1 && { echo "took $archive"; exit 1; }
	grep -q "iomodes probe: $archive: " out
	rmdir tmp
	[ "$(cat machine)" = ours ]
done

"$iomodes" collect -o recording.tar.gz && { echo "it wrote over a file"; exit 1; }
for file in /sys/block/*/{serial,wwid,device/serial,device/wwid} /sys/class/net/*/address; do
	value=$(tr -d '\0' 2> /dev/null < "$file" | sed 's/^ *//; s/ *$//') || continue
	[[ ${#value} -lt 4 || $value =~ ^[0:]*$ ]] && continue
	if grep -rqF -- "$value" recording; then
		echo "$file is in the recording: $(grep -rlF -- "$value" recording)"
		exit 1
	fi
done
if grep -rqF "value=\"$(uname -n)\"" recording; then
	echo "the host's name is in the recording"
	exit 1
fi
