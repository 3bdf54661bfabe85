#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The systemd units as they are installed, below two prefixes: every line is one that systemd knows, each of
# their commands is there and takes the options it is given, and the machine is put back whatever becomes of
# a night. Where systemd-analyze is installed, systemd itself has nothing to say against them.
set -euo pipefail
fail() { echo "FAIL: $*"; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# A unit's lines, read without systemd: sections and names that systemd.unit(5), .service(5), .timer(5) and
# .exec(5) have, of which these units use some. Prints SECTION.NAME=VALUE.
lines() { # FILE
	awk '
	BEGIN {
		split("Unit.Description Unit.Documentation Unit.After Unit.ConditionACPower Service.Type Service.EnvironmentFile " \
			"Service.Environment Service.StateDirectory Service.StateDirectoryMode Service.WorkingDirectory Service.ExecStart " \
			"Service.ExecStopPost Service.KillMode Service.TimeoutStopSec Service.TimeoutStartSec Service.NoNewPrivileges " \
			"Service.PrivateTmp Service.ProtectHome Timer.OnCalendar Timer.RandomizedDelaySec Timer.FixedRandomDelay " \
			"Timer.Persistent Install.WantedBy", list, " ")
		for (i in list) known[list[i]] = 1
	}
	/^$|^#/ { next }
	/^\[[A-Z][a-z]+\]$/ { section = substr($0, 2, length($0) - 2); next }
	/^[A-Za-z]+=/ && (section "." substr($0, 1, index($0, "=") - 1)) in known { print section "." $0; next }
	{ print FILENAME ":" FNR ": no line of a unit: " $0; bad = 1 }
	END { exit bad }' "$1"
}
# Runs a service as systemd would: ExecStart, then each ExecStopPost whatever became of it.
night() { # FILE ROOT
	local words
	while read -r words; do
		words=${words//%i/default}
		words=${words//\$NIGHTLY_OPTIONS/}
		eval "\"$2\"$words" || true
	done < <(lines "$1" | sed -n 's/^Service.ExecStart=//p'; lines "$1" | sed -n 's/^Service.ExecStopPost=//p')
}

for prefix in /usr /usr/local; do
	root=$tmp/root$prefix
	DESTDIR=$root cmake --install "$IOMODES_BIN/.." --prefix $prefix >"$tmp/log" 2>&1 || { cat "$tmp/log"; fail "cmake --install"; }
	units=$root$prefix/lib/systemd/system
	service=$units/iomodes-nightly@.service timer=$units/iomodes-nightly@.timer
	for unit in "$service" "$timer"; do lines "$unit" >"$tmp/lines" || { cat "$tmp/lines"; fail "$unit"; }; done
	has() { lines "$1" | grep -qx -- "$2" || fail "$prefix: $1 has no $2"; }
	has "$service" "Service.ExecStopPost=$prefix/bin/iomodes restore"
	has "$service" "Service.Type=oneshot" # else the timer would not wait for its end
	has "$service" "Service.KillMode=mixed" # the guardian restores when all else was killed
	has "$timer" "Install.WantedBy=timers.target"
	has "$timer" "Timer.OnCalendar=\*-\*-\* [0-9:]*"
	lines "$service" | sed -n 's/^Service.Exec[A-Za-z]*=\([^ ]*\).*/\1/p' >"$tmp/commands"
	[[ $(wc -l <"$tmp/commands") == 3 ]] || fail "$prefix: not three commands: $(cat "$tmp/commands")"
	while read -r command; do
		[[ $command == "$prefix"/* && -x $root$command ]] || fail "$prefix: $command is not installed"
	done <"$tmp/commands"
	# What stands in them is run, with programs in place of ours that say how they were called: the night
	# is killed, and the machine is put back and room made all the same.
	mkdir -p "$tmp/said$prefix"
	while read -r command; do
		rm "$root$command"
		printf '#!/bin/sh\necho "%s $*" >>%s/said%s/all\ncase $1 in nightly) kill -9 $$ ;; esac\n' "${command##*/}" "$tmp" "$prefix" >"$root$command"
		chmod +x "$root$command"
	done < <(sort -u "$tmp/commands")
	night "$service" "$root" 2>/dev/null
	printf '%s\n' 'iomodes nightly default --output /var/lib/iomodes/runs --junit /var/lib/iomodes/default.junit.xml --openmetrics /var/lib/iomodes/default.prom' \
		'iomodes restore' 'iomodes-rotate /var/lib/iomodes/runs' | diff - <(sed 's/ *$//' "$tmp/said$prefix/all") || fail "$prefix: not what was to be run"
	sed 's/^KillMode=/KilMode=/' "$service" >"$tmp/wrong"
	! lines "$tmp/wrong" >"$tmp/lines" || fail "the test sees nothing"
	grep -q 'no line of a unit: KilMode' "$tmp/lines" || fail "the test sees something else"
done
# The options of the command are ones that it has.
for option in $(sed -n 's/^ExecStart=.*nightly %i//p' "$service" | tr ' ' '\n' | grep '^--'); do
	"$IOMODES_BIN/iomodes" nightly --help | grep -q -- "$option " || fail "nightly has no $option"
done

targets=/lib/systemd/system
if ! command -v systemd-analyze >/dev/null || [[ ! -e $targets/sysinit.target ]]; then
	echo "systemd-analyze is not asked: not installed"
	exit 0
fi
for prefix in /usr /usr/local; do
	root=$tmp/root$prefix
	mkdir -p "$root/usr/lib/systemd/system"
	cp -d $targets/*.target "$root/usr/lib/systemd/system"
	systemd-analyze verify --man=no --root="$root" iomodes-nightly@default.service iomodes-nightly@default.timer >"$tmp/said.analyze" 2>&1 ||
		{ cat "$tmp/said.analyze"; fail "$prefix: systemd-analyze verify"; }
	[[ ! -s $tmp/said.analyze ]] || { cat "$tmp/said.analyze"; fail "$prefix: systemd-analyze has something to say"; }
	sed -i 's/^KillMode=/KilMode=/' "$root$prefix/lib/systemd/system/iomodes-nightly@.service"
	systemd-analyze verify --man=no --root="$root" iomodes-nightly@default.service 2>&1 | grep -q KilMode || fail "systemd-analyze sees nothing"
done
