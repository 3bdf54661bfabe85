# SPDX-License-Identifier: Apache-2.0
# Sourced by knob_*.sh: a loop device of our own, tuned by hand, and what to compare it with.
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
iomodes=$IOMODES_BIN/iomodes
driver=$IOMODES_BIN/../tests/knob_driver

[[ $(id -u) == 0 ]] || { echo "skip: changing machine state needs root"; exit 77; }
work=$(mktemp -d)
export IOMODES_STATE_DIR=$work/state
truncate -s 8M "$work/disk"
if ! loop=$(losetup -f --show "$work/disk" 2>&1); then
	echo "skip: no loop device ($loop)"
	rm -rf "$work"
	exit 77
fi
loop=${loop#/dev/}
queue=/sys/block/$loop/queue

cleanup() {
	"$iomodes" restore >/dev/null 2>&1 || true
	"$iomodes" restore --accept >/dev/null 2>&1 || true
	losetup -d "/dev/$loop"
	rm -rf "$work"
}
trap cleanup EXIT

fail() { echo "FAIL: $*"; exit 1; }
snapshot() { "$here/snapshot.sh" "$loop"; }
is_as_before() { diff "$work/before" <(snapshot) || fail "$1: the machine is not as it was"; }
has_scheduler() { grep -qw "$1" "$queue/scheduler"; }

# An administrator's tuning, which a scheduler switch would lose.
if has_scheduler mq-deadline; then
	echo mq-deadline >"$queue/scheduler"
	echo 100 >"$queue/nr_requests"
	echo 321 >"$queue/iosched/read_expire"
fi
snapshot >"$work/before"

# One knob of each family that exists here; a movable vector by its name, of a device that idles.
settings=(block.nomerges:"$loop"=2 block.rq_affinity:"$loop"=2 block.iostats:"$loop"=0
	block.read_ahead_kb:"$loop"=64 sysctl.vm.stat_interval=7)
has_scheduler none && settings=(block.scheduler:"$loop"=none "${settings[@]}")
[[ -e $queue/wbt_lat_usec ]] && settings+=(block.wbt_lat_usec:"$loop"=12345)
[[ -e /sys/kernel/mm/transparent_hugepage/enabled ]] && settings+=(thp.enabled=always thp.defrag=defer)
[[ -e /dev/cpu_dma_latency ]] && settings+=(cpu.idle=0)
for vector in ttyS0:ttyS0 "$(cd /sys/bus/pci/devices && for d in */virtio0; do
	[[ -e $d ]] && echo "${d%/*}:virtio0-inflate"; done)"; do
	[[ -n $vector ]] && "$iomodes" knob get "irq.affinity:$vector" >/dev/null 2>&1 &&
		settings+=("irq.affinity:$vector=1")
done
echo "settings: ${settings[*]}"
. "$here/knob_kill_lib.sh"
