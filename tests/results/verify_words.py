# SPDX-License-Identifier: Apache-2.0
"""The sentences of a report, again from the records: verdicts with their p, family, margin and forecast, the answer
of each load, and along each axis of load the crossings and what a mode gives and costs. Used by verify_report.py,
whose functions give the values; shares no code with the program."""
import html, itertools, math, re, statistics

# metric: label, relative and absolute margin, whether more is better
METRICS = {
    "iops": ("IOPS", .01, 0, True), "transactions_per_s": ("trans/s", .01, 0, True),
    "throughput_bytes_per_s": ("bytes/s", .01, 0, True),
    "latency_p50_ns": ("p50", .02, 1000, False), "latency_p99_ns": ("p99", .05, 1000, False),
    "rtt_p50_ns": ("rtt p50", .02, 1000, False), "rtt_p99_ns": ("rtt p99", .05, 1000, False),
    "cpu_ns_per_io_task": ("CPU/IO", .02, 50, False), "cpu_ns_per_packet_task": ("CPU/pkt", .02, 50, False),
    "cpu_ns_per_transaction_task": ("CPU/trans", .02, 50, False)}
KINDS = {None: ("iops", "latency_p50_ns", "latency_p99_ns", "cpu_ns_per_io_task"),
         "stream": ("throughput_bytes_per_s",) * 3 + ("cpu_ns_per_packet_task",)}
RR = ("transactions_per_s", "rtt_p50_ns", "rtt_p99_ns", "cpu_ns_per_transaction_task")
AXES = {"bs": "block size", "iodepth": "depth", "numjobs": "number of jobs", "rate_iops": "rate", "request_bytes": "request size",
        "response_bytes": "response size", "size": "message size", "depth": "depth", "flows": "number of flows", "rate_per_s": "rate"}
N = r"([-+]?x?[\d.]+(?:e[-+]?\d+)?(?: ?(?:%|k|M|G|us|ms|ns|s)(?![a-zA-Z]))?)"


SCALE = {"k": 1e3, "M": 1e6, "G": 1e9, "ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "": 1}


def shown(text):
    """A number as people read it: "14.57k", "54.9 us", "+12.9 %", "x39.5"."""
    m = re.fullmatch(r"(x?)([-+]?[\d.]+(?:e[-+]?\d+)?) ?(%|k|M|G|ns|us|ms|s|)", text)
    assert m, "not a number: " + text
    return 1 + float(m[2]) / 100 if m[3] == "%" else float(m[2]) * SCALE[m[3]]


def student(p, df):
    """Quantile of Student's t, by Simpson's rule and bisection."""
    c = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)

    def cdf(t, steps=2000):
        h = t / steps
        y = [c * (1 + (i * h) ** 2 / df) ** (-(df + 1) / 2) for i in range(steps + 1)]
        return .5 + h / 3 * (y[0] + y[-1] + 4 * sum(y[1:-1:2]) + 2 * sum(y[2:-1:2]))

    low, high = 0, 60
    for _ in range(50):
        mid = (low + high) / 2
        low, high = (mid, high) if cdf(mid) < p else (low, mid)
    return low


def signed_rank(x, level):
    n, ways = len(x), [1]
    for rank in range(1, n + 1):
        ways = [(ways[s] if s < len(ways) else 0) + (ways[s - rank] if s >= rank else 0) for s in range(len(ways) + rank)]
    k, below = 0, ways[0]
    while below < (1 - level) / 2 * 2 ** n:
        k += 1
        below += ways[k]
    walsh = sorted((x[i] + x[j]) / 2 for i in range(n) for j in range(i, n))
    return (walsh[k - 1], walsh[-k]) if k else None


def attained(n, level):
    """The level that an exact signed-rank interval of at least this level has."""
    ways = [1]
    for rank in range(1, n + 1):
        ways = [(ways[s] if s < len(ways) else 0) + (ways[s - rank] if s >= rank else 0) for s in range(len(ways) + rank)]
    below, k = 0, 0
    while below + ways[k] < (1 - level) / 2 * 2 ** n:
        below += ways[k]
        k += 1
    return 1 - 2 * below / 2 ** n


def hodges_lehmann(x):
    return statistics.median((x[i] + x[j]) / 2 for i in range(len(x)) for j in range(i, len(x)))


