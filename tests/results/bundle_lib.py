#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the tests of bundles do to them: archives that no bundle may be, runs that say other things,
one byte changed. Written apart from the program: BagIt, seals and digests are made here again."""
import gzip, hashlib, io, json, os, random, re, sys, tarfile


def canonical(record):
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def real(x):
    """jansson's text of a real with 15 digits, as records are sealed."""
    t = "%.15g" % x
    if "." not in t and "e" not in t:
        t += ".0"
    m = re.match(r"(.*)e([+-])0*(\d+)$", t)
    return "%se%s%s" % (m[1], "-" if m[2] == "-" else "", m[3]) if m else t


class Real(float):
    def __repr__(self):
        return real(self)


def load(text):
    return json.loads(text, parse_float=Real)


def dump(value):
    if isinstance(value, dict):
        return "{%s}" % ",".join(json.dumps(k, ensure_ascii=False) + ":" + dump(value[k]) for k in sorted(value))
    if isinstance(value, list):
        return "[%s]" % ",".join(dump(v) for v in value)
    if isinstance(value, float):
        return real(value)
    return json.dumps(value, ensure_ascii=False)


def seal(record):
    record.pop("sha256", None)
    record["sha256"] = hashlib.sha256(dump(record).encode()).hexdigest()
    return dump(record)


def reseal_run(run):
    """SHA256SUMS of a run directory."""
    names = sorted(os.path.relpath(os.path.join(d, f), run) for d, _, fs in os.walk(run) for f in fs)
    with open(os.path.join(run, "SHA256SUMS"), "w") as out:
        for name in names:
            if name not in ("SHA256SUMS", "report.html") and not name.startswith(("figures/", ".")):
                data = open(os.path.join(run, name), "rb").read()
                out.write("%s  %s\n" % (hashlib.sha256(data).hexdigest(), name))


def edit_run(run, change_run=None, change_trial=None):
    path = os.path.join(run, "run.json")
    if change_run:
        r = load(open(path).read())
        change_run(r)
        open(path, "w").write(dump(r))
    path = os.path.join(run, "trials.jsonl")
    if change_trial:
        lines = [load(l) for l in open(path)]
        for t in lines:
            change_trial(t)
        open(path, "w").write("".join(seal(t) + "\n" for t in lines))
    reseal_run(run)


def doctor(run, mode, factor):
    """Every interrupt and context switch of a mode times a factor, in the counters that vouch for it,
    too: a run that is at one with itself."""
    def change(t):
        if t["mode"] != mode:
            return
        for counter, metric in (("device_interrupts", "interrupts_per_io"),
                                ("context_switches", "context_switches_per_io")):
            if counter in t["evidence"]["counters"] and metric in t["metrics"]:
                n = round(t["evidence"]["counters"][counter] * factor)
                t["evidence"]["counters"][counter] = n
                t["metrics"][metric] = Real(n / t["evidence"]["counts"]["io"])
        t["verdict"]["expectations"] = []
        t["verdict"].update(mode="in_force", declared="accepted", grade="accepted", reasons=[])
        t["verdict"].pop("share", None)
    edit_run(run, lambda r: r.pop("precision", None), change)


def other_machine(run):
    edit_run(run, lambda r: r["machine"]["facts"]["cpu.model"].update(value="Some Other CPU 9000"))


def primary(run, metric):
    """What the looks said was of other metrics."""
    edit_run(run, lambda r: (r.update(primary_metrics=[metric]), r.pop("precision")))


def cut(run):
    """Without the first measured trial, and without what the looks said of it."""
    path = os.path.join(run, "trials.jsonl")
    lines = open(path).readlines()
    first = next(i for i, l in enumerate(lines) if '"pass":"measure"' in l)
    open(path, "w").writelines(lines[:first] + lines[first + 1:])
    edit_run(run, lambda r: r.pop("precision"))


def command(run, name, value):
    edit_run(run, lambda r: r["command"].update({name: int(value) if value.isdigit() else value}))


