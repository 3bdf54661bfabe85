#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A root directory with what a package may count on and nothing else: package_root.py DEB ROOT

The essential packages, those that DEB depends on, and what they depend on, as they are installed here:
their files, and their entries in dpkg's database, so that dpkg in there judges dependencies itself. A
library or a program that the package needs and does not declare is missing in it.
"""
import os, re, shutil, subprocess, sys

deb, root = sys.argv[1:3]
FIELDS = "${Package}\t${Essential}\t${Pre-Depends}, ${Depends}\t${Provides}\t${db:Status-Status}\n"
# What no program of ours reads: half of the bytes.
LEFT_OUT = re.compile(r"/usr/share/(doc|man|locale|info|i18n|zoneinfo|lintian|perl)/|/usr/lib/[^/]*/(gconv|perl-base)/|/usr/lib/locale/")

depends, essential, provides = {}, [], {}
for line in subprocess.run(["dpkg-query", "-W", "-f", FIELDS], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines():
    name, is_essential, needs, gives, status = line.split("\t")
    if status != "installed":
        continue
    depends[name] = needs
    for given in gives.split(","):
        provides.setdefault(given.split("(")[0].strip(), name)
    if is_essential == "yes":
        essential.append(name)


def names(text):
    """One installed name for each dependency; a dependency that nothing here fulfils ends the test."""
    for one in filter(None, (part.strip() for part in text.split(","))):
        choices = [re.split(r"[ (:]", c.strip())[0] for c in one.split("|")]
        found = [c if c in depends else provides[c] for c in choices if c in depends or c in provides]
        if not found:
            sys.exit("FAIL: nothing installed here fulfils the dependency %r" % one)
        yield found[0]


needs = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], check=True, text=True,
                       stdout=subprocess.PIPE).stdout.strip()
todo, chosen = essential + list(names(needs)), set()
while todo:
    name = todo.pop()
    if name not in chosen:
        chosen.add(name)
        todo += names(depends[name])

for directory in ("etc", "proc", "sys", "dev", "run", "root", "tmp", "var/tmp", "var/lib/dpkg/info",
                  "var/lib/dpkg/updates", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"):
    os.makedirs(os.path.join(root, directory), exist_ok=True)
for link in ("bin", "sbin", "lib", "lib64"):
    if os.path.islink("/" + link):
        os.symlink("usr/" + link, os.path.join(root, link))
listing = subprocess.run(["dpkg-query", "-L", *sorted(chosen)], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
for path in sorted(set(listing.splitlines())):
    if not path.startswith("/") or LEFT_OUT.search(path) or not os.path.lexists(path):
        continue
    to = root + path
    if os.path.isdir(path) and not os.path.islink(path):
        os.makedirs(to, exist_ok=True)
    elif not os.path.lexists(to):
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy2(path, to, follow_symlinks=False)
for file in ("passwd", "group"):
    shutil.copy2("/etc/" + file, root + "/etc/" + file)
with open(root + "/var/lib/dpkg/status", "w") as status:
    subprocess.run(["dpkg-query", "-s", *sorted(chosen)], check=True, stdout=status)
for name in os.listdir("/var/lib/dpkg/info"):
    if name.endswith(".list") and re.split(r"[:.]", name)[0] in {re.split(r"[:.]", c)[0] for c in chosen}:
        shutil.copy2("/var/lib/dpkg/info/" + name, root + "/var/lib/dpkg/info/" + name)
for file in ("format", "arch"):
    if os.path.exists("/var/lib/dpkg/info/" + file):
        shutil.copy2("/var/lib/dpkg/info/" + file, root + "/var/lib/dpkg/info/" + file)
print("%d packages" % len(chosen))
