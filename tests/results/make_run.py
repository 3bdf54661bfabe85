#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a synthetic run directory with known truths, for the tests of check and compare.

The modes' true effects on IOPS against `interrupt` are in MODES; host drift of 3 % goes over the
blocks, so a comparison that does not pair within blocks would miss them. Seeded: the same
arguments give the same bytes.
"""
import argparse, hashlib, json, math, os, random

# mode: (factor on latency, CPU ns/IO, interrupts/IO, context switches/IO, grade, expectations)
MODES = {
    "interrupt": (1.0, 9000, 1.0, 1.0, "counter",
                  [{"evidence": "device_interrupts", "per": "io", "at_least": 0.5,
                    "when": {"iodepth": 1}},
                   {"evidence": "device_interrupts", "per": "io", "at_least": 0.02,
                    "when": {"iodepth": {"at_least": 2}}}]),
    "sqpoll": (0.90, 21000, 1.0, 0.02, "counter",
               [{"evidence": "system_calls", "per": "io", "at_most": 0.05}]),
    "defer-taskrun": (1.0005, 8990, 1.0, 1.0, "accepted", []),
    "aio": (1.10, 9900, 1.0, 1.0, "counter",
            [{"evidence": "device_interrupts", "per": "io", "at_least": 0.5}]),
    "iopoll": (1.0, 60000, 0.4, 0.5, "counter",
               [{"evidence": "device_interrupts", "per": "io", "at_most": 0.01}]),
    "hybrid-iopoll": None,
}
# Only with --depths: 10 % less latency for each halving of the depth below 4, 10 % more above it, so it
# crosses `interrupt` at depth 4 exactly.
CROSSING = (1.0, 15000, 1.0, 1.0, "accepted", [])
# --axis: the member of load that --depths are levels of, and by how much each is multiplied; the depth is 8 then
AXES = {"bs": ("bs", 512), "jobs": ("numjobs", 1), "rate": ("rate_iops", 500), "flows": ("flows", 1),
        "size": ("request_bytes", 64)}
# Only where it is named: faster for the same CPU time.
FAST = (0.93, 9000, 1.0, 1.0, "accepted", [])
# Only where they are named: faster for less CPU time, and nobody can tell one from the other.
TWIN = (0.90, 7000, 1.0, 1.0, "accepted", [])
TAIL = (0.80, 9000, 1.0, 1.0, "accepted", [])
# Only with --instruments: what the second program does of a mode, and the rules that must name it.
# mode: (factor on latency, CPU ns/IO more, interrupts/IO, context switches/IO)
INSTRUMENTS = {
    "interrupt": (1.10, 8800, 1.0, 1.0),      # cpu_per_io
    "sqpoll": (1.10, 0, 1.0, 0.02),           # slat_missing for the latencies, nothing for the rate
    "defer-taskrun": (1.08, 0, 1.0, 1.0),     # ring_flags: it dropped the flag
    "aio": (1.10, 100, 1.0, 1.0),             # unexplained
    "iopoll": (1.0, 0, 0.4, 0.5),             # not in force with either
    "hybrid-iopoll": None,
    "same": (1.0, 0, 1.0, 1.0),               # they agree
    "other-irq": (1.10, 0, 0.5, 1.0),         # interrupts_per_io
    "other-switches": (0.92, 0, 1.0, 1.6),    # context_switches_per_io
    "little": (1.10, 0, 1.0, 1.0),            # check_failed for the latencies, nothing for the rate
    "polled": (1.10, 8000, 0.0, 1.0),         # CPU follows time: no reason
}
POLLED_CPU = 79000
KNOB = {"knob": "block.scheduler", "instance": "vda", "before": "mq-deadline", "wanted": "none",
        "during": "none", "after": "mq-deadline", "status": "restored", "why": None}
# mode: (factor on the round trip, CPU ns/transaction, interrupts/packet)
NET_MODES = {"net-interrupt": (1.0, 14000, 1.0), "busy-poll": (0.8, 38000, 0.02)}
LOADS = [("d1", 1, None), ("d16", 16, None), ("open", 64, 2000.0)]


def index(ns):
    if ns < 64:
        return ns
    shift = ns.bit_length() - 7
    return ((shift + 1) << 6) + ((ns >> shift) & 63)


def mid(i):
    if i < 128:
        return i
    shift = (i >> 6) - 1
    return (1 << (shift + 6)) + ((i & 63) << shift) + ((1 << shift) >> 1)


def histogram(values):
    bins = {}
    for v in values:
        m = mid(index(v))
        bins[m] = bins.get(m, 0) + 1
    return {"bits": 6, "count": len(values), "min_ns": min(values), "max_ns": max(values),
            "sum_ns": sum(values), "bins": {str(k): n for k, n in sorted(bins.items())}}


def low(i):
    if i < 128:
        return i
    shift = (i >> 6) - 1
    return (1 << (shift + 6)) + ((i & 63) << shift)


def quantile(h, q):
    """The want-th value, as if those of its bucket were spread evenly over it."""
    want, seen = max(1, math.ceil(round(q * h["count"], 6))), 0
    for m, n in sorted((int(k), n) for k, n in h["bins"].items()):
        seen += n
        if seen >= want:
            i = index(m)
            width = low(i + 1) - low(i)
            value = low(i) + (width * (want - (seen - n) - 0.5) / n if width > 1 else 0)
            return min(max(value, h["min_ns"]), h["max_ns"])


def canonical(record):
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def detail(ticks, interrupts):
    return {"cpu": {"cpus": [{"cpu": 1, "user_ns": ticks // 4, "nice_ns": 0, "system_ns": ticks // 2,
                              "idle_ns": 0, "iowait_ns": 0, "irq_ns": 0, "softirq_ns": ticks // 4,
                              "steal_ns": 0}], "resolution_ns": 10000000,
                    "irq_time_accounting": "unknown"},
            "interrupts": {"measured_cpus": {"36": interrupts}, "vectors": [
                {"irq": 36, "name": "virtio1-req.0", "count": interrupts,
                 "cpu": {"0": interrupts // 3, "1": interrupts - interrupts // 3}}]}}


def level_of(args, load):
    """1 to 16, say: crossing modes cross at 4."""
    name, times = AXES[args.axis] if args.axis else ("iodepth", 1)
    return load[name] / times


def load_of(depth, rate):
    return {"engine": "io_uring", "rw": "randread", "bs": 4096, "iodepth": depth, "numjobs": 1,
            "rate_iops": rate, "open_loop": rate is not None, "runtime_ns": 1000000000}


def as_instrument(record, mode, block):
    """What fio's record has and ours has not."""
    record["workload"] = "fio"
    record["workload_report"] = {"version": "fio-3.33"}
    if mode != "sqpoll":
        record["metrics"]["slat_mean_ns"] = 900.0
    if mode == "defer-taskrun":
        record["evidence"]["proof"] = {"counters": {"io_uring_rings": 2, "io_uring_defer_taskrun_rings": 0}}
    if record["load"]["open_loop"]:  # its clock starts with the submission
        record.pop("latency")
        for name in [n for n in record["metrics"] if n.startswith("latency_")]:
            del record["metrics"][name]
    if mode == "little" and block < 3:
        for name in ("latency_mean_ns", "service_mean_ns"):
            if name in record["metrics"]:
                record["metrics"][name] *= 1.2
        record["checks"] = [{"id": "littles_law", "result": "fail", "spoils": ["latency_*", "service_*"],
                             "numbers": {}, "sentence": "more in flight than the depth"}]


