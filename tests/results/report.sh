#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The report of synthetic runs: every number again by another program, names that would be markup or code, every
# kind of bad run, without gnuplot, and in a browser (screenshots stay in $IOMODES_ARTEFACTS, default: the build's
# tests/artefacts).
set -euo pipefail
. "$IOMODES_SOURCE/tests/results/lib.sh"
artefacts=${IOMODES_ARTEFACTS:-$IOMODES_BIN/../tests/artefacts}
for tool in gnuplot chromium; do
	command -v $tool >/dev/null || { echo "skip: no $tool"; exit 77; }
done

# says FILE PATTERN: the page holds it, and no NaN
says() {
	grep -qF -- "$2" "$1" || { echo "FAILED: $1 does not say \"$2\""; exit 1; }
	! sed 's/base64,[^"]*//' "$1" | grep -qiw nan || { echo "FAILED: NaN in $1"; exit 1; }
}

# Numbers: block and network, closed and open loop, in its own directory and in another
make_run "$tmp/both" --net --dirty
expect 0 "210 trials, 18 figures" "$bin" report "$tmp/both"
python3 "$here/verify_report.py" "$tmp/both" "$tmp/both"
says "$tmp/both/report.html" "Dirty build"
for factor in 2.3 1.0; do # a trial left out because it was slow, or for nothing
	make_run "$tmp/out$factor" --dropout $factor
	"$bin" report "$tmp/out$factor" --output "$tmp/out-report$factor" >"$tmp/out"
	python3 "$here/verify_report.py" "$tmp/out$factor" "$tmp/out-report$factor"
done
sed -i 's/\(, but with the 1 trial left out put back in: +\)[0-9]/\19/' "$tmp/out-report2.3/report.html"
! python3 "$here/verify_report.py" "$tmp/out2.3" "$tmp/out-report2.3" >/dev/null 2>&1 || { echo "FAILED: blind to a drop-out"; exit 1; }
make_run "$tmp/twins" --modes interrupt,twin-a,aio,twin-b,sqpoll,fast # the best are three, the cheapest two
"$bin" report "$tmp/twins" >"$tmp/out"
python3 "$here/verify_report.py" "$tmp/twins" "$tmp/twins"
says "$tmp/twins/report.html" "twin-a, twin-b and sqpoll are better than interrupt in IOPS (11.92k), the best of 4 that are, and not told apart from each other: twin-a at 13"
sed -i 's/twin-a, twin-b and sqpoll are/twin-a and twin-b are/' "$tmp/twins/report.html"
! python3 "$here/verify_report.py" "$tmp/twins" "$tmp/twins" >/dev/null 2>&1 || { echo "FAILED: blind to who is best"; exit 1; }
make_run "$tmp/tail" --modes interrupt,tail,aio # better, but its tail is not
"$bin" report "$tmp/tail" >"$tmp/out"
python3 "$here/verify_report.py" "$tmp/tail" "$tmp/tail"
says "$tmp/tail/report.html" ", but p99 +"
sed -i 's/, but p99 +[^]]*\]//' "$tmp/tail/report.html"
! python3 "$here/verify_report.py" "$tmp/tail" "$tmp/tail" >/dev/null 2>&1 || { echo "FAILED: blind to a worse tail"; exit 1; }
make_run "$tmp/little" --break-little --blocks 6 --ios 400 --floor 0.12 --old-floor
expect 0 "report.html" "$bin" report "$tmp/little" --output "$tmp/little-report"
python3 "$here/verify_report.py" "$tmp/little" "$tmp/little-report"
says "$tmp/little-report/report.html" "Little&#39;s law is violated"
says "$tmp/little-report/report.html" "<strong>Noise floor:</strong> the noise floor of IOPS, p50 was found 61 days before this run; <code>iomodes aa</code>"
# ten trials that fail one check are one sentence, counted; the table of modes says at which load
says "$tmp/little-report/report.html" "in 6 of 6 trials, for example: "
[ ! -e "$tmp/little/report.html" ]
# the verification can fail: one digit of one number of a table, of a figure
cp -r "$tmp/both" "$tmp/sabotage"
sed -i '0,/data-metric="iops" data-value="1/s//data-metric="iops" data-value="2/' "$tmp/sabotage/report.html"
! python3 "$here/verify_report.py" "$tmp/both" "$tmp/sabotage" >/dev/null 2>&1 || { echo "FAILED: blind to a table"; exit 1; }
cp "$tmp/both/report.html" "$tmp/sabotage" # what is printed, not what stands in the attribute
sed -i '0,/\(data-metric="iops" data-value="[0-9.]*">\)[1-8]/s//\19/' "$tmp/sabotage/report.html"
! python3 "$here/verify_report.py" "$tmp/both" "$tmp/sabotage" >/dev/null 2>&1 || { echo "FAILED: blind to what is printed"; exit 1; }
cp "$tmp/both/report.html" "$tmp/sabotage"
sed -i '5s/\t[0-9]*\./\t9./' "$tmp/sabotage/figures/r0-time.tsv"
! python3 "$here/verify_report.py" "$tmp/both" "$tmp/sabotage" >/dev/null 2>&1 || { echo "FAILED: blind to a trial"; exit 1; }
cp "$tmp/both/figures/r0-time.tsv" "$tmp/sabotage/figures"
python3 "$here/verify_report.py" "$tmp/both" "$tmp/sabotage" >/dev/null
sed -i '20s/\t[0-9]*\./\t9./2' "$tmp/sabotage/figures/r0-dist1.tsv"
! python3 "$here/verify_report.py" "$tmp/both" "$tmp/sabotage" >/dev/null 2>&1 || { echo "FAILED: blind to a figure"; exit 1; }
cp "$tmp/both/figures/r0-dist1.tsv" "$tmp/sabotage/figures"
sed -i '0,/\(nobody out): <strong>\)[a-z-]*/s//\1aio/' "$tmp/sabotage/report.html"
! python3 "$here/verify_report.py" "$tmp/both" "$tmp/sabotage" >/dev/null 2>&1 || { echo "FAILED: blind to a Pareto set"; exit 1; }
cp "$tmp/both/report.html" "$tmp/sabotage"
# sentences: an answer, a p, a family, a margin, what can be found, along an axis, the precision
for change in 's/best IOPS: 1/best IOPS: 2/' 's/p 0\.0[0-9]*, corrected/p 0.04, corrected/' 's/corrected for 12/corrected for 14/' \
	's/margin of 1 %/margin of 3 %/' 's,for 2\.3 times \[2\.3,for 2.3 times [2.6,' 's/intervals are as narrow/intervals are wide/' \
	's/IOPS +10\.9 % to/IOPS +12.9 % to/' 's/wins both (aio/has both (aio/'; do
	sed "$change" "$tmp/both/report.html" >"$tmp/sabotage/report.html"
	cmp -s "$tmp/both/report.html" "$tmp/sabotage/report.html" && { echo "FAILED: nothing to change: $change"; exit 1; }
	! python3 "$here/verify_report.py" "$tmp/both" "$tmp/sabotage" >/dev/null 2>&1 || { echo "FAILED: blind to $change"; exit 1; }
