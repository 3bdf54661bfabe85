#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Placements of one run against local: rows, matrix, what is recommended, and the scripts that set
# and undo it, run against files that stand for the kernel's.
set -euo pipefail
. "$IOMODES_SOURCE/tests/results/lib.sh"
make_run "$tmp/run"
python3 "$here/as_placements.py" "$tmp/run"
reseal "$tmp/run"

# One mode and several placements: nothing need be said.
"$bin" compare "$tmp/run" >"$tmp/text"
"$bin" compare "$tmp/run" --by placement | diff "$tmp/text" -
"$bin" compare "$tmp/run" --by placement --json >"$tmp/json"
# Columns keep their meaning; who asks for nothing gets modes, as of any run.
"$bin" compare "$tmp/run" --by placement --csv >"$tmp/csv"
"$bin" compare "$tmp/run" --json >"$tmp/modes.json"
python3 - "$tmp/csv" "$tmp/modes.json" <<'PY'
import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1])))
assert {r["mode"] for r in rows} == {"interrupt"} and "remote-node" in {r["placement"] for r in rows}
assert any(r["placement"] == "remote-node" and r["verdict"] == "worse" for r in rows)
modes = json.load(open(sys.argv[2]))
assert {r["mode"] for g in modes["groups"] for r in g["rows"]} == {"interrupt"} and "by" not in modes
assert len(modes["groups"]) == 18
PY
python3 - "$tmp/run" "$tmp/json" <<'PY'
import json, sys
trials = [json.loads(line) for line in open(sys.argv[1] + "/trials.jsonl")]
result = json.load(open(sys.argv[2]))
assert result["baseline"] == "local", result["baseline"]
names = {"local", "remote-memory", "remote-interrupt", "remote-node", "remote-thread", "remote-thread-memory"}
assert len(result["groups"]) == 3
for g in result["groups"]:
    assert {r["mode"] for r in g["rows"]} == names, g["rows"]
    assert ", mode interrupt" in g["title"], g["title"]
    for r in g["rows"]:
        mine = [t for t in trials if t["cell"] == r["cell"]]
        assert all(t["placement"]["name"] == r["mode"] for t in mine)
        assert r["trials"]["all"] == len(mine)
rows = {r["mode"]: r for r in result["groups"][0]["rows"]}
assert rows["remote-memory"]["comparisons"][0]["verdict"] == "better"
assert rows["remote-node"]["comparisons"][0]["verdict"] == "worse"
assert rows["remote-interrupt"]["comparisons"][0]["verdict"] == "equivalent"
assert rows["remote-thread"]["state"] == "not_in_force"
assert "managed" in rows["remote-thread-memory"]["reasons"][0]
PY
change() { # MODE: of the first group, as the comparison itself says it
	python3 -c 'import json, sys
g = json.load(open(sys.argv[1]))["groups"][0]
print(next(r for r in g["rows"] if r["mode"] == sys.argv[2])["comparisons"][0]["text"])' "$tmp/json" "$1"
}
line() { sed -n "/memory at home/,/^\$/ { /^  thread $1, interrupts $2 /p; }" "$tmp/text" | head -n 1; }
expect_line() { # LINE WORDS...
	local line=$1 word
	shift
	for word; do [[ $line == *"$word"* ]] || { cat "$tmp/text"; echo "FAILED: \"$line\" lacks \"$word\""; exit 1; }; done
}
expect_line "$(line home home)" " 1 " "$(change remote-memory) better"
expect_line "$(line home away)" "$(change remote-interrupt) equivalent" absent
expect_line "$(line away home)" not_in_force unsupported
expect_line "$(line away away)" absent "$(change remote-node) worse"
expect 0 "^Recommended for scratch, ioloop: .*: remote-memory is better than local: iops" "$bin" compare "$tmp/run"
expect 0 "device: numactl --physcpubind=4 --membind=1 PROGRAM" "$bin" compare "$tmp/run"
# by mode there is one row in each group
"$bin" compare "$tmp/run" --by mode >"$tmp/out"
if grep -q "memory at home\|Recommended" "$tmp/out"; then echo "FAILED: placements in a comparison of modes"; exit 1; fi
expect 1 "mode or placement" "$bin" compare "$tmp/run" --by node
expect 1 "within one run" "$bin" compare "$tmp/run" "$tmp/run" --by placement

