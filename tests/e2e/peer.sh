#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The other end of a network measurement: what is inside, that nobody else sees it, that nothing is
# left of it, not even after kill -9. Looked at with ip and ethtool, which share no code with it.
set -euo pipefail
driver=$IOMODES_BIN/../tests/peer_driver

[[ $(id -u) == 0 ]] || { echo "skip: network namespaces need root"; exit 77; }
for tool in ip ethtool nsenter jq; do
	command -v $tool >/dev/null || { echo "skip: no $tool"; exit 77; }
done
work=$(mktemp -d)
pid=
cleanup() {
	[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
fail() { echo "FAIL: $*"; exit 1; }
is() { [[ $2 == "$3" ]] || fail "$1: '$2' where '$3' was expected"; }

# What everybody on this machine sees of its network.
outside() { ip -o link; ip -o addr; ip route show table all; ip neigh; ip netns list; ls /sys/class/net; }
outside >"$work/before"
is_as_before() { diff "$work/before" <(outside) || fail "$1: this machine's network is not as it was"; }
# No process is in the namespace and none holds it: it does not exist any more.
is_gone() {
	local found
	found=$(find /proc/[0-9]*/ns/net /proc/[0-9]*/fd -lname "${1//[\[\]]/?}" 2>/dev/null || true)
	[[ -z $found ]] || fail "namespace $1 still lives: $found"
}

# open_peer ARGUMENT...: starts the driver; $out has what it said
open_peer() {
	out=$work/out
	rm -f "$work/in"
	mkfifo "$work/in"
	"$driver" "$@" <"$work/in" >"$out" 2>"$work/err" &
	pid=$!
	exec 9>"$work/in"
	for ((i = 0; i < 200; i++)); do
		! grep -q '^ready' "$out" || return 0
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	fail "$*: $(cat "$work/err")"
}
close_peer() {
	exec 9>&-
	wait "$pid" || fail "closing: $(cat "$work/err")"
	pid=
}
at() { awk -v end="$1" -v n="$2" '$1 == end { print $n }' "$out"; }
inside() { local end=$1; shift; nsenter --net="$(at "$end" 2)" "$@"; }
said() { grep '^{' "$out" | jq -r "$1"; }
feature() { inside "$1" ethtool -k iom0 | awk -v f="$2:" '$1 == f { print $2 }'; }

open_peer veth 2
is_as_before "a veth pair is open"
for end in client server; do
	is "$end: interface" "$(at $end 4)" "iom0@$end"
	is "$end: GRO" "$(feature $end generic-receive-offload)" on
	is "$end: TSO" "$(feature $end tx-tcp-segmentation)" off
	is "$end: queues" "$(inside $end sh -c 'ip -j -d link show iom0' |
		jq -r '.[0] | "\(.num_rx_queues) \(.num_tx_queues)"')" "2 2"
	is "$end: queues in use" "$(inside $end ethtool -l iom0 |
		awk '/Current/ { now = 1 } now && /^[RT]X:/ { printf "%s%s ", $1, $2 }')" "RX:2 TX:2 "
	is "$end: address" "$(inside $end ip -j addr show iom0 |
		jq -r '[.[0].addr_info[] | .local] | join(" ")')" "$(at $end 5)"
	is "$end: up" "$(inside $end ip -j link show iom0 | jq -r '.[0].operstate')" UP
	is "$end: neighbour" "$(inside $end ip -j neigh | jq -r '.[0].state[0]')" PERMANENT
	is "$end: packets pass NAPI" "$(said .$end.napi)" true
	[[ $(at $end 3) != "$(readlink /proc/self/ns/net)" ]] || fail "$end is in our namespace"
done
# Only its own probes have passed: no router solicitation, no ARP, nothing that a count would show.
sent=$(inside client ip -j -s link show iom0 | jq '.[0].stats64.tx.packets')
sleep 1.5
is "packets while nobody sends" "$(inside client ip -j -s link show iom0 | jq '.[0].stats64.tx.packets')" "$sent"
namespaces="$(at client 3) $(at server 3)"
close_peer
for n in $namespaces; do is_gone "$n"; done
is_as_before "closed"
echo "veth: prepared, quiet, invisible, gone"

open_peer unprepared
is "unprepared: GRO" "$(feature server generic-receive-offload)" off
is "unprepared: TSO" "$(feature client tx-tcp-segmentation)" on
is "unprepared: packets pass NAPI" "$(said .server.napi)" false
close_peer
open_peer loopback
is "loopback: ends" "$(at client 4) $(at server 4)" "lo@client lo@server"
is "loopback: namespace" "$(at client 3)" "$(at server 3)"
is "loopback: packets pass NAPI" "$(said .server.napi)" false
namespaces=$(at client 3)
close_peer
is_gone "$namespaces"
echo "unprepared veth and loopback: no packet passes NAPI"

open_peer veth
namespaces="$(at client 3) $(at server 3)"
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
pid=
exec 9>&-
for n in $namespaces; do is_gone "$n"; done
is_as_before "after kill -9"
echo "kill -9: no namespace and no interface left"

# refused ARGUMENT... -- WORDS: not opened, the reason has the words, nothing has changed
refused() {
	local arguments=()
	while [[ $1 != -- ]]; do arguments+=("$1"); shift; done
	! "$driver" "${arguments[@]}" </dev/null >"$work/out" 2>"$work/err" || fail "${arguments[*]}: opened"
	grep -q -- "$2" "$work/err" || fail "${arguments[*]}: '$(cat "$work/err")' has no '$2'"
	is_as_before "${arguments[*]} was refused"
}
refused nosuch0,lo -- "there is no interface nosuch0"
refused lo,lo -- "lo cannot be both ends"
refused lo,nosuch0 -- "lo is virtual"
refused veth 1000 -- "at most 128"
default=$(ip -j route show default | jq -r '.[0].dev // empty')
if [[ -n $default ]]; then
	refused "$default,lo" -- "default route"
else
	echo "skip: there is no default route to refuse"
fi
dummy=$(ip -j -d link | jq -r '[.[] | select(.linkinfo.info_kind != null)][0].ifname // empty')
[[ -z $dummy ]] || refused "$dummy,lo" -- "is virtual"
echo "refusals: each with its reason"