done
cp "$tmp/both/report.html" "$tmp/sabotage"
# how to do it again: the options of the command line, quoted, and each of them is one
says "$tmp/both/report.html" "experiment.yaml --seed 1 --blocks 10 --mode interrupt --no-cpu-left --runtime 600000000ns --scratch &#39;/a b&#39;"
for option in $(grep -o 'experiment.yaml --seed.*</pre>' "$tmp/both/report.html" | grep -o -- '--[a-z-]*'); do
	! [ -x "$IOMODES_BIN/ioloop" ] || "$bin" run --help | grep -q -- "$option\b" || { echo "FAILED: no option $option"; exit 1; }
done
# the same run gives the same bytes; scripts draw the figure by themselves, where they lie
cp "$tmp/both/report.html" "$tmp/first.html"
"$bin" report "$tmp/both" >/dev/null
cmp "$tmp/first.html" "$tmp/both/report.html"
touch "$tmp/both/figures/r3-dist9.svg" "$tmp/both/figures/mine.svg" # of an earlier report; somebody's own
"$bin" report "$tmp/both" >/dev/null
[ ! -e "$tmp/both/figures/r3-dist9.svg" ] && [ -e "$tmp/both/figures/mine.svg" ] || { echo "FAILED: old figures"; exit 1; }
rm "$tmp/both/figures/r0-time.svg"
(cd "$tmp/both/figures" && gnuplot r0-time.gp)
grep -q '</svg>' "$tmp/both/figures/r0-time.svg"

