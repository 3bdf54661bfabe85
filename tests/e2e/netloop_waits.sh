#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every way of waiting, pattern and protocol on a veth pair: the counts of both ends agree with each
# other, and busy polling shows in the kernel's counter.
set -euo pipefail
. "$IOMODES_SOURCE/tests/e2e/netloop_lib.sh"
make_pair
t='--runtime 0.2'

# what holds for round trips, whatever the way of waiting; veth loses nothing
books='.transactions > 0 and .transactions_total >= .transactions and .lost == 0 and
	.late_responses == 0 and .strays == 0 and .server.strays == 0 and
	.server.messages_received == .transactions_total and
	.bytes_sent == .transactions_total * .options.size and
	.server.bytes_received == .bytes_sent and .server.bytes_sent == .bytes_received and
	.bytes_received == .transactions_total * .options.response_size and
	.bytes == .transactions * .options.response_size and
	([.latency.bins[]] | add) == .latency.count and
	.latency.min_ns <= .latency.max_ns and
	([.system_calls | to_entries[] | select(.key != "total") | .value] | add) ==
		.system_calls.total and
	([.tasks[] | select(.role == "worker")] | length) == .options.numjobs and
	([.server.tasks[] | select(.role == "worker")] | length) == .options.numjobs and
	(.flows | length) == .options.flows and
	(.flows | all(.client.napi_id > 0 and .server.napi_id > 0)) and
	([.flows[].server.bytes_received] | add) == .server.bytes_received and
	(if .options.protocol == "udp" and .options.size < 1400 then .packets_received == .transactions_total and
		.server.packets_received == .transactions_total else .packets_received > 0 end)'
closed="$books and .open_loop == null and .latency.count == .transactions and
	.transactions_total - .transactions <= .options.depth * .options.flows and
	.in_flight.max == .options.depth * .options.flows"
open="$books and .latency.count == .transactions_total and .service.count == .latency.count and
	.service.sum_ns <= .latency.sum_ns and
	.open_loop.arrivals == .latency.count + .open_loop.never_started"
waits='block epoll epoll-spin spin io_uring'

