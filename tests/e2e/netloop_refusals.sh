#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is wrong is refused, and what breaks is told, by both ends, within seconds.
set -euo pipefail
. "$IOMODES_SOURCE/tests/e2e/netloop_lib.sh"
make_pair
serve() { timeout 20 "$netloop" serve "$@" <<<"$token"; }
patient=

# words that cannot be meant; nothing has been contacted by then
expect_error 'did you mean "epoll"' run --wait epol
expect_error "did you mean \"depth\"" run --dept 2
expect_error "no option; netloop run takes no words" run 10.0.0.1
expect_error "--server is missing" timeout 5 "$netloop" run <<<"$token"
expect_error "--depth 2 needs --pattern=rr" run --depth 2
expect_error "serves one flow a thread" run --flows 2
expect_error "holds one request a flow at open loop" run --pattern rr --depth 2 --rate 10
expect_error "a stream has no responses" run --pattern stream --response-size 3
expect_error "a UDP message carries a number of 8 bytes" run --protocol udp --size 7
expect_error "holds at most 65507" run --protocol udp --size 65508
expect_error "mean nothing to --wait=io_uring" run --wait io_uring --busy-poll-usecs 5
expect_error "needs --busy-poll-usecs" run --wait io_uring-napi
expect_error "a ring has no such setting" run --wait io_uring-napi --busy-poll-usecs 5 --busy-poll-budget 5
expect_error "does not go with --wait=io_uring" run --wait io_uring --zerocopy
expect_error "have nothing to do" run --wait epoll --flows 2 --numjobs 3
expect_error "needs --number" run --runtime 0
expect_error "go beyond 65535" run --source-port 65000 --source-ports 4096
expect_error "--bind is missing" serve
expect_error "every interface of the machine" serve --bind 0.0.0.0
expect_error "every interface of the machine" serve --bind ::
expect_error "is no numeric address" serve --bind localhost
expect_error "Cannot assign requested address" serve --bind 192.0.2.1
expect_error "options of waiting need --wait" serve --bind 10.77.0.1 --zerocopy
serve --bind 10.77.0.1 --idle-timeout 0.3 >"$dir/stdout" 2>"$dir/stderr" && fail "served nobody, and ended with 0"
grep -q "no client came" "$dir/stderr" || fail "$(cat "$dir/stderr")"
expect_error "Address already in use" inside sh -c "
	python3 -c 'import socket, time; s = socket.create_server((\"10.77.0.2\", 5001)); time.sleep(60)' &
	listener=\$!
	until ss -ltn 2>/dev/null | grep -q :5001 || grep -q :1389 /proc/net/tcp; do sleep 0.05; done
	echo $token | $netloop serve --bind 10.77.0.2 --port 5001; status=\$?; kill \$listener; exit \$status"

# the token comes by standard input, and only so
expect_error "expected on standard input" timeout 5 "$netloop" run --server 10.77.0.2 </dev/null
expect_error "16 to 255 characters" timeout 5 "$netloop" serve --bind 10.77.0.1 <<<short
expect_error "not printable" timeout 5 "$netloop" run --server 10.77.0.2 <<<"two words of a token"
expect_error "no netloop serve at 10.77.0.2 port 42424: Connection refused" run

# the wrong token is refused, the right one is served all the same
start_server
expect_error "does not hold the run's token" timeout 5 "$netloop" run --server 10.77.0.2 <<<"$token-"
run --runtime 0.1 >"$dir/stdout" || fail "the right client is not served after a wrong one"
wait $server || fail "the server ended with $?"
grep -q "refused: the client does not hold the run's token" "$dir/server" ||
	fail "the server does not say whom it refused"

# neither end shows the token to somebody who does not hold it, or takes another version
cat >"$dir/fake.py" <<'PY'
import json, socket, sys, time
what, token = sys.argv[1:]
def line(f): return json.loads(f.readline())
if what == "client":       # talks to a real server
    s = socket.create_connection(("10.77.0.2", 42424), timeout=5)
    f = s.makefile("r")
    hello = line(f)
    assert token not in json.dumps(hello)
    s.sendall(json.dumps({"netloop": "9.9.9", "protocol": hello["protocol"], "nonce": "0" * 32,
                          "mac": "0" * 64}).encode() + b"\n")
    error = line(f)["error"]
    assert "netloop 9.9.9" in error and "same version" in error, error
    s = socket.create_connection(("10.77.0.2", 42424), timeout=5)
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")   # no netloop at all
    f = s.makefile("r"); line(f)
    assert f.readline() == "" or True
    s = socket.create_connection(("10.77.0.2", 42424), timeout=10)
    try:
        s.sendall(b"{" + b"x" * 100000)    # a line without end
        while s.recv(65536): pass
    except (ConnectionResetError, BrokenPipeError): pass
    # reflects the server's own nonce and mac: no way in
    s = socket.create_connection(("10.77.0.2", 42424), timeout=5)
    f = s.makefile("r"); hello = line(f)
    s.sendall(json.dumps(dict(hello, mac="0" * 64)).encode() + b"\n")
    assert "token" in line(f)["error"]
else:                      # stands in for a server
    l = socket.create_server(("10.77.0.2", 42424))
    print("listens", flush=True)
    s, _ = l.accept()
    f = s.makefile("r")
    if what == "silent":
        time.sleep(20)
    version = {"version": "9.9.9", "protocol": "0.1.0", "liar": "0.1.0"}[what]
    s.sendall(json.dumps({"netloop": version, "protocol": 77 if what == "protocol" else 1,
                          "nonce": "0" * 32}).encode() + b"\n")
    if what == "liar":
        said = f.readline()
        assert token not in said
        s.sendall(b'{"mac": "' + b"0" * 64 + b'"}\n')
    f.readline()
