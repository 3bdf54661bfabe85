#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn a synthetic run (make_run.py) into one of placements: what was a mode becomes a placement of
mode `interrupt`, with vectors moved and a queue set. as_placements.py RUN [--vector NAME] …"""
import argparse, hashlib, json

PLACES = {"interrupt": "local", "sqpoll": "remote-memory", "defer-taskrun": "remote-interrupt",
          "aio": "remote-node", "iopoll": "remote-thread", "hybrid-iopoll": "remote-thread-memory"}


def canonical(record):
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


p = argparse.ArgumentParser()
p.add_argument("run")
p.add_argument("--vector", default="0000:42:00.0:eth0-rx-0")
p.add_argument("--table", default="0*8")
p.add_argument("--rule", default="udp4 dst-port=5201 action=0")
p.add_argument("--disk", default="nvme0n1")
args = p.parse_args()
run = json.load(open(args.run + "/run.json"))
for c in run["cells"]:
    name = PLACES[c["mode"]]
    c["placement_asked"], c["mode"] = name, "interrupt"
    if not c["supported"]:
        c["reason"] = "placement %s: the vectors of nvme0n1 are managed by the kernel" % name
        del c["placement"]
        continue
    c["placement"] = {"name": name, "rule": name, "workers": "4", "orchestrator_cpu": 1,
                      "interrupts": {"device": "4"}, "memory_node": {"device": 1}, "unpinned": False,
                      "moves": [{"vector": args.vector, "cpus": "4"},
                                {"vector": "0000:42:00.0:eth0-tx-0", "cpus": "4"}]}
    c["settings"] = [{"knob": "net.xps-cpus", "instance": "eth0@client:tx-0", "value": "00000010"},
                     {"knob": "net.rss-table", "instance": "eth0@client", "value": args.table},
                     {"knob": "net.flow-rule", "instance": "eth1@server:rule-0", "value": args.rule},
                     {"knob": "block.rq_affinity", "instance": args.disk, "value": "0"},
                     {"knob": "net.rx-usecs", "instance": "eth0@client", "value": "3"}]
json.dump(run, open(args.run + "/run.json", "w"))
lines = []
for line in open(args.run + "/trials.jsonl"):
    t = json.loads(line)
    t.pop("sha256")
    name = PLACES[t["mode"]]
    t["mode"], t["placement"] = "interrupt", {"name": name, "cpus": "4"}
    t["sha256"] = hashlib.sha256(canonical(t).encode()).hexdigest()
    lines.append(canonical(t) + "\n")
open(args.run + "/trials.jsonl", "w").writelines(lines)
