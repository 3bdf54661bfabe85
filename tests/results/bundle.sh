#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The published bundle, and what is done to it: copied, changed by one byte, doctored, redacted, and
# archives that no bundle may be.
set -euo pipefail
. "$IOMODES_SOURCE/tests/results/lib.sh"
export TMPDIR=$tmp/unpacked
mkdir "$TMPDIR"
lib() { python3 "$here/bundle_lib.py" "$@"; }
nothing_left() { [ -z "$(ls -A "$TMPDIR")" ] || { echo "FAILED: $1 leaves files:"; ls -A "$TMPDIR"; exit 1; }; }

# What is published comes out as recorded; copied into an empty directory and unpacked, too.
for published in "$IOMODES_SOURCE"/results/published/*.tar.gz; do
	[ "$(stat -c %s "$published")" -lt 307200 ] || { echo "FAILED: $published is larger than 300 KiB"; exit 1; }
	expect 0 "every digest, table, claim and verdict comes out as recorded" "$bin" check "$published"
done
published=$IOMODES_SOURCE/results/published/lab.tar.gz
mkdir "$tmp/empty"
cp "$published" "$tmp/empty/copy.tar.gz"
expect 0 "every digest, table, claim and verdict comes out as recorded" "$bin" check "$tmp/empty/copy.tar.gz"
nothing_left "check"
"$bin" check "$tmp/empty/copy.tar.gz" --json >"$tmp/json"
python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); assert r["differences"] == [] and r["claims"] == 8, r' "$tmp/json"
mkdir "$tmp/bag"
tar -C "$tmp/bag" -xf "$published"
bag=$(echo "$tmp"/bag/iomodes-*)
(cd "$bag" && sha512sum --quiet -c manifest-sha512.txt tagmanifest-sha512.txt)
expect 0 "comes out as recorded" "$bin" check "$bag"
python3 -c 'import json, sys
schema, about = (json.load(open(sys.argv[1] + "/data/" + f)) for f in ("schema/bundle.schema.json", "bundle.json"))
assert set(schema["required"]) == set(about) and about["schema"] == schema["properties"]["schema"]["const"]
assert all(set(schema["properties"]["runs"]["items"]["required"]) == set(r) for r in about["runs"])' "$bag"
for script in "$bag"/data/reproduce/*.sh; do sh -n "$script"; done
grep -q "^fio .*--filename=" "$bag"/data/reproduce/*.sh
grep -q "/sys/block/.*/queue/scheduler" "$bag"/data/reproduce/*.sh

# One byte changed anywhere is named.
lib members "$bag" "$bin"
expect 0 "comes out as recorded" "$bin" check "$bag"

