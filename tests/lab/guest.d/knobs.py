#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""knobs.py IOMODES: every knob of this machine to a different value, read back, and back again.

The knobs are driven through `iomodes with`; what the kernel holds before, meanwhile and after is read
here, by code that shares nothing with them. Prints ok and not ok lines; a knob or instance that has no
second value is a "single" line with the reason, and only those of SINGLE may be that.
"""
import fcntl
import glob
import json
import os
import re
import struct
import subprocess
import sys

IOMODES = sys.argv[1]
WORK = "/tmp/knobs"
# May refuse here, and why that is known; everything else has to change.
SINGLE = {
    "nmi_watchdog": "no hardware counter under emulation",
    "nvme.interrupt-coalescing": "QEMU's controller shows the feature and refuses to change it",
    "nvme.vector-coalescing": "likewise",
    "irq.affinity": "managed vectors, and chips that cannot move theirs",
    "block.iosched": "without a scheduler there are no tunables; tried with one below",
    "block.wbt_lat_usec": "a device without writeback throttling",
}


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read(4096)
    except OSError as e:
        return f"<{e.strerror}>".encode()


def nvme_feature(controller, feature, dword11=0):
    """struct nvme_passthru_cmd of linux/nvme_ioctl.h, opcode Get Features"""
    command = bytearray(struct.pack("<BBHIIIQQIIIIIIIIII", 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                    feature, dword11, 0, 0, 0, 0, 2000, 0))
    with open(f"/dev/{controller}", "rb") as f:
        status = fcntl.ioctl(f, 0xC0484E41, command)
    return f"<status {status:x}>" if status else str(struct.unpack_from("<I", command, 68)[0])


def controllers():
    return sorted(os.path.basename(c) for c in glob.glob("/sys/class/nvme/nvme*"))


def vectors(controller):
    return len(os.listdir(f"/sys/class/nvme/{controller}/device/msi_irqs"))


def snapshot():
    """everything that a knob of this machine could change, by name"""
    seen = {}
    patterns = ["/sys/block/*/queue/*", "/sys/block/*/queue/iosched/*",
                "/sys/kernel/mm/transparent_hugepage/*", "/proc/irq/*/smp_affinity",
                "/proc/sys/net/core/*", "/proc/sys/vm/*", "/sys/class/net/*/queues/*/rps_cpus",
                "/sys/class/net/*/queues/*/xps_cpus", "/sys/class/net/*/gro_flush_timeout",
                "/sys/class/net/*/napi_defer_hard_irqs", "/sys/class/net/*/threaded",
                "/sys/class/net/*/mtu", "/sys/class/net/*/flags"]
    patterns += [f"/proc/sys/kernel/{n}" for n in (
        "io_uring_disabled", "numa_balancing", "sched_autogroup_enabled", "sched_rt_runtime_us",
        "timer_migration", "nmi_watchdog")] + ["/proc/sys/fs/aio-max-nr"]
    for pattern in patterns:
        for path in glob.glob(pattern):
            # written only, or counters
            if os.path.isfile(path) and "compact_memory" not in path and "drop_caches" not in path:
                seen[path] = read(path)
    for c in controllers():
        seen[f"{c} 08h"] = nvme_feature(c, 8)
        for v in range(vectors(c)):
            seen[f"{c} 09h {v}"] = nvme_feature(c, 9, v)
    seen["dma_latency"] = read("/dev/cpu_dma_latency")
    return seen


def irq_number(instance):
    """"0000:41:00.0:nvme0q0" or "timer:timer": the action's name, among the device's vectors"""
    device, name = re.match(r"([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d|[^:]+):(.*)", instance).groups()
    inside = set(os.listdir(f"/sys/bus/pci/devices/{device}/msi_irqs")) if ":" in device else None
    with open("/proc/interrupts") as f:
        cpus = len(f.readline().split())
        for line in f:
            number, _, rest = line.strip().partition(":")
            if number.isdigit() and rest.rstrip().endswith(name) and len(rest.split()) > cpus:
                if inside is None or number in inside:
                    return number
    return None


def kernel_value(knob, instance):
    """what the kernel holds, as the knob writes it; None when this reader does not know the knob"""
    family, _, rest = knob.partition(".")
    if family == "sysctl":
        return read("/proc/sys/" + rest.replace(".", "/")).decode().strip()
    if knob == "nmi_watchdog":
        return read("/proc/sys/kernel/nmi_watchdog").decode().strip()
    if family == "thp":
        return re.search(r"\[(.*)\]", read(f"/sys/kernel/mm/transparent_hugepage/{rest}").decode())[1]
    if knob == "cpu.idle":
        return str(struct.unpack("<i", read("/dev/cpu_dma_latency")[:4])[0])
    if knob == "irq.affinity":
        return read(f"/proc/irq/{irq_number(instance)}/smp_affinity_list").decode().strip()
    if knob == "nvme.interrupt-coalescing":
        raw = int(nvme_feature(instance, 8))
        return f"{(raw & 255) + 1},{(raw >> 8 & 255) * 100}"
    if knob == "nvme.vector-coalescing":
        controller, _, vector = instance.partition(":")
        return "0" if int(nvme_feature(controller, 9, int(vector))) & 1 << 16 else "1"
    if knob == "block.scheduler":
        return re.search(r"\[(.*)\]", read(f"/sys/block/{instance}/queue/scheduler").decode())[1]
    if family == "block" and rest != "iosched":
        return read(f"/sys/block/{instance}/queue/{rest}").decode().strip()
    return None


def others(knob, instance, old):
    """values to try, best first"""
    words = {"thp.enabled": ["madvise", "never", "always"], "thp.defrag": ["never", "always", "madvise"],
             "block.nomerges": ["2", "1"], "block.rq_affinity": ["2", "1", "0"],
             "irq.affinity": ["1", "2", "0"], "cpu.idle": ["100"],
             "nvme.interrupt-coalescing": ["8,100", "1,0"], "irqbalance.banned": ["1", "0"]}
    if knob in words:
        return [w for w in words[knob] if w != old]
    if knob == "block.scheduler":
        all_ = read(f"/sys/block/{instance}/queue/scheduler").decode().replace("[", "").replace("]", "")
        return [w for w in all_.split() if w != old]
    if re.fullmatch(r"-?\d+", old):
        n = int(old)
        return [str(v) for v in ([1 - n, n + 1] if n in (0, 1) else [n // 2, n + 1, 2 * n])]
    return []


def run_with(settings, look):
    """(exit status, last error line, what `look` saw meanwhile)"""
    command = [IOMODES, "with"]
    for s in settings:
        command += ["--set", s]
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


def try_read(fd):
    try:
        return os.read(fd, 16)
    except BlockingIOError:
        return b""


restless = set()


def steady():
    """the snapshot without what moves by itself"""
    return {k: v for k, v in snapshot().items() if k not in restless}


def check(name, instances, before):
    """all instances of a knob at once where they take it, one by one where not"""
    wanted = {i: others(name, i, old) for i, old in instances}
    label = lambda i: f"{name}:{i}" if i else name
    results = {}
    first = {i: v[0] for i, v in wanted.items() if v}
    refused = []
    while first: # the message names which one is refused: on with the others
        status, why, saw = run_with([f"{label(i)}={v}" for i, v in first.items()],
                                    lambda: {i: kernel_value(name, i) for i in first})
        if status == 0:
            results.update({i: (first[i], saw[i], "") for i in first})
            break
        named = [i for i in first if f"{name} of {i}:" in why] or list(first)
        for i in named:
            results[i] = (None, None, why)
            refused.append(i)
            del first[i]
    for i in refused:
        for value in wanted[i][1:] if name != "irq.affinity" else []:
            status, why, saw = run_with([f"{label(i)}={value}"], lambda i=i: kernel_value(name, i))
            if status == 0:
                results[i] = (value, saw, "")
                break
            results[i] = (None, None, why)
    changed = 0
    for i, old in instances:
        value, saw, why = results.get(i, (None, None, f'no other value than "{old}" is known'))
        if value is None:
            known = name in SINGLE
            print(f"{'single' if known else 'not ok'} - {label(i)}: {why}" +
                  (f" ({SINGLE[name]})" if known else ""))
        elif saw is not None and saw != value:
            print(f"not ok - {label(i)}: set to {value}, the kernel held {saw}")
        else:
            changed += 1
            if saw is None:
                print(f"# {label(i)}: read back by iomodes alone")
    after = steady()
    differ = [f"{k}: {before.get(k)} {after.get(k)}" for k in sorted(before.keys() | after.keys())
              if before.get(k) != after.get(k)]
    if differ:
        print(f"not ok - {name}: not as before: {'; '.join(differ[:5])}")
    elif changed:
        print(f"ok - {name}: {changed} of {len(instances)} to another value, seen, byte for byte back")


def main():
    os.makedirs(WORK, exist_ok=True)
    knobs = json.loads(subprocess.run([IOMODES, "knob", "list", "--json"], check=True,
                                      capture_output=True).stdout)
    subprocess.run(["modprobe", "-a", "mq-deadline", "bfq", "kyber-iosched"], capture_output=True)
    before = snapshot()
    again = snapshot()
    restless.update(k for k in before if before[k] != again.get(k))
    before = steady()
    if restless:
        print(f"# moves by itself, not compared: {', '.join(sorted(restless))}")
    absent = []
    for k in knobs:
        instances = [(i["instance"], i["value"]) for i in k["instances"] if i["value"] is not None]
        if "read-only" in k["flags"]:
            continue
        if k["knob"].startswith(("net.", "napi.")): # 31-net_knobs.sh
            continue
        if not instances:
            absent.append(k["knob"])
            continue
        check(k["knob"], instances, before)
    for disk in ("nvme0c0n1", "nvme0n1"):
        if "mq-deadline" in read(f"/sys/block/{disk}/queue/scheduler").decode():
            path = f"/sys/block/{disk}/queue/iosched/read_expire"
            status, why, saw = run_with([f"block.scheduler:{disk}=mq-deadline",
                                         f"block.iosched:{disk}=read_expire=400"],
                                        lambda: read(path).decode().strip())
            good = status == 0 and saw == "400" and steady() == before
            print(f"{'ok' if good else 'not ok'} - block.iosched of {disk} below mq-deadline: {saw} {why}")
            break
    print(f"# not on this machine: {', '.join(absent)}")


main()
