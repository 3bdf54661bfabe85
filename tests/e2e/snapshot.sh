#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the kernel shows of everything the knob tests may touch. Shares no code with the knobs.
# Usage: snapshot.sh BLOCK_DEVICE_NAME
set -u
for file in /sys/block/"$1"/queue/* /sys/block/"$1"/queue/iosched/* \
	/sys/kernel/mm/transparent_hugepage/{enabled,defrag} \
	/proc/sys/vm/{stat_interval,swappiness,compaction_proactiveness} \
	/proc/sys/kernel/{numa_balancing,timer_migration,nmi_watchdog,sched_rt_runtime_us} \
	/proc/sys/net/core/{busy_poll,busy_read,dev_weight,netdev_budget,netdev_budget_usecs}; do
	[[ -f $file ]] && printf '%s=%s\n' "$file" "$(cat "$file" 2>/dev/null)"
done
for irq in /proc/irq/[0-9]*; do
	for action in "$irq"/*/; do
		[[ -d $action ]] && printf '%s %s=%s\n' "$irq" "$(basename "$action")" \
			"$(cat "$irq/smp_affinity_list")"
	done
done
printf 'dma_latency=%s\n' "$(od -An -td4 -N4 /dev/cpu_dma_latency 2>/dev/null)"
