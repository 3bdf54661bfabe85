#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The systemd units as they are installed, below two prefixes: systemd itself has nothing to say against
# them, each of their commands is there, and the machine is put back whatever becomes of a night.
set -euo pipefail
fail() { echo "FAIL: $*"; exit 1; }
command -v systemd-analyze >/dev/null || { echo "skip: no systemd-analyze"; exit 77; }
targets=/lib/systemd/system
[[ -e $targets/sysinit.target ]] || { echo "skip: no units of systemd in $targets"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for prefix in /usr /usr/local; do
	root=$tmp/root$prefix
	DESTDIR=$root cmake --install "$IOMODES_BIN/.." --prefix $prefix >"$tmp/log" 2>&1 || { cat "$tmp/log"; fail "cmake --install"; }
	units=$root$prefix/lib/systemd/system
	mkdir -p "$root/usr/lib/systemd/system"
	cp -d $targets/*.target "$root/usr/lib/systemd/system"
	systemd-analyze verify --man=no --root="$root" iomodes-nightly@default.service iomodes-nightly@default.timer >"$tmp/said" 2>&1 ||
		{ cat "$tmp/said"; fail "$prefix: systemd-analyze verify"; }
	[[ ! -s $tmp/said ]] || { cat "$tmp/said"; fail "$prefix: systemd-analyze has something to say"; }
	commands=$(sed -n 's/^Exec[A-Za-z]*=\([^ ]*\).*/\1/p' "$units/iomodes-nightly@.service")
	[[ $(wc -l <<<"$commands") == 3 ]] || fail "$prefix: not three commands: $commands"
	for command in $commands; do
		[[ $command == "$prefix"/* && -x $root$command ]] || fail "$prefix: $command is not installed"
	done
	grep -qx "ExecStopPost=$prefix/bin/iomodes restore" "$units/iomodes-nightly@.service" || fail "$prefix: nothing restores"
	sed -i 's/^KillMode=/KilMode=/' "$units/iomodes-nightly@.service"
	systemd-analyze verify --man=no --root="$root" iomodes-nightly@default.service 2>&1 | grep -q KilMode || fail "the test sees nothing"
done
# The options of the command are ones that it has.
for option in $(sed -n 's/^ExecStart=.*nightly %i//p' "$units/iomodes-nightly@.service" | tr ' ' '\n' | grep '^--'); do
	"$IOMODES_BIN/iomodes" nightly --help | grep -q -- "$option " || fail "nightly has no $option"
done
