#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""verify_across.py FIRST SECOND (COMPARISON.json | report.html) [NUMBER=1]: what was said of run NUMBER (from 0) against
the first, again from the records of both: medians, shift, interval and p of every row by brute force, the word and its
sentence, what has no row and why, and what differs between the environments. Shares no code with the program."""
import functools, html, html.parser, json, math, os, re, statistics, sys

import verify_words


@functools.lru_cache(None)
def ways(n, m, w):
    """How many of the arrangements of n and m values have w pairs in order."""
    if w < 0 or n < 0 or m < 0:
        return 0
    if n == 0 or m == 0:
        return w == 0
    return ways(n - 1, m, w - m) + ways(n, m - 1, w)


def near(a, b, what):
    assert a is not None and math.isclose(a, b, rel_tol=1e-9), (what, a, b)


class Run:
    def __init__(self, path):
        self.head = json.load(open(os.path.join(path, "run.json")))
        self.cells = {c["id"]: c for c in self.head["cells"]}
        self.trials = {}
        for line in open(os.path.join(path, "trials.jsonl")):
            t = json.loads(line)
            if t["status"] == "valid" and t["verdict"]["mode"] == "in_force":
                self.trials.setdefault(t["cell"], {}).setdefault(t["block"], t)

    def metric(self, cell):
        """What a load is judged on: its rate, at open loop its middle latency."""
        load = self.cells[cell]["load"]
        kind = verify_words.KINDS.get(load.get("pattern"), verify_words.RR)
        return kind[1 if load.get("open_loop") in (True, 1) else 0]

    def rate(self, cell):
        load = next(iter(self.trials[cell].values()))["load"]
        return (load.get("rate_iops") or load.get("rate_per_s")) if load.get("open_loop") in (True, 1) else None

    def values(self, cell, metric):
        def spoiled(t):
            return any(s == metric or s.endswith("*") and metric.startswith(s[:-1])
                       for c in t["checks"] if c["result"] == "fail" for s in c["spoils"])
        return [t["metrics"][metric] for t in self.trials.get(cell, {}).values()
                if t["metrics"].get(metric) is not None and not spoiled(t)]

    def floor(self, metric):
        return self.head.get("noise_floor", {}).get("metrics", {}).get(metric, {}).get("floor", 0)


class Shift:
    """One mode at one load in both runs; the members that verify_words.Words.why() asks for."""

    def __init__(self, first, second, cell):
        self.metric = first.metric(cell)
        self.label, relative, absolute, self.more = verify_words.METRICS[self.metric]
        a, b = (r.values(cell, self.metric) for r in (first, second))
        x, y = ([math.log(v) for v in w] for w in (a, b))
        self.sizes, self.n = (len(x), len(y)), min(len(x), len(y))
        self.base, self.second = statistics.median(a), statistics.median(b)
        self.d = sorted(v - u for u in x for v in y)
        self.estimate = statistics.median(self.d)
        self.own = math.log1p(max(relative, absolute / self.base))
        self.margin = max(self.own, math.log1p(max(first.floor(self.metric), second.floor(self.metric))))
        self.enough = self.n >= 6
        self.word = "inconclusive"
        if self.enough:
            (self.i95, self.level), (self.i90, _) = self.interval(.95), self.interval(.9)
            n, m = self.sizes
            w = sum(v > 0 for v in self.d)
            self.p = min(1, 2 * sum(ways(n, m, i) for i in range(min(w, n * m - w) + 1)) / math.comb(n + m, n))

    @property
    def first(self):
        """Between two runs no trials are put back: the first word is the last."""
        return self.word

    def interval(self, level):
        n, m = self.sizes
        total, k, below = math.comb(n + m, n), 0, 0
        while (below + ways(n, m, k)) / total < (1 - level) / 2:
            below += ways(n, m, k)
            k += 1
        return (self.d[k - 1], self.d[n * m - k]), 1 - 2 * below / total

    def judge(self, p, family):
        self.adjusted, self.family = p, family
        beyond = 1 if self.i95[0] > self.margin else -1 if self.i95[1] < -self.margin else 0
        if beyond and p <= .05:
            self.word = "better" if (beyond > 0) == self.more else "worse"
        elif not beyond and max(map(abs, self.i90)) < self.own:
            self.word = "equivalent"

    def detectable(self):
        t = [verify_words.student(q, self.n - 1) for q in (.975, .8, (1 + self.level) / 2)]
        return self.margin + (t[0] + t[1]) * (self.i95[1] - self.i95[0]) / 2 / t[2]


def compare(first, second):
    """{cell: Shift} of what both measured, and the cells that only one did, with the beginning of the reason."""
    rows, apart = {}, {}
    for cell in first.cells:
        mine, others = cell in first.trials, cell in second.trials
        if cell not in second.cells:
            if mine:
                apart[cell] = "the other run has no such cell"
        elif mine and others and first.rate(cell) and abs(first.rate(cell) - second.rate(cell)) > .01 * first.rate(cell):
            apart[cell] = "the open loops ran at different rates"
        elif mine and others:
            rows[cell] = Shift(first, second, cell)
        elif mine or others:
            apart[cell] = "not measured in force in the %s run" % ("other" if mine else "first")
    family = [r for r in rows.values() if r.enough]
    for r, p in zip(family, verify_words.adjusted([r.p for r in family]), strict=True):
        r.judge(p, len(family))
    return rows, apart


class Page(html.parser.HTMLParser):
    """Rows of the table of one run against the first: cell, numbers with what is printed, the word."""

    def __init__(self, run):
        super().__init__()
        self.run, self.rows, self.at = "across%d" % run, {}, None

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "tr":
            self.at = None
            if a.get("data-run") == self.run:
                assert a["data-cell"] not in self.rows, "a row twice"
                self.at = self.rows[a["data-cell"]] = []
        elif tag in ("td", "th") and self.at is not None:
            self.at.append([a.get("data-metric"), a.get("data-value"), ""])

    def handle_endtag(self, tag):
        if tag == "tr":
            self.at = None

    def handle_data(self, data):
        if self.at:
            self.at[-1][2] += data


def page_rows(path, number, words):
    """Rows of the report as the comparison in JSON has them, after what is printed was held to what is meant."""
    text = open(path).read()
    page = Page(number)
    page.feed(text)
    part = text[text.index("id=across"):]
    part = part[:re.search(r"<h1>", part).start()]
    part = re.split(r"<h3>Run %d," % (number + 1), part)[1].split("<h3>")[0]
    for cell, row in page.rows.items():
        mode, load, label, first, second, change, word = (r[2] for r in row)
        said = re.fullmatch(r"(\S+(?: %)?)(?: \[(.+), (.+)\])?", change)
        yield cell, {
            "mode": mode, "label": label, "baseline": float(row[3][1]), "second": float(row[4][1]),
            "metric": row[5][0], "estimate": float(row[5][1]), "printed": [p for p in said.groups() if p],
            "verdict": word.split()[-1], "shown": [(first, float(row[3][1])), (second, float(row[4][1]))],
            "sentences": [words.plain(li) for li in re.findall(r"<li>(.*?)</li>", part, re.S)
                          if words.plain(li).startswith("%s, %s: " % (mode, load))]}
    environment = re.findall(r"<tr><td>([^<]*)</td><th scope=row>([^<]*)</th><td class=w>([^<]*)</td><td class=w>([^<]*)</td></tr>", part)
    page.apart = [words.plain(li) for li in re.findall(r"<li>(not compared: .*?)</li>", part, re.S)]
    yield None, (page.apart, [tuple(map(html.unescape, e)) for e in environment])


def json_rows(path, number):
    one = next(a for a in json.load(open(path))["against"] if a["run"] == number)
    for row in one["rows"]:
        c = row["comparison"]
        yield row["cell"], {"mode": row["mode"], "label": verify_words.METRICS[c["metric"]][0], "baseline": c["baseline"],
                            "second": c["mode"], "metric": c["metric"], "estimate": c["estimate"], "verdict": c["verdict"],
                            "sizes": (row["n_first"], row["n_second"]), "low": c["low"], "high": c["high"], "p": c["p"],
                            "p_adjusted": c["p_adjusted"], "detectable": c["detectable"],
                            "sentences": ["%s, %s: %s: %s." % (row["mode"], row["title"], c["verdict"], c["sentence"])]}
    yield None, (["not compared: %s, %s: %s" % (u["mode"], u["title"], u["reason"]) for u in one["unmatched"]],
                 [(e["part"], e["what"], e["first"], e["second"]) for e in one["environment"]])


def facts(run):
    return {name: f.get("value") or "not recorded" for name, f in run.head["machine"]["facts"].items()
            if name not in ("host.uptime", "perf.hardware_counters")}


def main(first, second, path, number):
    first, second = Run(first), Run(second)
    words = verify_words.Words.__new__(verify_words.Words)
    words.checked = 0
    want, apart = compare(first, second)
    found = dict(page_rows(path, number, words) if path.endswith(".html") else json_rows(path, number))
    unmatched, environment = found.pop(None)
    assert want and found.keys() == want.keys(), (sorted(found), sorted(want))
    for cell, s in want.items():
        row = found[cell]
        assert (row["mode"], row["metric"], row["label"], row["verdict"]) == (
            first.cells[cell]["mode"], s.metric, s.label, s.word), (cell, row, s.word)
        near(row["baseline"], s.base, (cell, "first"))
        near(row["second"], s.second, (cell, "second"))
        near(row["estimate"], math.exp(s.estimate), (cell, "shift"))
        assert row.get("sizes", s.sizes) == s.sizes, cell
        for name, value in (("low", lambda: math.exp(s.i95[0])), ("high", lambda: math.exp(s.i95[1])), ("p", lambda: s.p),
                            ("p_adjusted", lambda: s.adjusted), ("detectable", lambda: math.exp(s.detectable()))):
            if name in row and s.enough and name != "detectable":
                near(row[name], value(), (cell, name))
            elif name in row and s.enough:  # a quantile of Student's t, by Simpson's rule
                assert math.isclose(row[name], value(), rel_tol=1e-6), (cell, name, row[name], value())
        for text, value in row.get("shown", ()):
            assert math.isclose(verify_words.shown(text), value, rel_tol=.006), (cell, text, value)
        for text, value in zip(row.get("printed", ()), (s.estimate, *s.i95) if s.enough else (s.estimate,), strict="printed" in row):
            words.reads(text, math.exp(value), cell)
        assert len(row["sentences"]) == 1, (cell, row["sentences"])
        words.why(s, row["sentences"][0].split(": %s: " % s.word, 1)[1].rstrip("."))
    assert len(unmatched) == len(apart), (unmatched, apart)
    for cell, reason in apart.items():
        assert any(u.startswith("not compared: %s, " % first.cells[cell]["mode"]) and ": " + reason in u for u in unmatched), (cell, reason, unmatched)
    a, b = facts(first), facts(second)
    differ = {(n, a.get(n, "not recorded"), b.get(n, "not recorded")) for n in {**a, **b}
              if a.get(n, "not recorded") != b.get(n, "not recorded")}
    assert differ == {e[1:] for e in environment if e[1] in {**a, **b}}, (differ, environment)
    print("verified", len(want), "rows across runs,", len(apart), "that have none,", len(differ), "differences of environments,",
          words.checked, "numbers of sentences")


main(*sys.argv[1:4], int(sys.argv[4]) if len(sys.argv) > 4 else 1)
