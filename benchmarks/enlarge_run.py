#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""enlarge_run.py RUN OUT TRIALS [BLOCKS]: a run directory of TRIALS trials made of copies of those of RUN.

Cells are copied under other placements and trials into more blocks, with 1 % of noise on each metric, and
sealed anew: what a report or a comparison costs can be measured on records as large as real ones.
"""
import copy, hashlib, json, os, random, sys

run, out, want = sys.argv[1], sys.argv[2], int(sys.argv[3])
blocks = int(sys.argv[4]) if len(sys.argv) > 4 else 30
rng = random.Random(1)
head = json.load(open(os.path.join(run, "run.json")))
source = {}
for line in open(os.path.join(run, "trials.jsonl")):
    t = json.loads(line)
    if t.get("pass", "measure") == "measure" and t["status"] == "valid":
        source.setdefault(t["cell"], []).append(t)
os.makedirs(out, exist_ok=True)
cells, trials = [], 0
with open(os.path.join(out, "trials.jsonl"), "w") as f:
    copy_no = 0
    while trials < want:
        for cell in head["cells"]:
            c = copy.deepcopy(cell)
            c["id"] += "/p%d" % copy_no
            c["placement"] = dict(c.get("placement", {}), name="p%d" % copy_no)
            cells.append(c)
            have = source.get(cell["id"], [])
            for b in range(blocks if have else 0):
                if trials == want:
                    break
                t = copy.deepcopy(have[b % len(have)])
                t.update(trial="t%06d" % trials, block=b, cell=c["id"], placement=c["placement"])
                for k, v in t["metrics"].items():
                    t["metrics"][k] = v * rng.gauss(1, 0.01)
                t.pop("sha256", None)
                text = json.dumps(t, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                # members sort, so the seal goes to its place in the text
                t["sha256"] = hashlib.sha256(text.encode()).hexdigest()
                f.write(json.dumps(t, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")
                trials += 1
        copy_no += 1
head.update(cells=cells, order=[])
with open(os.path.join(out, "run.json"), "w") as f:
    json.dump(head, f)
with open(os.path.join(out, "SHA256SUMS"), "w") as f:  # as a run leaves them
    for name in ("run.json", "trials.jsonl"):
        f.write("%s  %s\n" % (hashlib.sha256(open(os.path.join(out, name), "rb").read()).hexdigest(), name))
print("%d trials, %d cells, %d blocks, %.0f MB" % (trials, len(cells), blocks,
      os.path.getsize(os.path.join(out, "trials.jsonl")) / 1e6))
