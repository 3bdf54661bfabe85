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

# records MODE WHAT: over the measured trials of the last run
records() {
	python3 - "$(last_run)trials.jsonl" "$1" "$2" <<-'END' || echo unreadable
	import collections, json, sys
	trials = [json.loads(line) for line in open(sys.argv[1])]
	trials = [t for t in trials if t["mode"] == sys.argv[2] and t["pass"] == "measure"]
	failed, trials = ([t for t in trials if (t["status"] == "failed") == wanted] for wanted in (True, False))
	if sys.argv[3] == "refused":
	    other = [t["error"] for t in failed if "Operation not supported" not in str(t["error"])]
	    print("all" if failed and not other and not trials else (len(failed), len(trials), other[:2]))
	elif sys.argv[3] == "verdicts":
	    found = collections.Counter(t["verdict"]["mode"] for t in trials)
	    print(*("%s x%d" % one for one in sorted(found.items())))
	elif trials and sys.argv[3] == "cpu": # of one, by the kernel's accounts
	    busy = sum(t["metrics"]["cpu_ns_per_io_task"] * t["metrics"]["iops"] for t in trials) / 1e9
	    print("%.3f" % (busy / len(trials)))
	elif trials:
	    print("%.3f" % (sum(t["metrics"]["interrupts_per_io"] for t in trials) / len(trials)))
	END
}
verdicts() { records "$1" verdicts; }
interrupts() { records "$1" interrupts; }
cpu() { records "$1" cpu; }
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
