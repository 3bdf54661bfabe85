// SPDX-License-Identifier: Apache-2.0
/* Clock and idle states. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "knob/family.h"

#define INTEL_NO_TURBO "/sys/devices/system/cpu/intel_pstate/no_turbo" /* 1: turbo is off */
#define BOOST	       "/sys/devices/system/cpu/cpufreq/boost"
#define DMA_LATENCY    "/dev/cpu_dma_latency"

static int get_turbo(struct sys *s, const struct knob *k, const char *instance, char *value,
		     struct diag *d)
{
	int err = sys_readf(s, value, KNOB_VALUE_MAX, INTEL_NO_TURBO);

	if (!err && (!strcmp(value, "0") || !strcmp(value, "1")))
		*value = *value == '0' ? '1' : '0';
	if (err == -ENOENT)
		err = sys_readf(s, value, KNOB_VALUE_MAX, BOOST);
	if (err == -ENOENT)
		return diag_set(d, err, "cpu.turbo: not on this machine (neither %s nor %s)",
				INTEL_NO_TURBO, BOOST);
	return err ? diag_errno(d, err, "cpu.turbo") : 0;
}

static int set_turbo(struct sys *s, const struct knob *k, const char *instance, const char *value,
		     struct diag *d)
{
	int err;

	if (strcmp(value, "0") && strcmp(value, "1"))
		return diag_set(d, -EINVAL, "cpu.turbo: \"%.40s\": 0 or 1 is expected", value);
	if (sys_exists(s, INTEL_NO_TURBO))
		err = sys_write(s, INTEL_NO_TURBO, *value == '0' ? "1" : "0");
	else
		err = sys_write(s, BOOST, value);
	return err ? diag_errno(d, err, "cpu.turbo: the kernel refuses \"%s\"", value) : 0;
}

/* Reading gives the limit in force for the host, a 32-bit number in the machine's byte order; 2000
 * s stand for "none" (PM_QOS_CPU_LATENCY_DEFAULT_VALUE). */
static int get_idle(struct sys *s, const struct knob *k, const char *instance, char *value,
		    struct diag *d)
{
	char raw[16];
	int32_t us;
	size_t len;
	int err = s->ops->read(s, DMA_LATENCY, raw, sizeof(raw), &len);

	if (!err && len != sizeof(us))
		err = -EIO;
	if (err)
		return diag_errno(d, err, "cpu.idle: %s", DMA_LATENCY);
	memcpy(&us, raw, sizeof(us));
	snprintf(value, KNOB_VALUE_MAX, "%d", us);
	return 0;
}

static int set_idle(struct sys *s, const struct knob *k, const char *instance, const char *value,
		    struct diag *d)
{
	return diag_set(d, -EOPNOTSUPP,
			"cpu.idle lasts as long as a process holds it: 'iomodes with' does");
}

static int hold_idle(struct sys *s, const struct knob *k, const char *instance, const char *value,
		     int *handle, struct diag *d)
{
	uint64_t us;
	int32_t raw;
	int err = num_parse_u64(value, &us, d);

	if (err || us > INT32_MAX)
		return diag_set(d, -EINVAL, "cpu.idle: \"%.40s\": microseconds are expected",
				value);
	raw = (int32_t)us;
	err = s->ops->hold(s, DMA_LATENCY, &raw, sizeof(raw), handle);
	return err ? diag_errno(d, err, "cpu.idle: %s", DMA_LATENCY) : 0;
}

static const struct knob rows[] = {
	{.name = "cpu.governor",
	 .scope = KNOB_CPU,
	 .path = "/sys/devices/system/cpu/cpu%s/cpufreq/scaling_governor",
	 .doc = "frequency governor of a CPU; CPUs of one policy share it"},
	{.name = "cpu.idle",
	 .scope = KNOB_HOST,
	 .flags = KNOB_HELD,
	 .unit = "us",
	 .get = get_idle,
	 .set = set_idle,
	 .hold = hold_idle,
	 .doc = "longest wake-up an idle state may cost, through a held /dev/cpu_dma_latency; 0 "
		"keeps every CPU out of sleep, and so busy in the eyes of a sibling thread"},
	{.name = "cpu.turbo",
	 .scope = KNOB_HOST,
	 .get = get_turbo,
	 .set = set_turbo,
	 .doc = "1: clock above the nominal one allowed (intel_pstate/no_turbo or cpufreq/boost)"},
};

const struct knob_family knob_family_cpu = {rows, ARRAY_SIZE(rows)};
