#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""verify_places.py RUN COMPARE.txt REPORT.html: every placement against local, with its interval, again from trials.jsonl by code
of its own; and that table, matrix and report say those numbers."""
import html, itertools, json, math, re, statistics, sys

run, text, page = sys.argv[1], open(sys.argv[2]).read(), open(sys.argv[3]).read()
cells = {c["placement_asked"]: c for c in json.load(open(run + "/run.json"))["cells"]}
values = {}
for line in open(run + "/trials.jsonl"):
    t = json.loads(line)
    metric = "iops" if "iops" in t["metrics"] else "transactions_per_s"
    spoiled = any(s in (metric, "*") or s.endswith("*") and metric.startswith(s[:-1])
                  for c in t["checks"] if c["result"] == "fail" for s in c["spoils"])
    if t.get("pass", "measure") in ("measure", "retry") and t["status"] == "valid" and t["verdict"]["mode"] == "in_force" and not spoiled:
        values.setdefault(t["placement"]["name"], {}).setdefault(t["block"], t["metrics"][metric])


def against_local(name):
    """estimate, low, high in percent: Hodges and Lehmann, and the exact signed-rank interval"""
    logs = [math.log(values[name][b] / values["local"][b]) for b in sorted(values[name]) if b in values["local"]]
    n = len(logs)
    walsh = sorted((a + b) / 2 for i, a in enumerate(logs) for b in logs[i:])
    sums = sorted(sum(r for r, s in zip(range(1, n + 1), p) if s) for p in itertools.product((0, 1), repeat=n))
    k = next(k for k in itertools.count() if sum(s <= k for s in sums) / 2 ** n >= .025)
    assert n >= 6, (name, n)
    return [100 * math.expm1(v) for v in (statistics.median(walsh), walsh[k - 1], walsh[len(walsh) - k])]


def says(printed, name):
    found = re.match(r"([+-][\d.]+) % \[([+-][\d.]+) %, ([+-][\d.]+) %\]", printed)
    assert found, (name, printed)
    for got, want in zip(found.groups(), against_local(name)):
        digits = len(got.partition(".")[2])
        assert abs(float(got) - want) <= .51 * 10 ** -digits, (name, printed, want)


measured = [n for n in values if n != "local"]
assert measured and "local" in values
for name in measured:  # the table
    row = next(l for l in text.splitlines() if l.startswith(name + " "))
    says(row[re.search(r"[+-][\d.]+ % \[", row).start():], name)
failed = {n for n, c in cells.items() if c["supported"]} - set(values)  # never in force
matrix = 0
CORNERS = {("home", "home", "home"): "local", ("home", "home", "away"): "remote-memory", ("home", "away", "home"): "remote-interrupt",
           ("home", "away", "away"): "remote-interrupt-memory", ("away", "home", "home"): "remote-thread",
           ("away", "home", "away"): "remote-thread-memory", ("away", "away", "home"): "remote-thread-interrupt",
           ("away", "away", "away"): "remote-node"}
if set(cells) & set(CORNERS.values()) - {"local"}:
    rows = [[html.unescape(re.sub("<[^>]+>", "", c)).strip() for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
            for row in re.findall(r"<tr>(.*?)</tr>", page[page.index("placement>Placement</h2>"):])]
    for key, name in CORNERS.items():
        line = re.search(r"^  thread %s, interrupts %s (.*)$" % key[:2], text, re.M)[1]
        in_page = next(r for r in rows if r[:3] == list(key))
        assert in_page[3] == name, in_page
        if name in measured:
            parts = re.findall(r"[+-][\d.]+ % \[[^]]*\] \S+", line)
            both = [n for n in (CORNERS[key[:2] + (m,)] for m in ("home", "away")) if n in measured]
            says(parts[both.index(name)], name)
            says(in_page[4], name)
            assert parts[both.index(name)].endswith(" " + in_page[5]), (line, in_page)
            matrix += 1
        elif name not in cells:
            assert "not asked for" in line and "does not ask for it" in in_page[5], (line, in_page)
            matrix += 1
        elif name in failed:
            assert "not_in_force" in line and in_page[5].startswith("not_in_force: "), (line, in_page)
            matrix += 1
        elif name != "local":
            assert "unsupported" in line and cells[name]["reason"] in in_page[5], (line, in_page)
            reason = cells[name]["reason"].partition(": ")[2]
            assert re.search(r"^  .*%s.*: %s$" % (name, re.escape(reason)), text, re.M), (name, reason)
            matrix += 1
    assert matrix == 7
print("verified", len(measured), "placements against local,", matrix, "corners of a matrix")
