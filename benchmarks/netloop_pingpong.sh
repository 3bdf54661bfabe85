#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Our ping-pong against others, on one veth pair prepared as the harness prepares it (receiver GRO on,
# sender TSO off), client on the first CPU, server on the last, 16 bytes each way, alternating:
#  1. netloop's own cost: against a bare send/receive loop (bare_pingpong.c), blocking and spinning.
#     Goal: p50 within 2 % or 0.1 us.
#  2. blocking, against neper's tcp_rr and udp_rr (NEPER=directory with the built programs, from
#     github.com/google/neper) and sockperf's ping-pong (which prints half the round trip; doubled
#     here). Goal: no slower, every round trip recorded.
#  3. modes against each other: busy polling at most 1/4 of blocking, and at most 1.25 of spinning.
# Everything is p50 of the round trip in us; ratios are ours/theirs, below 1 is faster. The median of the pairs
# is held against the goal; a pair that lies half as far again from it is printed, and counts all the same.
# Exit status: 0 every goal holds, 1 one does not, 2 those that were tried hold, but one was left out.
# Usage: netloop_pingpong.sh [NETLOOP]   PAIRS=10 SECONDS_EACH=1 ONLY="own others modes"
set -euo pipefail
here=$(realpath "$(dirname "$0")")
if [ "$(id -u)" != 0 ]; then echo "needs root (network namespaces)"; exit 1; fi
if [ -z "${BENCH_INSIDE:-}" ]; then
	BENCH_INSIDE=1 exec unshare --net --mount --pid --fork --mount-proc --kill-child "$0" "$@"