def sign_flip(x):
    """All signs of two halves, sorted sums of one counted against each of the other."""
    total, half = abs(sum(x)) - 1e-12, len(x) // 2
    a = [sum(s * v for s, v in zip(p, x[:half])) for p in itertools.product((1, -1), repeat=half)]
    b = [sum(s * v for s, v in zip(p, x[half:])) for p in itertools.product((1, -1), repeat=len(x) - half)]
    return sum(abs(u + v) >= total for u in a for v in b) / 2 ** len(x)


def adjusted(ps):
    order, out, least = sorted(range(len(ps)), key=lambda i: ps[i]), [1] * len(ps), 1
    for rank in range(len(ps), 0, -1):
        least = min(least, ps[order[rank - 1]] * len(ps) / rank)
        out[order[rank - 1]] = least
    return out


class Pair:
    """One mode against the baseline on one metric."""

    def __init__(self, head, metric, base, mode, back=None, left_out=0):
        self.metric = metric
        self.back, self.left_out = back, left_out  # the same with the trials left out as not in force
        self.label, relative, absolute, self.more = METRICS[metric]
        self.blocks = sorted(k for k in mode if k in base)
        self.x = [math.log(mode[k] / base[k]) for k in self.blocks]
        self.n = len(self.x)
        self.word = self.first = "inconclusive"
        self.enough, self.beyond = self.n >= 6, 0
        if not self.n:
            return
        self.base = statistics.median(base[k] for k in self.blocks)
        self.estimate = hodges_lehmann(self.x)
        self.own = self.margin = math.log1p(max(relative, absolute / self.base))
        found = head.get("noise_floor", {}).get("metrics", {}).get(metric, {}).get("floor", 0)
        self.noisy = math.log1p(found) > self.margin
        if self.noisy:
            self.margin = math.log1p(found)
        if not self.enough:
            return
        self.exact = self.n <= 20
        self.i95, self.i90 = signed_rank(self.x, .95), signed_rank(self.x, .9)
        self.p = sign_flip(self.x) if self.exact else None
        self.alone = 1 if self.i95[0] > self.margin else -1 if self.i95[1] < -self.margin else 0
        self.beyond = self.alone if not back or back.alone == self.alone else 0

    def same(self):
        return max(map(abs, self.i90)) < self.own and (not self.back or self.back.same())

    def better(self):
        return self.beyond if self.more else -self.beyond

    def judge(self, p, family):
        self.adjusted, self.family = p, family
        if self.alone and p <= .05:
            self.word = "better" if (self.alone > 0) == self.more else "worse"
        elif not self.alone and max(map(abs, self.i90)) < self.own:
            self.word = "equivalent"
        self.first = self.word
        if self.back and self.back.word != self.word:
            self.word = "inconclusive"

    def detectable(self):
        """What p finds four times in five, and what clears the margin by an interval as wide as this one."""
        t = [student(q, self.n - 1) for q in (.975, .8, (1 + attained(self.n, .95)) / 2)]
        return max((t[0] + t[1]) * statistics.stdev(self.x) / math.sqrt(self.n),
                   self.margin + (t[0] + t[1]) * (self.i95[1] - self.i95[0]) / 2 / t[2])