# Two instruments: their part of the page, and none without them
make_run "$tmp/instruments" --instruments --ios 400
expect 0 "report.html" "$bin" report "$tmp/instruments"
python3 "$here/verify_report.py" "$tmp/instruments" "$tmp/instruments"
says "$tmp/instruments/report.html" "<h2 id=r0-instruments>Instruments</h2>"
says "$tmp/instruments/report.html" "cpu_per_io: fio spends"
says "$tmp/instruments/report.html" "Two instruments of one mode: fio against ioloop"
says "$tmp/instruments/report.html" ">unexplained</td>"
says "$tmp/instruments/report.html" "neither can measure it here: no poll queues"
! grep -q 'r0-instruments' "$tmp/both/report.html" || { echo "FAILED: instruments where there is one"; exit 1; }
cp -r "$tmp/instruments" "$tmp/sabotage2"
sed -i '0,/data-metric="instruments:iops" data-value="1/s//data-metric="instruments:iops" data-value="2/' "$tmp/sabotage2/report.html"
! python3 "$here/verify_report.py" "$tmp/instruments" "$tmp/sabotage2" >/dev/null 2>&1 || { echo "FAILED: blind to an instrument"; exit 1; }

# Two runs in one page, and a crossing
make_run "$tmp/cross" --depths 1,2,8,16
make_run "$tmp/cross2" --depths 1,2,8,16 --seed 5 --kernel 6.2.0-test
expect 0 "report.html" "$bin" report "$tmp/cross" "$tmp/cross2" --output "$tmp/two"
sed 's/cross at about [0-9.]*/cross at about 9/' "$tmp/two/report.html" >"$tmp/sabotage/report.html"
cp -r "$tmp/two/figures" "$tmp/sabotage"
! python3 "$here/verify_report.py" "$tmp/cross" "$tmp/sabotage" 0 >/dev/null 2>&1 || { echo "FAILED: blind to a crossing"; exit 1; }
python3 "$here/verify_report.py" "$tmp/cross" "$tmp/two" 0
python3 "$here/verify_report.py" "$tmp/cross2" "$tmp/two" 1
says "$tmp/two/report.html" "their difference is the candidate explanation"
# Runs against the first, with open loops, networks and what has no partner; a digit, a word, a reason, a row
make_run "$tmp/both2" --net --seed 9 --slow 1.04 --kernel 6.2.0-test --run later --modes interrupt,sqpoll,aio
expect 0 "report.html" "$bin" report "$tmp/both" "$tmp/both2" --output "$tmp/across"
python3 "$here/verify_across.py" "$tmp/both" "$tmp/both2" "$tmp/across/report.html"
for change in 's/\(data-run=across1>.*data-metric="iops" data-value="\)0/\11/' 's/\(data-run=across1>.*data-metric="first" data-value="[0-9.]*">\)[1-8]/\19/' \
	's/\(data-run=across1>.* \[-\)[1-8]/\19/' 's/\(data-run=across1>.*\)worse/\1better/' 's/corrected for \([0-9]*\) /corrected for 9\1 /' \
	'/data-run=across1>/d' 's/<li>not compared: defer-taskrun.*//' 's/<td class=w>6\.2\.0-test/<td class=w>6.3.0-test/'; do
	sed "$change" "$tmp/across/report.html" >"$tmp/sabotage/across.html"
	cmp -s "$tmp/across/report.html" "$tmp/sabotage/across.html" && { echo "FAILED: nothing to change: $change"; exit 1; }
	! python3 "$here/verify_across.py" "$tmp/both" "$tmp/both2" "$tmp/sabotage/across.html" >/dev/null 2>&1 || { echo "FAILED: blind to $change across runs"; exit 1; }
done
says "$tmp/two/report.html" "6.2.0-test"
says "$tmp/two/report.html" "crossing is better at both measured depths (1 and 2), interrupt at both measured depths (8 and 16); they cross at about"
ls "$tmp/two/figures/r1-load0-p50.svg" >/dev/null

# A run of the lab: a guest with poll queues, Linux 7.3, a row in force by a counter that counts none, one that was not,
# one trial made again. fixtures/lab-run.tar.xz is "lab -- iomodes run lab --runtime 200ms --mode interrupt --mode sync
# --mode iopoll --mode hybrid-iopoll --mode sqpoll", without what is made of it.
python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' \
	"$IOMODES_SOURCE/tests/fixtures/lab-run.tar.xz" "$tmp/lab"