fi
netloop=$(realpath "${1:-$here/../build/bin/netloop}")
pairs=${PAIRS:-10} seconds=${SECONDS_EACH:-1} only=${ONLY:-own others modes}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "SECONDS_EACH must be whole seconds (neper)"; exit 1; }
((pairs >= 6)) || { echo "PAIRS must be at least 6"; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cc -O2 -o "$dir/bare" "$here/bare_pingpong.c"
head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/token"
last=$(($(nproc) - 1))

unshare --net sleep infinity &
holder=$!
until [ "$(readlink /proc/$holder/ns/net)" != "$(readlink /proc/self/ns/net)" ] &&
	[ "$(cat /proc/$holder/comm)" = sleep ]; do sleep 0.01; done
inside() { nsenter --net=/proc/$holder/ns/net "$@"; }
ip link add bpc type veth peer name bps netns $holder
ip addr add 10.78.0.1/24 dev bpc && inside ip addr add 10.78.0.2/24 dev bps
ethtool -K bpc gro on tso off >/dev/null && inside ethtool -K bps gro on tso off >/dev/null
ip link set bpc up && inside ip link set bps up && ip link set lo up

# serve WAIT-FOR COMMAND...: in the other namespace, on the last CPU; $server is its pid
serve() {
	local word=$1
	shift
	: >"$dir/server"
	nsenter --net=/proc/$holder/ns/net taskset -c "$last" "$@" <"$dir/token" >"$dir/server" 2>&1 &
	server=$!
	for _ in $(seq 300); do
		grep -q "$word" "$dir/server" && return
		sleep 0.01
	done
	echo "the server did not come up: $* -> $(cat "$dir/server")" >&2
	exit 1
}
netloop() { # PROTOCOL OPTION...: p50 in us; every round trip is in the histogram
	local protocol=$1
	shift
	serve '"port"' "$netloop" serve --bind 10.78.0.2 --port 7001
	"$netloop" run --server 10.78.0.2 --port 7001 --protocol "$protocol" --cpus 0 --ramp 0.1 --timeout 5s \
		--runtime "$seconds" "$@" <"$dir/token" >"$dir/json"
	wait $server
	jq -e '.latency.count == .transactions and ([.latency.bins[]] | add) == .transactions and
		.lost == 0' "$dir/json" >/dev/null || { echo "not every round trip was recorded" >&2; exit 1; }
	jq '.rtt_percentiles.p50_ns / 1000' "$dir/json"
}
bare() { # PROTOCOL block|spin
	serve listens "$dir/bare" serve 10.78.0.2 7002 "$1" "$2" 16 0
	taskset -c 0 "$dir/bare" run 10.78.0.2 7002 "$1" "$2" 16 "$seconds" >"$dir/out"
	kill $server 2>/dev/null || true
	wait $server 2>/dev/null || true
	awk '{ print $1 / 1000 }' "$dir/out"
}
neper() { # PROTOCOL; its server must be told the sizes, too. A UDP request that is lost ends its flow.
	local options="--request-size 16 --response-size 16" try
	[ "$1" = udp ] || options+=" --no-delay"
	for try in 1 2 3; do
		nsenter --net=/proc/$holder/ns/net timeout 30 taskset -c "$last" "$NEPER/${1}_rr" $options \
			--nolog >"$dir/server" 2>&1 &
		server=$!
		sleep 0.3
		taskset -c 0 timeout 30 "$NEPER/${1}_rr" $options -c -H 10.78.0.2 -l "$seconds" \
			--percentiles=50,99 --nolog >"$dir/out" 2>&1 || true
		kill $server 2>/dev/null || true
		wait $server 2>/dev/null || true
		if grep -q '^num_transactions=[1-9]' "$dir/out"; then
			sed -n 's/^latency_p50=//p' "$dir/out" | awk '{ print $1 * 1e6 }'
			return
		fi
	done
	cat "$dir/out" >&2
	exit 1
}
sockperf() { # PROTOCOL
	local tcp=
	[ "$1" = udp ] || tcp=--tcp
	serve "to block on socket" stdbuf -oL sockperf server -i 10.78.0.2 -p 7003 $tcp
	taskset -c 0 timeout 30 sockperf ping-pong -i 10.78.0.2 -p 7003 $tcp -m 16 -t "$seconds" >"$dir/out" 2>&1
	kill -KILL $server # by SIGTERM it sometimes stays
	wait $server 2>/dev/null || true
	sed 's/\x1b\[[0-9;]*m//g' "$dir/out" | awk '/percentile 50/ { print 2 * $NF }'
}
failed=0 left_out=0
summary() { # GOAL SLACK: of "ours theirs" lines; the median ratio, or the median difference in us within SLACK
	awk '{ print $1 / $2, $1, $2, $1 - $2 }' | sort -n | awk -v goal="$1" -v slack="$2" -v least=6 '
	{ r[NR] = $1; o[NR] = $2; t[NR] = $3; d[NR] = $4 }
	function median(a, n) { return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2 }
	END { m = median(r, NR)
		for (i = 1; i <= NR; i++)
			if (r[i] > 1.5 * m || r[i] < m / 1.5)
				printf "  suspect pair: %.2f us against %.2f us, ratio %.3f\n", o[i], t[i], r[i]
		asort_(o, NR); asort_(t, NR); asort_(d, NR)
		printf "  ratio median %.3f, from %.3f to %.3f, %d pairs; p50 %.2f us against %.2f us\n",
			m, r[1], r[NR], NR, median(o, NR), median(t, NR)
		good = NR >= least && (m <= goal || (slack > 0 && median(d, NR) <= slack))
		printf "  at most %.4g%s: %s\n", goal,
			(slack > 0 ? sprintf(" or %.3g us more", slack) : ""), (good ? "holds" : "DOES NOT HOLD")
		exit !good }
	function asort_(a, n,   i, j, x) { for (i = 2; i <= n; i++) { x = a[i]
		for (j = i - 1; j && a[j] > x; j--) a[j + 1] = a[j]; a[j + 1] = x } }'
}
compare() { # TITLE GOAL SLACK OURS THEIRS: commands; who goes first alternates
	local lines= a b
	echo "$1"
	for ((i = 0; i < pairs; i++)); do
		if ((i % 2)); then b=$($5); a=$($4); else a=$($4); b=$($5); fi
		[[ $a =~ ^[0-9.]+$ && $b =~ ^[0-9.]+$ ]] || { echo "  pair $i is no pair: \"$a\" \"$b\"" >&2; exit 1; }
		[ -n "${VERBOSE:-}" ] && echo "  pair $i: $a $b"
		lines+="$a $b"$'\n'
	done
	printf %s "$lines" | summary "$2" "$3" || failed=$((failed + 1))
}

for p in tcp udp; do
	if [[ $only == *own* ]]; then
		compare "$p, blocking, against a bare loop:" 1.02 0.1 "netloop $p" "bare $p block"
		compare "$p, spinning, against a bare loop:" 1.02 0.1 "netloop $p --wait spin" "bare $p spin"
	fi
	if [[ $only == *others* ]]; then
		if [ -x "${NEPER:-}/${p}_rr" ]; then
			compare "$p, blocking, against neper ${p}_rr:" 1 0 "netloop $p" "neper $p"
		else
			left_out=1
			echo "neper: left out, set NEPER to the directory of its ${p}_rr"
		fi
		if command -v sockperf >/dev/null; then
			compare "$p, blocking, against sockperf ping-pong:" 1 0 "netloop $p" "sockperf $p"
		else
			left_out=1
			echo "sockperf: left out, it is not installed (Debian: sockperf)"
		fi
	fi
	if [[ $only == *modes* ]]; then
		compare "$p, busy polling (SO_BUSY_POLL 64 us) against blocking:" 0.25 0 \
			"netloop $p --busy-poll-usecs 64" "netloop $p"
		compare "$p, busy polling against spinning:" 1.25 0 "netloop $p --busy-poll-usecs 64" \
			"netloop $p --wait spin"
	fi
done
((!failed)) || { echo "$failed goals do not hold"; exit 1; }
exit $((left_out * 2))
