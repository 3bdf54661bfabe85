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

# begin DISK MODES [GROUP]: a run on it and of another group, until a trial on the disk after the first is in the middle, by
# builtins, so that most of its 5 s are still to come. One block: seed 6 draws the cells in the order of the file.
begin() {
	local end=$((SECONDS + 120)) file worker='' pid name stat trials
	rm -rf /tmp/unplug
	cat > /tmp/unplug.yaml <<-END
	name: unplug
	target: /dev/$1
	${3:+net_target: veth}
	design: {blocks: 6, seed: 6, ramp: 0.1s, runtime: 5s, cpu_left: 0}
	set: {block.scheduler: none}
	load: {rw: randread, bs: 4k}
	groups:
	  - {modes: [$2], iodepth: 1}
	  ${3:+- $3}
	END
	mkdir -m 700 /tmp/unplug
	modprobe -q mq-deadline # something to put back, on a disk that will not be there
	echo mq-deadline > "/sys/block/$(path_of "${1%n1}")/queue/scheduler"
	"$iomodes" run /tmp/unplug.yaml --single-block -q -o /tmp/unplug > /tmp/unplug-out 2>&1 &
	orchestrator=$!
	while [ -z "$worker" ] && [ $SECONDS -lt $end ]; do
		sleep 0.1
		trials=
		for file in /tmp/unplug/2*/trials.jsonl; do
			[ ! -s "$file" ] || mapfile -t trials < "$file"
		done
		[ -n "$trials" ] || continue
		for pid in /proc/[0-9]*; do
			read -r name < "$pid/comm" && [ "$name" = ioloop ] || continue
			# at work: it has used 0.3 s of a CPU
			read -r -a stat < "$pid/stat" && [ $((stat[13] + stat[14])) -ge 30 ] && worker=${pid#/proc/}
		done 2> /dev/null
	done
	holds "$1: a trial is open (ioloop is ${worker:-not there})" test -n "$worker" -a -e "/proc/$worker"
}

# ended HOW CONTROLLER-NUMBER: the run after its drive has gone
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
	holds "$1: it did not hang ($((SECONDS - begun)) s)" test $((SECONDS - begun)) -lt 90
	dir=$(echo /tmp/unplug/2*)
	python3 - "$dir" "$1" "$2" <<-'EOF'
	import collections, json, re, sys
	trials = [json.loads(line) for line in open(sys.argv[1] + "/trials.jsonl")]
	run = json.load(open(sys.argv[1] + "/run.json"))
	why = collections.Counter(t["error"] for t in trials if t["status"] == "failed")
	for text, n in why.most_common():
	    print(f"#   {n} trials failed: {text}")
	gone = [k for t in trials for k in t["knobs"] if k["status"] == "gone"]
	disk = re.compile(r"(nvme|ng)%s(c\d+)?n1\b|No such device" % sys.argv[3])
	strange = [text for text in why if not disk.search(str(text))]
	net = [t for t in trials if "pattern" in t["load"]]
	first = next((i for i, t in enumerate(trials) if t["status"] == "failed"), len(trials))
	later = [t for t in trials[first:] if t in net]
	valid = [t for t in later if t["status"] == "valid"]
	if sys.argv[2] == "sysfs remove": # the other target's, which knows nothing of it
	    print("ok" if later and valid == later else "not ok",
	          f"- {sys.argv[2]}: {len(valid)} of {len(later)} network trials after it are valid " +
	          "; ".join(str(t["error"] or t["checks"])[:200] for t in later if t["status"] != "valid"))
	    # device_del is a request, which the guest follows seconds later: in that trial or between two
	    cut = [text for text in why if str(text).startswith("ioloop: ")]
	    print("ok" if cut else "not ok", f"- {sys.argv[2]}: the open trial was cut off: {cut}")
	print("ok" if gone else "not ok", f"- {sys.argv[2]}: {len(gone)} knobs gone with the drive: {gone[:1]}")
	print("ok" if why and not strange else "not ok", f"- {sys.argv[2]}: {len(trials)} trials, {sum(why.values())} failed, "
	      f"each of them by the drive that is gone {strange}")
	print("ok" if run.get("complete") else "not ok", f"- {sys.argv[2]}: the rest went on ({run.get('error')})")
	EOF
	holds "$1: compare reads it" "$iomodes" compare "$dir"
	holds "$1: check reads it" "$iomodes" check "$dir"
	is "$1: status" "$("$iomodes" status 2>&1)" "clean: nothing on this machine is as iomodes set it"
	"$iomodes" compare "$dir" 2>&1 | sed -n 's/^/#   /; /failed/p' | head -n 12
}

begin nvme0n1 "interrupt, iopoll, passthrough" '{target: net, modes: [interrupt]}'
holds "sysfs remove of nvme0 in the middle of a trial" sh -c 'echo 1 > /sys/class/nvme/nvme0/device/remove'
holds "nvme0 is gone" gone nvme0
ended "sysfs remove" 0
echo 1 > /sys/bus/pci/rescan
i=0
while [ ! -e /dev/nvme0n1 ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.2; done
holds "nvme0 is back after a rescan" test -b /dev/nvme0n1
if ! command -v python3 >/dev/null; then
	echo "skip - device_del: no python3 on the host"
	exit
fi
begin nvme1n1 "interrupt, iopoll, passthrough, sync, aio, interrupt-registered" # the guest takes some 5 s to comply
holds "QEMU takes device_del of nvme1 in the middle of a trial" "$LAB_DIR/qmp" --wait DEVICE_DELETED device_del id=nvme1
holds "nvme1 is gone" gone nvme1
ended "device_del" 1