def trial(rng, args, block, order, cell, mode, load, workload="ioloop"):
    depth, rate, size, jobs = load["iodepth"], load["rate_iops"], load["bs"], load["numjobs"]
    factor, cpu, irq, csw, declared, expectations = MODES[mode]
    if workload == "fio":
        slower, more, irq, csw = INSTRUMENTS[mode]
        factor, cpu = factor * slower, cpu + more
    if mode == "crossing":
        factor = 0.9 ** (2 - math.log2(level_of(args, load)))
        if args.turn and depth >= args.turn:
            factor = 0.8
        if args.factors:
            factor = args.factors[depth]
    drift = 1 + 0.03 * block / max(1, args.blocks - 1)
    mean = 80000 * drift * factor * args.slow * math.exp(rng.gauss(0, 0.002)) * (1 + depth / 32 if not rate else 1)
    dropped = args.dropout and mode == "sqpoll" and block == 0
    if dropped:  # whoever took its CPU made it slow, and the proof fail
        mean *= args.dropout
    sigma = 0.25
    ios = args.ios
    values = [int(mean * math.exp(rng.gauss(-sigma * sigma / 2, sigma))) for _ in range(ios)]
    if mode == "tail":  # the median is better, and one in fifty waits
        values = [v * 4 if k % 50 == 0 else v for k, v in enumerate(values)]
    latency = histogram(values)
    mean = latency["sum_ns"] / ios
    seconds = ios / rate if rate else ios * mean / depth / jobs / 1e9
    ns = round(seconds * 1e9)
    iops = ios / (ns / 1e9)
    m = {"iops": iops, "throughput_bytes_per_s": iops * size, "latency_mean_ns": mean,
         "latency_max_ns": latency["max_ns"], "cpu_ns_per_io_task": cpu * math.exp(rng.gauss(0, args.cpu_noise)),
         "interrupts_per_io": irq, "context_switches_per_io": csw}
    for name, q in (("p50", .5), ("p90", .9), ("p99", .99), ("p999", .999), ("p9999", .9999)):
        m["latency_%s_ns" % name] = quantile(latency, q)
    ticks = round(min(cpu * ios, ns * 0.9) / 1e7) * 10000000
    counters = {"device_interrupts": round(irq * ios), "context_switches": round(csw * ios),
                "system_calls": round((0.01 if mode == "sqpoll" and not dropped else 1) * ios),
                "device_ios": ios, "task_cpu_ns": round(min(cpu * ios, ns * 0.9))}
    # the verdict is spelled out, not computed: the program's own must come out the same
    results, word, grade, share = [], "in_force", declared, None
    for e in expectations:
        r = dict(e)
        value = counters[e["evidence"]] / ios
        want = e.get("when", {}).get("iodepth", depth)
        if depth != want if isinstance(want, int) else depth < want["at_least"]:
            r["result"] = "not_applicable"
        elif value > e.get("at_most", 1e9) or value < e.get("at_least", -1e9):
            r.update(result="failed", measured=value, share=round((1 - value) / (1 - .01), 6))
            word, share = "not_in_force", r["share"]
        else:
            r.update(result="passed", measured=value)
        r["sentence"] = "%s: %.4g per I/O" % (e["evidence"], value)
        results.append(r)
    if declared == "counter" and all(r["result"] == "not_applicable" for r in results):
        word = "unproven"
    verdict = {"mode": word, "grade": grade, "declared": declared, "expectations": results,
               "reasons": [r["sentence"] for r in results] or ["the kernel accepted it"]}
    if share is not None:
        verdict["share"] = share
    record = {"schema": 1, "trial": "%s-%04d" % (args.run, order), "run": args.run, "block": block,
              "order": order, "cell": cell, "target": "scratch", "mode": mode, "workload": workload,
              "placement": {"name": "default", "cpus": "0-15"}, "load": dict(load),
              "started": "2026-01-01T00:%02d:%02d.500Z" % (order // 60 % 60, order % 60), "status": "valid", "checks": [],
              "verdict": verdict, "counts": {"io": ios, "bytes": ios * size}, "metrics": m,
              "latency": latency, "intervals": {}, "evidence": {
                  "counters": counters, "absent": {"hardware_cycles": "no PMU in this guest"},
                  "window_ns": ns, "counts": {"io": ios}, "detail": detail(ticks, round(irq * ios))},
              "knobs": [dict(KNOB)] if mode == "sqpoll" else [], "workload_report": {},
              "labels": ["foreign_cpu"] if order % 7 == 0 else [],
              "timing": {"ramp_ns": 0, "measured_ns": ns, "knob_write_ns": 0, "overhead_ns": 0},
              "error": None}
    record["load"]["runtime_ns"] = ns
    if rate:
        record["service"] = latency
        m["service_mean_ns"], m["in_flight_mean"] = mean, iops * mean / 1e9
    if args.instruments and rate:
        m["service_p50_ns"], m["service_p99_ns"] = m["latency_p50_ns"], m["latency_p99_ns"]
    if args.instruments and mode == "sqpoll":
        counters["sq_thread_runnable_share"] = 1.0
        m["cpu_ns_per_io_sq_thread"] = 12000.0
    if workload == "fio":
        as_instrument(record, mode, block)
    elif args.instruments and mode in ("interrupt", "defer-taskrun"):
        record["workload_report"] = {"flags": {"setup": ["IORING_SETUP_SINGLE_ISSUER", "IORING_SETUP_DEFER_TASKRUN"]
                                               if mode == "defer-taskrun" else []}}
    if args.break_little and mode == "aio":
        m["latency_mean_ns"] = mean * 1.2
        record["checks"] = [{"id": "littles_law", "result": "fail", "spoils": ["latency_*", "service_*"],
                             "numbers": {}, "sentence": "Little's law is violated by 20.%d %%" % block}]
    if args.no_metrics:
        record["metrics"] = {}
    if args.invalid:
        record["status"] = "invalid"
        record["counts"]["bytes"] -= 512
        record["checks"] = [{"id": "bytes_match", "result": "fail", "spoils": ["*"], "numbers": {},
                             "sentence": "bytes do not match"}]
    return record


def net_load(pattern, depth):
    return {"pattern": pattern, "protocol": "udp" if pattern != "stream" else "tcp",
            "request_bytes": 64 if pattern != "stream" else 65536, "response_bytes": 64, "depth": depth,
            "flows": 1, "open_loop": 0, "rate_per_s": None, "runtime_ns": 1000000000}


def net_trial(rng, args, block, order, cell, mode, load):
    factor, cpu, irq = NET_MODES[mode]
    if mode == "net-crossing":
        factor = 0.9 ** (2 - math.log2(level_of(args, load)))
    n = args.ios
    values = [int(25000 * factor * load["depth"] ** 0.7 * math.exp(rng.gauss(0, 0.2)))
              for _ in range(n)]
    rtt = histogram(values)
    ns = round(rtt["sum_ns"] / load["depth"])
    packets = 2 * n
    m = {"cpu_ns_per_packet_task": cpu / 2, "interrupts_per_packet": irq,
         "net_rx_softirqs_per_packet": 0.9}
    if load["pattern"] == "stream":
        m.update(throughput_bytes_per_s=n * 65536 / (ns / 1e9), packets_per_s=packets / (ns / 1e9))
    else:
        m.update(transactions_per_s=n / (ns / 1e9), rtt_mean_ns=rtt["sum_ns"] / n,
                 rtt_min_ns=rtt["min_ns"], rtt_max_ns=rtt["max_ns"],
                 cpu_ns_per_transaction_task=cpu * math.exp(rng.gauss(0, .003)),
                 server_cpu_ns_per_transaction=cpu / 2, context_switches_per_transaction=irq,
                 busy_poll_share=1 - irq)
        for name, q in (("p50", .5), ("p90", .9), ("p99", .99), ("p999", .999), ("p9999", .9999)):
            m["rtt_%s_ns" % name] = quantile(rtt, q)
    ticks = round(min(cpu * n, ns * 0.9) / 1e7) * 10000000
    record = {"schema": 1, "trial": "%s-%04d" % (args.run, order), "run": args.run, "block": block,
              "order": order, "cell": cell, "target": "veth pair", "mode": mode, "workload": "netloop",
              "placement": {"name": "default", "cpus": "0-15"}, "load": load,
              "started": "2026-01-01T00:%02d:%02d.500Z" % (order // 60 % 60, order % 60),
              "status": "valid", "checks": [], "verdict": {
                  "mode": "in_force", "grade": "counter", "declared": "counter", "expectations": [
                      {"evidence": "interrupts", "per": "packet", "at_most": 2, "result": "passed",
                       "measured": irq, "sentence": "interrupts: %.4g per packet" % irq}],
                  "reasons": []},
              "counts": {"transaction": n}, "metrics": m, "intervals": {}, "evidence": {
                  "counters": {"interrupts": round(irq * packets), "task_cpu_ns": min(cpu * n, ns)},
                  "absent": {}, "window_ns": ns, "counts": {"transaction": n, "packet": packets},
                  "detail": detail(ticks, round(irq * packets))},
              "knobs": [], "workload_report": {}, "labels": [], "error": None,
              "timing": {"ramp_ns": 0, "measured_ns": ns, "knob_write_ns": 0, "overhead_ns": 0}}
    record["load"] = dict(load, runtime_ns=ns)
    if load["pattern"] != "stream":
        record["latency"] = rtt
    return record


def seal(record):
    record["sha256"] = hashlib.sha256(canonical(record).encode()).hexdigest()
    return canonical(record)


EVIL = "<img src=x onerror=alert(1)>'\"&`touch pwned`$(touch pwned)\\@x%s\n{{}}"


def hostile(lines, cells):
    """Target, mode and cell names that would be markup, shell or gnuplot if nobody quoted them."""
    for c in cells:
        c["target"] = EVIL
        c["id"] += EVIL
        if c["mode"] == "sqpoll":
            c["mode"] += EVIL
    out = []
    for line in lines:
        t = json.loads(line)
        t.pop("sha256")
        t["target"] = EVIL
        t["cell"] += EVIL
        if t["mode"] == "sqpoll":
            t["mode"] += EVIL
        out.append(seal(t))
    return out, cells


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--run", default="synthetic")
    p.add_argument("--blocks", type=int, default=10)
    p.add_argument("--ios", type=int, default=2000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--modes", default=",".join(MODES))
    p.add_argument("--net", action="store_true", help="network cells beside the block ones")
    p.add_argument("--dirty", action="store_true", help="the build had uncommitted changes")
    p.add_argument("--hostile", action="store_true", help="names that are markup and code")
    p.add_argument("--started", default="2026-01-01T00:00:00.000Z")
    p.add_argument("--kernel", default="6.1.0-test")
    p.add_argument("--slow", type=float, default=1.0, help="factor on every latency")
    p.add_argument("--test-delay", type=int, help="the loop was slowed down on purpose, by so many ns")
    p.add_argument("--invalid", action="store_true", help="every trial fails a check")
    p.add_argument("--break-little", action="store_true", help="mode aio violates Little's law")
    p.add_argument("--canary", choices=["bare", "vm"], help="block 3's canary moved; aio of it was made again")
    p.add_argument("--trial-schema", type=int, default=1)
    p.add_argument("--run-schema", type=int, default=1)
    p.add_argument("--unsteady", action="store_true", help="prepared by pts, and never steady")
    p.add_argument("--floor", type=float, help="noise floor of rate and median latency, of the day before")
    p.add_argument("--old-floor", action="store_true", help="of two months before, another kernel and another target")
    p.add_argument("--instruments", action="store_true", help="every mode by fio, too")
    p.add_argument("--depths", help="closed loops at these depths, and the mode that crosses")
    p.add_argument("--dropout", type=float, help="factor on the latency of sqpoll's first trials, which were not in force")
    p.add_argument("--axis", choices=AXES, help="what --depths are levels of; a mode crosses at the fourth multiple")
    p.add_argument("--looks", help="blocks of the looks that are said to have been made: 10 or 10,15; met at the last")
    p.add_argument("--planned", type=int, help="blocks of the order; more than were run")
    p.add_argument("--factors", help="factors on the latency of the mode that crosses, and the depths: 1:0.95,2:1.1")
    p.add_argument("--cpu-noise", type=float, default=0.003, help="standard deviation of the logarithm of CPU per I/O")
    p.add_argument("--no-metrics", action="store_true", help="no trial has a number")
    p.add_argument("--turn", type=int, help="from this depth on the mode that crosses is the better one again")
    args = p.parse_args()
    if args.factors:
        args.factors = {int(d): float(f) for d, f in (one.split(":") for one in args.factors.split(","))}
        args.depths = ",".join(map(str, args.factors))
    if args.depths:
        MODES["crossing"] = CROSSING
        LOADS[:] = [("d" + d, int(d), None) for d in args.depths.split(",")]
        args.modes = "interrupt,crossing,sqpoll"
    if args.axis:
        NET_MODES["net-crossing"] = (1.0, 20000, 0.02)
        if args.axis in ("flows", "size"):
            args.modes = ""
    if args.instruments:
        MODES.update({m: (1.0, POLLED_CPU if m == "polled" else 9000, 0.0 if m == "polled" else 1.0, 1.0,
                          "accepted", []) for m in INSTRUMENTS if m not in MODES})
        LOADS[:] = [("d1", 1, None), ("open", 64, 2000.0)]
        args.modes = ",".join(MODES)
    if "fast" in args.modes.split(","):
        MODES["fast"] = FAST
    if "tail" in args.modes.split(","):
        MODES["tail"] = TAIL
    MODES.update({m: TWIN for m in args.modes.split(",") if m.startswith("twin")})
    rng = random.Random(args.seed)
    cells, order, lines, n = [], [], [], 0
    for mode in filter(None, args.modes.split(",")):
        for name, depth, rate in LOADS:
            load = load_of(depth, rate)
            if args.axis:
                load.update({"iodepth": 8, AXES[args.axis][0]: depth * AXES[args.axis][1], "open_loop": args.axis == "rate"})
            cell = {"id": "%s-%s" % (mode, name), "target": "scratch", "mode": mode,
                    "workload": "ioloop", "placement": {"name": "default", "cpus": "0-15"},
                    "load": load, "supported": MODES[mode] is not None}
            if MODES[mode] is None:
                cell["reason"] = "no poll queues: nvme.poll_queues=0"
            cells.append(cell)
            if args.instruments:
                cells.append({**cell, "id": cell["id"] + "/fio", "workload": "fio"})
    for block in range(args.blocks):
        todo = [i for i, c in enumerate(cells) if c["supported"]]
        rng.shuffle(todo)
        order.append(todo)
        for i in todo:
            c = cells[i]
            t = trial(rng, args, block, n, c["id"], c["mode"], c["load"], c["workload"])
            t["schema"] = args.trial_schema
            if args.test_delay:
                t["test_delay_ns"] = args.test_delay
            t["sha256"] = hashlib.sha256(canonical(t).encode()).hexdigest()
            lines.append(canonical(t))
            n += 1
    for c in [c for c in cells if args.canary and c["mode"] == "aio"]:
        t = trial(rng, args, 3, n, c["id"], "aio", c["load"])
        t["pass"], t["retry_of"] = "retry", "another"
        t["sha256"] = hashlib.sha256(canonical(t).encode()).hexdigest()
        lines.append(canonical(t))
        n += 1
    more = {}
    if args.canary:
        samples = [{"block": b, "retry": b == args.blocks, "spin_per_s": 800 if b == 3 else 1000 + b % 3}
                   for b in range(args.blocks + 1)]
        more = {"canary": {"hypervisor": "KVM" if args.canary == "vm" else None, "samples": samples},
                "retries": {"budget": 20, "made": 3, "given_up": []}}
    if args.looks:
        at = [int(b) for b in args.looks.split(",")]
        more["precision"] = {"at": at + [args.planned], "asked": None, "blocks": at[-1],
                             "looks": [{"blocks": b, "met": b == at[-1], "sentence": "as made"} for b in at]}
        more["precision_met"] = True
    order += [order[0]] * ((args.planned or 0) - args.blocks)
    net_rng = random.Random(args.seed + 1)
    loads = [("%s-%d" % l, net_load(*l)) for l in (("rr", 1), ("rr", 8), ("stream", 1)) if args.net]
    if args.axis == "flows":
        loads = [("flows-%s" % d, dict(net_load("rr", 1), flows=int(d))) for d in args.depths.split(",")]
    if args.axis == "size":
        loads = [("size-%s" % d, dict(net_load("rr", 1), request_bytes=64 * int(d), response_bytes=64 * int(d)))
                 for d in args.depths.split(",")]
    for mode in NET_MODES:
        for name, load in loads:
            cells.append({"id": "%s-%s" % (mode, name), "target": "veth pair", "mode": mode,
                          "workload": "netloop", "placement": {"name": "default", "cpus": "0-15"},
                          "load": load, "supported": True})
    for block in range(args.blocks if loads else 0):
        for c in cells:
            if c["workload"] == "netloop":
                lines.append(seal(net_trial(net_rng, args, block, n, c["id"], c["mode"], c["load"])))
                n += 1
    if args.hostile:
        lines, cells = hostile(lines, cells)
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "run.json"), "w") as f:
        source = {"series": 1, "blocks": 6, "made": "2025-11-01T00:00:00.000Z", "run": "aa-old", "kernel": "6.0.0-old",
                  "targets": ["sdb"]} if args.old_floor else {
            "series": 2, "blocks": 10, "made": "2025-12-31T00:00:00.000Z", "run": "aa-run", "kernel": args.kernel,
            "targets": ["scratch"]}
        floor = {"noise_floor": {"metrics": {m: {"floor": args.floor, **source} for m in (
            "iops", "latency_p50_ns")}}} if args.floor else {}
        prepared = {"prepared": {"level": "pts", "bytes_written": 48 << 20, "rounds": [500.0, 400.0, 300.0] * 8 + [90.0],
                                 "steady": {"reached": False, "sentence": "the range is 137 % of the average"}}} if args.unsteady else {}
        json.dump({**prepared, **floor, "schema": args.run_schema, "run": args.run, "experiment": {}, "seed": args.seed,
                   "order": order, "cells": cells, "started": args.started,
                   "ended": "2026-01-01T00:10:00.000Z", "complete": True, "machine": {
                       "cpus": {"online": "0-1", "cores": 2, "sockets": 1}, "facts": {
                           "cpu.model": {"value": "synthetic"},
                           "kernel.release": {"value": args.kernel},
                           "cpu.governor": {"value": None, "why": "no cpufreq driver"}},
                       "disks": [{"name": "vda", "model": "synthetic", "serial": "s1",
                                  "virtual": False}]},
                   "build": {"version": "0", "commit": "0", "dirty": args.dirty}, "tools": {},
                   "baseline": "interrupt" if args.modes else "net-interrupt", "primary_metrics": ["iops"], "profile": "test", "command": {
                       "blocks": 10, "modes": ["interrupt"], "no_cpu_left": True, "runtime_ns": 600000000,
                       "scratch": "/a b"}, **more}, f)
    with open(os.path.join(args.out, "trials.jsonl"), "w") as f:
        f.write("".join(l + "\n" for l in lines))
    with open(os.path.join(args.out, "SHA256SUMS"), "w") as f:  # as a run that ended leaves it
        for name in ("run.json", "trials.jsonl"):
            f.write("%s  %s\n" % (hashlib.sha256(open(os.path.join(args.out, name), "rb").read()).hexdigest(), name))


main()
