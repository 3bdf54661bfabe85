#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""net_knobs.py IOMODES: every network knob of every interface here to another value, seen, and back.

Many at once, as each `with` takes seconds under emulation: a round is one `with` of all knobs that do not
change one another, on all interfaces. What the kernel has before, meanwhile and afterwards is read by
tests/e2e/net_snapshot.py, which shares no code with the knobs (sysfs, ethtool, netlink): meanwhile there has
to be a new line that says the value, afterwards every line is as before. Prints ok, not ok and single lines; a
knob that has no second value on an interface is "single" only when that reader sees it, too.
"""
import json
import os
import re
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../e2e"))
from knob_with import run_with
import net_snapshot

IOMODES = sys.argv[1]
# A knob goes into the first round whose pattern it matches. A feature that others stand on takes them along, a
# device's setting those of its instances, new channels and rings nearly everything; a table that was once set
# by hand may keep channels from being fewer.
ROUNDS = (
    ("features", r"net\.(gro|hw-gro|lro|rx-gro-list|rx-udp-gro-forwarding|gso|tso|uso|rx-hashing|ntuple|"
                 r"hw-tc-offload)"),
    ("wholes and NAPI instances", r"net\.(features|coalescing)|napi\..*"),
    ("channels and rings", r"net\.(channels|rings)"),
    ("tables", r"net\.rss-table"),
    ("the rest", r"net\..*"),
)
# the line of `ethtool -k`, and the kernel's names where that line stands for several
FEATURE = {
    "gro": ("generic-receive-offload",), "hw-gro": ("rx-gro-hw",), "lro": ("large-receive-offload",),
    "rx-gro-list": ("rx-gro-list",), "rx-udp-gro-forwarding": ("rx-udp-gro-forwarding",),
    "gso": ("generic-segmentation-offload",), "uso": ("tx-udp-segmentation",),
    "rx-checksum": ("rx-checksumming",), "rx-hashing": ("receive-hashing",), "ntuple": ("ntuple-filters",),
    "hw-tc-offload": ("hw-tc-offload",), "scatter-gather": ("tx-scatter-gather",),
    "tso": ("tcp-segmentation-offload", "tx-tcp-segmentation", "tx-tcp-ecn-segmentation",
            "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation", "tx-tcp-accecn-segmentation"),
    "tx-checksum": ("tx-checksumming", "tx-checksum-ipv4", "tx-checksum-ip-generic", "tx-checksum-ipv6",
                    "tx-checksum-sctp"),
}
WORDS = {"rx": "RX", "tx": "TX", "combined": "Combined", "other": "Other"} # of ethtool -l and -g
FILES = {"defer-hard-irqs": "napi_defer_hard_irqs", "gro-flush-timeout": "gro_flush_timeout",
         "threaded": "threaded"}
NUMBERS = {"napi.defer-hard-irqs": "100", "napi.gro-flush-timeout": "20000", "napi.irq-suspend-timeout": "20000000",
           "net.defer-hard-irqs": "50", "net.gro-flush-timeout": "30000", "net.rps-cpus": "2", "net.xps-cpus": "2",
           "net.xps-rxqs": "1", "net.rps-flow-cnt": "64"}


# What a driver shows and does not let change: the knobs, words of the refusal, why that is so. It is tried on one
# instance each.
REFUSED = {
    "virtio_net": (r"net\.(rx-usecs|tx-usecs|rx-frames|adaptive-rx|queue-(usecs|frames|adaptive))",
                   "Operation not supported|Invalid argument|the driver took .* and has", # the last: adaptive
                   "QEMU's virtio-net cannot delay interrupts"),
}
# Changed only while the interface is down: virtio-net's way of asking for interrupts of sent packets.
WHILE_DOWN = {"virtio_net": {"net.tx-frames": "0", "net.coalescing": "tx-frames=0"}}
SETTINGS_MAX = 60 # of one `with`


def driver(device):
    link = f"/sys/class/net/{device}/device/driver"
    return os.path.basename(os.readlink(link)) if os.path.exists(link) else ""


def split(instance):
    """"eth0:rx-0", "eth0#3", "eth0" -> device, the rest"""
    device, part = re.fullmatch(r"([^:#]+)[:#]?(.*)", instance).groups()
    return device, part


class Seen(list):
    """lines of the reader"""

    def value(self, head):
        for line in self:
            if line.startswith(head + " ") or line == head:
                return line[len(head) + 1:]
        return None

    def is_fixed(self, device, names):
        lines = [self.value(f"{device} -k {n}:") for n in (names[1:] or names)]
        return all(l is None or "[fixed]" in l for l in lines)

    def limits(self, device, option):
        """{"RX": (most, now)} of ethtool -l or -g, which say each twice"""
        both = {}
        for line in self:
            m = re.fullmatch(rf"{device} {option} ([A-Za-z ]+): (\d+)", line)
            if m:
                both.setdefault(m[1], []).append(int(m[2]))
        return {k: v for k, v in both.items() if len(v) == 2}


def look():
    return Seen(net_snapshot.look(sorted(os.listdir("/sys/class/net"))))


def other_words(old, limits):
    """"rx=256 tx=256" halved or doubled, what can be; None: none can"""
    words = []
    for name, now in (w.split("=") for w in old.split()):
        most, _ = limits.get(WORDS.get(name), (0, 0))
        now = int(now)
        if now > 1:
            words.append(f"{name}={now // 2}")
        elif 0 < now < most:
            words.append(f"{name}={min(2 * now, most)}")
    return " ".join(w for w in words if not w.startswith("other")) or None


def other_features(device, old, seen):
    """one feature that has no knob of its own"""
    own = {n for names in FEATURE.values() for n in names}
    for word in old.split():
        name, state = word.split("=")
        if name not in own and name.startswith("tx-") and seen.value(f"{device} -k {name}:") == state:
            return f"{name}={'off' if state == 'on' else 'on'}"
    return None


def other(knob, instance, old, seen):
    """(another value, why there is none); what the reader sees decides"""
    device, part = split(instance)
    name = knob.partition(".")[2]
    if name in FEATURE and seen.is_fixed(device, FEATURE[name]):
        return None, "the driver has it fixed"
    if name in FEATURE: # several that differ: all off
        return {"off": "on", "on-wanted-off": "on"}.get(old, "off"), ""
    if knob == "net.features":
        return other_features(device, old, seen), f'nothing to change in "{old}"'
    if knob == "net.coalescing": # igb and e1000e: 10 to 10000 us
        return " ".join(f"{w.split('=')[0]}={60 + n}" for n, w in enumerate(old.split())), ""
    if knob in ("net.channels", "net.rings"):
        limits = seen.limits(device, "-l" if knob == "net.channels" else "-g")
        return other_words(old, limits), f'"{old}" is all there may be'
    if knob == "net.rss-table": # 128 entries
        many = len(set(old.partition("*")[0].split(","))) > 1
        return "1,0*64" if many else None, f'one queue: "{old}"'
    if knob.endswith(".threaded"):
        if device == "lo":
            return None, "lo has no NAPI instance"
        return str(1 - int(old)), ""
    if name.endswith("-usecs"):
        return "50", ""
    return NUMBERS.get(knob), "this test knows no other value"


def expected(knob, instance, value):
    """patterns, each of which a new line has to match; none: this reader does not know the knob"""
    device, part = split(instance)
    family, _, name = knob.partition(".")
    if family == "napi":
        return [rf"{device}#{part} (.* )?{name}={value}( .*)?"]
    if name in FEATURE:
        return [f"{device} -k {FEATURE[name][0]}: {value}"]
    if name in FILES:
        return [f"{device} {FILES[name]} {value}"]
    if name.startswith(("rps-", "xps-")):
        return [f"/sys/class/net/{device}/queues/{part}/{name.replace('-', '_')} [0,]*{value}"]
    words = [w.split("=") for w in value.split()] if "=" in value else None
    if name == "features":
        return [f"{device} -k {n}: {v}" for n, v in words]
    if name == "coalescing":
        return [f"{device} -c {n}: {v}" for n, v in words]
    if name in ("channels", "rings"):
        return [f"{device} {'-l' if name == 'channels' else '-g'} {WORDS[n]}: {v}" for n, v in words]
    if name == "rss-table":
        return [rf"{device} -x 0: 1 0 1 0 .*"]
    if name.endswith(("-usecs", "-frames")):
        return [f"{device} -c {name}: {value}"]
    return []


def is_absent(knob, instance, seen):
    """the reader, too, has nothing of it"""
    device, part = split(instance)
    name = knob.partition(".")[2]
    if name.startswith("queue-"):
        asked = subprocess.run(["ethtool", "--per-queue", device, "queue_mask", "0x1", "--show-coalesce"],
                               capture_output=True, text=True)
        return asked.returncode != 0
    if name in FEATURE:
        return seen.value(f"{device} -k {FEATURE[name][0]}:") is None
    if name.startswith(("rps-", "xps-")):
        line = seen.value(f"/sys/class/net/{device}/queues/{part}/{name.replace('-', '_')}")
        return line is None or line.startswith("<")
    if name in ("channels", "rings", "rss-table", "coalescing"):
        line = seen.value(f"{device} {({'channels': '-l', 'rings': '-g', 'rss-table': '-x'}).get(name, '-c')}")
        return line is None or line.startswith("<") or "<" in line
    if knob.startswith("napi."):
        line = seen.value(f"{device}#{part}")
        return line is None or f"{name}=" not in line
    return not re.fullmatch(r"\d+", seen.value(f"{device} -c {name}:") or "")


def say(good, text):
    print("ok" if good else "not ok", "-", text, flush=True)


class Choice:
    """what becomes of each instance"""

    def __init__(self, knobs, seen):
        self.settings, self.single, self.refused, self.down = [], {}, {}, []
        for k in knobs:
            for i in k["instances"]:
                self.take(k["knob"], i["instance"], i["value"], i["why"], seen)

    def take(self, knob, instance, old, why, seen):
        device, _ = split(instance)
        pattern, words, reason = REFUSED.get(driver(device), ("", "", ""))
        down = WHILE_DOWN.get(driver(device), {})
        if old is None:
            self.single.setdefault((knob, re.sub(r"^\S+( of \S+)?: ", "", why)), []).append(instance)
            if not is_absent(knob, instance, seen):
                say(False, f"{knob} of {instance} cannot be read, but this reader can: {why}")
        elif knob in down:
            self.down.append((knob, instance, down[knob]))
        elif re.fullmatch(pattern, knob):
            self.refused.setdefault((knob, words, reason), []).append((instance, "1" if old == "0" else "0"))
        else:
            value, why = other(knob, instance, old, seen)
            if value is None and why.startswith("this test"):
                say(False, f"{knob} of {instance}: {why}")
            elif value is None:
                self.single.setdefault((knob, why), []).append(instance)
            else:
                self.settings.append((knob, instance, value))

    def show(self):
        for (knob, why), instances in sorted(self.single.items()):
            print(f"single - {knob} of {' '.join(instances[:8])}{' …' if len(instances) > 8 else ''}: {why}")
        for (knob, words, reason), which in self.refused.items():
            (instance, value), others = which[0], " ".join(i for i, v in which[1:])
            status, why, _ = run_with(IOMODES, [f"{knob}:{instance}={value}"], lambda: None)
            if status != 0 and f"{knob} of {instance}:" in why and re.search(words, why):
                print(f"single - {why} ({reason}; likewise {others})")
            else:
                say(False, f"{knob}:{instance}={value}: {reason}, but: {why or 'it was taken'}")


def chunks(settings):
    """no more than a command takes, an interface's together"""
    part = []
    for device in dict.fromkeys(split(i)[0] for k, i, v in settings):
        mine = [s for s in settings if split(s[1])[0] == device]
        if part and len(part) + len(mine) > SETTINGS_MAX:
            yield part
            part = []
        part = part + mine
    if part:
        yield part


