# SPDX-License-Identifier: Apache-2.0
# Published tables on a drive with poll queues: every row they have is in force (of vldb26-ladder those that read), and the drive's health is in
# every record.
. "$(dirname "$0")/check.sh"

rm -rf /tmp/presets
mkdir -m 700 /tmp/presets
presets=$LAB_DIR/../../configs/presets
[ $# -gt 0 ] || set -- cheops23-qd1 fast24-passthru vldb26-ladder
rebind=()
[ "${LAB_POLL_QUEUES:-2}" -gt 0 ] || rebind=(--allow-rebind)
for preset in "$@"; do
	# That a row is in force, and the ratios, are seen in one block.
	# fast24-passthru has its rows at three depths, the first eight at 1; vldb26-ladder seven that read, then writes
	cells=8
	[ $preset != vldb26-ladder ] || cells=7
	again=()
	for go in 1 2 3; do
		status=0
		"$iomodes" run "$presets/$preset.yaml" --target /dev/nvme0n1 --single-block "${rebind[@]}" --ramp 50ms \
			--runtime 200ms --no-cpu-left --max-cells $cells "${again[@]}" -q -o "/tmp/presets/$preset" \
			> /tmp/presets-out 2>&1 || status=$?
		sed 's/^/# /' /tmp/presets-out
		mapfile -t again < <("$(dirname "$0")/again.py" "/tmp/presets/$preset"/2*)
		[ ${#again[@]} -gt 0 ] || break
		cells=$((${#again[@]} / 2)) # the first group's, as before
	done
	is "$preset: the last of $go runs ends well" $status 0
	"$iomodes" compare "$(ls -d "/tmp/presets/$preset"/2* | head -n 1)" > /tmp/presets-compare
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
    trials = [json.loads(l) for f in sorted(glob.glob(f"/tmp/presets/{preset}/2*/trials.jsonl")) for l in open(f)]
    trials = [t for t in trials if t["pass"] in ("measure", "retry")]
    for mode in modes:
        seen = list({t["cell"]: t for t in trials if t["mode"] == mode}.values()) # the last of each cell
        words = [t["verdict"]["mode"] for t in seen]
        say(seen and set(words) == {"in_force"}, f"{preset}: {mode}: {' '.join(words)} " +
            "; ".join(sorted({str(t["error"] or t["verdict"]["reasons"]) for t in seen if t["verdict"]["mode"] != "in_force"}))[:300])
    smart = [t.get("host", {}).get("smart", {}).get("nvme0", {}).get("after") for t in trials]
    say(smart and all(s and -20 < s["temperature_c"] < 120 for s in smart),
        f"{preset}: the drive's temperature is in all {len(smart)} records: {smart[0] if smart else trials[:1]}")
    log = [t["host"].get("kernel_log") for t in trials]
    say(all(l is not None for l in log), f"{preset}: the kernel's log was watched")
EOF2
