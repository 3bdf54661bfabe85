#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What else can go wrong around set knobs: somebody else's change, a second run, a full disk, signals,
# the terminal gone, a command that leaves children, a state directory that others may write.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/knob_common.sh"

sets=()
for one in "${settings[@]}"; do sets+=(--set "$one"); done
expect() { # STATUS WHAT COMMAND...
	local want=$1 what=$2 got=0
	shift 2
	"$@" >"$work/out" 2>"$work/err" || got=$?
	((got == want)) || { cat "$work/out" "$work/err"; fail "$what: exit $got, not $want"; }
}
says() { grep -q -- "$1" "$work/out" "$work/err" || { cat "$work/out" "$work/err"; fail "no \"$1\""; }; }
# Until the command run by `with` has left its mark.
await() { for _ in $(seq 500); do [[ -e $1 ]] && return; sleep 0.02; done; fail "no $1"; }
held() { # starts `with` in the background; CMD marks that it runs, and waits
	rm -f "$work/mark"
	# a shell starts background jobs with SIGINT ignored
	setsid env --default-signal=INT "$iomodes" with "${sets[@]}" -- sh -c "echo \$\$ >$work/mark; exec sleep 60" \
		>"$work/with.out" 2>&1 &
	with=$!
	await "$work/mark"
	! diff -q "$work/before" <(snapshot) >/dev/null || fail "nothing was set"
}
ended() { # WANT WHAT
	local got=0
	wait "$with" 2>/dev/null || got=$?
	((got == $1)) || { cat "$work/with.out"; fail "$2: exit $got, not $1"; }
}
gone() { # a zombie that nobody reaps has ended, too
	for _ in $(seq 100); do
		grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status" || return 0
		sleep 0.02
	done
	fail "process $1 is still there: $2"
}

# the command's own end
expect 0 "true" "$iomodes" with "${sets[@]}" -- true
is_as_before "after a command"
expect 7 "exit 7" "$iomodes" with "${sets[@]}" -- sh -c 'exit 7'
expect 143 "killed by TERM" "$iomodes" with "${sets[@]}" -- sh -c 'kill -TERM $$'
expect 125 "no such command" "$iomodes" with "${sets[@]}" -- "$work/nothing"
is_as_before "after failures of the command"
echo "exit status of the command is passed on"

# bad input: one line, nothing changed
expect 125 "unknown knob" "$iomodes" with --set block.shceduler:"$loop"=none -- true
says 'did you mean "block.scheduler"'
expect 125 "bad value" "$iomodes" with "${sets[@]}" --set block.nomerges:"$loop"=17x -- true
says 'block.nomerges of'
expect 125 "path as instance" "$iomodes" with --set block.nomerges:../../vda=2 -- true
expect 125 "read-only knob" "$iomodes" with "${sets[@]}" --set block.io_poll:"$loop"=1 -- true
says 'can be read, not set'
is_as_before "after bad input"
echo "bad input changes nothing"

# signals, and the terminal gone
for signal in TERM INT HUP; do
	held
	kill -"$signal" "$with"
	case $signal in TERM) want=143 ;; INT) want=130 ;; HUP) want=129 ;; esac
	ended "$want" "SIG$signal"
	is_as_before "SIG$signal"
	gone "$(cat "$work/mark")" "SIG$signal"
done
rm -f "$work/mark"
script -qec "$iomodes with ${sets[*]} -- sh -c 'echo \$\$ >$work/mark; exec sleep 60'" /dev/null \
	>/dev/null 2>&1 </dev/null &
terminal=$!
await "$work/mark"
kill -9 "$terminal" # the master side of the terminal closes
wait "$terminal" 2>/dev/null || true
await_guardian "terminal gone"
is_as_before "terminal gone"
echo "SIGTERM, SIGINT, SIGHUP and a vanished terminal: restored"

# SIGKILL of iomodes: the guardian ends the command, then restores
held
kill -9 "$with"
ended 137 "SIGKILL"
await_guardian "SIGKILL"
is_as_before "SIGKILL"
gone "$(cat "$work/mark")" "the guardian did not end the command"
echo "SIGKILL: the guardian ended the command and restored"

# what the command leaves behind does not outlive it
expect 0 "setsid" "$iomodes" with "${sets[@]}" -- \
	sh -c "setsid sh -c 'echo \$\$ >$work/stray; exec sleep 60' & while [ ! -s $work/stray ]; do sleep 0.01; done"
gone "$(cat "$work/stray")" "a setsid child"
is_as_before "setsid child"
echo "a setsid child of the command is ended"

