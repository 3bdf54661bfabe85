#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# iperf3 as a workload over veth: a one-off server, both ends pinned, the receiver's figures; and
# what its exit status does not say.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"
real=$(command -v iperf3) || { echo "skip: no iperf3"; exit 77; }
(($(nproc) > 1)) || { echo "skip: two CPUs are needed, one for each end"; exit 77; }

cat >"$work/net.yaml" <<-'END'
	name: net
	net_target: veth
	design: {blocks: 6, ramp: 0ms, runtime: 1s}
	groups:
	  - {target: net, modes: [interrupt], workloads: [iperf3], pattern: stream, protocol: tcp, size: 64k}
	  - {target: net, modes: [interrupt], workloads: [iperf3], pattern: stream, protocol: udp, size: 1400, flows: 2}
END
start "$iomodes" run "$work/net.yaml" --output "$results" --quiet
status=0
wait "$run_pid" || status=$?
run_pid=
((status == 0)) || { cat "$work/err"; fail "a run with iperf3 ends with $status"; }
no_process_left "a run with iperf3"
python3 - "$(run_dir)" <<-'END' || fail "records of iperf3"
	import json, sys
	trials = [t for t in map(json.loads, open(sys.argv[1] + "/trials.jsonl")) if t["pass"] != "proof"] # it measures nothing
	cells = {t["cell"] for t in trials}
	assert len(cells) == 2
	for cell in cells:
	    valid = [t for t in trials if t["cell"] == cell and t["status"] == "valid"]
	    assert valid, (cell, [(t["error"], [c["id"] for c in t["checks"] if c["result"] == "fail"]) for t in trials])
	for t in trials:
	    failing = {c["id"] for c in t["checks"] if c["result"] == "fail"}
	    assert t["status"] == "valid" or failing == {"host_link"}, (t["trial"], t["error"], failing)
	    rate, n = t["metrics"]["throughput_bytes_per_s"], t["counts"]["byte"]
	    assert abs(rate * t["timing"]["measured_ns"] / 1e9 - n) < 1e-3 * n and n > 0, t["trial"]
	    assert "--bind=" in " ".join(t["server_argv"]) and "--one-off" in t["server_argv"], t["server_argv"]
	    if t["load"]["protocol"] == "udp":
	        report = t["workload_report"]
	        assert t["counts"]["transaction"] + report["lost_packets"] == report["sent_packets"], t["trial"]
	        assert report["test"]["num_streams"] == 2, report
END

mkdir "$work/fake"
misbehaves() { # NAME WORDS SERVER CLIENT: what each end does in its place
	rm -rf "$results"/2*
	cat >"$work/fake/iperf3" <<-END
		#!/bin/bash
		case " \$* " in
		*" --server "*) $3 ;;
		*) $4 ;;
		esac
	END
	chmod +x "$work/fake/iperf3"
	PATH=$work/fake:$PATH start "$iomodes" run "$work/net.yaml" --output "$results" --quiet
	await_trials 1
	first_trial_failed "$1" "$2"
}
json='printf "{\n\t\"error\": \"the server is busy running a test. try again later\"\n}\n"; exit 0'
misbehaves "busy, and exit status 0" 'iperf3: the server is busy running a test' "exec $real \"\$@\"" "$json"
misbehaves "a server that cannot listen" 'unable to start listener' 'echo "iperf3: error - unable to start listener" >&2; exit 1' "exec $real \"\$@\""
misbehaves "a client that dies" 'iperf3 was killed by signal 9' "exec $real \"\$@\"" 'kill -9 $$'
