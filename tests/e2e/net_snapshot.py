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


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else f"<{done.stderr.strip()}>"


def main():
    devices = sys.argv[1:] or sorted(os.path.basename(d) for d in glob.glob("/sys/class/net/*"))
    for d in devices:
        for name in ("flags", "mtu", "address", "napi_defer_hard_irqs", "gro_flush_timeout", "threaded"):
            try:
                with open(f"/sys/class/net/{d}/{name}") as f:
                    print(f"{d} {name} {f.read().strip()}")
            except OSError as e:
                print(f"{d} {name} <{e.strerror}>")
        for path in sorted(glob.glob(f"/sys/class/net/{d}/queues/*/?ps_*")):
            try:
                with open(path) as f:
                    print(path, f.read().strip())
            except OSError as e:
                print(path, f"<{e.strerror}>")
        is_card = os.path.exists(f"/sys/class/net/{d}/device")
        for option in ("-k", "-l", "-c", "-g", "-x", "-n") if is_card else ("-k", "-l"):
            for line in run("ethtool", option, d).splitlines():
                print(d, option, *line.split())
        for n, values in enumerate(napis(d)):
            values.pop("id")
            print(f"{d}#{n}", *(f"{k}={v}" for k, v in sorted(values.items())))
    pci = [os.path.realpath(f"/sys/class/net/{d}/device/msi_irqs") for d in devices]
    for irq in sorted((i for p in pci if os.path.isdir(p) for i in os.listdir(p)), key=int):
        names = [os.path.basename(os.path.dirname(p)) for p in glob.glob(f"/proc/irq/{irq}/*/")]
        with open(f"/proc/irq/{irq}/smp_affinity_list") as f:
            print("vector", *names, f.read().strip())


main()