if grep -q '^0::/' /proc/self/cgroup && grep -q cgroup2 /proc/self/mounts; then
	rm -f "$work/stray"
	"$iomodes" with "${sets[@]}" -- sh -c "(setsid sh -c 'echo \$\$ >$work/stray; exec sleep 60' &)
		exec sleep 60" >"$work/with.out" 2>&1 &
	with=$!
	await "$work/stray"
	sleep 0.2
	kill -9 "$with"
	ended 137 "SIGKILL with a setsid child"
	await_guardian "SIGKILL with a setsid child"
	gone "$(cat "$work/stray")" "a setsid child after SIGKILL of iomodes"
	is_as_before "SIGKILL with a setsid child"
	echo "SIGKILL of iomodes: the guardian ends a setsid grandchild, too"
fi

# no pipe stays open on the guardian's account
timeout 20 sh -c "'$iomodes' with --set sysctl.vm.stat_interval=5 -- true | cat" || fail "pipe held open"

# a second instance
held
expect 125 "second instance" "$iomodes" with --set sysctl.vm.stat_interval=5 -- true
says "process $with holds it"
expect 6 "restore while busy" "$iomodes" restore
says "process $with holds it"
expect 5 "status while busy" "$iomodes" status
kill -TERM "$with"
ended 143 "after the second instance"
is_as_before "second instance"
echo "a second instance is refused and told who holds the host"

# somebody else's change: reported, not overwritten, then decided by a person
held
echo 44 >/proc/sys/vm/stat_interval
kill -TERM "$with"
ended 124 "conflict"
grep -q 'sysctl.vm.stat_interval was "1", is "44" (conflict' "$work/with.out" ||
	{ cat "$work/with.out"; fail "the conflict is not named"; }
[[ $(cat /proc/sys/vm/stat_interval) == 44 ]] || fail "the conflict was overwritten"
expect 5 "status of a conflict" "$iomodes" status
says 'sysctl.vm.stat_interval: was "1", is "44"'
expect 5 "restore of a conflict" "$iomodes" restore
expect 125 "a new run over a conflict" "$iomodes" with --set thp.enabled=never -- true
[[ $(cat /proc/sys/vm/stat_interval) == 44 ]] || fail "the conflict was overwritten later"
expect 0 "accept" "$iomodes" restore --accept
grep -q '"now":"44"' "$IOMODES_STATE_DIR/accepted.jsonl" || fail "the decision was not noted"
expect 0 "status after accept" "$iomodes" status
[[ $(cat /proc/sys/vm/stat_interval) == 44 ]] || fail "accept wrote"
echo 1 >/proc/sys/vm/stat_interval
is_as_before "conflict accepted"
held
echo 44 >/proc/sys/vm/stat_interval
kill -TERM "$with"
ended 124 "second conflict"
expect 0 "overwrite" "$iomodes" restore --overwrite
is_as_before "conflict overwritten on demand"
echo "a conflict is reported, kept, and cleared only by a person"

# a full disk under the state directory: nothing changes
mkdir "$work/small"
export iomodes loop work
if unshare -m true 2>/dev/null; then
	got=0
	IOMODES_STATE_DIR=$work/small/state unshare -m sh -c '
		mount -t tmpfs -o size=64k none "$work/small" || exit 77
		mkdir -m 700 "$work/small/state"
		"$iomodes" restore || exit 78
		head -c 1M /dev/zero >"$work/small/fill" 2>/dev/null
		"$@"' sh "$iomodes" with "${sets[@]}" -- touch "$work/ran" >"$work/out" 2>"$work/err" || got=$?
	((got == 125)) || { cat "$work/out" "$work/err"; fail "full disk: exit $got, not 125"; }
	says 'No space left on device'
	[[ ! -e $work/ran ]] || fail "full disk: the command ran all the same"
	is_as_before "full disk"
	echo "full disk: a clear error, nothing changed"
else
	echo "full disk: not shown, no mount namespace here"
fi

# a state directory that others may write is nobody's orders
mkdir -m 777 "$work/open"
chmod 777 "$work/open"
IOMODES_STATE_DIR=$work/open expect 125 "open state directory" "$iomodes" with "${sets[@]}" -- true
says 'may be written by others'
# and a journal from a stranger is data
mkdir -m 700 "$work/evil"
printf '%s\n' '{"op":"write","knob":"sysctl.vm.stat_interval","instance":"../../etc","original":"9","intended":"1","boot":"","n":0}' \
	'{"op":"write","knob":"../../../etc/passwd","instance":"","original":"x","intended":"y","boot":"","n":1}' \
	'{"op":"write","knob":"block.nomerges","instance":"..","original":"1","intended":"y","boot":"","n":2}' \
	>"$work/evil/journal"
IOMODES_STATE_DIR=$work/evil expect 5 "hostile journal" "$iomodes" restore
is_as_before "hostile journal"
echo "an open state directory is refused; a hostile journal moves nothing"
"$iomodes" status >/dev/null || fail "not clean at the end"
