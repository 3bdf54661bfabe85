# SPDX-License-Identifier: Apache-2.0
# Sourced after check.sh by the checks of poll queues.
export PATH="${IOMODES_BIN:-$LAB_DIR/../../build/bin}:$PATH"

# experiment MODES: a small one at depth 1
experiment() {
	cat > /tmp/poll_queues.yaml <<-END
	name: poll-queues
	target: /dev/nvme0n1
	design: {blocks: 6, ramp: 50ms, runtime: 200ms, cpu_left: 0}
	load: {rw: randread, bs: 4k}
	groups:
	  - modes: [$1]
	    iodepth: 1
	END
}

# start OPTIONS: as run, in the background, and iomodes itself is $! and no shell around it
start() {
	(exec iomodes run /tmp/poll_queues.yaml --output $results --quiet "$@" > /tmp/killed 2>&1) &
	pid=$!
}
results=/lab/results/poll-queues
mkdir -p -m 700 $results
run() { iomodes run /tmp/poll_queues.yaml --output $results --quiet "$@"; }
knob() { iomodes knob get "$1"; }
pci_of() { basename "$(readlink /sys/class/nvme/$1/device)"; }
last_run() { ls -td $results/*poll-queues*/ 2> /dev/null | head -n 1; }

# state N: all that a rebind of controller N may change
state() {
	local path
	path=$(path_of nvme$1)
	knob nvme.poll_queues:"$(pci_of nvme$1)"
	cat /sys/module/nvme/parameters/poll_queues
	grep -H . /sys/block/$path/queue/* 2>/dev/null
	ls /dev/nvme* /dev/ng* /sys/block 2>/dev/null
}

# unchanged TEXT N STATE: controller N is as it was then; else what differs
unchanged() {
	local now
	now=$(state "$2")
	is "$1" "$(diff <(echo "$3") <(echo "$now") | tr '\n' ' ')" ""
}

# read_last_run: adds of[MODE WHAT] over the measured trials of each mode of the last run; python takes a second to start
declare -A of
read_last_run() {
	local mode what value
	while read -r mode what value; do of["$mode $what"]=$value; done < <(python3 - "$(last_run)trials.jsonl" <<-'END'
	import collections, json, sys
	every = [t for t in map(json.loads, open(sys.argv[1])) if t["pass"] == "measure"]
	print("any trials", len(every))
	for mode in {t["mode"] for t in every}:
	    failed, trials = ([t for t in every if t["mode"] == mode and (t["status"] == "failed") == wanted] for wanted in (True, False))
	    other = [t["error"] for t in failed if "Operation not supported" not in str(t["error"])]
	    print(mode, "refused", "all" if failed and not other and not trials else (len(failed), len(trials), other[:2]))
	    found = collections.Counter(t["verdict"]["mode"] for t in trials)
	    print(mode, "verdicts", *("%s x%d" % one for one in sorted(found.items())))
	    if trials: # cpu: of one, by the kernel's accounts
	        busy = sum(t["metrics"]["cpu_ns_per_io_task"] * t["metrics"]["iops"] for t in trials) / 1e9
	        print(mode, "cpu %.3f" % (busy / len(trials)))
	        print(mode, "interrupts %.3f" % (sum(t["metrics"]["interrupts_per_io"] for t in trials) / len(trials)))
	END
	)
	[ -n "${of["any trials"]-}" ] || echo "not ok - the last run cannot be read"
}
within() { awk -v x="$1" -v a="$2" -v b="$3" 'BEGIN { exit !(x != "" && x >= a && x <= b) }'; }

# idle: until neither orchestrator nor guardian is left
idle() {
	local i
	for i in $(seq 600); do
		pgrep -x 'iomodes.*' > /dev/null || return 0
		sleep 0.1
	done
	return 1
}
