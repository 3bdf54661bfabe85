# SPDX-License-Identifier: Apache-2.0
"""Settings through `iomodes with`, and a look at the kernel while they are in force."""
import os
import subprocess

WORK = "/tmp/knobs"


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read(4096)
    except OSError as e:
        return f"<{e.strerror}>".encode()


def try_read(fd):
    try:
        return os.read(fd, 16)
    except BlockingIOError:
        return b""


def run_with(iomodes, settings, look):
    """(exit status, last error line, what `look` saw meanwhile)"""
    command = [iomodes, "with"]
    for s in settings:
        command += ["--set", s]
    os.makedirs(WORK, exist_ok=True)
    for f in ("go", "ready"):
        if os.path.exists(f"{WORK}/{f}"):
            os.unlink(f"{WORK}/{f}")
    os.mkfifo(f"{WORK}/go")
    os.mkfifo(f"{WORK}/ready")
    script = f"echo ready > {WORK}/ready; read x < {WORK}/go"
    with open(f"{WORK}/err", "w") as err:
        child = subprocess.Popen(command + ["--", "sh", "-c", script], stdout=err, stderr=err)
        saw = None
        ready = os.open(f"{WORK}/ready", os.O_RDONLY | os.O_NONBLOCK)
        while child.poll() is None and not (word := try_read(ready)):
            try:
                child.wait(0.02)
            except subprocess.TimeoutExpired:
                pass
        else:
            word = child.returncode is None
        os.close(ready)
        if word:
            saw = look()
            with open(f"{WORK}/go", "w") as go:
                go.write("x\n")
        status = child.wait()
    lines = read(f"{WORK}/err").decode().strip().splitlines()
    return status, lines[-1] if lines else "", saw