SECRETS = {"serial": "S64HNX0T512345", "host": "alpha-host7", "mac": "52:54:00:ab:cd:ef", "ip": "10.77.3.9",
           "six": "2a02:8070:1::7", "home": "/home/annabel",
           "node": "beta-node3", "board": "BRD0042X77", "short": "HostName\" value=\"b3\"",
           # as other tools write the same: PXE, Cisco, digits alone, in capitals, another user's name alone,
           # a domain, a container, an address in full
           "pxe": "01-52-54-00-ab-cd-ef", "dotted": "5254.00ab.cdef", "digits": "525400abcdef", "upper": "BETA-NODE3",
           "user": "annabel", "domain": "corp.example", "pod": "docker-0123456789abcdef.scope",
           "full": "2a02:8070:1:0:0:0:0:7", "alone": " b3 "}


def plant(run):
    """The owner's secrets where they really stand: a disk's serial number, kernel log lines, raw output."""
    def change_run(r):
        r["machine"]["disks"].append({"name": "nvme9n1", "serial": SECRETS["serial"], "wwid": None,
                                      "model": "M", "virtual": False})

    def change_trial(t):
        t.setdefault("host", {})["kernel_log"] = {"allowed": 0, "lost": 0, "more": 0, "more_warnings": 0, "lines": [
            {"level": 6, "text": "nvme nvme9: %(serial)s of %(host)s, %(mac)s asks %(ip)s" % SECRETS}]}
    edit_run(run, change_run, change_trial)
    first = sorted(os.listdir(os.path.join(run, "raw")))[0]
    with open(os.path.join(run, "raw", first, "note.txt"), "w") as out:
        out.write("%(home)s/x on %(host)s: MAC 52:54:00:AB:CD:EF, %(ip)s:5201 [%(six)s] disk-by-id_%(serial)s-part1\n"
                  "fio-3.33 6.18.44 198.18.0.2 12:34:56 127.0.0.1 1000000\n" % SECRETS)
    with open(os.path.join(run, "raw", first, "tool.json"), "w") as out:
        json.dump({"hostname": SECRETS["host"], "fio version": "1.2.3.4", "firmware": "22.36.10.10", "n": 12345}, out)
    # the machine that measured is not the one that packs
    os.makedirs(os.path.join(run, "machine"), exist_ok=True)
    with open(os.path.join(run, "machine", "hwloc.xml"), "w") as out:
        out.write('<topology>\n<info name="DMIProductName" value="X1"/>\n<info name="HostName" value="%(node)s"/>\n'
                  '<info name="DMIBoardSerial" value="%(board)s"/>\n<info name="HostName" value="b3"/>\n'
                  '<info name="Port1GID0" value="fe80::1"/></topology>\n' % SECRETS)
    with open(os.path.join(run, "raw", first, "node.txt"), "w") as out:
        out.write("Linux %(node)s 6.18 board %(board)s\n" % SECRETS)
        out.write("BOOTIF=%(pxe)s %(dotted)s ifname=eth0:%(mac)s %(digits)s\n"
                  "%(upper)s.%(domain)s nqn.2014.08.org.nvmexpress:144d144d%(serial)s  Samsung\n"
                  "0::/system.slice/%(pod)s of %(user)s, on b3 at /var/lib/%(user)s/%(full)s\n"
                  "12-inch 6.18-rc1 2026-11-22 0000:3b:00.0 std::c 99%% in 0x2a02\n" % SECRETS)
    reseal_run(run)


