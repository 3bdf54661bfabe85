#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C, SIGTERM, a terminal that goes away, at a random moment: 128+n, knobs back, records intact,
# and --resume completes the run. nohup is respected.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"
RANDOM=${IOMODES_TEST_SEED:-$RANDOM}
echo "seed $RANDOM"

experiment small 'interrupt, sync'
cut_short() { # WHAT
	echo "$1 after $(trials) of 12 trials"
	is_as_before "$1"
	status_is_clean "$1"
	no_process_left "$1"
	records intact "$(run_dir)"
	"$iomodes" run --resume "$(run_dir)" --quiet >"$work/out" 2>"$work/err" ||
		{ cat "$work/out" "$work/err"; fail "$1: resume"; }
	is_whole "$(run_dir)" "$1, resumed"
	is_as_before "$1, resumed"
	[[ $(ls -d "$results"/2* | wc -l) == 1 ]] || fail "$1: resume made another directory"
	[[ $(ls "$results"/*.bin | wc -l) == 1 && -z $(find "$work" -name '*.bin' -not -path "$results/*") ]] ||
		fail "$1: resume made another scratch file"
	rm -rf "$results"/2*
}

for sig in INT TERM HUP INT; do
	start setsid "$iomodes" run "$work/small.yaml" --output "$results"
	await_trials $((RANDOM % 10 + 1))
	sleep "0.$((RANDOM % 250 + 100))"
	kill -"$sig" "$run_pid"
	ends_with $((128 + $(kill -l $sig))) "SIG$sig"
	grep -q -- "--resume $(run_dir)" "$work/err" || fail "SIG$sig: the run does not say how to go on"
	cut_short "SIG$sig"
done

# In the first trial, nothing measured yet: block 0 is made anew.
start "$iomodes" run "$work/small.yaml" --output "$results"
for _ in {1..300}; do compgen -G "$results/*/raw/b00-o00*" >/dev/null && break; sleep 0.02; done
kill -TERM "$run_pid"
ends_with 143 "SIGTERM in the first trial"
cut_short "SIGTERM in the first trial"

# A terminal that goes away: iomodes leads a session on a pty whose other end is closed.
python3 - "$iomodes" "$work/small.yaml" "$results" <<-'END' || fail "terminal gone"
	import glob, os, pty, sys, time
	iomodes, experiment, results = sys.argv[1:]
	pid, fd = pty.fork()
	if not pid:
	    os.execv(iomodes, [iomodes, "run", experiment, "--output", results])
	seen, deadline = b"", time.time() + 20
	os.set_blocking(fd, False)
	while time.time() < deadline:
	    try:
	        seen += os.read(fd, 65536)
	    except (BlockingIOError, OSError):
	        pass
	    if sum(len(open(f).readlines()) for f in glob.glob(results + "/*/trials.jsonl")) >= 3:
	        break
	    time.sleep(0.02)
	assert b"left" in seen and b"\r" in seen, ("no progress line on a terminal", seen)
	os.close(fd)
	_, status = os.waitpid(pid, 0)
	assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 129, "exit status %d, not 129" % status
END
cut_short "terminal gone"

# nohup means: go on without the terminal.
start nohup "$iomodes" run "$work/small.yaml" --output "$results"
await_trials 2
kill -HUP "$run_pid"
ends_with 0 "SIGHUP under nohup"
is_whole "$(run_dir)" "SIGHUP under nohup"
is_as_before "SIGHUP under nohup"
