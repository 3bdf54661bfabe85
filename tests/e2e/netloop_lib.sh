# SPDX-License-Identifier: Apache-2.0
# Sourced by the netloop tests. The test runs again in a network namespace of its own, and makes a
# second one that lives as long as one sleeping process: nothing is left when both are gone, and
# nothing of this machine's network is touched. Between them lies a veth pair whose ends have NAPI
# instances (receiver GRO on, sender TSO off); QUEUES (1) of them on each side.
if [ "$(id -u)" != 0 ]; then echo "SKIP: needs root (network namespaces)"; exit 77; fi
for tool in ip ethtool unshare nsenter jq python3 setpriv; do
	command -v $tool >/dev/null || { echo "SKIP: $tool is not installed"; exit 77; }
done
if [ -z "${NETLOOP_INSIDE:-}" ]; then
	NETLOOP_INSIDE=1 exec unshare --net --mount --pid --fork --mount-proc --kill-child "$0" "$@"
fi
netloop=$IOMODES_BIN/netloop
. "$IOMODES_SOURCE/tests/e2e/loop_lib.sh"
token=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')

# A machine that is busy with other things may leave a thread without a CPU for a while; that must
# not look like a lost datagram. Both ends on one CPU would take turns there instead of polling.
patient='--timeout 8s --dead-after 10s'
client_cpu='' server_cpu=''
if [ "$(nproc)" -gt 1 ]; then client_cpu='--cpus-allowed 0' server_cpu='--cpus-allowed 1'; fi

make_pair() {
	local queues="numtxqueues ${QUEUES:-1} numrxqueues ${QUEUES:-1}"
	unshare --net sleep infinity &
	holder=$!
	until [ "$(readlink /proc/$holder/ns/net)" != "$(readlink /proc/self/ns/net)" ] &&
		[ "$(cat /proc/$holder/comm)" = sleep ]; do sleep 0.01; done
	ip link add nlc $queues type veth peer name nls $queues netns $holder
	ip addr add 10.77.0.1/24 dev nlc
	inside ip addr add 10.77.0.2/24 dev nls
	ethtool -K nlc gro on tso off >/dev/null
	inside ethtool -K nls gro on tso off >/dev/null
	ip link set lo up
	inside ip link set lo up
	ip link set nlc up
	inside ip link set nls up
}
inside() { nsenter --net=/proc/$holder/ns/net "$@"; }

# start_server OPTION...: in the other namespace; $server is its pid. Waits until it listens.
start_server() {
	: >"$dir/listens"
	# not by inside(): $! would be a shell's
	nsenter --net=/proc/$holder/ns/net ${as:-} "$netloop" serve --bind 10.77.0.2 $server_cpu "$@" \
		<<<"$token" >"$dir/listens" 2>"$dir/server" &
	server=$!
	for _ in $(seq 500); do
		[ -s "$dir/listens" ] && return
		kill -0 $server 2>/dev/null || break
		sleep 0.01
	done
	fail "the server did not come up: $(cat "$dir/server")"
}
run() { timeout 60 "$netloop" run --server 10.77.0.2 $patient $client_cpu "$@" <<<"$token"; }

# expect JQ OPTION...: a run ends with 0 at both ends and its JSON satisfies JQ
expect() {
	local filter=$1 status=0 end=0
	shift
	start_server
	run "$@" >"$dir/stdout" 2>"$dir/stderr" || status=$?
	[ $status -eq 0 ] || { fail "status $status ($(cat "$dir/stderr")): $*"; kill $server; }
	wait $server || end=$?
	[ $end -eq 0 ] || fail "the server ended with $end ($(cat "$dir/server")): $*"
	jq -e "$filter" "$dir/stdout" >/dev/null ||
		fail "$filter does not hold: $* -> $(jq -c 'del(.latency.bins, .service.bins)' "$dir/stdout" | head -c 3000)"
}
busy_polled() { # packets that busy polling took in, in this namespace
	awk '$1 == "TcpExt:" { if (!n) { n = split($0, name) } else for (i = 2; i <= n; i++)
		if (name[i] == "BusyPollRxPackets") print $i }' /proc/net/netstat
}