def leaks(bag):
    """Files in which a secret still stands; the joins that the tokens must keep."""
    bad, notes = [], {}
    for d, _, fs in os.walk(bag):
        for f in fs:
            text = open(os.path.join(d, f), "rb").read().decode("utf-8", "replace")
            for name, secret in SECRETS.items():
                if secret.lower() in text.lower():
                    bad.append("%s: %s" % (os.path.join(d, f), name))
            notes[f] = text
    for b in bad:
        print("leak", b)
    run = json.loads(notes["run.json"])
    serial = run["machine"]["disks"][-1]["serial"]
    log = json.loads(notes["trials.jsonl"].splitlines()[0])["host"]["kernel_log"]["lines"][0]["text"]
    note, tool = notes["note.txt"], json.loads(notes["tool.json"])
    tokens = {t["token"] for t in json.loads(notes["redaction.json"])["tokens"]}
    assert serial.startswith("SERIAL-") and serial in log and "_" + serial + "-part1" in note, (serial, log, note)
    assert tool["hostname"] in log and tool["hostname"] in note, (tool, log, note)
    assert tool["fio version"] == "1.2.3.4" and tool["firmware"] == "22.36.10.10" and tool["n"] == 12345, tool
    mac = re.search(r"02(:[0-9a-f]{2}){5}", log)[0]
    assert mac in note, (log, note)
    assert {serial, tool["hostname"], mac} <= tokens, tokens
    assert 'DMIProductName" value="X1"' in notes["hwloc.xml"] and 'GID0" value=""' in notes["hwloc.xml"], notes["hwloc.xml"]
    lines = notes["node.txt"].splitlines()
    node = lines[0].split()[1]
    assert node.startswith("host-") and lines[2].split()[0] == node, lines
    pairs = mac.split(":")
    assert lines[1] == "BOOTIF=01-%s %s ifname=eth0:%s %s" % (
        "-".join(pairs), ".".join("".join(pairs)[i:i + 4] for i in (0, 4, 8)), mac, "".join(pairs)), lines
    assert lines[2].split()[1] == "nqn.2014.08.org.nvmexpress:144d144d" + serial, lines
    user = re.search(r"/home/(user-[0-9a-f]+)/x", note)[1]
    assert "of %s, on host-" % user in lines[3] and "/var/lib/%s/" % user in lines[3] and "::/cgroup-" in lines[3], lines
    assert re.search(r"\[([0-9a-f:]+)\]", note)[1] == lines[3].rsplit("/", 1)[1], (lines, note)
    assert lines[4] == "12-inch 6.18-rc1 2026-11-22 0000:3b:00.0 std::c 99% in 0x2a02", lines
    assert note.splitlines()[1] == "fio-3.33 6.18.44 198.18.0.2 12:34:56 127.0.0.1 1000000", note
    sys.exit(bool(bad))


# --- archives that are refused ------------------------------------------------------------------------


