#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""knobs.py IOMODES DEBUGFS: every knob of this machine to a different value, read back, and back again.

The knobs are driven through `iomodes with`; what the kernel holds before, meanwhile and after is read
here, by code that shares nothing with them. Prints ok and not ok lines; an instance that has no second
value is a "single" line with the reason, and only those of SINGLE may be that: any other refusal is a failure.
"""
import fcntl
import glob
import json
import os
import re
import struct
import subprocess
import sys

from knob_with import read, run_with

IOMODES = sys.argv[1]
DEBUGFS = sys.argv[2]
# Which instances may refuse, in which words, and why that is known; everything else has to change.
SINGLE = {
    "nmi_watchdog": ("", "the kernel refuses", "no hardware counter under emulation"),
    "nvme.interrupt-coalescing": ("nvme[01]", "Feature Not Changeable",
                                  "QEMU's controller shows the feature and refuses to change it"),
    "nvme.vector-coalescing": ("nvme[01]:[0-4]", "Feature Not Changeable", "likewise"),
    "irq.affinity": ("[0-9a-f:.]+:nvme[01]q[1-4]|timer:timer", "is managed by the kernel",
                     "the queues' vectors are managed, and the timer's is the kernel's own"),
    "block.iosched": ("nullb0|nvme0n1|nvme1c1n1", "no other value",
                      "without a scheduler there are no tunables; tried with one below"),
}
NOT_ASKED = "the kernel or the device refuses this reader, too; iomodes was asked for"
# What has to move where it is: an administrator may move these vectors.
MOVES = {"irq.affinity": [r".*:nvme0q0", r".*:nvme1q0"]}
# Neither governors nor turbo under emulation; no irqbalance runs.
ABSENT = {"cpu.governor", "cpu.turbo", "irqbalance.banned", "irqbalance.running"}


def nvme_feature(controller, feature, dword11=0, opcode=0x0A):
    """struct nvme_passthru_cmd of linux/nvme_ioctl.h, opcode Get Features"""
    command = bytearray(struct.pack("<BBHIIIQQIIIIIIIIII", opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                    feature, dword11, 0, 0, 0, 0, 2000, 0))
    with open(f"/dev/{controller}", "rb") as f:
        status = fcntl.ioctl(f, 0xC0484E41, command)
    return f"<status {status:x}>" if status else str(struct.unpack_from("<I", command, 68)[0])


def controllers():
    return sorted(os.path.basename(c) for c in glob.glob("/sys/class/nvme/nvme*"))


def vectors(controller):
    return len(os.listdir(f"/sys/class/nvme/{controller}/device/msi_irqs"))


def poll_queues(pci):
    """hardware queues of type poll of the controller's first namespace, as debugfs has them"""
    for path in sorted(glob.glob(f"/sys/bus/pci/devices/{pci}/nvme/nvme*/nvme*n1")):
        types = [read(t) for t in glob.glob(f"{DEBUGFS}/block/{os.path.basename(path)}/hctx*/type")]
        if types:
            return str(types.count(b"poll\n"))
    return None


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
        pci = os.path.basename(os.readlink(f"/sys/class/nvme/{c}/device"))
        seen[f"{c} poll queues"] = poll_queues(pci)
    seen["nvme.poll_queues"] = read("/sys/module/nvme/parameters/poll_queues")
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
    if knob == "nvme.poll_queues":
        return poll_queues(instance)
    if knob == "nvme.poll_queues_parameter":
        return read("/sys/module/nvme/parameters/poll_queues").decode().strip()
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
             "nvme.interrupt-coalescing": ["8,100", "1,0"], "nvme.vector-coalescing": ["0", "1"], "irqbalance.banned": ["1", "0"]}
    if knob in words:
        return [w for w in words[knob] if w != old]
    if knob == "block.scheduler":
        all_ = read(f"/sys/block/{instance}/queue/scheduler").decode().replace("[", "").replace("]", "")
        return [w for w in all_.split() if w != old]
    if re.fullmatch(r"-?\d+", old):
        n = int(old)
        return [str(v) for v in ([1 - n, n + 1] if n in (0, 1) else [n // 2, n + 1, 2 * n])]
    return []


def may_refuse(knob, instance):
    return knob in SINGLE and re.fullmatch(SINGLE[knob][0], instance)


def asks_in_vain(knob, instance):
    """does the kernel, or the device, refuse this reader the value that is there? Of knobs that many refuse."""
    try:
        if knob == "irq.affinity":
            path = f"/proc/irq/{irq_number(instance)}/smp_affinity_list"
            own = read(path)
            with open(path, "wb") as f:
                f.write(own)
            return False
        controller, _, vector = instance.partition(":")
        own = int(nvme_feature(controller, 9, int(vector))) & 1 << 16
        return nvme_feature(controller, 9, int(vector) | own, opcode=0x09).startswith("<status")
    except OSError:
        return True


# Tried one knob at a time: some instances refuse, or a write changes other knobs.
ALONE = r"irq\..*|irqbalance\..*|nvme\..*|nmi_watchdog|block\.(scheduler|iosched|wbt_lat_usec|nr_requests)"
SETTINGS_MAX = 60 # of one `with`
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
    # A `with` each takes long: of a device's instances that may refuse, and refuse this reader as well, one is tried.
    if name in ("irq.affinity", "nvme.vector-coalescing"):
        asked = {}
        for i in [i for i in first if may_refuse(name, i) and asks_in_vain(name, i)]:
            device = i.rpartition(":")[0]
            if device in asked:
                results[i] = (None, None, f"{NOT_ASKED} {asked[device]}")
                del first[i]
            asked.setdefault(device, i)
    while first: # the message names which one is refused: on with the others
        status, why, saw = run_with(IOMODES, [f"{label(i)}={v}" for i, v in first.items()],
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
            status, why, saw = run_with(IOMODES, [f"{label(i)}={value}"], lambda i=i: kernel_value(name, i))
            if status == 0:
                results[i] = (value, saw, "")
                break
            results[i] = (None, None, why)
    changed = []
    for i, old in instances:
        value, saw, why = results.get(i, (None, None, f'no other value than "{old}" is known'))
        if value is None:
            known = may_refuse(name, i) and re.search(SINGLE[name][1] + "|" + NOT_ASKED, why)
            print(f"{'single' if known else 'not ok'} - {label(i)}: {why}" +
                  (f" ({SINGLE[name][2]})" if known else " (it is not among those that may refuse)"))
        elif saw is not None and saw != value:
            print(f"not ok - {label(i)}: set to {value}, the kernel held {saw}")
        elif saw is None:
            print(f"not ok - {label(i)}: this reader does not know where to look for it")
        else:
            changed.append(i)
    for pattern in MOVES.get(name, []):
        if not any(re.fullmatch(pattern, i) for i in changed):
            print(f"not ok - {name}: none of {pattern} changed")
    after = steady()
    differ = [f"{k}: {before.get(k)} {after.get(k)}" for k in sorted(before.keys() | after.keys())
              if before.get(k) != after.get(k)]
    if differ:
        print(f"not ok - {name}: not as before: {'; '.join(differ[:5])}")
    elif changed:
        print(f"ok - {name}: {len(changed)} of {len(instances)} to another value, seen, byte for byte back")


def check_many(group, before):
    """Knobs of ALONE's complement, one value each, in one `with`: a call takes most of a second under emulation.
    Whoever is refused, or not known to this reader, is left to check()."""
    label = lambda n, i: f"{n}:{i}" if i else n
    settings = {(n, i): values[0] for n, i, old in group if (values := others(n, i, old))}
    while settings:
        status, why, saw = run_with(IOMODES, [f"{label(n, i)}={v}" for (n, i), v in settings.items()],
                                    lambda: {s: kernel_value(*s) for s in settings})
        if status == 0:
            break
        named = [s for s in settings if (f"{s[0]} of {s[1]}:" if s[1] else f"{s[0]}:") in why]
        settings = {s: v for s, v in settings.items() if named and s not in named}
    settings = {s: v for s, v in settings.items() if saw[s] is not None}
    seen = {}
    for (n, i), value in settings.items():
        if saw[n, i] == value:
            seen.setdefault(n, []).append(i)
        else:
            print(f"not ok - {label(n, i)}: set to {value}, the kernel held {saw[n, i]}")
    after = steady()
    differ = [k for k in sorted(before.keys() | after.keys()) if before.get(k) != after.get(k)]
    for k in differ:
        print(f"not ok - {k}: {before.get(k)} before, {after.get(k)} after {', '.join(seen)}")
    if not differ:
        for n, which in seen.items():
            print(f"ok - {n}: {len(which)} to another value, seen, byte for byte back")
    return [one for one in group if one[:2] not in settings]


def unread(knob, instances):
    """those without a value: this reader must not know one either"""
    for i in instances:
        try:
            value = kernel_value(knob, i["instance"])
        except (TypeError, ValueError): # not even something to take apart
            value = None
        good = value is None or value.startswith("<")
        print(f"{'single' if good else 'not ok'} - {i['why']}" + ("" if good else f": but it is {value}"))


def main():
    knobs = json.loads(subprocess.run([IOMODES, "knob", "list", "--json"], check=True,
                                      capture_output=True).stdout)
    subprocess.run(["modprobe", "-a", "mq-deadline", "bfq", "kyber-iosched"], capture_output=True)
    before = snapshot()
    again = snapshot()
    restless.update(k for k in before if before[k] != again.get(k))
    before = steady()
    if restless:
        print(f"# moves by itself, not compared: {', '.join(sorted(restless))}")
    absent, group = [], []
    for k in knobs:
        instances = [(i["instance"], i["value"]) for i in k["instances"] if i["value"] is not None]
        if "read-only" in k["flags"] or k["knob"].startswith(("net.", "napi.")): # net_knobs.py
            continue
        unread(k["knob"], [i for i in k["instances"] if i["value"] is None])
        if not k["instances"]:
            absent.append(k["knob"])
        elif re.fullmatch(ALONE, k["knob"]):
            check(k["knob"], instances, before)
        else:
            group += [(k["knob"], i, old) for i, old in instances]
    while group:
        part, group = group[:SETTINGS_MAX], group[SETTINGS_MAX:]
        for name, instance, old in check_many(part, before):
            check(name, [(instance, old)], before)
    for disk in ("nvme0c0n1", "nvme0n1"):
        if "mq-deadline" in read(f"/sys/block/{disk}/queue/scheduler").decode():
            path = f"/sys/block/{disk}/queue/iosched/read_expire"
            status, why, saw = run_with(IOMODES, [f"block.scheduler:{disk}=mq-deadline",
                                                  f"block.iosched:{disk}=read_expire=400"],
                                        lambda: read(path).decode().strip())
            good = status == 0 and saw == "400" and steady() == before
            print(f"{'ok' if good else 'not ok'} - block.iosched of {disk} below mq-deadline: {saw} {why}")
            break
    good = set(absent) <= ABSENT
    print(f"{'ok' if good else 'not ok'} - not on this machine: {', '.join(absent)}")


main()