# The same runs give the same bytes without redaction, and under a given salt; else never.
run=$(echo "$bag"/data/runs/*)
pack() { "$bin" bundle "$@" >"$tmp/out" || { cat "$tmp/out"; exit 1; }; }
pack "$run" --no-redact -o "$tmp/one.tar"
pack "$run" --no-redact -o "$tmp/two.tar"
cmp "$tmp/one.tar" "$tmp/two.tar"
# What is left out of a table is no less a difference, whatever the digests say.
mkdir "$tmp/hollow"
tar -C "$tmp/hollow" -xf "$tmp/one.tar"
lib hollow "$(echo "$tmp"/hollow/iomodes-*)"
expect 4 "tables/.*recorded nothing" "$bin" check "$(echo "$tmp"/hollow/iomodes-*)"
expect 4 "claims/.*" "$bin" check "$(echo "$tmp"/hollow/iomodes-*)"
# Nor is a script for root to read, whoever says to have made it; a shell reads on behind a zero byte.
for addition in 'rm -rf /\n' '\0rm -rf /\n'; do
	rm -rf "$tmp/hollow"; mkdir "$tmp/hollow"
	tar -C "$tmp/hollow" -xf "$tmp/one.tar"
	lib forge "$(echo "$tmp"/hollow/iomodes-*)" "$addition"
	expect 4 "differs    data/reproduce/.*: " "$bin" check "$(echo "$tmp"/hollow/iomodes-*)"
done
for format in tar.zst tar.gz; do
	pack "$run" --salt x -o "$tmp/salted1.$format"
	[ $format = tar.zst ] || sleep 1.1 # no time of packing is in it
	pack "$run" --salt x -o "$tmp/salted2.$format"
	cmp "$tmp/salted1.$format" "$tmp/salted2.$format"
	expect 0 "comes out as recorded" "$bin" check "$tmp/salted1.$format"
done
pack "$run" -o "$tmp/random1.tar"
pack "$run" -o "$tmp/random2.tar"
if cmp -s "$tmp/random1.tar" "$tmp/random2.tar"; then echo "FAILED: two salts give the same bytes"; exit 1; fi
expect 1 "one.tar: File exists" "$bin" bundle "$run" -o "$tmp/one.tar"
lib archive "$tmp/one.tar" "$bin" 6 plain
lib archive "$tmp/salted1.tar.zst" "$bin" 3 packed
lib archive "$tmp/empty/copy.tar.gz" "$bin" 3 packed

# What identifies machine and owner is in no file any more, and what belonged together still does.
cp -r "$run" "$tmp/secret"
lib plant "$tmp/secret"
expect 0 "Replaced: .*serial numbers.*MAC addresses" "$bin" bundle "$tmp/secret" --redact alpha-host7 -o "$tmp/secret.tar"
expect 0 "comes out as recorded" "$bin" check "$tmp/secret.tar"
mkdir "$tmp/redacted"
tar -C "$tmp/redacted" -xf "$tmp/secret.tar"
lib leaks "$tmp/redacted"
printf '\037\213\010\000\000' > "$tmp/secret/raw.tar.gz"
lib plant "$tmp/secret"
expect 1 "raw.tar.gz is not text" "$bin" bundle "$tmp/secret" --redact alpha-host7 -o "$tmp/never.tar"
expect 1 "redaction would change a result" "$bin" bundle "$run" --redact interrupt -o "$tmp/never.tar"
[ ! -e "$tmp/never.tar" ]

# Archives that no bundle may be: refused with the reason, nothing written outside, nothing left.
mkdir "$tmp/bad"
lib bad "$published" "$tmp/bad"
refused() { # FILE REASON [OPTIONS]
	local file=$1 reason=$2
	shift 2
	expect 4 "$reason" "$bin" check "$tmp/bad/$file" "$@"
	nothing_left "$file"
	[ ! -e "$tmp/bad/escaped" ] && [ ! -e "$tmp/escaped" ] && [ ! -e "$tmp/unpacked/escaped" ]
}
refused traversal.tar.gz "leads out of the archive; nothing of it is used"
refused parent.tar.gz "leads out of the archive"
refused absolute.tar.gz "is absolute"
refused symlink.tar.gz "data/link: a symbolic link"
refused hardlink.tar.gz "data/hard: a hard link"
refused device.tar.gz "data/null: not a plain file"
refused fifo.tar.gz "data/fifo: not a plain file"
refused twice.tar.gz "stands twice in the archive"
refused folders.tar.gz "lies in another folder"
refused bytes.tar.gz "the byte 0x01"
refused stray.tar.gz "data/runs/unnamed/run.json: manifest: recorded not listed"
refused missing.tar.gz "journal.jsonl: SHA-512 .* again no such file"
refused newer.tar.gz "bundle.json has schema 2; this iomodes knows schema 1"
refused crowd.tar.gz "times its size: refused before it fills the disk"
refused deep.tar.gz "folders deep"
refused bomb.tar.gz "times its size: refused before it fills the disk"
refused stray.tar.gz "unpacks to more than 1000 bytes" --max-size 1000
refused values.tar.gz "data/bundle.json:1: more than 1000000 values: refused before it fills the memory"
refused brackets.tar.gz "data/bundle.json:1: more than 64 brackets within each other"
refused text.tar.gz "data/bundle.json:1: more than 16777216 bytes"
refused records.tar.gz "trials.jsonl:[0-9]*: more than 50000 records"
refused record.tar.gz "trials.jsonl:1: more than 200000 values"
refused long.tar.gz "trials.jsonl:1: more than 4194304 bytes of a record"
refused nested.tar.gz "compressed more than once"
refused truncated.tar.gz "damaged"
refused empty.tar.zst "empty.tar.zst"
refused text.tar.zst "text.tar.zst"
ln -s "$run/run.json" "$tmp/bag/link"
mv "$tmp/bag/link" "$bag/data/link"
expect 1 "data/link: a symbolic link" "$bin" check "$bag"
rm "$bag/data/link"

# What cannot be bundled, and wrong options.
cp -r "$run" "$tmp/cut"
lib reseal "$tmp/cut"
sed -i '$d' "$tmp/cut/trials.jsonl"
expect 1 "trials.jsonl: sha256" "$bin" bundle "$tmp/cut" -o "$tmp/cut.tar"
lib reseal "$tmp/cut" # the last of this run was made again
expect 1 "trials made again: planned 1, executed: 0 have a record" "$bin" bundle "$tmp/cut" -o "$tmp/cut.tar"
cp "$run/trials.jsonl" "$tmp/cut/"
lib cut "$tmp/cut" # as if no look had ever seen it
expect 1 "block 0, position [0-9]*: planned .*, executed: no record and no reason" "$bin" bundle "$tmp/cut" -o "$tmp/cut.tar"
rm "$tmp/cut/SHA256SUMS"
expect 1 "no SHA256SUMS" "$bin" bundle "$tmp/cut" -o "$tmp/cut.tar"
[ ! -e "$tmp/cut.tar" ]
expect 1 "one run directory or more" "$bin" bundle
expect 1 "give a name that ends in .tar.zst" "$bin" bundle "$run" -o "$tmp/x.zip"
expect 1 "neither a file nor one of CC-BY-4.0" "$bin" bundle "$run" -o "$tmp/x.tar" --license GPL-9
expect 1 "replaces nothing: leave out --salt" "$bin" bundle "$run" -o "$tmp/x.tar" --no-redact --salt x
expect 1 "is given twice" "$bin" bundle "$run" "$run" -o "$tmp/x.tar"
expect 0 "byte for byte with --no-redact or --salt" "$bin" bundle --help
expect 0 "nothing in it is executed" "$bin" check --help
ls -A "$tmp" | grep -q '^\.iomodes' && { echo "FAILED: bundle leaves its directory"; exit 1; }

# What a program that was killed left is removed by the next; what another one still uses is not.
mkdir -p "$TMPDIR"/.iomodes-bundle-{killed,inuse,young}/data
touch -d '1 hour ago' "$TMPDIR"/.iomodes-bundle-{killed,inuse}
expect 0 "comes out as recorded" flock "$TMPDIR/.iomodes-bundle-inuse" "$bin" check "$published"
[ "$(ls -A "$TMPDIR" | tr '\n' ' ')" = ".iomodes-bundle-inuse .iomodes-bundle-young " ]
rm -rf "$TMPDIR"/.iomodes-bundle-*
# A signal leaves nothing: an archive of 128 MiB without sense is unpacked for as long as it takes to send one.
lib large "$tmp/large.tar"
for ending in INT:130 TERM:143; do lib signalled "$bin" "$tmp/large.tar" "$TMPDIR" $ending; done
rm "$tmp/large.tar"

# reproduce, judged by a run that is there: of itself, of a doctored one, of another machine's.
if "$bin" reproduce --help >/dev/null 2>&1; then
	expect 0 " 0 not reproduced, 0 not comparable" "$bin" reproduce "$published" --with "$run"
	grep -q "^reproduced .*iopoll/randread/4k/d1: in_force" "$tmp/out"
	grep -q "published: 6 of 6 trials" "$tmp/out"
	# with a comparison that does not hang on time
	cp -r "$run" "$tmp/base"
	lib primary "$tmp/base" interrupts_per_io
	cp -r "$tmp/base" "$tmp/doctored"
	lib doctor "$tmp/doctored" sync 0.4
	lib doctor "$tmp/doctored" sqpoll 1
	pack "$tmp/doctored" -o "$tmp/doctored.tar"
	expect 0 "comes out as recorded" "$bin" check "$tmp/doctored.tar"
	expect 4 "^not reproduced .*sync.*interrupts_per_io better" "$bin" reproduce "$tmp/doctored.tar" --with "$tmp/base"
	grep -q "published: -60 % \[.*, 6 blocks" "$tmp/out" && grep -q "here: .* \[.*, 6 blocks" "$tmp/out"
	grep -q "^not reproduced .*sqpoll/randread/4k/d1: in_force" "$tmp/out"
	grep -q "^reproduced .*interrupt/randread/4k/d1: in_force" "$tmp/out"
	cp -r "$run" "$tmp/other"
	lib other "$tmp/other"
	pack "$tmp/other" -o "$tmp/other.tar"
	expect 4 "cpu.model: published Some Other CPU 9000, here" "$bin" reproduce "$tmp/other.tar" --with "$run"
	grep -q "^not comparable" "$tmp/out" && ! grep -q "^reproduced" "$tmp/out"
	expect 0 "^reproduced" "$bin" reproduce "$tmp/other.tar" --with "$run" --any-machine
	expect 1 "one bundle, please" "$bin" reproduce
	expect 1 "neither an archive nor a directory of a bundle" "$bin" reproduce "$run"
	expect 1 "the bundle has" "$bin" reproduce "$published" --run nothing
	expect 1 "measures nothing: leave out --dry-run" "$bin" reproduce "$published" --with "$run" --dry-run
	# A stranger's bundle names a device and a file of its machine: not used without --trust, and then shown.
	cp -r "$run" "$tmp/places"
	sed -i 's|^target: .*|target: /dev/nvme9n1|' "$tmp/places/experiment.yaml"
	lib reseal "$tmp/places"
	pack "$tmp/places" -o "$tmp/places.tar"
	dry() { "$bin" reproduce "$tmp/$1.tar" --any-machine --dry-run "${@:2}"; }
	expect 1 "says target: /dev/nvme9n1, which is for the owner of a machine to say" dry places
	expect 0 "trusted, from the bundle: target: /dev/nvme9n1" dry places --trust
	grep -q -- "iomodes run experiment.yaml .* --trust" "$tmp/out"
	expect 0 "run experiment.yaml .*--target /dev/vdz" dry places -- --target /dev/vdz
	if grep -q trusted "$tmp/out"; then echo "FAILED: trusted without being asked"; exit 1; fi
	sed -i 's|^target: .*|target: scratch\nallow_rebind: true|' "$tmp/places/experiment.yaml"
	lib reseal "$tmp/places"
	pack "$tmp/places" -o "$tmp/rebind.tar"
	expect 1 "says allow_rebind: true" dry rebind
	echo 'groups: [{modes: [interrupt], fio_job: ../../../etc/passwd}]' >"$tmp/places/experiment.yaml"
	lib command "$tmp/places" prepare pts
	pack "$tmp/places" -o "$tmp/job.tar"
	expect 1 "fio_job: ../../../etc/passwd, a file that a bundle may not name" dry job
	expect 0 "trusted, from the bundle: --prepare pts" dry job --trust
	# ... nor may it fill a disk or take a day, unless it is told to.
	sed 's|^target: .*|target: scratch\nscratch_size: 64GiB|; /^scratch_size: 64M/d' "$run/experiment.yaml" >"$tmp/places/experiment.yaml"
	lib reseal "$tmp/places"
	pack "$tmp/places" -o "$tmp/size.tar"
	expect 1 "says scratch_size: 68719476736 bytes; of a stranger's at most 4 GiB is taken" dry size
	expect 0 "trusted, from the bundle: scratch_size: 68719476736 bytes" dry size --trust
	sed 's|^target: .*|target: scratch|' "$run/experiment.yaml" >"$tmp/places/experiment.yaml"
	lib command "$tmp/places" runtime_ns 7200000000000
	pack "$tmp/places" -o "$tmp/time.tar"
	expect 1 "says --runtime: 7200 s; of a stranger's at most 60 s is taken" dry time
	expect 0 "run experiment.yaml .*--runtime=7200000000000ns" dry time --trust
	expect 0 "run experiment.yaml .*--runtime 1s" dry time --trust -- --runtime 1s
	if grep -q "trusted.*runtime" "$tmp/out"; then echo "FAILED: time of the bundle, not the one given"; exit 1; fi
	lib command "$tmp/places" runtime_ns 1000000000
	cp "$run/experiment.yaml" "$tmp/places/experiment.yaml"
	lib command "$tmp/places" programs /tmp/evil
	pack "$tmp/places" -o "$tmp/prepare.tar"
	expect 1 "made with --prepare pts, which a bundle may not decide" dry prepare -- --target /dev/vdz
	expect 0 "run experiment.yaml" dry prepare --trust
	if grep -q evil "$tmp/out"; then echo "FAILED: programs of a bundle would be run"; exit 1; fi
	lib archive "$tmp/one.tar" "$bin" 1 plain
	python3 -c 'import sys; p = sys.argv[1]; d = bytearray(open(p, "rb").read()); d[len(d) // 2] ^= 1; open(p, "wb").write(d)' "$tmp/two.tar"
	expect 4 "nothing of it is repeated" "$bin" reproduce "$tmp/two.tar" --with "$run"
fi
nothing_left "all of it"
echo "bundles: all as expected"
