#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fill a history with nights x series x blocks, seeded: make_history.py FILE NIGHTS SERIES BLOCKS.

FILE was made by `iomodes history add` of one run (it has the tables, a machine and an experiment);
the rows are written straight into it, as a million records by way of run directories would take hours.
A trial has one record and one value per series of its cell.
"""
import random, sqlite3, sys
path, nights, series, blocks = sys.argv[1], *map(int, sys.argv[2:5])
rng = random.Random(1)
db = sqlite3.connect(path)
db.execute("pragma synchronous=off")
experiment, identity, key, version = db.execute(
    "select experiment, identity, key, kernel from run limit 1").fetchone()
first = db.execute("select coalesce(max(id), 0) + 1 from series").fetchone()[0]
db.executemany("insert into series values(?,?,?,?,?,1)",
               [(first + s, identity, experiment, "synthetic-%d" % s, "iops") for s in range(series)])
start = db.execute("select max(started_s) from run").fetchone()[0]
trial = db.execute("select coalesce(max(id), 0) from trial").fetchone()[0]
for night in range(nights):
    run = 1000 + night
    at = start + (night + 1) * 60
    db.execute("insert into run select ?,?,strftime('%Y-%m-%dT%H:%M:%SZ', ?, 'unixepoch'),?,experiment,?,"
               "kernel,programs,tools,identity,key,dir,cells,'[]',null,added from run limit 1",
               (run, "synthetic-%05d" % night, at, at, "v%d" % night))
    trials, values, points = [], [], []
    for s in range(series):
        x = sorted(1e5 * rng.gauss(1, 0.01) for _ in range(blocks))
        for b, v in enumerate(x):
            trial += 1
            trials.append((trial, "synthetic-%d/%d" % (night, trial), run, b))
            values.append((first + s, trial, v))
        points.append((first + s, run, blocks, (x[(blocks - 1) // 2] + x[blocks // 2]) / 2,
                       x[min(1, blocks - 1)], x[max(blocks - 2, 0)]))
    db.executemany("insert into trial values(?,?,?,?)", trials)
    db.executemany("insert into value values(?,?,?)", values)
    db.executemany("insert into point values(?,?,?,?,?,?)", points)
db.commit()
print(trial, "trials")