for p in tcp udp; do
	for w in $waits; do
		expect "$closed and .flags.wait == \"$w\" and .server.flags.wait == \"$w\"" \
			--protocol $p --wait $w $t
		expect "$closed and .options.response_size == 900" \
			--protocol $p --wait $w --size 100 --response_size 900 $t
		expect "$closed" --protocol $p --wait $w --pattern rr --depth 16 $t
		expect "$open and (.open_loop.arrivals - 200 | fabs) <= 1" \
			--protocol $p --wait $w --rate 1000 $t
		expect '.server.bytes_received > 0 and .bytes_sent >= .bytes and
			.server.bytes_received <= .bytes_sent and
			(.options.protocol == "udp" or .server.bytes_received == .bytes_sent) and
			.server.receive_ns > 0 and (has("latency") | not) and
			.server.messages_received * .options.size == .server.bytes_received' \
			--protocol $p --wait $w --pattern stream $t
		[ $w = block ] && continue
		expect "$closed" --protocol $p --wait $w --pattern rr --depth 4 --flows 5 $t
		expect "$open and .open_loop.process == \"poisson\"" --protocol $p --wait $w \
			--pattern rr --depth 4 --flows 3 --rate 2000 --rate-process poisson $t
	done
	expect "$closed" --protocol $p --wait epoll --pattern rr --depth 2 --flows 6 --numjobs 3 $t
	expect "$closed" --protocol $p --numjobs 2 $t # block: a flow for each thread
	expect "$closed" --protocol $p --ramp-time 0.1 $t
	# a number of requests is met exactly
	expect "$closed and .transactions == 1500" --protocol $p --wait epoll --number 500 --numjobs 3
	# faster than both ends: each arrival is recorded, or told as never started
	expect "$open and .open_loop.never_started > 0 and .open_loop.late_starts > 0 and
		(.open_loop.arrivals - 200000 | fabs) < 2000" \
		--protocol $p --wait epoll --pattern rr --depth 4 --rate 1000000 $t
	[ "$(nproc)" -gt 1 ] || { echo "skip: one CPU: busy polling is left out"; continue; }
	# the kernel does not keep a client whose requests are due polling for longer than 1 us; after each poll that
	# found nothing it is reminded what to poll
	expect "$open and .flags.epoll_params.busy_poll_usecs == 1 and .system_calls.epoll_ctl > 0 and
		.server.flags.epoll_params.busy_poll_usecs == 1000" \
		--protocol $p --wait epoll-spin --busy-poll-usecs 1000 --rate 1000 $t
	# busy polling: accepted and read back, and the kernel counts it
	while read -r flag options; do
		before=$(busy_polled)
		expect "$closed and $flag and .server$flag" --protocol $p $options $t
		(($(busy_polled) - before > $(jq .transactions "$dir/stdout") / 20)) ||
			fail "$options: BusyPollRxPackets went from $before to $(busy_polled)"
	done <<-'EOF'
		.flags.so_busy_poll==64 --wait block --busy-poll-usecs 64
		.flags.so_busy_poll_budget==32 --wait block --busy-poll-usecs 64 --prefer-busy-poll --busy-poll-budget 32
		.flags.epoll_params.busy_poll_usecs==64 --wait epoll --busy_poll_usecs 64 --prefer-busy-poll=1 --busy-poll-budget 64
		.flags.epoll_timeout_ns==1 --wait epoll-spin --busy-poll-usecs 1000 --busy-poll-budget 64 --prefer-busy-poll
		.flags.ring_napi.busy_poll_usecs==64 --wait io_uring-napi --busy-poll-usecs 64
		.flags.ring_napi.prefer_busy_poll==1 --wait io_uring-napi --busy-poll-usecs 64 --prefer-busy-poll
	EOF
	# at open loop the client's kernel polls a microsecond at a time, or what is due meanwhile would wait
	expect "$open and .flags.epoll_params.busy_poll_usecs == 1 and
		.server.flags.epoll_params.busy_poll_usecs == 1000" --protocol $p --wait epoll-spin \
		--busy-poll-usecs 1000 --busy-poll-budget 64 --prefer-busy-poll --rate 2000 $t
	# and the other way round: without it, none
	before=$(busy_polled)
	for w in $waits; do expect "$closed" --protocol $p --wait $w $t; done
	[ "$(busy_polled)" = "$before" ] || fail "busy polling without being asked for"
	# MSG_ZEROCOPY: a veth pair hands the data on to a socket here, so the kernel copies
	expect "$closed and .zerocopy.sends >= .transactions_total and
		.zerocopy.completions >= .zerocopy.sends - 32 and .zerocopy.copied == .zerocopy.completions and
		.server.zerocopy.completions > 0" --protocol $p --zerocopy --size 16k $t
	expect '.zerocopy.completions > 0 and .zerocopy.completions <= .zerocopy.sends' \
		--protocol $p --zerocopy --pattern stream --wait epoll --size 16k $t
done
# more on the way than the sockets hold: nobody waits for the other for ever
for w in block epoll epoll-spin spin io_uring; do
	expect "$closed" --wait $w --pattern rr --depth 48 --size 256k $t
done
# a window that holds fewer than a percentile needs does not state it
expect '(.rtt_percentiles | has("p99_ns") | not) and (.rtt_percentiles | has("p50_ns"))' --number 100
# the server may wait in its own way
start_server --wait spin
run --wait epoll $t >"$dir/stdout"
wait $server
jq -e "$closed and .flags.wait == \"epoll\" and .server.flags.wait == \"spin\"" "$dir/stdout" >/dev/null ||
	fail "the server's own --wait does not hold"
exit $failed
