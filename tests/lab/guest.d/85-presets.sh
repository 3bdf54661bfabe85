# SPDX-License-Identifier: Apache-2.0
# Published tables on a drive with poll queues: every row they have is in force (of vldb26-ladder those that read), and the drive's health is in
# every record.
. "$(dirname "$0")/check.sh"

rm -rf /tmp/presets
mkdir -m 700 /tmp/presets
presets=$LAB_DIR/../../configs/presets
[ $# -gt 0 ] || set -- cheops23-qd1 fast24-passthru vldb26-ladder
for preset in "$@"; do
	# A comparison takes six blocks; that a row is in force is seen in one.
	# fast24-passthru has its rows at three depths, the first eight at 1; vldb26-ladder seven that read, then writes
	blocks=(--single-block) cells=8
	[ $preset != cheops23-qd1 ] || blocks=(--blocks 6)
	[ $preset != vldb26-ladder ] || cells=7
	"$iomodes" run "$presets/$preset.yaml" --target /dev/nvme0n1 "${blocks[@]}" --ramp 50ms --runtime 200ms --no-cpu-left \
		--max-cells $cells -q -o "/tmp/presets/$preset" > /tmp/presets-out 2>&1
	is "$preset ends well" $? 0
	sed 's/^/# /' /tmp/presets-out
	"$iomodes" compare "/tmp/presets/$preset"/2* > /tmp/presets-compare
	if [ $preset = cheops23-qd1 ]; then
		holds "published ratios stand beside ours" grep -q 'Published / ours, as ratios against sync' /tmp/presets-compare
		holds "what is no row of ours has its reason" grep -q 'spdk-fio is no row here: SPDK' /tmp/presets-compare
		holds "what differs is said" grep -q 'What differs: drive, CPU and kernel' /tmp/presets-compare
		grep -A 12 'Published / ours' /tmp/presets-compare | sed 's/^/# /'
	fi
done
python3 - "$@" <<'EOF2'
import glob, json, sys


def say(good, text):
    print("ok" if good else "not ok", "-", text)


wanted = {
    "cheops23-qd1": ["sync", "aio", "interrupt", "iopoll", "sqpoll", "passthrough", "passthrough-fixed", "passthrough-iopoll"],
    "fast24-passthru": ["interrupt", "interrupt-registered", "iopoll", "iopoll-registered", "passthrough",
                        "passthrough-fixed", "passthrough-iopoll", "passthrough-fixed-iopoll"],
    "vldb26-ladder": ["aio", "defer-taskrun", "defer-ring", "defer-files", "defer-registered", "passthrough-fixed",
                      "passthrough-fixed-iopoll"],
}
for preset in sys.argv[1:]:
    modes = wanted[preset]
    trials = [json.loads(l) for f in glob.glob(f"/tmp/presets/{preset}/2*/trials.jsonl") for l in open(f)]
    trials = [t for t in trials if t["pass"] in ("measure", "retry")]
    for mode in modes:
        seen = [t for t in trials if t["mode"] == mode]
        words = [t["verdict"]["mode"] for t in seen]
        say(len(seen) >= (6 if preset == "cheops23-qd1" else 1) and set(words) == {"in_force"},
            f"{preset}: {mode}: {words.count('in_force')} of {len(seen)} trials in force " +
            "; ".join(sorted({str(t["error"] or t["verdict"]["reasons"]) for t in seen if t["verdict"]["mode"] != "in_force"}))[:300])
    smart = [t.get("host", {}).get("smart", {}).get("nvme0", {}).get("after") for t in trials]
    say(smart and all(s and -20 < s["temperature_c"] < 120 for s in smart),
        f"{preset}: the drive's temperature is in all {len(smart)} records: {smart[0] if smart else trials[:1]}")
    log = [t["host"].get("kernel_log") for t in trials]
    say(all(l is not None for l in log), f"{preset}: the kernel's log was watched")
EOF2
