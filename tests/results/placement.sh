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
expect_line "$(line home away)" "$(change remote-interrupt) equivalent" "not asked for"
expect_line "$(line away home)" not_in_force unsupported
expect_line "$(line away away)" "not asked for" "$(change remote-node) worse"
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
	python3 "$here/verify_report.py" "$tmp/run" "$tmp/run"
	# One load of it: table, matrix and report against the trials, by a second program that is not blind.
	mkdir "$tmp/one"
	python3 - "$tmp/run" "$tmp/one" <<'PY'
import json, sys
run = json.load(open(sys.argv[1] + "/run.json"))
run["cells"] = [c for c in run["cells"] if c["load"]["iodepth"] == 1 and not c["load"].get("open_loop")]
ids = {c["id"] for c in run["cells"]}
json.dump(run, open(sys.argv[2] + "/run.json", "w"))
with open(sys.argv[2] + "/trials.jsonl", "w") as out:
    out.writelines(l for l in open(sys.argv[1] + "/trials.jsonl") if json.loads(l)["cell"] in ids)
PY
	reseal "$tmp/one"
	"$bin" compare "$tmp/one" >"$tmp/one.txt"
	"$bin" report "$tmp/one" >/dev/null
	python3 "$here/verify_places.py" "$tmp/one" "$tmp/one.txt" "$tmp/one/report.html"
	sed 's/\[[+-]\([0-9]\)/[+9\1/' "$tmp/one.txt" >"$tmp/wrong.txt"
	! python3 "$here/verify_places.py" "$tmp/one" "$tmp/wrong.txt" "$tmp/one/report.html" >/dev/null 2>&1 ||
		{ echo "FAILED: blind to an interval"; exit 1; }
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
	"$root"/proc/irq/{53,57} "$root"/run "$root"/sys/block/nvme0n1/queue "$root"/bin
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
echo 1 >"$root/sys/block/nvme0n1/queue/rq_affinity"
# The hash table, as ethtool prints it and as it reads its words.
cat >"$root/bin/ethtool" <<END
#!/usr/bin/env python3
import sys
option, dev, *words = sys.argv[1:]
table = open("$root/table").read().split()
if option == "-x":
    print(f"RX flow hash indirection table for {dev} with 4 RX ring(s):")
    for i in range(0, len(table), 8):
        print(f"{i:5}:  " + "".join(f"{q:>6}" for q in table[i:i + 8]))
    print("RSS hash key:\\n12:34:56:78\\nRSS hash function:\\n    toeplitz: on")
    sys.exit()
assert option == "-X"
start = 0
if words[0] == "start":
    start, words = int(words[1]), words[2:]
if words[0] == "default":
    table = [i % 4 for i in range(len(table))]
elif words[0] == "equal":
    table = [start + i % int(words[1]) for i in range(len(table))]
else:
    assert words[0] == "weight"
    table = [q for q, n in enumerate(words[1:]) for _ in range(int(n))]
open("$root/table", "w").write(" ".join(map(str, table)))
END
chmod +x "$root/bin/ethtool"
echo 0 0 0 0 0 1 1 1 2 2 2 2 3 3 3 3 >"$root/table"
files() { (cd "$root" && grep -H '' proc/irq/*/smp_affinity_list sys/class/net/eth0/queues/tx-0/xps_cpus sys/block/*/queue/rq_affinity && echo $(cat table)); }
set_script() { PATH=$root/bin:$PATH sh ./placement-1-set.sh "$@"; }
undo_script() { PATH=$root/bin:$PATH sh ./placement-1-undo.sh "$@"; }
files >"$tmp/before"
"$bin" compare "$tmp/run" --scripts "$tmp/scripts" >/dev/null
cd "$tmp/scripts"
[ "$(ls | wc -l)" = 6 ] # three groups
sed -i "s#/proc/#$root/proc/#g; s#/sys/#$root/sys/#g; s#/run/iomodes#$root/run/iomodes#g" ./*.sh
set_script | diff - <(echo "start device: numactl --physcpubind=4 --membind=1 PROGRAM")
grep -q "^# ethtool -K eth1 ntuple on; ethtool -N eth1 flow-type tcp4 dst-port PORT action 0" placement-1-set.sh
files >"$tmp/set"
diff "$tmp/set" - <<'END'
proc/irq/53/smp_affinity_list:4
proc/irq/57/smp_affinity_list:4
sys/class/net/eth0/queues/tx-0/xps_cpus:00000010
sys/block/nvme0n1/queue/rq_affinity:0
0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
END
expect 1 "run the undo script first" set_script
# the driver was loaded again, and numbers vectors otherwise: the name counts
mv "$root/proc/irq/53" "$root/proc/irq/63"
sed -i 's/  53:/  63:/' "$root/proc/interrupts"
mv "$root"/sys/bus/pci/devices/0000:42:00.0/msi_irqs/{53,63}
undo_script
mv "$root/proc/irq/63" "$root/proc/irq/53"
sed -i 's/  63:/  53:/' "$root/proc/interrupts"
mv "$root"/sys/bus/pci/devices/0000:42:00.0/msi_irqs/{63,53}
files | diff "$tmp/before" -
expect 0 "nothing is set" undo_script
for table in "0 1 2 3 0 1 2 3" "0 1 0 1 0 1 0 1" "1 1 1 2 2 2 2 3" "2 2 2 2 2 2 2 2"; do
	echo $table >"$root/table"
	set_script >/dev/null
	undo_script
	[ "$(cat "$root/table")" = "$table" ]
done
# what ethtool has no words for is left alone, and what was set before it can be undone
echo 3 2 1 0 3 2 1 0 >"$root/table"
files >"$tmp/before"
expect 1 "the hash table of eth0 is one that the undo script could not set again" set_script
undo_script
files | diff "$tmp/before" -
# an interface that is down has no vectors: what was set until then can be undone
sed -i '/  57:/d' "$root/proc/interrupts"
expect 1 "no vector eth0-tx-0 of 0000:42:00.0" set_script
undo_script
files | diff "$tmp/before" -
cd /
# Another one than the recommended.
"$bin" compare "$tmp/run" --scripts "$tmp/other" --scripts-of remote-node >/dev/null
[ "$(ls "$tmp/other" | wc -l)" = 6 ]
expect 1 "no script: remote-thread was not measured" "$bin" compare "$tmp/run" --scripts "$tmp/none" --scripts-of remote-thread
expect 1 "no script: this is no comparison of placements" "$bin" compare "$tmp/run" --by mode --scripts "$tmp/none"
expect 1 "\-\-scripts DIR says where to" "$bin" compare "$tmp/run" --scripts-of local
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
for evil in "--table=0*8; touch $tmp/pwned" "--table=x*8" "--rule=udp4
touch $tmp/pwned" "--disk=../../x" "--disk=a b"; do
	make_run "$tmp/evil" --blocks 6 --ios 50
	python3 "$here/as_placements.py" "$tmp/evil" "$evil"
	status=0
	"$bin" compare "$tmp/evil" --scripts "$tmp/evil-scripts" >"$tmp/out" 2>&1 || status=$?
	# of the table only its queue is used, as a number
	[[ $evil = --table=0* ]] || { [ $status = 1 ] && grep -q "cannot be part of a script" "$tmp/out" && [ -z "$(ls "$tmp/evil-scripts")" ]; }
	! grep -r pwned "$tmp/evil-scripts"
	rm -rf "$tmp/evil" "$tmp/evil-scripts"
done
[ ! -e "$tmp/pwned" ]