def member(name, data=b"x", **more):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def bad_archives(good, out):
    with tarfile.open(good) as t:
        members = [(m, t.extractfile(m).read()) for m in t.getmembers()]
    top = members[0][0].name.split("/")[0]

    def write(name, extra, at=None, mode="w:gz", base=members):
        with tarfile.open(os.path.join(out, name), mode, format=tarfile.PAX_FORMAT) as t:
            todo = list(base)
            todo[at if at is not None else len(todo):0] = extra
            for info, data in todo:
                t.addfile(info, io.BytesIO(data))

    link = dict(type=tarfile.SYMTYPE, linkname="/etc")
    write("traversal.tar.gz", [member(top + "/../../../escaped")])
    write("parent.tar.gz", [member("../escaped")], 0)
    write("absolute.tar.gz", [member(os.path.join(out, "escaped"))])
    write("symlink.tar.gz", [member(top + "/data/link", b"", **link), member(top + "/data/link/escaped")])
    write("hardlink.tar.gz", [member(top + "/data/hard", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd")])
    write("device.tar.gz", [member(top + "/data/null", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3)])
    write("fifo.tar.gz", [member(top + "/data/fifo", b"", type=tarfile.FIFOTYPE)])
    write("twice.tar.gz", [members[3]])
    write("folders.tar.gz", [member("other/data/x")])
    write("bytes.tar.gz", [member(top + "/data/a\x01b")])
    write("stray.tar.gz", [member(top + "/data/runs/unnamed/run.json", b"{}")])
    write("missing.tar.gz", [], base=[m for m in members if not m[0].name.endswith("journal.jsonl")])
    newer = []
    for info, data in members:
        if info.name.endswith("data/bundle.json"):
            data = json.dumps(dict(json.loads(data), schema=2)).encode()
            info, data = member(info.name, data)
        newer.append((info, data))
    write("newer.tar.gz", [], base=newer)

    with tarfile.open(os.path.join(out, "bomb.tar.gz"), "w:gz") as t:
        for i in range(2):  # 80 MiB of zeros
            info = tarfile.TarInfo("%s/data/zeros%d" % (top, i))
            info.size = 40 << 20
            t.addfile(info, io.BytesIO(bytes(info.size)))
    # empty files, each in folders of its own, and one that lies too deep
    write("crowd.tar.gz", [member("%s/data/%04d/a/b/c/d/e/f/g/h/x" % (top, i), b"") for i in range(6000)], base=[])
    # what would take a hundred times its size to parse, and more records than any run has
    trials = next(m[0].name for m in members if m[0].name.endswith("trials.jsonl"))

    def instead(name, inner, data):
        write(name, [], base=[member(m[0].name, data) if m[0].name == inner else m for m in members])
    about = top + "/data/bundle.json"
    instead("values.tar.gz", about, b"[" + b"0," * 1500000 + b"0]")
    instead("brackets.tar.gz", about, b"[" * 5000)
    instead("text.tar.gz", about, b'"' + b"x" * (17 << 20) + b'"')
    instead("records.tar.gz", trials, b"{}\n" * 60000)
    instead("record.tar.gz", trials, b'{"a":[' + b"0," * 300000 + b"0]}\n")
    instead("long.tar.gz", trials, b'{"a":"' + b"x" * (5 << 20) + b'"}\n')
    write("deep.tar.gz", [member(top + "/data" + "/a" * 20 + "/x")])
    whole = open(os.path.join(out, "stray.tar.gz"), "rb").read()
    open(os.path.join(out, "nested.tar.gz"), "wb").write(gzip.compress(whole))
    whole = open(good, "rb").read()
    open(os.path.join(out, "truncated.tar.gz"), "wb").write(whole[:len(whole) // 2])
    open(os.path.join(out, "empty.tar.zst"), "wb").write(b"")
    open(os.path.join(out, "text.tar.zst"), "wb").write(b"no archive at all\n" * 100)


def large(path):
    """Two files of random bytes below one folder: nothing that can be checked, but long to read."""
    rng = random.Random(3)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as t:
        for i in range(2):
            info, data = member("iomodes-x/data/%d" % i, rng.randbytes(64 << 20))
            t.addfile(info, io.BytesIO(data))


def signalled(program, archive, scratch, ending):
    """A check that gets a signal as soon as its directory is there ends by it and leaves nothing."""
    import signal, subprocess, time
    name, status = ending.split(":")
    for _ in range(20):
        p = subprocess.Popen([program, "check", archive], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while p.poll() is None and not os.listdir(scratch):
            time.sleep(0.0005)
        p.send_signal(getattr(signal, "SIG" + name))
        got = p.wait()
        if got == int(status):
            break
        print("it was faster than the signal: status", got)
    assert got == int(status), got
    assert not os.listdir(scratch), os.listdir(scratch)


# --- one byte changed -----------------------------------------------------------------------------------


def hollow(bag):
    """Tables without content and claims without members, with every digest made anew."""
    for folder, value in (("tables", {}), ("claims", [{}])):
        for name in os.listdir(os.path.join(bag, "data", folder)):
            with open(os.path.join(bag, "data", folder, name), "w") as out:
                out.write(dump(value) + "\n")
    bag_again(bag)


def forge(bag, addition):
    """Another script for root to run, by an iomodes of another version, with every digest made anew."""
    about = json.load(open(os.path.join(bag, "data/bundle.json")))
    about["made_by"] = "iomodes 9.9.9 (other)"
    with open(os.path.join(bag, "data/bundle.json"), "w") as out:
        out.write(dump(about) + "\n")
    for name in os.listdir(os.path.join(bag, "data/reproduce")):
        with open(os.path.join(bag, "data/reproduce", name), "ab") as out:
            out.write(addition.encode().decode("unicode_escape").encode())
    bag_again(bag)


def bag_again(bag):
    def manifest(name, paths):
        with open(os.path.join(bag, name), "w") as out:
            for path in paths:
                data = open(os.path.join(bag, path), "rb").read()
                out.write("%s  %s\n" % (hashlib.sha512(data).hexdigest(), path))
    listed = [line.split("  ", 1)[1].rstrip("\n") for line in open(os.path.join(bag, "manifest-sha512.txt"))]
    manifest("manifest-sha512.txt", listed)
    size = sum(os.path.getsize(os.path.join(bag, path)) for path in listed)
    info = open(os.path.join(bag, "bag-info.txt")).read()
    with open(os.path.join(bag, "bag-info.txt"), "w") as out:
        out.write(re.sub(r"(?m)^Payload-Oxum: .*$", "Payload-Oxum: %d.%d" % (size, len(listed)), info))
    tags = [line.split("  ", 1)[1].rstrip("\n") for line in open(os.path.join(bag, "tagmanifest-sha512.txt"))]
    manifest("tagmanifest-sha512.txt", tags)


def flip(path, at, bit=0):
    data = bytearray(open(path, "rb").read())
    data[at % len(data)] ^= 1 << bit
    open(path, "wb").write(data)


def flip_members(bag, check):
    """One byte of each file that has any, one file after the other; raw outputs all at once."""
    import subprocess
    rng = random.Random(5)
    names = sorted(os.path.relpath(os.path.join(d, f), bag) for d, _, fs in os.walk(bag) for f in fs)
    names = [n for n in names if os.path.getsize(os.path.join(bag, n))]
    raw = [n for n in names if "/raw/" in n]
    groups = [[n] for n in names if n not in raw] + [raw]
    for group in groups:
        kept = {n: open(os.path.join(bag, n), "rb").read() for n in group}
        for n in group:
            flip(os.path.join(bag, n), rng.randrange(1 << 20), rng.randrange(8))
        done = subprocess.run([check, "check", bag], capture_output=True, text=True)
        said = done.stdout + done.stderr
        missing = [n for n in group if n not in said]
        if done.returncode != 4 or missing:
            print("FAILED: one byte of", group[:3], "changed: exit", done.returncode, "not named:", missing[:3])
            print(said[:3000])
            sys.exit(1)
        for n, data in kept.items():
            open(os.path.join(bag, n), "wb").write(data)
    print("one byte changed: %d files named" % len(names))


def flip_archive(archive, check, times, plain):
    """Bytes all over the archive, heads and padding included; the member in which it lies is named."""
    import subprocess
    rng = random.Random(7)
    good = open(archive, "rb").read()
    where = []
    if plain:
        with tarfile.open(archive) as t:
            for m in t.getmembers():
                where.append((m.offset + 150, m.name))                 # a digit of the head's checksum
                if m.size % 512:
                    where.append((m.offset_data + m.size, m.name))     # padding, which no digest covers
        where = rng.sample(where, times) + [(len(good) - 1, "end of the archive")]
    else:
        where = [(rng.randrange(len(good)), "") for _ in range(times)] + [(4, ""), (len(good) - 1, "")]
    for at, name in where:
        flip(archive, at, rng.randrange(8))
        done = subprocess.run([check, "check", archive], capture_output=True, text=True)
        said = done.stdout + done.stderr
        open(archive, "wb").write(good)
        if done.returncode != 4 or (plain and name.split("/", 1)[-1] not in said and "damaged behind" not in said):
            print("FAILED: byte %d (%s) of the archive changed: exit %d" % (at, name, done.returncode))
            print(said[:3000])
            sys.exit(1)
    print("one byte of the archive changed: %d times refused" % len(where))


if __name__ == "__main__":
    what, args = sys.argv[1], sys.argv[2:]
    {"bad": lambda: bad_archives(*args), "members": lambda: flip_members(*args),
     "archive": lambda: flip_archive(args[0], args[1], int(args[2]), args[3] == "plain"),
     "plant": lambda: plant(*args), "hollow": lambda: hollow(*args), "forge": lambda: forge(*args), "large": lambda: large(*args), "signalled": lambda: signalled(*args), "leaks": lambda: leaks(*args),
     "doctor": lambda: doctor(args[0], args[1], float(args[2])),
     "other": lambda: other_machine(*args), "cut": lambda: cut(*args), "primary": lambda: primary(*args), "command": lambda: command(*args), "reseal": lambda: reseal_run(*args)}[what]()