def play(title, settings, before):
    """one round: settings are (knob, instance, value)"""
    begun = time.monotonic()
    status, why, seen = 1, "", None
    while settings:
        status, why, seen = run_with(IOMODES, [f"{k}:{i}={v}" for k, i, v in settings], look)
        if status == 0:
            break
        say(False, f"{title}: {why}")
        rest = [(k, i, v) for k, i, v in settings if f"{k} of {i}:" not in why]
        settings = rest if len(rest) < len(settings) else []
    new = set(seen or []) - set(before)
    done = {}
    for knob, instance, value in settings:
        patterns = expected(knob, instance, value)
        unseen = [p for p in patterns if not any(re.fullmatch(p, l) for l in new)]
        if not patterns or unseen:
            say(False, f"{knob}:{instance}={value}: " + (f"set, but not seen: {unseen}" if patterns else
                                                        "nothing that this reader knows"))
        else:
            done.setdefault(knob, []).append(f"{instance}={value}")
    for knob, which in done.items():
        more = f" and {len(which) - 6} more" if len(which) > 6 else ""
        say(True, f"{knob}: {len(which)} to another value, seen: {' '.join(which[:6])}{more}")
    after = look()
    differ = sorted(set(after) ^ set(before))
    good = sorted(after) == sorted(before)
    say(good, f"{title}: afterwards all {len(before)} lines are as before" + ("" if good else f": {differ[:6]}"))
    print(f"# {title}: {len(settings)} settings, {time.monotonic() - begun:.1f} s", flush=True)


def main():
    listed = []
    for prefix in ("net.", "napi."):
        listed += json.loads(subprocess.run([IOMODES, "knob", "list", prefix, "--json"], check=True,
                                            capture_output=True).stdout)
    knobs = [k for k in listed if "read-only" not in k["flags"]]
    earlier, before = None, look()
    while earlier != before: # links have just come up
        earlier, before = before, look()
    choice = Choice(knobs, before)
    choice.show()
    left = choice.settings
    for title, pattern in ROUNDS:
        mine = [s for s in left if re.fullmatch(pattern, s[0])]
        left = [s for s in left if s not in mine]
        for part in chunks(mine):
            play(title, part, before)
    devices = sorted({i for k, i, v in choice.down})
    for d in devices:
        subprocess.run(["ip", "link", "set", d, "down"], check=True)
    before = look()
    for knob in sorted({k for k, i, v in choice.down}):
        play("while down", [s for s in choice.down if s[0] == knob], before)
    for d in devices:
        subprocess.run(["ip", "link", "set", d, "up"], check=True)
    absent = [k["knob"] for k in knobs if not k["instances"]]
    print(f"# not on this machine: {', '.join(absent)}")


main()
