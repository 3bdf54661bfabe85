#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Namespaces without a name, seen through struct sys and, next to it, by ip and ethtool from outside:
# both must see the same, nothing may happen in this namespace, and nothing is left at the end.
set -euo pipefail
driver=$IOMODES_BIN/../tests/netns_driver

[[ $(id -u) == 0 ]] || { echo "skip: network namespaces need root"; exit 77; }
failed=0
fail() { echo "FAIL: $*"; failed=1; }
before=$(ls /sys/class/net; readlink /proc/self/ns/net; ls /run/netns 2>/dev/null || true)

coproc D { "$driver"; }
driver_pid=$D_PID
read -r -u "${D[0]}" pid client server || { echo "FAIL: the driver did not start"; exit 1; }
in_client() { nsenter --net="/proc/$pid/fd/$client" "$@"; }
in_server() { nsenter --net="/proc/$pid/fd/$server" "$@"; }
ask() { # WORDS: the answer on standard output
	local answer
	echo "$*" >&"${D[1]}"
	read -r -t 20 -u "${D[0]}" answer || answer="(no answer)"
	echo "$answer"
}
expect() { # ANSWER WORDS...
	local want=$1 got
	shift
	got=$(ask "$@")
	[[ $got == "$want" ]] || fail "$*: \"$got\" instead of \"$want\""
}

own=$(readlink "/proc/$pid/ns/net")
[[ $(in_client readlink /proc/self/ns/net) != "$own" ]] || fail "client is our own namespace"
[[ $(in_client readlink /proc/self/ns/net) != $(in_server readlink /proc/self/ns/net) ]] ||
	fail "both namespaces are the same"
expect lo list x@client /sys/class/net
in_client ip link add io0 type veth peer name io1 netns "/proc/$pid/fd/$server"

# the same device by both ways, in each namespace
expect "io0 lo" list io0@client /sys/class/net
expect "io1 lo" list io1@server /sys/class/net
expect veth driver io0@client
expect "No such device" driver io0@server
expect 1500 read io0@client /sys/class/net/io0/mtu
expect Success write io1@server /sys/class/net/io1/mtu 1400
[[ $(in_server cat /proc/net/dev) == *io1* ]] || fail "ip put io1 elsewhere"
in_server ip -o link show io1 | grep -q "mtu 1400" || fail "the mtu did not reach the device"
expect "error No such device" read io0@nowhere /sys/class/net/io0/mtu
expect "No such file or directory" read io0@server /sys/class/net/io0/mtu

# netlink, with the kernel's own words
expect ok gro io1@server 1
in_server ethtool -k io1 | grep -q "generic-receive-offload: on" || fail "gro stayed off"
in_client ethtool -k io0 | grep -q "generic-receive-offload: off" || fail "gro went on at the other end"
[[ $(ask gro io9@server 1) == "error No such device: no device matches name"* ]] ||
	fail "no words of the kernel for a device that is not there"

# /proc: the namespace's own, from a thread that stays where it was
expect Success write x@client /proc/sys/net/ipv4/tcp_sack 0
expect 0 read x@client /proc/sys/net/ipv4/tcp_sack
expect "$(cat /proc/sys/net/ipv4/tcp_sack)" read lo /proc/sys/net/ipv4/tcp_sack
in_server ip link set io1 up
in_client ip link set io0 up
in_client ip addr add 192.0.2.1/24 dev io0
expect "$(in_client sed -n 1p /proc/net/route | sed 's/[ \t]*$//')" read x@client /proc/net/route
[[ $(in_client cat /proc/net/route) == *io0* ]] || fail "no route in the client"
expect "$own" own

# a child in there sees what the namespace holds
expect "status 0" child server test -e /proc/self/net/dev_snmp6/io1
expect "status 0" child server grep -q io1 /proc/self/net/dev
expect "status 256" child client grep -q io1 /proc/self/net/dev

expect ok drop server
expect "error No such device" read io1@server /sys/class/net/io1/mtu

# death removes everything
kill -9 "$driver_pid"
wait "$driver_pid" 2>/dev/null || true
after=$(ls /sys/class/net; readlink /proc/self/ns/net; ls /run/netns 2>/dev/null || true)
[[ $before == "$after" ]] || fail "something is left: $(diff <(echo "$before") <(echo "$after"))"
exit $failed