class Words:
    def __init__(self, head, text, number, values, row_value, in_force, every, valid):
        self.every, self.valid = every, valid
        self.head, self.values, self.row_value, self.in_force = head, values, row_value, in_force
        self.checked = 0
        start = text.index('id=r%d-answer' % number)
        end = text.find('id=r%d-answer' % (number + 1))
        self.part = text[start:end if end > 0 else len(text)]
        self.number = number
        self.said = html.unescape(re.findall(r"<strong>Precision</strong> ([^<]*)", text)[number])
        self.floor_said = html.unescape(re.findall(r"<strong>Noise floor</strong> ([^<]*)", text)[number])
        self.groups = {}
        for c in head["cells"]:
            self.groups.setdefault(c["group"], []).append(c)

    def reads(self, text, value, what):
        got = shown(text)
        # to the digits printed, of the number as it is printed: a change by its distance from none
        at, want = (got - 1, value - 1) if "%" in text else (got, value)
        assert math.isclose(at, want, rel_tol=.012, abs_tol=.0006), (what, text, value)
        self.checked += 1

    def change(self, texts, logs, what):
        for text, value in zip(texts, logs, strict=True):
            self.reads(text, math.exp(value), what)

    @staticmethod
    def plain(markup):
        return html.unescape(re.sub(r"<[^>]*>", "", markup)).strip()

    def kind(self, group):
        pattern = self.groups[group][0]["load"].get("pattern")
        return KINDS.get(pattern, RR)

    def is_open(self, group):
        return self.groups[group][0]["load"].get("open_loop") in (True, 1)

    def baseline(self, group):
        return next((c for c in self.groups[group] if c["mode"] in (self.head["baseline"], "net-interrupt")), None)

    def judged(self):
        """Every declared pair, judged as one family. A rate is given at open loop."""
        self.pairs = {}
        for g, cells in self.groups.items():
            rate, latency = self.kind(g)[:2]
            base = self.baseline(g)
            if not base or not self.in_force(base["id"]):
                continue
            names = [m for m in self.head["primary_metrics"] if not (self.is_open(g) and METRICS[m][3]) and any(
                self.values(c["id"], m) for c in cells)] or [latency if self.is_open(g) else rate]
            for c in cells:
                if c is base or not self.in_force(c["id"]):
                    continue
                for m in names:
                    b, v = self.values(base["id"], m), self.values(c["id"], m)
                    if b or v:
                        self.pairs[g, c["id"], m] = self.pair(m, base, c)
        family = [p for p in self.pairs.values() if p.enough]
        if all(p.exact for p in family):
            again = adjusted([(p.back or p).p for p in family])
            for p, a in zip(family, again, strict=True):
                if p.back:
                    p.back.judge(a, len(family))
            for p, a in zip(family, adjusted([p.p for p in family]), strict=True):
                p.judge(a, len(family))
            return True
        return False

    def pair(self, metric, base, cell):
        out = sum(len(self.valid.get(c["id"], [])) - len(self.in_force(c["id"])) for c in (base, cell))
        of = [(self.values(base["id"], metric, *some), self.values(cell["id"], metric, *some)) for some in ((), (self.valid,))]
        return Pair(self.head, metric, *of[0], Pair(self.head, metric, *of[1]) if out else None, out)

    def put_back(self, pair, said):
        """'with the 1 trial left out put back in: …' at the end of what is said; returns what is before it."""
        m = re.search(r",(?: but)? with the (\d+) trials? left out put back in: %s \[%s, %s\](?:, p %s)?$" % (N, N, N, N), said)
        if not m:
            return said
        assert int(m[1]) == pair.left_out and pair.back, said
        self.change(m.groups()[1:4], (pair.back.estimate, *pair.back.i95), said)
        if m[5]:
            assert math.isclose(float(m[5]), pair.back.adjusted, rel_tol=.06), said
        return said[:m.start()]

    def in_trials(self, cell):
        used, made = len(self.in_force(cell["id"])), sum(t["cell"] == cell["id"] for t in self.every)
        return " in %d of %d trials" % (used, made) if used < made else ""

    def verdict(self, pair, words, sentence):
        said = re.fullmatch(r"(\S+) %s(?: \[%s, %s\])?" % (N, N, N), words.replace(pair.label, "X", 1))
        assert said, words
        if pair.enough:
            self.change(said.groups()[1:], (pair.estimate, *pair.i95), words)
        else:
            self.change(said.groups()[1:2], (pair.estimate,), words)
        bare = self.put_back(pair, sentence)
        assert (bare != sentence) == (pair.word != pair.first), (pair.word, pair.first, sentence)
        self.why(pair, bare)

    def why(self, pair, sentence):
        """The condition that made the word, with its numbers."""
        forms = [
            (r"the interval lies beyond the margin of %s(?: \(this machine's noise floor\))?; p %s, corrected for (\d+) comparisons?", ("better", "worse"),
             lambda m: ((m[0], pair.margin), m[1:])),
            (r"the interval lies beyond the margin of %s(?: \(.*?\))?, but p is %s after correction for (\d+) comparisons; about \d+ blocks would settle it",
             ("inconclusive",), lambda m: ((m[0], pair.margin), m[1:])),
            (r"the 90 %% interval lies inside the margin of %s", ("equivalent",), lambda m: ((m[0], pair.own), ())),
            (r"the interval %s to %s lies within %s \(this machine's noise floor\), which identical arms reach here too: no number of blocks settles it",
             ("inconclusive",), lambda m: ((m[2], pair.margin), (), m[:2])),
            (r"the interval %s to %s crosses the margin of %s(?: \(.*?\))?; (\d+) blocks find a change of %s four times in five; "
             r"(?:about (\d+) blocks would settle it|more than the 30 blocks of a run would be needed to settle it)",
             ("inconclusive",), lambda m: ((m[2], pair.margin), (), m[:2], m[3], m[4]))]
        for pattern, found_words, parts in forms:
            m = re.fullmatch(pattern.replace("%s", N).replace("%%", "%"), sentence)
            if not m:
                continue
            assert pair.first in found_words, (pair.first, sentence)
            margin, p, *rest = parts(m.groups())
            self.reads(margin[0], math.exp(margin[1]), sentence)
            if p:
                assert math.isclose(float(p[0]), pair.adjusted, rel_tol=.06), (p, pair.adjusted)
                assert int(p[1]) == pair.family, sentence
                self.checked += 2
            if rest:
                self.change(rest[0], pair.i95, sentence)
            if len(rest) > 1:
                assert int(rest[1]) == pair.n, sentence
                self.reads(rest[2], math.exp(pair.detectable()), sentence)
            return
        m = re.fullmatch(r"too few blocks: (\d+) (?:paired blocks|blocks in the shorter run); no interval exists below 6", sentence)
        assert m and int(m[1]) == pair.n and not pair.enough, sentence
        self.checked += 1

    def findings(self, group, section):
        base, said = self.baseline(group), {}
        for li in re.findall(r"<li>(.*?)</li>", section, re.S):
            m = re.fullmatch(r"(.*?): (.*?), (better than|worse than|equivalent to|inconclusive against) (.*?): (.*)\.",
                             self.plain(li), re.S)
            if m:
                said.setdefault(m[1].strip(), []).append(m)
        for (g, cell, metric), pair in self.pairs.items():
            if g != group or not pair.n:
                continue
            mode = next(c["mode"] for c in self.groups[g] if c["id"] == cell)
            m = next(m for m in said[self.plain(html.escape(mode))] if m[2].startswith(pair.label + " "))
            assert m[3].split()[0] == pair.word and m[4] == base["mode"], (m[0], pair.word)
            self.verdict(pair, m[2], m[5])

    def stated(self, group, metric, cell):
        base = self.baseline(group)
        return self.pair(metric, base, cell)

    def leaders(self, metric, modes, rows):
        """Of them whom no other is shown to beat."""
        def beats(a, b):
            p = self.pair(metric, rows[b], rows[a])
            return p.enough and p.better() > 0
        return [m for m in modes if not any(beats(o, m) for o in modes if o != m)]

    @staticmethod
    def names(some, text=lambda m: m):
        shown = [text(m) for m in some[:4]]
        if len(some) > 4:
            return ", ".join(shown) + " and %d more" % (len(some) - 4)
        return ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]

    def drawbacks(self, group, cell, speed, said):
        """Of rate, median and tail whatever is worse is said, and nothing else."""
        said = said.split("; ")[0]
        for metric in dict.fromkeys(self.kind(group)[:3]):
            if metric == speed:
                continue
            p = self.pairs.get((group, cell["id"], metric))
            worse = p.word == "worse" if p else (p := self.stated(group, metric, cell)).enough and p.better() < 0
            m = re.search(r"(?:, but|\],) %s %s \[%s, %s\]" % (re.escape(METRICS[metric][0]), N, N, N), said[said.find(", but"):] if ", but" in said else "")
            assert (m is not None) == bool(worse), (metric, cell["mode"], said)
            if m:
                self.change(m.groups(), (p.estimate, *p.i95), said)

    def several(self, group, sentence, best, better, rows, value):
        """Nobody of the best is told apart from the others."""
        rate, latency, _, cpu = self.kind(group)
        speed, base = latency if self.is_open(group) else rate, self.baseline(group)
        label = METRICS[speed][0]
        head, rest = sentence.split(" and not told apart from each other: ", 1)
        m = re.fullmatch(re.escape("%s are better than %s in %s (" % (self.names(best), base["mode"], label)) + N + re.escape(")" + (
            ", the best of %d that are," % better if better > len(best) else "")), head)
        assert m, (best, sentence)
        self.reads(m[1], value[base["mode"]], sentence)
        for mode in best[:4]:
            m = re.match(re.escape(mode) + r" at %s, %s \[%s, %s\]" % (N, N, N, N) + re.escape(self.in_trials(rows[mode])), rest)
            assert m, (mode, sentence)
            self.reads(m[1], value[mode], sentence)
            p = self.stated(group, speed, rows[mode])
            self.change(m.groups()[1:], (p.estimate, *p.i95), sentence)
            self.price(self.stated(group, cpu, rows[mode]), rest[m.end():], METRICS[cpu][0], base["mode"])
            self.drawbacks(group, rows[mode], speed, rest[m.end():])
            rest = rest[m.end():].split("; ", 1)[-1]

    def answer(self, group, sentence):
        rate, latency, _, cpu = self.kind(group)
        speed = latency if self.is_open(group) else rate
        base = self.baseline(group)
        label, cpu_label, more = METRICS[speed][0], METRICS[cpu][0], METRICS[speed][3]
        rows = {c["mode"]: c for c in self.groups[group] if self.in_force(c["id"])}
        others = {m: self.pairs.get((group, c["id"], speed)) or self.stated(group, speed, c)
                  for m, c in rows.items() if c is not base}
        if not others:
            assert sentence.startswith("only %s was in force" % base["mode"]), sentence
            return
        better = [m for m, p in others.items() if p.word == "better"]
        value = {m: self.row_value(c["id"], speed) for m, c in rows.items()}
        first = max if more else min
        best = self.leaders(speed, better, rows)
        if len(best) > 1:
            self.several(group, sentence, best, len(better), rows, value)
        elif best:
            best = best[0]
            m = re.match(re.escape("%s has the best %s" % (best, label)) + (
                re.escape(" of %d that are better than %s" % (len(better), base["mode"])) if len(better) > 1 else "") +
                r": %s against %s of %s, %s \[%s, %s\]" % (N, N, re.escape(base["mode"]), N, N, N) +
                re.escape(self.in_trials(rows[best])), sentence)
            assert m, (best, sentence)
            self.reads(m[1], value[best], sentence)
            self.reads(m[2], value[base["mode"]], sentence)
            p = self.stated(group, speed, rows[best])
            self.change(m.groups()[2:], (p.estimate, *p.i95), sentence)
            self.price(self.stated(group, cpu, rows[best]), sentence[m.end():], cpu_label, base["mode"])
            self.drawbacks(group, rows[best], speed, sentence[m.end():])
        else:
            m = re.match(r"(?:none of the (\d+) other modes in force|.*?, the one other mode in force)(?: \(not: .*?\))?,? is (?:not )?shown to be better than %s in %s \(%s\): (.*?)(?:;|$)" % (
                re.escape(base["mode"]), re.escape(label), N), sentence, re.S)
            assert m and int(m[1] or 1) == len(others), sentence
            self.reads(m[2], value[base["mode"]], sentence)
            counts = {w: sum(p.word == w for p in others.values()) for w in ("worse", "equivalent", "inconclusive")}
            counted = ", ".join("%d %s" % (n, w) for w, n in counts.items() if n)
            assert m[3] == (counted if len(others) > 1 else counted[2:]), (counts, sentence)
            nominal = re.search(r"; (.*?), nominally first, is at %s \[%s, %s\]" % (N, N, N), sentence)
            front = first((k for k in value if value[k] is not None), key=lambda k: value[k])
            if nominal:
                assert nominal[1] == front, (front, sentence)
                p = self.stated(group, speed, rows[front])
                self.change(nominal.groups()[1:], (p.estimate, *p.i95), sentence)
                rest = sentence[nominal.end():].split("; ")[0]
                if p.back:
                    assert self.in_trials(rows[front]) in rest and self.put_back(p, re.split(r", p \S+ after", rest)[0]) != rest, sentence
        costs = {m: self.stated(group, cpu, c) for m, c in rows.items() if c is not base}
        cheaper = [m for m, p in costs.items() if p.n and p.enough and p.beyond < 0]
        cheaper = self.leaders(cpu, cheaper, rows)
        if len(cheaper) > 1:
            end = "; %s cost the least CPU (%s) and are not told apart from each other" % (self.names(cheaper, lambda k: k + " (@)"), cpu_label)
            m = re.search(re.escape(end).replace("@", N) + "$", sentence)
            assert m, (cheaper, sentence)
            for text, k in zip(m.groups(), cheaper):
                self.reads(text, self.row_value(rows[k]["id"], cpu), sentence)
        elif cheaper:
            m = re.search(r"(?:; (\S+) costs|, and) the least CPU \(%s %s\)$" % (N, re.escape(cpu_label)), sentence)
            assert m and m[1] in (None, *cheaper), (cheaper, sentence)
            self.reads(m[2], self.row_value(rows[cheaper[0]]["id"], cpu), sentence)
        else:
            m = re.search(r"; none is shown to cost less CPU than %s \(%s %s\)$" % (re.escape(base["mode"]), N, re.escape(cpu_label)), sentence)
            assert m, sentence
            self.reads(m[1], self.row_value(base["id"], cpu), sentence)

    def price(self, p, said, label, base):
        if not (p.n and p.enough):
            return
        if p.same():
            m = re.match(r", for the same %s to %s" % (re.escape(label), N), said)
            self.reads(m[1], math.exp(p.own), said)
        elif not p.beyond:
            m = re.match(r", at a price in %s that is not known: %s \[%s, %s\]" % (re.escape(label), N, N, N), said)
            self.change(m.groups(), (p.estimate, *p.i95), said)
        elif p.estimate > math.log(2):
            m = re.match(r", for ([\d.]+) times \[([\d.]+), ([\d.]+)\] the CPU of %s" % re.escape(base), said)
            for text, value in zip(m.groups(), (p.estimate, *p.i95), strict=True):
                assert math.isclose(float(text), math.exp(value), abs_tol=.0501), said
        else:
            m = re.match(r", %s %s \[%s, %s\]" % (re.escape(label), N, N, N), said)
            self.change(m.groups(), (p.estimate, *p.i95), said)

    # along an axis

    def families(self):
        """Groups that differ in one axis only: (axis, [(level, group)])."""
        for axis in AXES:
            seen = {}
            for g, cells in self.groups.items():
                load = {k: v for k, v in cells[0]["load"].items() if v is not None and k not in ("engine", "runtime_ns")}
                if axis == "size" and load.get("request_bytes") == load.get("response_bytes"):
                    load["size"] = load.pop("request_bytes", None)
                    load.pop("response_bytes", None)
                level = load.pop(axis, None)
                if self.is_open(g) and axis in ("iodepth", "depth"):
                    continue
                if self.is_open(g):
                    load.pop("iodepth", None), load.pop("depth", None)
                base = self.baseline(g)
                if level is None or isinstance(level, str) or not base or not self.in_force(base["id"]):
                    continue
                key = (cells[0]["target"], cells[0]["workload"], str(cells[0].get("placement", {}).get("name", "")),
                       str(sorted(load.items())))
                seen.setdefault(key, []).append((level, g))
            yield from ((axis, sorted(f)) for f in seen.values() if len(f) > 1)

    def curve(self, family, metric, mode):
        levels = []
        for at, g in family:
            cell = next((c for c in self.groups[g] if c["mode"] == mode and self.in_force(c["id"])), None)
            p = cell and (self.pairs.get((g, cell["id"], metric)) or self.stated(g, metric, cell))
            if p and p.n and p.enough:
                p.judged = (g, cell["id"], metric) in self.pairs
                p.change = statistics.median(self.values(cell["id"], metric)[k] for k in p.blocks) - p.base
                levels.append((at, p))
        stated = [p for _, p in levels if not p.judged]
        for p, a in zip(stated, adjusted([p.p for p in stated]), strict=True):
            p.side = p.better() if a <= .05 else 0
        for _, p in levels:
            if p.judged:
                p.side = {"better": 1, "worse": -1}.get(p.word, 0)
        return levels

    def crossing(self, a, b):
        """Places on a fine grid at which the interval of the straightened log ratios holds none."""
        where, estimates = [], []
        steps = 400
        levels = self.between
        for (x, p), (y, q) in zip(levels, levels[1:]):
            common = [k for k in p.blocks if k in q.blocks]
            u = dict(zip(p.blocks, p.x)), dict(zip(q.blocks, q.x))
            for i in range(steps + 1):
                t = i / steps
                v = [u[0][k] * (1 - t) + u[1][k] * t for k in common]
                at = math.exp(math.log(x) * (1 - t) + math.log(y) * t)
                ends = signed_rank(v, .95)
                estimates.append((at, hodges_lehmann(v)))
                if ends is None or ends[0] <= 0 <= ends[1]:
                    where.append(at)
        sign = [(at, e > 0) for at, e in estimates]
        turns = [b[0] for a, b in zip(sign, sign[1:]) if a[1] != b[1]]
        return where[0] if where else turns[0], math.sqrt(turns[0] * turns[-1]), where[-1] if where else turns[-1]

    def axes(self):
        rows = re.findall(r"<tr><td>(?:(?!</td>).)*</td><td>((?:(?!</td>).)*)</td><th scope=row>((?:(?!</th>).)*)</th>"
                          r"<td class=w>((?:(?!</td>).)*)</td></tr>", self.part.replace("\n", ""))
        rows = [tuple(map(self.plain, r)) for r in rows]
        crossings = [r for r in rows if "they cross at about" in r[2]]
        said = [s for s in map(self.plain, re.findall(r"<li>(.*?)</li>", self.part, re.S)) if " against " in s and ": at " in s]
        expected = tradeoffs = 0
        for axis, family in self.families():
            rate, latency, tail, cpu = self.kind(family[0][1])
            is_open, step = self.is_open(family[0][1]), AXES[axis]
            for mode in dict.fromkeys(c["mode"] for c in self.groups[family[0][1]]):
                if mode == self.baseline(family[0][1])["mode"]:
                    continue
                curves = {}
                for metric in dict.fromkeys((() if is_open else (rate,)) + (latency, tail, cpu)):
                    levels = curves[metric] = self.curve(family, metric, mode)
                    told = [(i, p.side) for i, (_, p) in enumerate(levels) if p.side]
                    turn = next(((a, b) for (a, s), (b, t) in zip(told, told[1:]) if s != t), None)
                    if len(levels) < 2 or not turn:
                        continue
                    expected += 1
                    self.between = levels[turn[0]:turn[1] + 1]
                    low, at, high = self.crossing(*turn)
                    m = next(re.search(r"they cross at about ([\d.]+)(k?)\S* \[95 %: ([\d.]+)(k?)\S* to ([\d.]+)(k?)", r[2])
                             for r in crossings if r[:2] == (METRICS[metric][0], mode) and r[2].startswith(METRICS[metric][0] + ":"))
                    for text, k, want in zip(m.groups()[::2], m.groups()[1::2], (at, low, high), strict=True):
                        got = float(text) * (1000 if k else 1)  # a grid of 1/400 between two levels
                        assert math.isclose(got, want, rel_tol=.02), (metric, mode, m[0], (low, at, high))
                        self.checked += 1
                speed = latency if is_open else rate
                a, b = curves[speed], curves[cpu]
                a, b = ([e for e in a if e[0] in [x for x, _ in b]], [e for e in b if e[0] in [x for x, _ in a]])
                if len(a) < 2 or not any(p.side for _, p in a + b):
                    continue
                tradeoffs += 1
                self.tradeoff(mode, self.baseline(family[0][1])["mode"], step, a, b, said)
        assert expected == len(crossings), (expected, crossings)
        assert min(tradeoffs, 6) == len(said), (tradeoffs, said)

    def tradeoff(self, mode, base, step, speed, cpu, said):
        mine = [s for s in said if ": %s against %s: at " % (mode, base) in s]
        if not mine and len(said) >= 6:
            return
        stretches, i = [], 0
        while i < len(speed):
            k = i
            while k + 1 < len(speed) and (speed[k + 1][1].side, cpu[k + 1][1].side) == (speed[i][1].side, cpu[i][1].side):
                k += 1
            stretches.append((i, k))
            i = k + 1
        for sentence in mine:
            parts = sentence.split(" against %s: " % base, 1)[1].split("; in ")[0].rstrip(".").split("; ")
            if len(parts) != len(stretches):
                continue
            for part, (i, k) in zip(parts, stretches):
                where = ("at a %s of %g " % (step, speed[i][0]) if i == k else
                         "at both measured %ss (%g and %g) " % (step.removesuffix("s"), speed[i][0], speed[k][0]) if k == i + 1 else
                         "at all %d measured %ss from %g to %g " % (k - i + 1, step.removesuffix("s"), speed[i][0], speed[k][0]))
                if speed[k][0] < 1e4 and "size" not in step:
                    assert part.startswith(where), (part, where)
                s, c = speed[i][1].side, cpu[i][1].side
                words = ("wins both" if s and s == c else "has" if s > 0 else "costs" if c or s else "no difference in")
                assert words in part, (part, s, c)
                changes = [math.exp(p.estimate) for _, p in speed[i:k + 1]]
                m = re.search(re.escape(speed[i][1].label) + r" (?:[-+][\d.]+ \w+ \()?%s(?: to %s)?" % (N, N), part)
                if s:
                    self.reads(m[1], min(changes), part)
                    if m[2]:
                        self.reads(m[2], max(changes), part)
                ratios = [math.exp(p.estimate) for _, p in cpu[i:k + 1]]
                if c:
                    m = re.search(r"(1/)?([\d.]+)(?: to (?:1/)?([\d.]+))? (times|of the CPU|% more CPU|% less CPU)(?: \[([\d.]+), ([\d.]+)\] the CPU)?", part)
                    to = {"times": lambda v: v, "of the CPU": lambda v: 1 / v,
                          "% more CPU": lambda v: 1 + v / 100, "% less CPU": lambda v: 1 - v / 100}[m[4]]
                    got = sorted(to(float(v)) for v in m.groups()[1:3] if v)
                    assert math.isclose(got[0], min(ratios), rel_tol=.06) and math.isclose(got[-1], max(ratios), rel_tol=.06), (part, ratios)
                    self.checked += len(got)
                    assert (m[5] is not None) == (m[4] == "times"), part
                    if m[5]:
                        ends = [math.exp(p.i95[e]) for e in (0, 1) for _, p in cpu[i:k + 1]]
                        assert math.isclose(float(m[5]), min(ends), abs_tol=.0501) and math.isclose(float(m[6]), max(ends), abs_tol=.0501), (part, ends)
            return
        raise AssertionError(("no sentence for", mode, stretches, mine))

    def precision(self, said):
        """Half the width of each declared interval against the metric's own margin."""
        pairs = list(self.pairs.values())
        if any(not self.baseline(g) or not self.in_force(self.baseline(g)["id"]) for g in self.groups) or not pairs:
            return  # rows by themselves are held to something else

        def width(p):
            return math.expm1((p.i95[1] - p.i95[0]) / 2) if p.enough else math.inf

        within = sum(p.enough and width(p) <= math.expm1(p.own) for p in pairs)
        worst = max(pairs, key=lambda p: width(p) / math.expm1(p.own) if p.enough else math.inf)
        m = re.match(r"(met|not met): (\d+) of (\d+) intervals are as narrow as (?:asked|the margin that decides); the widest, (\S+) of .*?, "
                     r"(?:is ±([\d.e+]+) %% (?:with a margin of|of|where) ±%s|has (\d+) blocks?, too few)" % N, said, re.S)
        assert m, said
        assert (m[1] == "met") == (within == len(pairs)) and (int(m[2]), int(m[3])) == (within, len(pairs)), (said, within)
        if worst.enough:
            assert m[4] == worst.label and math.isclose(float(m[5]) / 100, width(worst), rel_tol=.012), (said, width(worst))
            self.reads(m[6], math.exp(worst.own), said)
        self.checked += 3

    def noise_floor(self, said):
        """Each floor that the run carries for what it was judged on, beside the margin."""
        metrics = [] if self.head.get("command", {}).get("aa") else [
            (m, of["floor"]) for m, of in self.head.get("noise_floor", {}).get("metrics", {}).items()
            if of["floor"] > 0 and any(m in self.kind(g) for g in self.groups)]
        found = {m[1]: (float(m[2]), float(m[3])) for m in re.finditer(r"(?:: |, |; )([^ ,;:][^,;:(]*?) ([\d.e+-]+) % \(margin ([\d.]+) %\)", said)}
        assert len(found) == len(metrics), (said, metrics)
        for metric, floor in metrics:
            label, relative = METRICS[metric][:2]
            assert math.isclose(found[label][0], 100 * floor, rel_tol=.006) and found[label][1] == 100 * relative, (said, metric)
            self.checked += 2

    def verify(self):
        self.noise_floor(self.floor_said)
        if not self.judged():
            return self.checked  # above 20 blocks p is drawn and the interval a bootstrap
        heads = re.split(r"<h3 id=r%d-g(\d+)>" % self.number, self.part)
        shown = set()
        for number, section in zip(heads[1::2], heads[2::2]):
            group = int(number)
            section = re.split(r"<h2", section)[0]
            shown.add(group)
            base = self.baseline(group)
            if not base or not self.in_force(base["id"]):
                continue
            self.findings(group, section)
            rate, latency = self.kind(group)[:2]
            if all(self.row_value(c["id"], latency if self.is_open(group) else rate) is None for c in self.groups[group]):
                continue  # without it there is no answer
            sentence = self.plain(re.search(r"</h3>\s*<p>(.*?)\.</p>", section, re.S)[1])
            self.answer(group, sentence)
            top = [self.plain(s) for s in re.findall(r"<strong>(.*?)</strong>", heads[0], re.S)]
            assert len(heads) > 20 or sentence in top, ("not in the answer", sentence)
        assert shown == set(self.groups), (shown, set(self.groups))
        self.axes()
        self.precision(self.said)
        return self.checked