# The report has the same.
if command -v gnuplot >/dev/null; then
	"$bin" report "$tmp/run" >/dev/null
	python3 - "$tmp/run/report.html" "$(change remote-memory)" "$(change remote-node)" <<'PY'
import html, re, sys
page = open(sys.argv[1]).read()
section = page[page.index("placement>Placement</h2>"):]
rows = [[html.unescape(re.sub("<[^>]+>", "", c)).strip() for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", section)]
want = {("home", "home", "home", "local"): None, ("home", "home", "away", "remote-memory"): (sys.argv[2], "better"),
        ("away", "away", "away", "remote-node"): (sys.argv[3], "worse")}
for key, value in want.items():
    found = [r for r in rows if tuple(r[:4]) == key]
    assert len(found) == 3, (key, found)  # a matrix for each load
    assert value is None or tuple(found[0][4:]) == value, (found[0], value)
lacking = [r for r in rows if r[:4] == ["away", "home", "away", "remote-thread-memory"]]
assert "managed" in lacking[0][5], lacking
assert "Recommended for scratch, ioloop" in section
assert "One placement in this run" not in page
PY
fi

# The scripts, with files in the place of the kernel's.
root=$tmp/root
mkdir -p "$root"/sys/bus/pci/devices/0000:42:00.0/msi_irqs "$root"/sys/class/net/eth0/queues/tx-0 \
	"$root"/proc/irq/{53,57} "$root"/run
touch "$root"/sys/bus/pci/devices/0000:42:00.0/msi_irqs/{52,53,57}
cat >"$root/proc/interrupts" <<'END'
            CPU0       CPU1
  52:          0          0  PCI-MSIX-0000:42:00.0    0-edge      eth0
  53:          0          0  PCI-MSIX-0000:42:00.0    1-edge      eth0-rx-0
  57:          0          0  PCI-MSIX-0000:42:00.0    5-edge      eth0-tx-0
END
echo 0-1 >"$root/proc/irq/53/smp_affinity_list"
echo 0,2 >"$root/proc/irq/57/smp_affinity_list"
echo 00000000 >"$root/sys/class/net/eth0/queues/tx-0/xps_cpus"
files() { (cd "$root" && grep -H '' proc/irq/*/smp_affinity_list sys/class/net/eth0/queues/tx-0/xps_cpus); }
files >"$tmp/before"
"$bin" compare "$tmp/run" --scripts "$tmp/scripts" >/dev/null
cd "$tmp/scripts"
[ "$(ls | wc -l)" = 6 ] # three groups
sed -i "s#/proc/#$root/proc/#g; s#/sys/#$root/sys/#g; s#/run/iomodes#$root/run/iomodes#g" ./*.sh
sh ./placement-1-set.sh >/dev/null
files >"$tmp/set"
diff "$tmp/set" - <<'END'
proc/irq/53/smp_affinity_list:4
proc/irq/57/smp_affinity_list:4
sys/class/net/eth0/queues/tx-0/xps_cpus:00000010
END
expect 1 "run the undo script first" sh ./placement-1-set.sh
# the driver was loaded again, and numbers vectors otherwise: the name counts
mv "$root/proc/irq/53" "$root/proc/irq/63"
sed -i 's/  53:/  63:/' "$root/proc/interrupts"
mv "$root"/sys/bus/pci/devices/0000:42:00.0/msi_irqs/{53,63}
sh ./placement-1-undo.sh
mv "$root/proc/irq/63" "$root/proc/irq/53"
files | diff "$tmp/before" -
expect 0 "nothing is set" sh ./placement-1-undo.sh
cd /
expect 1 "exists" "$bin" compare "$tmp/run" --scripts "$tmp/scripts"

# A run from somebody else writes no script that does more.
# shellcheck disable=SC2016
for evil in "0000:42:00.0:eth0'; touch $tmp/pwned; '" '0000:42:00.0:$(touch pwned)' '0000:42:00.0:../../x' 'ttyS0:ttyS0'; do
	make_run "$tmp/evil" --blocks 6 --ios 50
	python3 "$here/as_placements.py" "$tmp/evil" --vector "$evil"
	reseal "$tmp/evil"
	expect 1 "cannot be part of a script" "$bin" compare "$tmp/evil" --scripts "$tmp/evil-scripts"
	[ -z "$(ls "$tmp/evil-scripts")" ]
	rm -rf "$tmp/evil" "$tmp/evil-scripts"
done
[ ! -e "$tmp/pwned" ]
