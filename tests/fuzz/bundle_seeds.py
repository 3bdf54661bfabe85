#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small archives to begin with: bundle_seeds.py FOLDER. One is a whole bag, the others what no bundle may be."""
import gzip, hashlib, io, os, sys, tarfile
folder = sys.argv[1]


def write(name, members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for path, data, more in members:
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), 0o644
            for key, value in more.items():
                setattr(info, key, value)
            t.addfile(info, io.BytesIO(data))
    text = out.getvalue().rstrip(b"\0")
    text += bytes(-len(text) % 512) + bytes(1024)
    open(os.path.join(folder, name + ".tar"), "wb").write(text)
    return text


def sums(files):
    return "".join("%s  %s\n" % (hashlib.sha512(files[n]).hexdigest(), n) for n in sorted(files)).encode()


payload = {"data/bundle.json": b'{"schema": 1, "runs": [["\\"", 1.5]]}\n', "data/runs/a/trials.jsonl": b'{"a": [1]}\n{"b": {}}\n',
           "data/runs/a/experiment.yaml": b"name: x\n", "data/LICENSE": b"CC0\n"}
tags = {"bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "bag-info.txt": b"Payload-Oxum: 1.1\n",
        "manifest-sha512.txt": sums(payload)}
files = dict(payload, **tags, **{"tagmanifest-sha512.txt": sums(tags)})
bag = [("top/" + name, files[name], {}) for name in sorted(files)]
whole = write("bag", bag)
open(os.path.join(folder, "bag.tar.gz"), "wb").write(gzip.compress(whole, mtime=0))
open(os.path.join(folder, "twice.gz"), "wb").write(gzip.compress(gzip.compress(whole, mtime=0), mtime=0))
open(os.path.join(folder, "cut.tar"), "wb").write(whole[:len(whole) // 2])
# 2 MiB by its head: more than the target allows
open(os.path.join(folder, "size.tar"), "wb").write(whole[:124] + b"00010000000\0" + whole[136:])
write("changed", [(n, d.replace(b"CC0", b"CC1"), m) for n, d, m in bag])
write("unlisted", bag + [("top/data/more", b"x", {})])
write("nothing", [])
for name, path, more in (("out", "top/../../x", {}), ("absolute", "/x", {}), ("other", "other/x", {}), ("again", "top/bagit.txt", {}),
                         ("alone", "x", {}), ("deep", "top" + "/a" * 20, {}), ("empty", "top/a//x", {}),
                         ("link", "top/l", {"type": tarfile.SYMTYPE, "linkname": "/etc", "size": 0}),
                         ("hard", "top/h", {"type": tarfile.LNKTYPE, "linkname": "top/bagit.txt", "size": 0}),
                         ("fifo", "top/f", {"type": tarfile.FIFOTYPE, "size": 0}), ("dir", "top/d/", {"type": tarfile.DIRTYPE, "size": 0}),
                         ("dots", "../d/", {"type": tarfile.DIRTYPE, "size": 0})):
    write(name, bag[:2] + [(path, b"" if more else b"x", more)] + bag[2:])
write("large", [("top/z", bytes(40000), {})] * 1 + [("top/y%d" % i, b"", {}) for i in range(3)])
write("json", [("top/data/bundle.json", b"[" * 80, {})])
write("lines", [("top/data/a.jsonl", b'["\\\\", "\\""]\n' * 9 + b"[" * 70, {})])
