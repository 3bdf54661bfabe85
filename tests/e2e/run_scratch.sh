#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The scratch file: a layout that is killed or interrupted leaves nothing, one that is not wholly on
# the device is made anew, and root makes none where another user could turn it elsewhere.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"

experiment small 'interrupt, sync'
experiment large 'interrupt, sync'
sed -i 's/^scratch_size: .*/scratch_size: 8GiB/' "$work/large.yaml"
file=$results/iomodes-scratch-$((64 << 20)).bin

# Until the run has the nameless file open.
await_layout() {
	for _ in {1..1000}; do
		if find "/proc/$run_pid/fd" -lname "$results/#* (deleted)" 2>/dev/null | grep -q .; then return 0; fi
		kill -0 "$run_pid" 2>/dev/null || { cat "$work/out" "$work/err"; fail "the run ended before its layout"; }
		sleep 0.01
	done
	fail "no layout within 10 s"
}
no_file_left() {
	local left
	left=$(find "$results" -maxdepth 1 -name '*scratch*')
	[[ -z $left ]] || fail "$1: left $left"
}
# "ours": marked as iomodes marks its files
mark() { python3 -c 'import os, sys
os.setxattr(sys.argv[1], "user.iomodes.scratch", b"inode %d" % os.stat(sys.argv[1]).st_ino)' "$1"; }
whole_run() { # WHAT
	rm -rf "$results"/2*
	start "$iomodes" run "$work/small.yaml" --output "$results" --quiet
	ends_with 0 "$1"
	is_whole "$(run_dir)" "$1"
	# a busy machine may be too slow for a check of time; that I/O reached the device is another
	status=0
	"$iomodes" check "$(run_dir)" >"$work/check" 2>&1 || status=$?
	grep '^fails' "$work/check" | grep -vE 'runtime_as_asked|littles_law' && fail "$1: a check fails"
	((status == 0)) || { ((status == 4)) && grep -q '^fails' "$work/check"; } || { cat "$work/check"; fail "$1: check ends with $status"; }
	is_as_before "$1"
}

# 8 GiB take longer than it takes to kill.
if (($(df --output=avail -B1M "$work" | tail -1) > 10240)); then
	for sig in KILL INT TERM; do
		start setsid "$iomodes" run "$work/large.yaml" --output "$results"
		await_layout
		kill -"$sig" "$run_pid"
		ends_with $((128 + $(kill -l $sig))) "SIG$sig in a layout"
		await_guardian
		no_file_left "SIG$sig in a layout"
		is_as_before "SIG$sig in a layout"
		status_is_clean "SIG$sig in a layout"
		no_process_left "SIG$sig in a layout"
		rm -rf "$results"/2*
	done
else
	echo "skip: an interrupted layout ($work has less than 10 GiB)"
fi
whole_run "after a killed layout"
whole=$(stat -c %i "$file")
whole_run "with the file that is there"
[[ $(stat -c %i "$file") == "$whole" ]] || fail "a whole file was made anew"

# Marked and of full size, but a read of it never reaches the device.
for make in fallocate truncate; do
	rm "$file"
	if [[ $make == fallocate ]]; then fallocate -l 64M "$file"; else truncate -s 64M "$file"; fi
	mark "$file"
	whole_run "a file made by $make"
	python3 - "$file" <<-'END' || fail "a file made by $make was taken"
		import os, sys
		fd = os.open(sys.argv[1], os.O_RDONLY)
		assert os.pread(fd, 4096, 0) != bytes(4096) != os.pread(fd, 4096, (64 << 20) - 4096)
	END
done

# Another user's directory, or the way to it.
refused() { # DIRECTORY REASON
	local status=0
	"$iomodes" run "$work/small.yaml" --output "$work/none" --scratch "$1" >"$work/out" 2>"$work/err" || status=$?
	cat "$work/err"
	((status != 0)) && grep -q "$2" "$work/err" || fail "--scratch $1 was taken (status $status)"
	[[ -z $(find "$work/place" -name '*.bin') ]] || fail "--scratch $1: a file was made"
}
chmod 711 "$work"
mkdir "$work/place" "$work/place/root" "$work/place/user"
chown nobody "$work/place/user"
ln -s ../root "$work/place/user/link"
chown -h nobody "$work/place/user/link"
refused "$work/place/user" 'owns this directory.*chown root'
refused "$work/place/user/link" 'a symbolic link of user'
refused "$work/place/user/link/" 'a symbolic link of user'
status=0
"$iomodes" run "$work/small.yaml" --output "$work/place/user" >"$work/out" 2>"$work/err" || status=$?
cat "$work/err"
((status != 0)) && grep -q 'owns this directory' "$work/err" || fail "results in another user's directory"
[[ -z $(find "$work/place/user" -mindepth 1 ! -name link) ]] || fail "something was put into another user's directory"
is_as_before "refused directories"
