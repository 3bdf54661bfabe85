#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""verify_report.py RUN REPORT [NUMBER]: every number of report.html's tables and sentences and the data behind every figure, again from
trials.jsonl (of the run NUMBER, from 0, of a page of several), with nothing but the standard library. Shares no code with the program."""
import html, html.parser, json, math, os, re, statistics, sys

import verify_words
from verify_words import shown

run, out, which = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0
head = json.load(open(os.path.join(run, "run.json")))
every, trials, checks, labels, bad, left = [], {}, {}, {}, [], {}
for line in open(os.path.join(run, "trials.jsonl")):
    t = json.loads(line)
    if t.get("pass") == "cpu_left" and t["status"] == "valid":
        left[t["cell"]] = t["metrics"]
    if t.get("pass", "measure") not in ("measure", "retry"):  # a retry stands in for an invalid one
        continue
    every.append(t)
    for c in t["checks"]:
        key = (c["id"], c["result"])
        checks[key] = checks.get(key, 0) + 1
    failed = [c for c in t["checks"] if c["result"] == "fail"]
    if t["status"] != "valid" or t["verdict"]["mode"] != "in_force" or failed:
        bad.append(t["trial"])
    if t["status"] == "valid":
        trials.setdefault(t["cell"], []).append(t)
valid = {cell: list(ts) for cell, ts in trials.items()}
placements = len({c["mode"] for c in head["cells"]}) == 1 and "local" in {c.get("placement_asked") for c in head["cells"]}
if placements:  # of one mode: they are the rows
    head["baseline"] = "local"
    for c in head["cells"]:
        c["mode"] = c["placement_asked"]
for cell, ts in trials.items():  # a row stands on the trials in force, on all valid ones where none was
    ts[:] = [t for t in ts if t["verdict"]["mode"] == "in_force"] or ts


def in_force(cell):
    return [t for t in trials.get(cell, []) if t["verdict"]["mode"] == "in_force"]


def near(a, b, what):
    assert a is not None and b is not None and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9), (what, a, b)


def need(q):
    return math.log(0.05) / math.log(q)


def spoiled(t, metric):
    for c in t["checks"]:
        for s in c["spoils"] if c["result"] == "fail" else ():
            if s == metric or s.endswith("*") and metric.startswith(s[:-1]):
                return True
    return False


QUANTILE = {"p50": .5, "p90": .9, "p99": .99, "p999": .999, "p9999": .9999}


def quantile_of(metric):
    m = re.fullmatch(r"(latency|rtt|service)_(p\d+)_ns", metric)
    return (QUANTILE[m[2]], "service" if m[1] == "service" else "latency") if m else (None, None)


def values(cell, metric, of=trials):
    q, member = quantile_of(metric)
    found = {}
    for t in sorted(of.get(cell, []), key=lambda t: t["block"]):
        v = t["metrics"].get(metric)
        count = t.get(member or "latency", {}).get("count", 0)
        if v is None or spoiled(t, metric) or q and count and count < need(q) or t["block"] in found:
            continue
        found[t["block"]] = v
    return found


def bucket(ns):
    if ns < 128:
        return ns, 1
    shift = ns.bit_length() - 7
    return ns >> shift << shift, 1 << shift


def merged(cell, member):
    bins, low, high = {}, None, 0
    for t in trials.get(cell, []):
        h = t.get(member)
        if not h or not h["count"] or spoiled(t, "latency_p50_ns" if member == "latency" else "service_p50_ns"):
            continue
        low = h["min_ns"] if low is None else min(low, h["min_ns"])
        high = max(high, h["max_ns"])
        for k, n in h["bins"].items():
            bins[int(k)] = bins.get(int(k), 0) + n
    return bins, low, high


def percentile(hist, q):
    bins, low, high = hist
    want, seen = max(1, math.ceil(round(q * sum(bins.values()), 6))), 0
    for k in sorted(bins):
        seen += bins[k]
        if seen >= want:
            first, width = bucket(k)
            at = first + (width * (want - seen + bins[k] - 0.5) / bins[k] if width > 1 else 0)
            return min(max(at, low), high)


def row_value(cell, metric):
    q, member = quantile_of(metric)
    if q:
        hist = merged(cell, member)
        n = sum(hist[0].values())
        if n:
            return percentile(hist, q) if n >= need(q) else None
    v = values(cell, metric)
    return statistics.median(v.values()) if v else None


def events(t):
    name = "io" if "pattern" not in t["load"] else "transaction" if t["load"]["pattern"] != "stream" else "packet"
    return t["evidence"].get("counts", t["counts"]).get(name, t["counts"].get(name, 0))


def irq_by_cpu(cell):
    by = {}
    for t in in_force(cell):
        for v in t["evidence"].get("detail", {}).get("interrupts", {}).get("vectors", []):
            for cpu, n in v["cpu"].items():
                by[cpu] = by.get(cpu, 0) + n
    return by


def reads(text, value, what):
    """What is printed is the value, to the digits that are printed."""
    if text == "<0.001":
        assert 0 < value < 0.001, (what, text, value)
    else:
        assert math.isclose(shown(text), value, rel_tol=0.006, abs_tol=0.00051), (what, text, value)


def signed_rank(walsh, n):
    """95 % interval: the null distribution of the rank sum, counted."""
    ways = [1]
    for rank in range(1, n + 1):
        ways = [(ways[s] if s < len(ways) else 0) + (ways[s - rank] if s >= rank else 0)
                for s in range(len(ways) + rank)]
    k, below = 0, ways[0]
    while below < 0.025 * 2 ** n:
        k += 1
        below += ways[k]
    walsh = sorted(walsh)
    return (walsh[k - 1], walsh[-k]) if k else None


def moments(cell):
    """Each trial against the median of its cell: rates, at open loop middle latencies."""
    load = trials[cell][0]["load"]
    pattern, is_open = load.get("pattern"), load.get("open_loop") in (True, 1)
    metric = ("rtt_p50_ns" if pattern else "latency_p50_ns") if is_open else (
        "throughput_bytes_per_s" if pattern == "stream" else "transactions_per_s" if pattern else "iops")
    middle = statistics.median(values(cell, metric).values())
    return [t["metrics"][metric] / middle for t in trials[cell]
            if t["metrics"].get(metric) is not None and not spoiled(t, metric)]


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.cells, self.images, self.figures, self.cell, self.captions = [], [], [], None, 0
        self.text, self.run = None, "0"

    def handle_data(self, data):
        if self.text is not None:
            self.text.append(data)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.text = None

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "tr":
            self.cell, self.against, self.run = a.get("data-cell"), a.get("data-against"), a.get("data-run", self.run)
        if tag in ("td", "th") and "data-metric" in a:
            self.text = []
            self.cells.append((self.run, self.cell, a["data-metric"], float(a["data-value"]), self.text, self.against))
        if tag == "img":
            assert a.get("alt"), "an image without words"
            self.images.append(a["src"])
        if tag == "figure":
            self.figures.append(a["id"])
        if tag == "caption":
            self.captions += 1
        assert tag not in ("script", "iframe", "object", "embed"), tag
        for key in a:
            assert not key.startswith("on"), (tag, key)
        for key in ("src", "href"):
            assert a.get(key, "#")[:1] == "#" or a[key].startswith("data:"), (tag, a[key])


# groups are numbered in the order of the run: what was asked of the same device by the same program
order = []
for c in head["cells"]:
    load = {k: v for k, v in c["load"].items() if v is not None and k not in ("engine", "runtime_ns")}
    if load.get("open_loop") in (True, 1):
        load.pop("iodepth", None)
        load.pop("depth", None)
    key = json.dumps([c["target"], c["workload"], "" if placements else c.get("placement", {}).get("name", c.get("placement", {}).get("cpus", "")), load],
                     sort_keys=True)
    if key not in order:
        order.append(key)
    c["group"] = order.index(key)

page = Page()
text = open(os.path.join(out, "report.html")).read()
page.feed(text)
assert "nan" not in re.findall(r"\b[a-z]+\b", re.sub(r"base64,[A-Za-z0-9+/=]*", "", text).lower()), "NaN in the report"
assert "http:" not in text and "https:" not in text, "the report names something on the network"
assert text.count("<table>") == page.captions, "a table without a caption"
seen = {}
for of_run, cell, metric, value, parts, against in page.cells:
    if of_run != str(which):
        continue
    printed = "".join(parts)
    if not metric.startswith(("estimate:", "instruments:")):
        reads(printed, value, (cell, metric))
    seen[metric.split(":")[0]] = seen.get(metric.split(":")[0], 0) + 1
    if metric.startswith("check:"):
        near(value, checks.get(tuple(metric.split(":")[1:]), 0), metric)
    elif metric == "irq_per_event":
        near(value, sum(irq_by_cpu(cell).values()) / sum(map(events, in_force(cell))), metric)
    elif metric.startswith("instrument"):  # two programs: medians of their common blocks, and the change
        what, name = metric.split(":")
        a, b = values(against, name), values(cell, name)
        common = sorted(k for k in a if k in b)
        if what != "instruments":
            near(value, statistics.median((a, b)[int(what[-1])][k] for k in common), metric)
            continue
        x = [math.log(b[k] / a[k]) for k in common]
        walsh = [(x[i] + x[j]) / 2 for i in range(len(x)) for j in range(i, len(x))]
        near(value, math.exp(statistics.median(walsh)), metric)
        said = re.fullmatch(r"(\S+(?: %)?)(?: \[(.+), (.+)\])?", printed)
        for part, end in zip(said.groups(), (statistics.median(walsh), *signed_rank(walsh, len(x)))):
            reads(part, math.exp(end), metric)
    elif metric.startswith("estimate:"):
        name = metric.split(":")[1]
        spec = next(c for c in head["cells"] if c["id"] == cell)
        bases = [c["id"] for c in head["cells"] if c["group"] == spec["group"]
                 and c["mode"] in (head["baseline"], "net-interrupt")]
        b, m = values(bases[0], name), values(cell, name)
        x = [math.log(m[k] / b[k]) for k in sorted(m) if k in b]
        walsh = [(x[i] + x[j]) / 2 for i in range(len(x)) for j in range(i, len(x))]
        near(value, math.exp(statistics.median(walsh)), metric)
        said = re.fullmatch(r"(\S+(?: %)?)(?: \[(.+), (.+)\])?", printed)
        reads(said[1], value, metric)
        ends = signed_rank(walsh, len(x))
        assert (ends is None) == (said[2] is None), (printed, len(x))
        if ends and len(x) > 20:  # a bootstrap: near the ranks, as far as two ways to do it agree
            wide = (ends[1] - ends[0]) / 4
            for part, end in zip(said.groups()[1:], ends, strict=True):
                assert abs(math.log(shown(part)) - end) < wide, (printed, ends)
        elif ends:
            reads(said[2], math.exp(ends[0]), metric)
            reads(said[3], math.exp(ends[1]), metric)
    elif metric.startswith("cpu_left_per_"):
        near(value, left[cell][metric], (cell, metric))
    else:
        near(value, row_value(cell, metric), (cell, metric))
assert len(page.images) == len(page.figures) > 0, "a figure without its image"


def table(name):
    parts = open(os.path.join(out, "figures", name)).read().split("\n\n\n")
    return [[l.split("\t") for l in p.split("\n") if l and l[0] != "#"] for p in parts if p.strip()]


drawn, points = 0, 0
for name in sorted(os.listdir(os.path.join(out, "figures"))):
    if not name.endswith(".tsv") or not name.startswith("r%d-" % which):
        continue
    stem = name[:-4]
    assert os.path.exists(os.path.join(out, "figures", stem + ".gp")), stem
    assert "fig-" + stem in page.figures, stem
    drawn += 1
    kind = re.match(r"r\d+-([a-z]+)", stem)[1]
    data = table(name)
    if kind == "time":
        per = {}
        for row in data[0]:
            per.setdefault(row[3], []).append(float(row[1]))
        for cell, ratios in per.items():
            ids = [c["id"] for c in head["cells"] if re.sub(r'[\x00-\x1f"]', " ", c["id"]) == cell]
            again = moments(ids[0])
            assert len(ratios) == len(again), ("time", cell, len(ratios), len(again))
            for got, want in zip(sorted(ratios), sorted(again)):
                near(got, want, ("time", cell))
            points += len(ratios)
        block = {}
        for row in data[0]:
            block.setdefault(row[2], []).append(float(row[1]))
        for row in data[1]:
            near(float(row[1]), statistics.median(block[row[2]]), ("block", row[2]))
    if kind == "irqs":
        for row in data[0]:
            cells = [c["id"] for c in head["cells"] if re.sub(r'[\x00-\x1f"]', " ", c["id"]) == row[3]]
            hard = [row_value(cells[0], m) for m in ("interrupts_per_io", "interrupts_per_packet")]
            for got, want in ((row[1], hard[0] if hard[0] is not None else hard[1]),
                              (row[2], row_value(cells[0], "net_rx_softirqs_per_packet"))):
                assert (got == "-") == (want is None), row
                if want is not None:
                    near(float(got), want, ("irqs", row))
                    points += 1
        assert len(data[0]) == min(48, len([c for c in head["cells"] if in_force(c["id"])])), "a row without its interrupts"
    if kind == "irq":
        for row in (r for part in data for r in part):
            cells = [c["id"] for c in head["cells"] if re.sub(r'[\x00-\x1f"]', " ", c["id"]) == row[3]]
            near(float(row[2]), irq_by_cpu(cells[0]).get(row[1], 0) / sum(map(events, in_force(cells[0]))), row)
            points += 1
for number in range(len(order)):
    cells = [c for c in head["cells"] if c["group"] == number and in_force(c["id"])]
    path = "r%d-dist%d.tsv" % (which, number)
    if os.path.exists(os.path.join(out, "figures", path)):
        curves = table(path)
        with_hist = [c for c in cells if merged(c["id"], "latency")[0]]
        assert len(curves) == len(with_hist), path
        for c, curve in zip(with_hist, curves, strict=True):
            hist = merged(c["id"], "latency")
            n = sum(hist[0].values())
            for p, tail, ns, _ in curve:
                assert n >= need(float(p)), "a percentile beyond the sample"
                near(float(tail), 1 / (1 - float(p)), path)
                near(float(ns), percentile(hist, float(p)), path)
                points += 1
    path = "r%d-cpu%d.tsv" % (which, number)
    if os.path.exists(os.path.join(out, "figures", path)):
        with_cpu = [c for c in cells if any("cpu" in t["evidence"].get("detail", {}) for t in in_force(c["id"]))]
        for c, row in zip(with_cpu, table(path)[0], strict=True):
            assert row[0] == re.sub(r'[\x00-\x1f"]', " ", c["mode"]), row
            ts = in_force(c["id"])
            n = sum(map(events, ts))
            cpus = [u for t in ts for u in t["evidence"].get("detail", {}).get("cpu", {}).get("cpus", [])]
            sq = sum(t["evidence"]["counters"].get("sq_thread_cpu_ns") or 0 for t in ts)
            parts = [sum(u["user_ns"] + u["nice_ns"] for u in cpus), max(0, sum(u["system_ns"] for u in cpus) - sq),
                     sq, sum(u["irq_ns"] for u in cpus), sum(u["softirq_ns"] for u in cpus),
                     sum(t["evidence"]["counters"].get("idle_poll_ns") or 0 for t in ts),
                     sum(t["evidence"]["counters"].get("task_cpu_ns") or 0 for t in ts)]
            for got, want in zip(row[1:], parts):
                near(float(got), want / n, (path, c["id"]))
                points += 1
for name in os.listdir(os.path.join(out, "figures")):
    for curve in table(name) if re.fullmatch(r"r%d-load\d+-.*\.tsv" % which, name) else ():
        axis, rate_name, metric = open(os.path.join(out, "figures", name)).readline()[2:].split("\t")[:3]
        for level, rate, y, low, high, mode, cell in curve:
            c = next(c for c in head["cells"] if re.sub(r'[\x00-\x1f"]', " ", c["id"]) == cell)
            assert re.sub(r'[\x00-\x1f"]', " ", c["mode"]) == mode
            rates = [t["load"].get("rate_iops") or t["load"].get("rate_per_s") for t in trials[c["id"]]]
            near(float(level), rates[0] if axis == "rate_share" else c["load"]["request_bytes" if axis == "size" else axis], (name, "level"))
            near(float(rate), row_value(c["id"], rate_name), (name, "rate"))
            near(float(y), statistics.median(values(c["id"], metric).values()), (name, metric))
            assert float(low) <= float(y) <= float(high), (name, metric, "outside its own band")
            v = sorted(values(c["id"], metric).values())
            k, tail = 0, 1 / 2 ** len(v)  # ranks of the order-statistic interval of a median
            while tail < 0.025:
                k += 1
                tail += math.comb(len(v), k) / 2 ** len(v)
            if k:
                near(float(low), v[k - 1], (name, "low"))
                near(float(high), v[len(v) - k], (name, "high"))
            points += 1
# the Pareto sets: no other mode is shown to be better in one of speed and CPU, and better or the same in the other
words = verify_words.Words(head, text, which, values, row_value, in_force, every, valid)


def dominated(speed, cpu, a, b):
    """a is shown to be better than b in one, and better or the same in the other."""
    pairs = [words.pair(m, b, a) for m in (speed, cpu)]
    better, same = ([p.enough and f(p) for p in pairs] for f in (lambda p: p.better() > 0, lambda p: not p.beyond and p.same()))
    return any(better) and all(x or y for x, y in zip(better, same))


begin, end = text.index("id=r%d-answer" % which), text.find("id=r%d-answer" % (which + 1))
said, paretos = re.findall(r"Pareto set, by paired intervals.*?out\): (.*?)\.</p>", text[begin:end if end > 0 else None], re.S), []
for number in range(len(order)):
    cells = [c for c in head["cells"] if c["group"] == number and in_force(c["id"])]
    bases = [c for c in cells if c["mode"] in (head["baseline"], "net-interrupt", "interrupt")]
    if not cells or not bases:
        continue
    load = cells[0]["load"]
    pattern, is_open = load.get("pattern"), load.get("open_loop") in (True, 1)
    speed = ("rtt_p50_ns" if pattern else "latency_p50_ns") if is_open else (
        "throughput_bytes_per_s" if pattern == "stream" else "transactions_per_s" if pattern else "iops")
    cpu = "cpu_ns_per_packet_task" if pattern == "stream" else \
        "cpu_ns_per_transaction_task" if pattern else "cpu_ns_per_io_task"
    best = [c["mode"] for c in cells if None not in (row_value(c["id"], speed), row_value(c["id"], cpu)) and not any(
        dominated(speed, cpu, other, c) for other in cells if other is not c)]
    if best:
        paretos.append(best)
shown_sets = [[html.unescape(m) for m in re.findall(r"<strong>(.*?)</strong>", s, re.S)] for s in said]
assert paretos and shown_sets == paretos, (shown_sets, paretos)
# what was not used is in the ledger
for trial in bad[:300]:
    assert trial in text, "not in the ledger: " + trial
if head["build"]["dirty"]:
    assert "Dirty build" in text
for c in head["cells"]:
    if not c["supported"]:
        assert c["reason"] in html.unescape(text), "unsupported without its reason"
assert seen.get("estimate", 0) and points
spoken = words.verify()
print("verified", sum(seen.values()), "numbers of tables,", len(paretos), "Pareto sets and", points, "points of", drawn, "figures,", spoken, "numbers of sentences")
