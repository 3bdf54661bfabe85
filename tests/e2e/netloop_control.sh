#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The control channel of both ends: the window is what lies between "ready" and "done", the device's
# own counters agree with the loop's, both ends are parked outside of it, and they end when the
# harness does, at every step.
set -euo pipefail
. "$IOMODES_SOURCE/tests/e2e/netloop_lib.sh"
make_pair
cat >"$dir/control.py" <<'PY'
import json, os, socket, subprocess, sys, time
netloop, netns, token, cpus = sys.argv[1:]
cpus = [["--cpus-allowed", "0"], ["--cpus-allowed", "1"]] if int(cpus) > 1 else [[], []]

def start(kind, prefix, *more):
    ours, theirs = socket.socketpair()
    p = subprocess.Popen([*prefix, netloop, kind, "--control-fd", str(theirs.fileno()), *more],
                         pass_fds=[theirs.fileno()], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    theirs.close()
    p.stdin.write(token + "\n"); p.stdin.close(); p.stdin = None
    ours.settimeout(30)
    return p, ours, ours.makefile("r")

def pair(*more):
    server = start("serve", ["nsenter", "--net=" + netns], "--bind", "10.77.0.2", *cpus[1])
    assert server[2].readline() == "ready\n"
    client = start("run", [], "--server", "10.77.0.2", "--timeout", "8s", "--dead-after", "10s",
                   *cpus[0], *more)
    return server, client

def cpu(pid):  # of all tasks, so far
    return sum(int(open(f"/proc/{pid}/task/{t}/schedstat").read().split()[0])
               for t in os.listdir(f"/proc/{pid}/task"))

def received():  # packets of the client's interface
    for l in open("/proc/net/dev"):
        if l.strip().startswith("nlc:"):
            return int(l.split(":")[1].split()[1])

def finish(server, client):
    client[1].send(b"exit\n")
    out, err = client[0].communicate(timeout=20)
    assert client[0].returncode == 0, err
    assert client[2].readline() == ""
    _, err = server[0].communicate(timeout=20)
    assert server[0].returncode == 0, err
    return json.loads(out)

for more in (["--wait", "block"], ["--wait", "spin", "--ramp-time", "0.1"],
             ["--wait", "epoll-spin", "--pattern", "rr", "--depth", "4", "--flows", "3"],
             ["--wait", "io_uring"], ["--wait", "epoll", "--numjobs", "3"],
             ["--rate", "2000"], ["--wait", "epoll", "--pattern", "rr", "--depth", "8"]):
    for protocol in ("tcp", "udp"):
        server, client = pair("--runtime", "0.3", "--protocol", protocol, *more)
        assert client[2].readline() == "ready\n"
        time.sleep(0.05)
        used = cpu(server[0].pid), cpu(client[0].pid)
        time.sleep(0.4)
        # parked: a spinning thread would use hundreds of milliseconds
        for old, p in zip(used, (server[0], client[0])):
            assert cpu(p.pid) - old < 50_000_000, (more, "not parked before go")
        before = received()
        client[1].send(b"go\n")
        assert client[2].readline() == "done\n"
        after = received()
        tasks = [set(os.listdir(f"/proc/{p.pid}/task")) for p in (server[0], client[0])]
        used = cpu(server[0].pid), cpu(client[0].pid)
        time.sleep(0.3)
        for old, p in zip(used, (server[0], client[0])):
            assert cpu(p.pid) - old < 50_000_000, (more, "not parked after done")
        j = finish(server, client)
        for ends, names in zip((j["server"]["tasks"], j["tasks"]), tasks):
            assert {str(t["tid"]) for t in ends} <= names, "a task had gone before done"
        if protocol == "udp":  # the device counts what the loop counts; and the control connection
            extra = after - before - j["packets_received"]
            assert 0 <= extra <= j["control_packets"] + 2, (more, extra, j["control_packets"])
        else:                  # acknowledgements are packets, too
            assert after - before >= j["packets_received"], (after - before, j["packets_received"])

def ends(p, words):
    out, err = p.communicate(timeout=20)
    assert p.returncode == 1 and words in err, (p.returncode, out, err)
    return out

for more in (["--wait", "block"], ["--wait", "spin", "--protocol", "udp"],
             ["--wait", "epoll", "--rate", "1"], ["--pattern", "stream", "--wait", "io_uring"]):
    for step in ("ramp", "ready", "window", "done"):
        server, client = pair("--runtime", "60" if step == "window" else "0.1", "--ramp-time",
                              "60" if step == "ramp" else "0", *more)
        p, s, f = client
        if step == "ramp":
            time.sleep(0.3)
        else:
            assert f.readline() == "ready\n"
            if step != "ready":
                s.send(b"go\n")
            if step == "done":
                assert f.readline() == "done\n"
        s.close(); f.close()
        assert not ends(p, "closed the control channel" if step in ("ramp", "window")
                        else "closed before")
        ends(server[0], "the client closed")
# the server's harness goes: the server ends, and the client says so
for when in ("listening", "running"):
    server, client = (start("serve", ["nsenter", "--net=" + netns], "--bind", "10.77.0.2"), None)
    assert server[2].readline() == "ready\n"
    if when == "running":
        client = start("run", [], "--server", "10.77.0.2", "--runtime", "60")
        assert client[2].readline() == "ready\n"
        client[1].send(b"go\n")
        time.sleep(0.3)
    server[1].close(); server[2].close()
    ends(server[0], "the harness closed the control channel")
    if client:
        assert not ends(client[0], "server")
server, client = pair()
assert client[2].readline() == "ready\n"
client[1].send(b"hello\n")                             # speaks another language
assert not ends(client[0], 'came where "go" was due')
ends(server[0], "the client closed")
server, client = pair("--runtime", "60")               # a signal
assert client[2].readline() == "ready\n"
client[1].send(b"go\n")
time.sleep(0.2)
client[0].terminate()
assert not ends(client[0], "ended by Terminated")
ends(server[0], "the client closed")
# the token is in no command line
server, client = pair("--runtime", "60")
assert client[2].readline() == "ready\n"
for p in (server[0], client[0]):
    assert token.encode() not in open(f"/proc/{p.pid}/cmdline", "rb").read()
    assert token.encode() not in open(f"/proc/{p.pid}/environ", "rb").read()
client[1].close(); client[2].close()
for p in (server[0], client[0]):
    p.communicate(timeout=20)
PY
python3 "$dir/control.py" "$netloop" "/proc/$holder/ns/net" "$token" "$(nproc)"
exit $failed
