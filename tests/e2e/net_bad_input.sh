#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What cannot be measured is refused with the reason; a server that dies or hangs fails its trial, and
# only that; a run that is killed leaves nothing behind.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/e2e/net_common.sh
. "$here/net_common.sh"

cat >"$work/two.yaml" <<'END'
name: two
target: /nowhere
design: {blocks: 6, ramp: 50ms, runtime: 300ms}
groups: [{modes: [sync]}, {target: net, modes: [interrupt, busy-poll]}]
END
# refused STATUS TEXT ARGUMENT...: exit status, and the text in what it says
refused() {
	local want=$1 text=$2 status=0
	shift 2
	"$iomodes" "$@" >"$work/out" 2>"$work/err" || status=$?
	((status == want)) || fail "$*: exit $status, not $want: $(cat "$work/err")"
	grep -qF -- "$text" "$work/err" || fail "$*: \"$(cat "$work/err")\" does not say: $text"
}
plan=(plan "$work/two.yaml")
route=$(ip -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -1)
if [[ -n $route ]]; then
	refused 1 "default route" "${plan[@]}" --target "$route" --peer lo
	refused 1 "which interface is it cabled to" "${plan[@]}" --target "$route"
else
	echo "skip: there is no default route to refuse"
fi
refused 1 "no other interface" "${plan[@]}" --target veth --peer lo
refused 1 "no interface of this machine" "${plan[@]}" --target nosuch0 --peer lo
refused 1 "--target scratch" "${plan[@]}" --target scratch --peer lo
refused 1 "did you mean \"busy-poll\"" "${plan[@]}" --target veth --mode busy-pol
sed '/groups/d' "$work/two.yaml" >"$work/block.yaml"
echo 'groups: [{modes: [sync]}]' >>"$work/block.yaml"
refused 1 "has no cell for a network" plan "$work/block.yaml" --target veth

# Only the network cells are wanted: the file that is not there is not asked for.
"$iomodes" "${plan[@]}" --target veth --json >"$work/plan" || fail "plan of a veth pair"
jq -e '[.cells[].mode] == ["interrupt", "busy-poll"] and all(.cells[]; .supported)' "$work/plan" \
	>/dev/null || fail "cells of --target veth: $(cat "$work/plan")"

# A setting is for both ends and each of their NAPI instances, unless its name says which end.
cat >"$work/config/modes/ends.yaml" <<'END'
ends:
  doc: settings of both ends, and of one
  target: net
  set: {net.gro-flush-timeout: 1000, net.defer-hard-irqs@server: 3, napi.irq-suspend-timeout@client: 5}
  netloop: {wait: block}
  grade: accepted
END
printf 'name: e\ngroups: [{modes: [ends]}]\n' >"$work/ends.yaml"
"$iomodes" plan "$work/ends.yaml" --json >"$work/plan" || fail "plan of one end's settings"
jq -e '[.cells[0].settings[] | .knob + " " + (.instance | sub("^[^@]*"; ""))] == [
	"net.gro-flush-timeout @client", "net.gro-flush-timeout @server",
	"net.defer-hard-irqs @server", "napi.irq-suspend-timeout @client#0"]' "$work/plan" >/dev/null ||
	fail "settings of the ends: $(jq -c '.cells[0] | .settings, .reason' "$work/plan")"

# Without root they are unsupported, with the reason, and the run would go on with the rest.
cat >"$work/user.yaml" <<'END'
name: user
groups: [{target: net, modes: [interrupt]}]
END
chmod 755 "$work" "$work/config" "$work/config"/*
status=0
setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
	"$iomodes" plan "$work/user.yaml" >"$work/out" 2>"$work/err" || status=$?
((status == 1)) && grep -q 'needs root (CAP_NET_ADMIN)' "$work/err" ||
	fail "as an ordinary user: $status $(cat "$work/out" "$work/err")"

# hit SIGNAL: send it to the first server after a trial that was measured (proof trials come before)
hit() {
	local pid
	for _ in {1..600}; do
		sleep 0.05
		grep -qs '"pass":"measure"' "$work"/results/*-"$1"/trials.jsonl || continue
		pid=$(pgrep -n -f "$IOMODES_BIN/netloop serve" 2>/dev/null) || continue
		kill -"$1" "$pid" 2>/dev/null && return 0
	done
}
group="[{target: net, modes: [interrupt, spin]}]"
# What is said of one that died, and of one that hangs, whoever notices first: the harness or the client.
says_KILL='killed by signal 9|closed|is gone|reset|refused'
says_STOP='hangs|says nothing|answered nothing|in time|timed out'
for signal in KILL STOP; do
	hit $signal &
	background=$!
	measure "$signal" "$group"
	wait "$background"
	background=
	failed=$(jq -s 'map(select(.status == "failed")) | length' "$work/$signal.jsonl")
	((failed >= 1 && failed <= 2)) || fail "SIG$signal: $failed trials failed"
	jq -r 'select(.status == "failed") | .error' "$work/$signal.jsonl" | sort -u >"$work/why"
	echo "SIG$signal: $(cat "$work/why")"
	says=says_$signal
	! grep -vE "netloop.*(${!says})" "$work/why" || fail "SIG$signal: the reason: $(cat "$work/why")"
	ok=$(jq -s 'map(select(.status != "failed")) | length' "$work/$signal.jsonl")
	((ok >= 11)) || fail "SIG$signal: $ok other trials were measured"
done

# kill -9 of the run: workloads, namespaces and interfaces are gone, nothing is left to restore.
printf 'name: killed\ndesign: {blocks: 6, ramp: 100ms, runtime: 1s}\ngroups: %s\n' \
	"[{target: net, modes: [suspend-20], pattern: rr, depth: 32}]" >"$work/killed.yaml"
"$iomodes" run "$work/killed.yaml" -q --output "$work/results" >"$work/out" 2>&1 &
background=$!
for _ in {1..200}; do
	sleep 0.05
	pgrep -f "$IOMODES_BIN/netloop run" >/dev/null && break
done
namespaces() { { readlink /proc/[0-9]*/ns/net 2>/dev/null || true; } | sort -u; } # processes come and go
namespaces >"$work/during"
(($(wc -l <"$work/during") >= 3)) || fail "the run has no namespaces"
kill -9 "$background"
wait "$background" 2>/dev/null || true
background=
no_namespace_left "kill -9"
flock -w 20 /run/iomodes.lock true
"$iomodes" status >"$work/out" 2>&1 || fail "after kill -9: $(cat "$work/out")"
[[ -z $(ip -o link show type veth) ]] || fail "a veth is left: $(ip -o link show type veth)"
echo ok
