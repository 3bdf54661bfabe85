#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Workloads that misbehave, and a mode whose requirement is not met: each a failed trial with its
# reason, never a number, never in force; the knobs back.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/run_common.sh"
experiment small 'interrupt'
export IOMODES_CONFIG=$IOMODES_SOURCE/configs

# iomodes finds its programs beside itself: a copy of it with another ioloop.
mkdir "$work/bin"
cp "$iomodes" "$IOMODES_BIN/spinner" "$work/bin/"
# Not of the canary's null loop: that is no trial.
ioloop() {
	{
		echo '#!/bin/bash'
		echo "[[ \"\$*\" != *--engine=nop* ]] || exec '$IOMODES_BIN/ioloop' \"\$@\""
		cat
	} >"$work/bin/ioloop"
	chmod 755 "$work/bin/ioloop"
}
# misbehaves WHAT EXIT-STATUS NUMBER-OF-FAILED-TRIALS WORDS...
misbehaves() {
	local what=$1 status=$2 number=$3
	shift 3
	rm -rf "$results"/2* "$work/once"
	start "$work/bin/iomodes" run "$work/small.yaml" --output "$results" --quiet
	ends_with "$status" "$what"
	is_as_before "$what"
	no_process_left "$what"
	status_is_clean "$what"
	echo "$what:"
	records intact "$(run_dir)"
	records complete "$(run_dir)"
	records failed "$(run_dir)" "$number" "$@"
}

ioloop <<<'echo "ioloop: /dev/null: kernel refuses IORING_SETUP_X" >&2; exit 1'
misbehaves "exits with a message" 4 all 'kernel refuses IORING_SETUP_X'
ioloop <<<'exit 3'
misbehaves "exits without a word" 4 all 'exit status 3'
ioloop <<<'echo gone >&3'
misbehaves "says the wrong word" 4 all '"gone"' '"ready"'
ioloop <<<'head -c 100000 /dev/zero | tr "\0" x >&3; sleep 100'
misbehaves "floods the control socket" 4 all 'ready'
ioloop <<<'echo ready >&3; read -r _ <&3; echo done >&3; read -r _ <&3; echo "{\"ios\": tru"'
misbehaves "prints garbage" 4 all 'not JSON'
ioloop <<<'echo ready >&3; read -r _ <&3; echo done >&3; read -r _ <&3; echo "{\"ios\": 3}"'
misbehaves "leaves out what matters" 4 all 'window_ns'
ioloop <<<'echo ready >&3; read -r _ <&3; echo done >&3; read -r _ <&3'
misbehaves "prints nothing" 4 all 'not JSON'
ioloop <<<'echo ready >&3; read -r _ <&3; kill -SEGV $$'
misbehaves "crashes" 4 all 'killed by signal 11'
rm "$work/bin/ioloop"
misbehaves "is not there" 4 all 'ioloop' 'No such file'

# One trial hangs, with a child that left the session; the rest of the run is sound.
ioloop <<END
if ! mkdir "$work/once" 2>/dev/null; then exec "$IOMODES_BIN/ioloop" "\$@"; fi
setsid sleep 1000 "$work/" &
trap '' TERM INT
echo ready >&3
read -r _ <&3
sleep 1000
END
sed -i 's|^setsid sleep 1000 .*|(exec -a "$work/escaped" setsid sleep 1000) \&|; s|\$work|'"$work"'|' "$work/bin/ioloop"
misbehaves "hangs once" 0 1 'deadline'
rm "$work/bin/ioloop"
cp "$IOMODES_BIN/ioloop" "$work/bin/"

# A polled mode where nothing can be polled, run all the same.
if [[ $(cat "/sys/block/$disk/queue/io_poll") == 0 ]]; then
	rm -rf "$results"/2*
	sed 's/modes: \[interrupt\]/modes: [interrupt, iopoll]/' "$work/small.yaml" >"$work/ignore.yaml"
	start "$iomodes" run "$work/ignore.yaml" --output "$results" --quiet --ignore-requires
	ends_with 4 "--ignore-requires"
	is_as_before "--ignore-requires"
	records never-in-force "$(run_dir)" iopoll
	if printf '6.11\n%s\n' "$(uname -r)" | sort -V -C; then
		records failed "$(run_dir)" 6 IORING_SETUP_IOPOLL 'Operation not supported' # EOPNOTSUPP
	fi
	records verdicts "$(run_dir)" interrupt=in_force/counter
else
	echo "skip: --ignore-requires ($disk has poll queues)"
fi
