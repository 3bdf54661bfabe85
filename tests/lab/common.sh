# SPDX-License-Identifier: Apache-2.0
# Sourced by the lab's scripts. Exit statuses of `lab` beside the command's own:
LAB_SKIP=77	# something the lab needs is not on this machine; the line printed says what to install
LAB_EMULATOR=120	# the emulator got the guest's kernel wrong (see `lab`); it says nothing of the command
LAB_DOWN=121	# the guest was reset or switched off before the command had ended
LAB_HANG=122	# the guest runs, but its heartbeat has stopped
LAB_PANIC=123	# the guest's kernel panicked
LAB_TIMEOUT=124	# the guest is alive, the command took longer than --timeout
LAB_FAILED=125	# the command was never started

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
LAB_TREE=$(cd "$LAB_DIR/../.." && pwd -P)
LAB_CACHE=${IOMODES_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/iomodes-lab}

lab_say() { printf 'lab: %s\n' "$*" >&2; }
lab_skip() { lab_say "cannot run here: $*"; exit $LAB_SKIP; }
lab_fail() { lab_say "$*"; exit $LAB_FAILED; }

# lab_again STATUS ARGUMENT...: a test that the emulator has failed starts once more, from its beginning, and says so
lab_again() {
	[ "$1" -eq $LAB_EMULATOR ] && [ -z "${LAB_AGAIN:-}" ] || return 0
	shift
	lab_say "the test starts once more"
	LAB_AGAIN=1 "$0" "$@" && exit || exit
}

# lab_need PROGRAM PACKAGE: the one line that says what to install
lab_need() {
	command -v "$1" >/dev/null || lab_skip "no $1; install the package $2"
}

# lab_has_device MODEL QEMU...: asks for one model only: the whole list makes an unpacked QEMU load
# the modules of an installed other version, and abort
lab_has_device() {
	local model=$1
	shift
	[[ $("$@" -device "$model,help" 2>/dev/null) == "$model options:"* ]] # its status says nothing
}
