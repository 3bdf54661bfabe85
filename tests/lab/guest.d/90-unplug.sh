# SPDX-License-Identifier: Apache-2.0
# Last, because the drives are gone for a while: both ways of losing one while it works.
. "$(dirname "$0")/check.sh"

# gone CONTROLLER: within 20 s
gone() {
	local i=0
	while [ -e "/sys/class/nvme/$1" ]; do
		i=$((i + 1))
		[ $i -lt 100 ] || return 1
		sleep 0.2
	done
}

# begin DISK: a run on it, until its third trial is under way
begin() {
	rm -rf /tmp/unplug
	mkdir -m 700 /tmp/unplug
	modprobe -q mq-deadline # something to put back, on a disk that will not be there
	echo mq-deadline > "/sys/block/$(path_of "${1%n1}")/queue/scheduler"
	"$iomodes" run lab -q -t "/dev/$1" -m interrupt -m iopoll -m passthrough -m hybrid-iopoll \
		--runtime 1500ms -o /tmp/unplug > /tmp/unplug-out 2>&1 &
	orchestrator=$!
	local i=0
	while [ "$(cat /tmp/unplug/*/trials.jsonl 2>/dev/null | wc -l)" -lt 2 ] && [ $i -lt 300 ]; do
		i=$((i + 1))
		sleep 0.1
	done
	sleep 0.8
}

# ended HOW: the run after its drive has gone
ended() {
	local begun=$SECONDS status wanted dir trials=/tmp/unplug/*/trials.jsonl
	wait $orchestrator
	status=$?
	wanted=$(python3 - $trials <<-'EOF'
	import json, sys
	trials = [json.loads(line) for line in open(sys.argv[1])]
	valid = {t["cell"] for t in trials if t["status"] == "valid"}
	print(0 if valid == {t["cell"] for t in trials} else 4) # 0: each had a trial before the drive went
	EOF
	)
	is "$1: exit status of the run: $(tail -n 1 /tmp/unplug-out)" $status "$wanted"
	holds "$1: it did not hang ($((SECONDS - begun)) s)" test $((SECONDS - begun)) -lt 60
	holds "$1: trials before it are valid" sh -c "head -n 2 $trials | grep -q '\"status\":\"valid\"'"
	dir=$(echo /tmp/unplug/2*)
	python3 - "$dir" "$1" <<-'EOF'
	import collections, json, sys
	trials = [json.loads(line) for line in open(sys.argv[1] + "/trials.jsonl")]
	run = json.load(open(sys.argv[1] + "/run.json"))
	why = collections.Counter(t["error"] for t in trials if t["status"] == "failed")
	for text, n in why.most_common():
	    print(f"#   {n} trials failed: {text}")
	gone = [k for t in trials for k in t["knobs"] if k["status"] == "gone"]
	print("ok" if gone else "not ok", f"- {sys.argv[2]}: {len(gone)} knobs gone with the drive: {gone[:1]}")
	print("ok" if why and all(why) else "not ok", f"- {sys.argv[2]}: {len(trials)} trials, {sum(why.values())} failed with a reason")
	print("ok" if run.get("complete") else "not ok", f"- {sys.argv[2]}: the rest went on ({run.get('error')})")
	EOF
	holds "$1: compare reads it" "$iomodes" compare "$dir"
	holds "$1: check reads it" "$iomodes" check "$dir"
	is "$1: status" "$("$iomodes" status 2>&1)" "clean: nothing on this machine is as iomodes set it"
	"$iomodes" compare "$dir" 2>&1 | sed -n 's/^/#   /; /failed/p' | head -n 12
}

begin nvme0n1
holds "sysfs remove of nvme0 in the middle of a trial" sh -c 'echo 1 > /sys/class/nvme/nvme0/device/remove'
holds "nvme0 is gone" gone nvme0
ended "sysfs remove"
echo 1 > /sys/bus/pci/rescan
i=0
while [ ! -e /dev/nvme0n1 ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.2; done
holds "nvme0 is back after a rescan" test -b /dev/nvme0n1
if ! command -v python3 >/dev/null; then
	echo "skip - device_del: no python3 on the host"
	exit
fi
begin nvme1n1
holds "QEMU takes device_del of nvme1 in the middle of a trial" "$LAB_DIR/qmp" --wait DEVICE_DELETED device_del id=nvme1
holds "nvme1 is gone" gone nvme1
ended "device_del"