lab=$(echo "$tmp"/lab/2*)
expect 0 "every check and verdict comes out as recorded" "$bin" check "$lab"
expect 0 "50 trials, 9 figures" "$bin" report "$lab"
python3 "$here/verify_report.py" "$lab" "$lab"
says "$lab/report.html" "in 6 of 6 trials: kernel_entries: 0.641 per I/O, expected at most 0.2; 45 % of the effect was there"
says "$lab/report.html" "measured for 0.3695 s, asked were 0.2 s"
says "$lab/report.html" "nvme.poll_queues"

# Names that are markup, shell and gnuplot
make_run "$tmp/evil" --net --hostile
expect 0 "18 figures" "$bin" report "$tmp/evil"
python3 "$here/verify_report.py" "$tmp/evil" "$tmp/evil"
! grep -q '<img src=x' "$tmp/evil/report.html" || { echo "FAILED: a name became markup"; exit 1; }
! grep -l '<img' "$tmp"/evil/figures/*.svg || { echo "FAILED: a name became markup in a figure"; exit 1; }
[ -z "$(find "$tmp" -name pwned)" ] || { echo "FAILED: a name was run"; exit 1; }

# What the host did stands above the answer
make_run "$tmp/suspect" --canary vm --blocks 6 --ios 50
expect 0 "report.html" "$bin" report "$tmp/suspect"
says "$tmp/suspect/report.html" "<strong>Host suspect:</strong> work that no mode touches moved 1 time in 6 blocks; in a virtual machine"

# A figures/ that leads elsewhere; links where files go
make_run "$tmp/link" --blocks 6 --ios 50
mkdir "$tmp/elsewhere"
ln -s "$tmp/elsewhere" "$tmp/link/figures"
expect 1 "figures" "$bin" report "$tmp/link"
rm "$tmp/link/figures"
mkdir "$tmp/link/figures"
echo precious >"$tmp/precious"
ln -s "$tmp/precious" "$tmp/link/figures/r0-time.svg"
ln -s "$tmp/precious" "$tmp/link/report.html"
expect 0 "report.html" "$bin" report "$tmp/link"
grep -qx precious "$tmp/precious"

# One block; all invalid; nothing measured; torn, edited, newer; not a run
make_run "$tmp/one" --blocks 1
expect 0 "report.html" "$bin" report "$tmp/one"
says "$tmp/one/report.html" "no interval exists below 6"
make_run "$tmp/invalid" --invalid
expect 4 "nothing was measured in force" "$bin" report "$tmp/invalid"
says "$tmp/invalid/report.html" "Nothing in this run was measured in force"
says "$tmp/invalid/report.html" "bytes do not match"
mkdir "$tmp/empty"
cp "$tmp/both/run.json" "$tmp/empty"
expect 4 "nothing was measured in force" "$bin" report "$tmp/empty"
says "$tmp/empty/report.html" "no trial of it is in the run"
cp -r "$tmp/little" "$tmp/torn"
truncate -s -100 "$tmp/torn/trials.jsonl"
sed -i '3s/"iops":1/"iops":9/' "$tmp/torn/trials.jsonl"
expect 0 "2 records were left out" "$bin" report "$tmp/torn"
says "$tmp/torn/report.html" "the last line is cut short"
says "$tmp/torn/report.html" "edited: its text does not match its sha256"
make_run "$tmp/newer" --trial-schema 2
expect 4 "schema 2 is newer" "$bin" report "$tmp/newer"
[ ! -e "$tmp/newer/report.html" ]
expect 1 "$tmp/nowhere" "$bin" report "$tmp/nowhere"
expect 1 "one run directory" "$bin" report
expect 1 'did you mean "interrupt"' "$bin" report "$tmp/one" --baseline interupt

# Without gnuplot: the page, its tables, the data and the reason
mkdir "$tmp/bin"
expect 0 "gnuplot is not installed" env PATH="$tmp/bin" "$bin" report "$tmp/little"
says "$tmp/little/report.html" "gnuplot is not installed"
[ -e "$tmp/little/figures/r0-time.tsv" ]

if [ "$(id -u)" -eq 0 ]; then # not into a directory that another user may write
	make_run "$tmp/open" --blocks 6 --ios 50
	chmod o+w "$tmp/open"
	expect 1 "another user may write there" "$bin" report "$tmp/open"
fi

python3 "$here/browser.py" "$tmp/both/report.html" "$artefacts"
python3 "$here/browser.py" "$tmp/evil/report.html" "$artefacts/hostile"
python3 "$here/browser.py" "$tmp/two/report.html" "$artefacts/two"
python3 "$here/browser.py" "$lab/report.html" "$artefacts/lab"
echo ok
