#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the kernel holds of the network devices of this namespace: sysfs, ethtool, and the NAPI instances by
generic netlink. Shares no code with the knobs. Usage: net_snapshot.py [DEVICE...]"""
import glob
import os
import socket
import struct
import subprocess
import sys

NLMSG_ERROR, NLMSG_DONE = 2, 3
REQUEST, DUMP = 1, 0x300
GENL_ID_CTRL, GETFAMILY, FAMILY_ID, FAMILY_NAME = 16, 3, 1, 2
NAPI_GET = 11
# of Documentation/netlink/specs/netdev.yaml, "napi"; the id and the thread's pid change by themselves
NAPI = {1: "ifindex", 2: "id", 3: "irq", 5: "defer-hard-irqs", 6: "gro-flush-timeout",
        7: "irq-suspend-timeout", 8: "threaded"}


def attribute(kind, payload):
    length = 4 + len(payload)
    return struct.pack("HH", length, kind) + payload + bytes(-length % 4)


def attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from("HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3:]


def ask(family, command, flags, body):
    """the attribute streams of the answers; None when the kernel refuses"""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as s:
        s.bind((0, 0))
        message = struct.pack("BBH", command, 1, 0) + body
        s.send(struct.pack("IHHII", 16 + len(message), family, REQUEST | flags, 1, 0) + message)
        answers = []
        while True:
            data = s.recv(1 << 18)
            while data:
                length, kind = struct.unpack_from("IH", data)
                if kind == NLMSG_ERROR:
                    return None
                if kind == NLMSG_DONE:
                    return answers
                answers.append(data[20:length])
                data = data[(length + 3) & ~3:]
            if not flags & DUMP:
                return answers


def family(name):
    answers = ask(GENL_ID_CTRL, GETFAMILY, 0, attribute(FAMILY_NAME, name.encode() + b"\0"))
    return struct.unpack("H", dict(attributes(answers[0]))[FAMILY_ID])[0] if answers else None


def napis(device):
    """settings of each instance, in order of the ids"""
    number = family("netdev")
    index = struct.pack("I", socket.if_nametoindex(device))
    found = []
    for answer in ask(number, NAPI_GET, DUMP, attribute(1, index)) or [] if number else []:
        values = {NAPI[k]: int.from_bytes(v, sys.byteorder) for k, v in attributes(answer) if k in NAPI}
        found.append(values)
    return sorted(found, key=lambda v: v["id"])


def start(*command):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def vector_name(irq):
    """what the driver calls it: the number is the kernel's choice at each request"""
    names = (os.path.basename(os.path.dirname(p)) for p in glob.glob(f"/proc/irq/{irq}/*/"))
    return "+".join(sorted(names)) or str(irq)


def files(device):
    for name in ("flags", "mtu", "address", "napi_defer_hard_irqs", "gro_flush_timeout", "threaded"):
        yield f"{device} {name}", f"/sys/class/net/{device}/{name}"
    for path in sorted(glob.glob(f"/sys/class/net/{device}/queues/*/?ps_*")):
        yield path, path


def look(devices):
    """every line; a value that the kernel refuses is <its words>"""
    asked = [] # all at once, read below
    for d in devices:
        is_card = os.path.exists(f"/sys/class/net/{d}/device")
        for option in ("-k", "-l", "-c", "-g", "-x", "-n") if is_card else ("-k", "-l"):
            asked.append((d, option, start("ethtool", option, d)))
    lines = []
    for d in devices:
        for name, path in files(d):
            try:
                with open(path) as f:
                    lines.append(f"{name} {f.read().strip()}")
            except OSError as e:
                lines.append(f"{name} <{e.strerror}>")
        for n, values in enumerate(napis(d)):
            values.pop("id")
            if "irq" in values:
                values["irq"] = vector_name(values["irq"])
            lines.append(" ".join([f"{d}#{n}", *(f"{k}={v}" for k, v in sorted(values.items()))]))
    for d, option, process in asked:
        out, words = process.communicate()
        for line in (out if process.returncode == 0 else f"<{words.strip()}>").splitlines():
            lines.append(" ".join([d, option, *line.split()]))
    pci = [os.path.realpath(f"/sys/class/net/{d}/device/msi_irqs") for d in devices]
    vectors = []
    for irq in (i for p in pci if os.path.isdir(p) for i in os.listdir(p)):
        with open(f"/proc/irq/{irq}/smp_affinity_list") as f:
            vectors.append(f"vector {vector_name(irq)} {f.read().strip()}")
    lines += sorted(vectors)
    return lines


if __name__ == "__main__":
    print("\n".join(look(sys.argv[1:] or sorted(os.path.basename(d) for d in glob.glob("/sys/class/net/*")))))
