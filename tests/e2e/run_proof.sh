#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What only tracepoints show is counted in a proof trial before the blocks, and decides the verdict of
# every trial of its cell: a mode that claims what the kernel does not see is not in force.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

# Our rows and two more: one that is right about its system calls, one that is wrong.
cp -r "${IOMODES_SOURCE:?}/configs" "$work/configs"
cat >>"$work/configs/modes/block.yaml" <<-END

	honest:
	  doc: a system call an I/O and more, as it says
	  target: block
	  ioloop: {engine: sync}
	  grade: counter
	  expect:
	    - {evidence: context_switches, per: io, at_least: 0.01}
	    - {evidence: kernel_entries, per: io, at_least: 0.9}

	boaster:
	  doc: claims to do without system calls
	  target: block
	  ioloop: {engine: sync}
	  grade: counter
	  expect:
	    - {evidence: context_switches, per: io, at_least: 0.01}
	    - {evidence: kernel_entries, per: io, at_most: 0.01}
END
export IOMODES_CONFIG=$work/configs
experiment proof 'interrupt, honest, boaster'

"$iomodes" plan "$work/proof.yaml" --output "$results" | grep -q 'proof trials' || fail "plan does not name the proof trials"
start "$iomodes" run "$work/proof.yaml" --output "$results"
wait "$run_pid" || true
run_pid=
dir=$(run_dir)
is_as_before "a run with proof trials"
if jq -e 'select(.pass == "proof") | .evidence.absent.kernel_entries // empty' "$dir/trials.jsonl" >"$work/why"; then
	echo "skip: no tracepoints here: $(head -1 "$work/why")"
	exit 77
fi

python3 - "$dir" <<-'END' || fail "records"
	import json, sys
	trials = [json.loads(l) for l in open(sys.argv[1] + "/trials.jsonl")]
	proofs = [t for t in trials if t["pass"] == "proof"]
	assert sorted(t["mode"] for t in proofs) == ["boaster", "honest"], [t["mode"] for t in proofs]
	first = min(i for i, t in enumerate(trials) if t["pass"] == "measure")
	assert all(trials.index(t) < first for t in proofs), "a proof trial after a measured one"
	for t in proofs: # never timed
	    assert t["status"] == "valid" and not t["metrics"] and "latency" not in t, t["trial"]
	    assert t["evidence"]["counters"]["kernel_entries"] >= t["evidence"]["counts"]["io"]
	for t in trials:
	    if t["pass"] not in ("measure", "retry"):
	        continue
	    assert "kernel_entries" in t["evidence"]["absent"], "counted in a timed trial"
	    proof = t["evidence"].get("proof")
	    if t["mode"] == "interrupt":
	        assert proof is None
	        continue
	    of = next(p for p in proofs if p["mode"] == t["mode"])
	    assert proof["trial"] == of["trial"]
	    assert proof["counters"]["kernel_entries"] == of["evidence"]["counters"]["kernel_entries"]
	    if t["status"] == "valid":
	        wanted = "in_force" if t["mode"] == "honest" else "not_in_force"
	        assert t["verdict"]["mode"] == wanted, t["verdict"]
	        assert any(e.get("proof") and e["evidence"] == "kernel_entries" for e in t["verdict"]["expectations"])
END
status=0
"$iomodes" check "$dir" >"$work/check" 2>&1 || status=$?
grep -E '^(differs|left out)' "$work/check" && fail "check makes another verdict than the run"
"$iomodes" compare "$dir" >"$work/compare" || true
grep '^boaster' "$work/compare" | grep -q 'NOT in force' || { cat "$work/compare"; fail "boaster in the headline"; }
grep '^honest' "$work/compare" | grep -q 'in force (counter)' || { cat "$work/compare"; fail "honest not in force"; }
echo "proof trials: two, before the blocks, never timed; they decide"
