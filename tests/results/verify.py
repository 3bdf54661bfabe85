#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recompute what `iomodes compare --json` says from trials.jsonl, by a path that shares no code
with it: medians, merged percentiles, Hodges-Lehmann and its exact interval (the null distribution
by listing all sign patterns), the sign-flip p and Benjamini-Hochberg.
usage: verify.py RUN COMPARE.json"""
import itertools, json, math, os, statistics, sys

run, result = sys.argv[1], json.load(open(sys.argv[2]))
trials, valid = {}, {}
for line in open(os.path.join(run, "trials.jsonl")):
    t = json.loads(line)
    if t["status"] == "valid":
        valid.setdefault(t["cell"], []).append(t)
    if t["status"] == "valid" and t["verdict"]["mode"] == "in_force":
        trials.setdefault(t["cell"], []).append(t)


def spoiled(t, metric):
    return any(s == metric or s.endswith("*") and metric.startswith(s[:-1]) for c in t["checks"]
               if c["result"] == "fail" for s in c["spoils"])


def near(a, b, what):
    assert a is not None and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12), (what, a, b)


def bucket(ns):
    """First value and width of the histogram bucket that holds ns."""
    if ns < 128:
        return ns, 1
    shift = ns.bit_length() - 7
    return ns >> shift << shift, 1 << shift


def percentile(cell, q, member="latency"):
    bins, low, high = {}, min(t[member]["min_ns"] for t in cell), 0
    for t in cell:
        high = max(high, t[member]["max_ns"])
        for k, n in t[member]["bins"].items():
            bins[int(k)] = bins.get(int(k), 0) + n
    want, seen = math.ceil(round(q * sum(bins.values()), 6)), 0
    for k in sorted(bins):
        seen += bins[k]
        if seen >= want:
            first, width = bucket(k)
            at = first + (width * (want - seen + bins[k] - 0.5) / bins[k] if width > 1 else 0)
            return min(max(at, low), high)


rank_sums = {}


def interval(walsh, n, level):
    if n not in rank_sums:
        rank_sums[n] = sorted(sum(r for r, s in zip(range(1, n + 1), p) if s)
                              for p in itertools.product((0, 1), repeat=n))
    sums, k = rank_sums[n], 0
    while sum(1 for s in sums if s <= k) / 2 ** n < (1 - level) / 2:
        k += 1
    return walsh[k - 1], walsh[len(walsh) - k]

def change(metric, base, mode):
    """Of the blocks that both have: log ratios, their sorted Walsh averages, sign-flip p."""
    b, m = ({t["block"]: t["metrics"][metric] for t in some} for some in (base, mode))
    x = [math.log(m[k] / b[k]) for k in sorted(m) if k in b]
    walsh = sorted((x[i] + x[j]) / 2 for i in range(len(x)) for j in range(i, len(x)))
    flips = [abs(sum(s * v for s, v in zip(p, x))) for p in itertools.product((1, -1), repeat=len(x))]
    return x, walsh, sum(f >= abs(sum(x)) - 1e-12 for f in flips) / len(flips)


def word_of(metric, x, walsh, margin, p):
    low, high = interval(walsh, len(x), .95)
    if (low > margin or high < -margin) and p <= .05:
        return "better" if (low > margin) == (metric == "iops") else "worse"
    if not low > margin and not high < -margin and max(map(abs, interval(walsh, len(x), .9))) < margin:
        return "equivalent"
    return "inconclusive"


checked, ps, back = 0, [], []
for group in result["groups"]:
    base = next(r["cell"] for r in group["rows"] if r["mode"] == result["baseline"])
    for row in group["rows"]:
        mine = trials.get(row["cell"], [])
        assert row["trials"]["used"] == len(mine), row["cell"]
        assert (row["state"] == "measured") == bool(mine), row["cell"]
        assert mine or not row["comparisons"], "an excluded row was judged"
        if not mine:
            continue
        for name in ("iops", "cpu_ns_per_io_task", "latency_mean_ns"):
            if name not in mine[0]["metrics"]:  # fio at open loop has no latency
                assert name not in row["metrics"], (row["cell"], name)
                continue
            near(row["metrics"][name]["value"],
                 statistics.median(t["metrics"][name] for t in mine if not spoiled(t, name)), name)
        sound = [t for t in mine if not spoiled(t, "latency_p50_ns") and "latency" in t]
        n = sum(t["latency"]["count"] for t in sound)
        for name, q, need in (("p50", .5, 5), ("p99", .99, 299), ("p999", .999, 2995),
                              ("p9999", .9999, 29956)):
            if not sound:
                assert "latency_%s_ns" % name not in row["metrics"], (row["cell"], name)
                continue
            value = row["metrics"]["latency_%s_ns" % name]["value"]
            if n < need:
                assert value is None and row["metrics"]["latency_%s_ns" % name]["reason"]
            else:
                near(value, percentile(sound, q), name)
        for c in row["comparisons"]:
            x, walsh, p = change(c["metric"], trials[base], mine)
            near(c["estimate"], math.exp(statistics.median(walsh)), "estimate")
            low, high = interval(walsh, len(x), .95)
            near(c["low"], math.exp(low), "low")
            near(c["high"], math.exp(high), "high")
            near(c["p"], p, "p")
            ps.append((c["p"], c))
            out = sum(len(valid[cell]) - len(trials[cell]) for cell in (base, row["cell"]))
            assert ("put_back" in c) == (out > 0), (row["cell"], "left out", out)
            full = change(c["metric"], valid[base], valid[row["cell"]])
            if out:
                near(c["put_back"]["estimate"], math.exp(statistics.median(full[1])), "put back")
                for name, want in zip(("low", "high"), interval(full[1], len(full[0]), .95)):
                    near(c["put_back"][name], math.exp(want), "put back")
                near(c["put_back"]["p"], full[2], "put back")
                assert (c["put_back"]["left_out"], c["put_back"]["n"]) == (out, len(full[0])), c
            back.append((full[2], c, (x, walsh), full, out))
            checked += 1
MARGIN = {"iops": (.01, 0), "latency_p50_ns": (.02, 1000), "latency_p99_ns": (.05, 1000),
          "service_p50_ns": (.02, 1000), "service_p99_ns": (.05, 1000), "cpu_ns_per_io_task": (.02, 50)}


def by_block(cell, metric):
    return {t["block"]: t["metrics"][metric] for t in trials.get(cell, [])
            if metric in t["metrics"] and not spoiled(t, metric)}


def paired(first, second):
    return [(first[k], second[k]) for k in sorted(first) if k in second]


def own_cpu(cell):
    """Without the SQ thread: that is the mode's."""
    return {t["block"]: t["metrics"]["cpu_ns_per_io_task"] - t["metrics"].get("cpu_ns_per_io_sq_thread", 0)
            for t in trials.get(cell, [])}


