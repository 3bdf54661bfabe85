#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Flows land on the NAPI instance that was asked for, by their source port; where they cannot, that is
# said with what was seen. The pair has four queues a side, each with an instance of its own.
set -euo pipefail
QUEUES=4
. "$IOMODES_SOURCE/tests/e2e/netloop_lib.sh"
make_pair
for p in tcp udp; do
	# many flows find out which instances there are
	expect '(.napi_ids | length) > 1 and (.server.napi_ids | length) > 1 and
		([.flows[].client.napi_id] | unique | sort) == (.napi_ids | sort)' \
		--protocol $p --wait epoll --flows 24 --runtime 0.1
	mine=$(jq '.napi_ids[]' "$dir/stdout") theirs=$(jq '.server.napi_ids[]' "$dir/stdout")
	for id in $theirs; do
		expect ".server.napi_ids == [$id] and (.flows | all(.server.napi_id == $id))" \
			--protocol $p --wait epoll --flows 3 --runtime 0.1 --server-napi-id "$id"
	done
	for id in $mine; do
		expect ".napi_ids == [$id]" --protocol $p --wait epoll --flows 2 --runtime 0.1 --napi-id "$id"
	done
	# both ends at once, and ports one after the other from a given one
	id=${mine%%[[:space:]]*} their=${theirs%%[[:space:]]*}
	expect ".napi_ids == [$id] and .server.napi_ids == [$their] and .flows[0].source_port >= 20000" \
		--protocol $p --runtime 0.1 --napi-id "$id" --server-napi-id "$their" --source-port 20000 \
		--source-ports 200
	expect '[.flows[].source_port] == [30000, 30001, 30002]' --protocol $p --wait epoll --flows 3 \
		--runtime 0.1 --source-port 30000
	start_server
	expect_error "flow 0 cannot be placed on client NAPI 4000000: 9 source ports gave" \
		run --protocol $p --napi-id 4000000 --source-ports 9 --runtime 0.1
	grep -q "times client NAPI [1-9][0-9]* CPU [0-9]*, server NAPI" "$dir/stderr" ||
		fail "what was seen is not said: $(cat "$dir/stderr")"
	wait $server && fail "the server ended with 0"
	start_server
	expect_error "cannot be placed on client CPU 9999: 2 source ports gave" run --protocol $p \
		--incoming-cpu 9999 --source-ports 2 --runtime 0.1
	wait $server && fail "the server ended with 0"
done
# without NAPI there is nothing to be placed on, and the report says 0
inside ethtool -K nls gro off >/dev/null
expect '.server.napi_ids == [0] and (.flows | all(.server.napi_id == 0))' --runtime 0.1
start_server
expect_error "server NAPI 0 CPU" run --server-napi-id 77 --source-ports 3 --runtime 0.1
grep -q "the packets pass no NAPI instance" "$dir/stderr" || fail "$(cat "$dir/stderr")"
wait $server && fail "the server ended with 0"
# a source port that is taken is said
python3 -c 'import socket, time
s = socket.socket(); s.bind(("10.77.0.1", 31000)); s.listen(); print("bound", flush=True); time.sleep(60)' >"$dir/bound" &
holder_of_port=$!
until [ -s "$dir/bound" ]; do sleep 0.02; done
start_server
expect_error "source port 31000: Address already in use" run --source-port 31000 --runtime 0.1
kill $holder_of_port
wait $server && fail "the server ended with 0"
exit $failed