PY
version=$("$netloop" --version | cut -d' ' -f2)
sed -i "s/0\.1\.0/$version/g" "$dir/fake.py"
start_server
python3 "$dir/fake.py" client "$token" || fail "the server took a stranger"
run --runtime 0.1 >"$dir/stdout" || fail "the right client is not served after strangers"
wait $server || fail "the server ended with $?"
# more who say nothing, or not all, than are listened to at once keep nobody out
start_server
python3 - <<'PY' >"$dir/silent" &
import socket, time
them = [socket.create_connection(("10.77.0.2", 42424), timeout=5) for _ in range(40)]
for s in them[::2]:
    s.sendall(b'{"netloop": ')
print("there", flush=True)
time.sleep(120)
PY
silent=$!
until [ -s "$dir/silent" ]; do sleep 0.02; done
run --runtime 0.1 >"$dir/stdout" || fail "the right client is not served beside silent ones: $(cat "$dir/stderr")"
wait $server || fail "the server ended with $?"
kill $silent
wait $silent 2>/dev/null || true
for what in version protocol liar silent; do
	: >"$dir/listens"
	nsenter --net=/proc/$holder/ns/net python3 "$dir/fake.py" $what "$token" >"$dir/listens" 2>"$dir/fake" &
	fake=$!
	until [ -s "$dir/listens" ]; do sleep 0.02; done
	case $what in
	version) expect_error "the server is netloop 9.9.9 (protocol 1), this is netloop $version" run ;;
	protocol) expect_error "(protocol 77)" run ;;
	liar) expect_error "the server does not hold the run's token" run ;;
	silent) expect_error "the server says nothing" run ;;
	esac
	kill $fake 2>/dev/null || true
	wait $fake 2>/dev/null || true
	[ ! -s "$dir/fake" ] || grep -q Terminated "$dir/fake" || fail "$what: $(cat "$dir/fake")"
done

# a flag that the kernel refuses is named, whichever end it is; nothing is measured without it
no_admin="setpriv --bounding-set -net_admin --inh-caps -net_admin"
try() { # WORDS OPTION...: the client lacks the capability
	local words=$1
	shift
	start_server
	expect_error "$words" timeout 20 $no_admin "$netloop" run --server 10.77.0.2 "$@" <<<"$token"
	kill $server 2>/dev/null || true
	wait $server 2>/dev/null || true
}
try "SO_PREFER_BUSY_POLL = 1 refused" --prefer-busy-poll
try "SO_BUSY_POLL_BUDGET = 64 refused" --busy-poll-budget 64
try "EPIOCSPARAMS {usecs 0, budget 65, prefer 0} refused" --wait epoll --busy-poll-budget 65
# ... the server's
as=$no_admin start_server
expect_error "server: SO_PREFER_BUSY_POLL = 1 refused by the kernel" run --prefer-busy-poll
wait $server && fail "the server ended with 0 though it was refused"

# the server dies, hangs, or the client does
exec 2>"$dir/killed" # the shell tells of everybody who is killed
for more in "--wait block" "--wait epoll --protocol udp" "--wait spin" "--wait io_uring" \
	"--wait block --protocol udp" "--pattern stream" "--pattern stream --wait epoll"; do
	start_server
	( sleep 0.5; kill -KILL $server ) &
	began=$SECONDS
	expect_error "" run --runtime 60 $more
	grep -q 'the server\|reset\|refused\|closed' "$dir/stderr" || fail "no reason: $(cat "$dir/stderr")"
	((SECONDS - began < 15)) || fail "$more: a dead server was noticed after $((SECONDS - began)) s"
	wait $server 2>/dev/null || true
	start_server
	( sleep 0.5; kill -STOP $server ) &
	began=$SECONDS
	expect_error "the server" run --runtime 60 --dead-after 1s $more
	((SECONDS - began < 15)) || fail "$more: a hung server was noticed after $((SECONDS - began)) s"
	kill -KILL $server
	wait $server 2>/dev/null || true
	start_server
	"$netloop" run --server 10.77.0.2 --runtime 60 $more <<<"$token" >"$dir/stdout" 2>/dev/null &
	client=$!
	sleep 0.5
	kill -KILL $client
	wait $client 2>/dev/null || true
	wait $server && fail "$more: the server ended with 0 without its client"
	grep -q "the client closed" "$dir/server" || fail "$more: $(cat "$dir/server")"
	[ ! -s "$dir/stdout" ] || fail "$more: a killed client printed a result"
done

# UDP requests that get no answer are counted, not sent again, and limit what is stated
for wait in epoll block; do
	start_server
	( sleep 0.4; kill -STOP $server; sleep 0.6; kill -CONT $server ) &
	run --protocol udp --pattern rr --depth 4 --wait $wait --runtime 1.5 --timeout 50ms >"$dir/stdout" ||
		fail "$wait: a server that pauses ends the run"
	wait $server || fail "the server ended with $?"
	jq -e '.lost >= 4 and .late_responses > 0 and .late_responses <= .lost and
		.latency.count == .transactions and ([.latency.bins[]] | add) == .transactions and
		.bytes_sent == (.transactions_total + .lost) * .options.size' "$dir/stdout" >/dev/null ||
		fail "$wait: lost requests: $(jq -c 'del(.latency.bins)' "$dir/stdout")"
done
exit $failed