def cpu_explains(pair, metric, x):
    """The slower one spends at least half of the time it takes longer as CPU time of its own."""
    cpu = paired(*map(own_cpu, pair["cells"]))
    a, b = (statistics.median(v[i] for v in cpu) for i in (0, 1))
    ratios = [math.log(v / u) for u, v in cpu]
    low, high = interval(sorted((p + q) / 2 for i, p in enumerate(ratios) for q in ratios[i:]), len(cpu), .95)
    margin = math.log1p(max(.02, 50 / a))
    first, second = (statistics.median(v[i] for v in x) for i in (0, 1))
    load = pair["load"]
    longer = ((second - first) / (1 if load["open_loop"] else load["iodepth"]) if metric != "iops"
              else load["numjobs"] * (1e9 / second - 1e9 / first))
    polls = all(statistics.median(by_block(c, "interrupts_per_io").values()) < .01 and
                statistics.median(own_cpu(c).values()) * statistics.median(by_block(c, "iops").values()) >= .9e9
                for c in pair["cells"])
    return ((low > margin or high < -margin) and (b - a) * longer > 0 and abs(b - a) >= abs(longer) / 2
            and not polls)


family = []
for pair in result["instruments"]:
    for c in pair["comparisons"]:
        x = paired(*(by_block(cell, c["metric"]) for cell in pair["cells"]))
        logs = [math.log(b / a) for a, b in x]
        assert c["n"] == len(x), (pair["mode"], c)
        walsh = sorted((p + q) / 2 for i, p in enumerate(logs) for q in logs[i:])
        near(c["estimate"], math.exp(statistics.median(walsh)), "instruments")
        low, high = interval(walsh, len(x), .95)
        near(c["low"], math.exp(low), "low")
        near(c["high"], math.exp(high), "high")
        flips = [abs(sum(s * v for s, v in zip(p, logs))) for p in itertools.product((1, -1), repeat=len(x))]
        near(c["p"], sum(f >= abs(sum(logs)) - 1e-12 for f in flips) / len(flips), "p")
        relative, absolute = MARGIN[c["metric"]]
        margin = math.log1p(max(relative, absolute / statistics.median(a for a, _ in x)))
        family.append((c["p"], c, pair, x, margin, (low, high), interval(walsh, len(x), .9)))
