# SPDX-License-Identifier: Apache-2.0
# Sourced by the checks that run in the guest. Each prints "ok", "not ok" or "skip" lines; guest.d/run
# counts them.
LAB_DIR=${LAB_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
busybox=/run/lab/busybox
iomodes=${IOMODES_BIN:-$LAB_DIR/../../build/bin}/iomodes

# is TEXT GOT WANTED
is() {
	if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: '$2' where '$3' was expected"; fi
}

# holds TEXT COMMAND...
holds() {
	local text=$1
	shift
	if "$@" >/tmp/holds 2>&1; then echo "ok - $text"; else echo "not ok - $text: $* (status $?): $(tail -n 2 /tmp/holds)"; fi
}

# kernel_at_least A B: version A.B or newer
kernel_at_least() {
	local major minor
	IFS=. read -r major minor _ < /proc/sys/kernel/osrelease
	[ "$major" -gt "$1" ] || { [ "$major" -eq "$1" ] && [ "$minor" -ge "$2" ]; }
}

# linked DEVICE...: until each has a carrier, some 60 s at most
linked() {
	local dev i=0
	for dev in "$@"; do
		until [ "$(cat "/sys/class/net/$dev/carrier" 2>/dev/null)" = 1 ] || [ $i -ge 600 ]; do
			i=$((i + 1))
			sleep 0.1
		done
	done
}

# reached ADDRESS: until it answers, some 60 s at most
reached() {
	for _ in $(seq 60); do
		! $busybox ping -q -c 1 -W 1 "$1" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
}

# path_of CONTROLLER: the disk below the multipath head (nvme1c1n1), or the plain one (nvme0n1)
path_of() {
	local path
	for path in /sys/class/nvme/"$1"/"$1"c*n1 /sys/block/"$1"c*n1; do
		[ ! -e "$path" ] || { basename "$path"; return; }
	done
	echo "$1n1"
}

# stop PROCESS: until it stands still, so that what is seen of it now is still so when it is killed; not when it has ended
stop() {
	local state
	kill -STOP "$1" || return 1
	while read -r _ _ state _ < "/proc/$1/stat"; do
		case $state in
		T) return 0 ;;
		[ZX]) return 1 ;;
		esac
	done
	return 1
} 2> /dev/null

# stopped_when PROCESS SECONDS COMMAND...: it stands still, and the command holds; else it goes on
stopped_when() {
	local pid=$1 end=$((SECONDS + $2))
	shift 2
	while stop "$pid"; do
		! "$@" > /dev/null || return 0
		kill -CONT "$pid"
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
	return 1
}

# guardian_of PROCESS: sets guardian to its child of that name, if there is one by now
guardian_of() {
	local pid pids name
	guardian=
	pids=$(< "/proc/$1/task/$1/children")
	for pid in $pids; do
		read -r name < "/proc/$pid/comm" || continue
		[ "$name" != iomodes-guard ] || guardian=$pid
	done
	[ -n "$guardian" ]
} 2> /dev/null

# snapshot DISK: what the kernel shows of all that the knobs may touch, in one process: forks are slow here
snapshot() {
	grep -sH '' /sys/block/"$1"/queue/* /sys/block/"$1"/queue/iosched/* /proc/irq/*/smp_affinity_list \
		/sys/kernel/mm/transparent_hugepage/{enabled,defrag} /proc/sys/net/core/{busy_*,dev_weight,netdev_*} \
		/proc/sys/vm/{stat_interval,swappiness,compaction_proactiveness} /proc/sys/kernel/numa_balancing
}

# device_interrupts PATTERN: sum over CPUs of the vectors whose name matches
device_interrupts() {
	awk -v p="$1" '$NF ~ p { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts
}
