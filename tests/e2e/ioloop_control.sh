#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The control channel: the window is what lies between "ready" and "done", and the device's own
# counter agrees with the loop's; the loop ends when the harness does, at every step.
set -euo pipefail
. "$IOMODES_SOURCE/tests/e2e/ioloop_lib.sh"
command -v python3 >/dev/null || skip "python3 is not installed"
scratch file 16M
cat >"$dir/control.py" <<'PY'
import json, os, socket, subprocess, sys
ioloop, target = sys.argv[1:]

def start(*more):
    ours, theirs = socket.socketpair()
    p = subprocess.Popen([ioloop, "--control-fd", str(theirs.fileno()), *more, target],
                         pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    theirs.close()
    ours.settimeout(20)
    return p, ours, ours.makefile("r")

def reads_of(pid):  # rchar-like count that the kernel keeps for the process
    return dict(l.split(": ") for l in open(f"/proc/{pid}/io").read().splitlines())

for more in (["--iodepth", "16"], ["--engine", "aio", "--iodepth", "4"], ["--engine", "sync"],
             ["--sqpoll", "--iodepth", "8"], ["--rate-iops", "1000"], ["--iodepth", "8", "--numjobs", "3"]):
    p, s, f = start("--ramp-time", "0.1", "--runtime", "0.3", *more)
    assert f.readline() == "ready\n"
    before = reads_of(p.pid)
    s.send(b"go\n")
    assert f.readline() == "done\n"
    after = reads_of(p.pid)
    tasks = set(os.listdir(f"/proc/{p.pid}/task"))
    s.send(b"exit\n")
    out, err = p.communicate(timeout=10)
    assert p.returncode == 0, err
    j = json.loads(out)
    assert {str(t["tid"]) for t in j["tasks"]} <= tasks, "a task had gone before done"
    counted = int(after["read_bytes"]) - int(before["read_bytes"])
    assert counted == j["ios_total"] * 4096, (more, counted, j["ios_total"] * 4096)
    assert f.readline() == ""

def ends(p, words):
    out, err = p.communicate(timeout=10)
    assert p.returncode == 1 and not out and words in err, (p.returncode, out, err)

for more in (["--iodepth", "16"], ["--sqpoll"], ["--rate-iops", "1"]):
    p, s, f = start("--ramp-time", "60", *more)       # gone during the ramp
    s.close(); f.close()
    ends(p, "closed the control channel")
    p, s, f = start(*more)                             # gone at ready
    assert f.readline() == "ready\n"
    s.close(); f.close()
    ends(p, "closed before")
    p, s, f = start("--runtime", "60", *more)          # gone in the window
    assert f.readline() == "ready\n"
    s.send(b"go\n")
    s.close(); f.close()
    ends(p, "closed the control channel")
    p, s, f = start("--runtime", "0.1", *more)         # gone at done
    assert f.readline() == "ready\n"
    s.send(b"go\n")
    assert f.readline() == "done\n"
    s.close(); f.close()
    ends(p, "closed before")
p, s, f = start()                                      # speaks another language
assert f.readline() == "ready\n"
s.send(b"hello\n")
ends(p, 'came where "go" was due')
PY
python3 "$dir/control.py" "$ioloop" "$dir/file"