family.sort(key=lambda e: e[0])
least = 1
for i in range(len(family) - 1, -1, -1):
    p, c, pair, x, margin, i95, i90 = family[i]
    least = min(least, p * len(family) / (i + 1))
    near(c["p_adjusted"], least, "adjusted p of instruments")
    word = ("disagree" if (i95[0] > margin or i95[1] < -margin) and least <= .05 else
            "agree" if i90[0] > -margin and i90[1] < margin else "undecided")
    assert c["agreement"] == word, (pair["mode"], c, word)
    rules = [e["rule"] for e in c["explanations"]]
    assert ("cpu_per_io" in rules) == (word == "disagree" and cpu_explains(pair, c["metric"], x)), (pair["mode"], c)
    assert c["why"].startswith("unexplained") == (word == "disagree" and not rules), c
ps.sort(key=lambda e: e[0])
least = 1
for i in range(len(ps) - 1, -1, -1):
    least = min(least, ps[i][0] * len(ps) / (i + 1))
    near(ps[i][1]["p_adjusted"], least, "adjusted p")
# what stands beside a verdict: what lies beyond its margin both ways, and nothing else
for group in result["groups"]:
    base = next(r["cell"] for r in group["rows"] if r["mode"] == result["baseline"])
    for row in group["rows"]:
        if row["cell"] == base or row["cell"] not in trials or base not in trials:
            assert "beside" not in row, row["cell"]
            continue
        beside = {b["metric"]: b for b in row["beside"]}
        for metric in ("iops", "latency_p50_ns", "latency_p99_ns", "cpu_ns_per_io_task"):
            sides = set()
            for some in (trials, valid):
                both = [[t for t in some[cell] if metric in t["metrics"] and not spoiled(t, metric) and (
                    metric != "latency_p99_ns" or t["latency"]["count"] >= 299)] for cell in (base, row["cell"])]
                if not all(both) or len(both[0]) < 6 or len(both[1]) < 6:
                    sides.add(0)
                    continue
                x, walsh, _ = change(metric, *both)
                shared = {t["block"] for t in both[1]}
                relative, absolute = MARGIN[metric]
                floor = json.load(open(os.path.join(run, "run.json"))).get("noise_floor", {}).get("metrics", {}).get(metric, {}).get("floor", 0)
                margin = math.log1p(max(relative, floor, absolute / statistics.median(
                    t["metrics"][metric] for t in both[0] if t["block"] in shared)))
                low, high = interval(walsh, len(x), .95)
                sides.add(1 if low > margin else -1 if high < -margin else 0)
                if some is trials and metric in beside:
                    for name, want in zip(("estimate", "low", "high"), (statistics.median(walsh), low, high)):
                        near(beside[metric][name], math.exp(want), "beside")
            assert (metric in beside) == (len(sides) == 1 and sides != {0}), (row["cell"], metric, sides)
# with the trials left out put back in, the family is judged again; a word stands if it is the same
back.sort(key=lambda e: e[0])
least, again = 1, []
for i in range(len(back) - 1, -1, -1):
    least = min(least, back[i][0] * len(back) / (i + 1))
    again.append((least, *back[i][1:]))
for p, c, ours, full, out in again:
    first = word_of(c["metric"], *ours, math.log(c["margin"]), c["p_adjusted"])
    if out:
        near(c["put_back"]["p_adjusted"], p, "adjusted p, put back")
        second = word_of(c["metric"], *full[:2], math.log(c["margin"]), p)
        assert c["put_back"]["verdict"] == second, (c, second)
        first = first if first == second else "inconclusive"
    assert c["verdict"] == first, (c, first)
assert checked, "nothing to verify"
# precision: half the width of the interval of each log ratio against the margin of its metric
widths = [math.sqrt(c["high"] / c["low"]) - 1 for _, c in ps]
targets = [c["margin"] - 1 for _, c in ps]
p = result["precision"]
assert p["series"] == len(ps) and p["within"] == sum(w <= t for w, t in zip(widths, targets)), p
assert p["met"] == (p["within"] == len(ps)), p
worst = max(range(len(ps)), key=lambda i: widths[i] / targets[i])
near(p["widest"]["half_width"], widths[worst], "widest")
near(p["widest"]["target"], targets[worst], "its target")
need = max(c["n"] * max(1, (w / t) ** 2) for (_, c), w, t in zip(ps, widths, targets))
assert p["forecast"] == math.ceil(need - 1e-9), (p["forecast"], need)
print("verified", checked, "comparisons,", len(family), "of instruments")
