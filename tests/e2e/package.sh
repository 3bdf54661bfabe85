#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The .deb, installed into a root that has what it declares and nothing else, and run there: it finds its
# configs and loops, measures, completes words, and is not removed while the machine is switched.
set -euo pipefail
fail() { echo "FAIL: $*"; exit 1; }
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# inside ROOT: in a mount namespace of its own, which takes the mounts with it
inside() {
	local root=$1 fs
	mount --bind "$root" "$root"
	for fs in proc sys dev; do mount --rbind "/$fs" "$root/$fs"; done
	# One measurement at a time on this host, also from in there.
	touch /run/iomodes.lock "$root/run/iomodes.lock"
	mount --bind /run/iomodes.lock "$root/run/iomodes.lock"
	cd "$root"
	exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root bash /root/installed.sh
}
if [[ ${1-} == inside ]]; then inside "$2"; fi

[[ $(id -u) == 0 ]] || { echo "skip: a chroot needs root"; exit 77; }
for tool in dpkg-deb dpkg-shlibdeps cpack scdoc file; do
	command -v $tool >/dev/null || { echo "skip: no $tool"; exit 77; }
done
unshare -m true 2>/dev/null || { echo "skip: no mount namespaces here"; exit 77; }
work=$(mktemp -d -p "${IOMODES_TEST_DIR:-/var/tmp}")
# The guardian of a run in there may outlive it by a moment.
trap 'flock -w 20 /run/iomodes.lock true; rm -rf "$work"' EXIT

(cd "$work" && cpack --config "$IOMODES_BIN/../CPackConfig.cmake" -G DEB -B "$work/deb") >"$work/log" 2>&1 || { cat "$work/log"; fail cpack; }
deb=$(echo "$work"/deb/iomodes_*.deb)
dpkg-deb -c "$deb" | awk '{print $6}' >"$work/files"
for file in bin/{iomodes,ioloop,netloop} lib/iomodes/{iomodes,ioloop,netloop,spinner,iomodes-rotate} share/man/man1/{iomodes,ioloop,netloop}.1.gz \
	share/bash-completion/completions/{iomodes,ioloop,netloop} lib/systemd/system/iomodes-nightly@.{service,timer} \
	share/iomodes/{modes/block,experiments/default,presets/systor22}.yaml share/doc/iomodes/{FORMAT.md,copyright,changelog.gz}; do
	grep -qx "./usr/$file" "$work/files" || fail "the package lacks $file"
done
[[ $(grep -c 'share/iomodes/.*\.yaml$' "$work/files") == "$(find "$IOMODES_SOURCE/configs" -name '*.yaml' | wc -l)" ]] || fail "configs are missing"
if command -v lintian >/dev/null; then
	lintian --fail-on warning,error "$deb" 2>&1 | grep -E '^[EW]:' && fail lintian
else
	echo "lintian is not installed: not asked"
fi

python3 "$here/package_root.py" "$deb" "$work/root"
cp "$deb" "$work/root/root/iomodes.deb"
cat >"$work/root/root/package.yaml" <<-END
	name: package
	target: scratch
	scratch_size: 16MiB
	design: {blocks: 6, ramp: 50ms, runtime: 100ms, cpu_left: 0}
	load: {rw: randread, bs: 4k, iodepth: 1}
	groups: [{modes: [interrupt]}]
END
cat >"$work/root/root/installed.sh" <<'END_INSIDE'
set -euo pipefail
cd /root
fail() { echo "FAIL: $*"; exit 1; }
! type -P iomodes >/dev/null || fail "the root is not clean"
ldconfig
dpkg -i iomodes.deb >log 2>&1 || { cat log; fail "dpkg -i"; }
[[ $(dpkg-query -W -f '${db:Status-Status}' iomodes) == installed ]]
dpkg -V iomodes >changed && [[ ! -s changed ]] || { cat changed; fail "dpkg -V"; }

iomodes --version
for program in iomodes ioloop netloop; do
	$program --help >help || fail "$program --help"
	zcat /usr/share/man/man1/$program.1.gz >man
	grep -q "^.TH \"${program^^}\" \"1\"" man || fail "no manual page of $program"
done
zcat /usr/share/man/man1/iomodes.1.gz | sed 's/\\//g' >man
for command in $(iomodes --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
	grep -q "^Usage: iomodes $command" man || fail "the manual lacks $command"
done
iomodes modes >modes && grep -q sqpoll modes || fail "modes are not found"
if iomodes plan nonsense >out 2>&1 || ! grep -q 'one of: .*default' out; then cat out; fail "experiments are not found"; fi

# bash completion, as bash itself asks for it
. /usr/share/bash-completion/completions/iomodes
complete_() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _iomodes; echo "${COMPREPLY[*]}"; }
completes() { # WANTED WORD...
	local wanted=$1 got
	shift
	got=$(complete_ "$@")
	[[ $got == "$wanted" ]] || fail "\"$*\" completes to \"$got\", not to \"$wanted\""
}
completes nightly iomodes ni
completes --single-block iomodes run --single
completes default iomodes plan defau
completes defer-taskrun iomodes run --mode defer-t
completes junit iomodes export j
completes --registerfiles ioloop --registerf
completes --busy-poll-usecs netloop run --busy-poll-u

# A run with the installed loops, read by the installed program.
iomodes run package.yaml --single-block --output /root/runs >out 2>err || { cat out err; fail "run"; }
run=$(echo runs/2*)
grep -q '"status":"valid"' "$run/trials.jsonl" || { cat "$run/trials.jsonl"; fail "no valid trial"; }
iomodes check "$run" >out || { cat out; fail "check"; }
iomodes history add "$run" --version 1 >out
/usr/lib/iomodes/iomodes-rotate runs
iomodes status >out || { cat out; fail "status"; }

# While something is switched the package stays; afterwards it goes, and what people measured stays.
if iomodes with --set sysctl.vm.compaction_proactiveness=21 -- dpkg -r iomodes >out 2>&1; then fail "removed while the machine was switched"; fi
grep -q 'still as a run set it' out || { cat out; fail "no reason"; }
[[ $(dpkg-query -W -f '${db:Status-Status}' iomodes) == installed ]] || fail "half removed"
dpkg -r iomodes >out 2>&1 || { cat out; fail "dpkg -r"; }
[[ ! -e /usr/bin/iomodes && ! -e /usr/lib/iomodes && ! -e /usr/share/iomodes && -s $run/run.json ]] || fail "something is left"
END_INSIDE
unshare -m --propagation private "$0" inside "$work/root"
