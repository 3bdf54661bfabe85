#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""verify_across.py FIRST SECOND COMPARISON.json: shift, interval and p of every row, by brute force from the records."""
import functools, json, math, os, statistics, sys


def values(run):
    found = {}
    for line in open(os.path.join(run, "trials.jsonl")):
        t = json.loads(line)
        if t["status"] == "valid" and t["verdict"]["mode"] == "in_force":
            found.setdefault(t["cell"], []).append(t["metrics"])
    return found


@functools.lru_cache(None)
def ways(n, m, w):
    """How many of the arrangements of n and m values have w pairs in order."""
    if w < 0 or n < 0 or m < 0:
        return 0
    if n == 0 or m == 0:
        return w == 0
    return ways(n - 1, m, w - m) + ways(n, m - 1, w)


def near(a, b, what):
    assert math.isclose(a, b, rel_tol=1e-9), (what, a, b)


first, second, result = values(sys.argv[1]), values(sys.argv[2]), json.load(open(sys.argv[3]))
rows, ps = 0, []
for row in result["against"][0]["rows"]:
    c = row["comparison"]
    x = [math.log(v[c["metric"]]) for v in first[row["cell"]]]
    y = [math.log(v[c["metric"]]) for v in second[row["cell"]]]
    n, m = len(x), len(y)
    assert (n, m) == (row["n_first"], row["n_second"])
    d = sorted(b - a for a in x for b in y)
    near(c["estimate"], math.exp(statistics.median(d)), "shift")
    total, k, below = math.comb(n + m, n), 0, 0
    while (below + ways(n, m, k)) / total < 0.025:
        below += ways(n, m, k)
        k += 1
    near(c["low"], math.exp(d[k - 1]), "low")
    near(c["high"], math.exp(d[n * m - k]), "high")
    w = sum(b > a for a in x for b in y)
    p = min(1, 2 * sum(ways(n, m, i) for i in range(min(w, n * m - w) + 1)) / total)
    near(c["p"], p, "p")
    ps.append((p, c["p_adjusted"]))
    rows += 1
ps.sort()
least = 1
for i in range(len(ps) - 1, -1, -1):
    least = min(least, ps[i][0] * len(ps) / (i + 1))
    near(ps[i][1], least, "adjusted p")
assert rows == 12, rows
print("verified", rows, "rows across runs")
