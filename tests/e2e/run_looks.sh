#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A run that ends as soon as it is precise enough: the order of all its blocks is on disk before the first trial, the
# decision of each look is what another program makes of the same records, and so it is for a run that was killed and
# resumed. What the widths are is the host's business: only that the run obeys them is asserted.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

design() { # NAME PRECISION
	experiment "$1" 'interrupt, nop' 100ms
	sed -i "s/blocks: 6, ramp: 50ms/blocks: {min: 6, max: 8, precision: $2}, ramp: 20ms/" "$work/$1.yaml"
}
obeyed() { # DIR WHAT
	is_whole "$1" "$2"
	"$iomodes" check "$1" >"$work/check" 2>&1 || true
	grep -E '^(differs|left out)' "$work/check" && fail "$2: check finds another decision"
	python3 - "$1" "$work/out" <<-'END' || fail "$2: not what the records say"
		import json, math, sys
		head = json.load(open(sys.argv[1] + "/run.json"))
		trials = [json.loads(l) for l in open(sys.argv[1] + "/trials.jsonl")]
		p = head["precision"]
		assert p["at"] == [6, 8] and len(head["order"]) == 8, p
		for look in p["looks"]:
		    x = {}
		    for t in trials:
		        if t["pass"] == "measure" and t["block"] < look["blocks"] and t["status"] == "valid" and not any(
		                s in ("*", "iops") for c in t["checks"] if c["result"] == "fail" for s in c["spoils"]):
		            x.setdefault(t["mode"], {})[t["block"]] = t["metrics"]["iops"]
		    d = sorted(math.log(x["nop"][b] / x["interrupt"][b]) for b in x["nop"] if b in x["interrupt"])
		    assert len(d) >= 6 or not look["met"], (look, d)
		    if len(d) < 6:
		        continue
		    walsh = sorted((d[i] + d[j]) / 2 for i in range(len(d)) for j in range(i, len(d)))
		    k = {6: 1, 7: 3, 8: 4}[len(d)]  # signed ranks, 95 %
		    half = math.expm1((walsh[-k] - walsh[k - 1]) / 2)
		    assert math.isclose(look["widest"]["half_width"], half, rel_tol=1e-9), (look, half)
		    assert look["met"] == (half <= p["asked"]), (look, half)
		met = [l["met"] for l in p["looks"]]
		ended = p["looks"][-1]["blocks"]
		assert not any(met[:-1]) and (met[-1] or ended == 8) and p["blocks"] == ended, p
		assert head["precision_met"] == met[-1]
		said = "Precision %s after %d of 8 blocks: " % ("met" if met[-1] else "NOT met", ended)
		assert said in open(sys.argv[2]).read(), said
		print(said, p["looks"][-1]["sentence"])
	END
}

for precision in 50% 0.1%; do # mostly met, hardly ever met
	design looks "$precision"
	rm -rf "$results"/2*
	start "$iomodes" run "$work/looks.yaml" --output "$results" --quiet
	ends_with 0 "precision $precision"
	obeyed "$(run_dir)" "precision $precision"
done

rm -rf "$results"/2*
start "$iomodes" run "$work/looks.yaml" --output "$results" --quiet
await_trials 12 # the last of block 6, or the first of block 7
kill -9 "$run_pid"
ends_with 137 "killed at its first look"
await_guardian || fail "killed at its first look: the lock is held"
"$iomodes" run --resume "$(run_dir)" --quiet >"$work/out" 2>"$work/err" || { cat "$work/out" "$work/err"; fail "resume"; }
obeyed "$(run_dir)" "resumed at its first look"

# An end that no look allows is named, also when the sums were made anew.
dir=$(run_dir)
python3 - "$dir" <<-'END'
	import json, sys
	path = sys.argv[1] + "/run.json"
	head = json.load(open(path))
	head["precision"]["looks"] = head["precision"]["looks"][:1]
	head["order"].append(head["order"][0])
	json.dump(head, open(path, "w"))
END
(cd "$dir" && find . -type f ! -name SHA256SUMS ! -path ./report.html ! -path './figures/*' -printf '%P\n' | xargs sha256sum >SHA256SUMS)
"$iomodes" check "$dir" >"$work/check" 2>&1 && fail "an early end without precision passes"
grep -q 'end of the blocks: recorded complete, again ended after' "$work/check" || { cat "$work/check"; fail "the end is not named"; }
is_as_before "after the looks"
status_is_clean "after the looks"
