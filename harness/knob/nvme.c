// SPDX-License-Identifier: Apache-2.0
/*
 * NVMe features through admin passthrough (NVME_IOCTL_ADMIN64_CMD, Linux 5.4): 08h interrupt
 * coalescing of the controller, 09h its exception by vector (NVM Express base specification 2.0,
 * 5.27.1.6-7). Set without the save bit, always: a controller reset or power cycle brings the
 * device's own values back, which also means that a reset under way looks like somebody else's
 * change.
 */
#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "knob/family.h"
#include "sys/nvme_status.h"

enum { ADMIN_SET_FEATURES = 0x09, ADMIN_GET_FEATURES = 0x0a };
enum { FEATURE_COALESCING = 0x08, FEATURE_VECTOR = 0x09 };
#define VECTOR_MASK	0xffffu
#define VECTOR_DISABLED (1u << 16) /* CD: coalescing disabled */
#define TIMEOUT_MS	2000

/* Status code type and code, without "more" and "do not retry". */
static int status_error(const struct knob *k, const char *instance, int status, struct diag *d)
{
	unsigned code = (unsigned)status & 0x7ff;
	char text[96];

	return diag_set(d, code == 0x001 || code == 0x002 || code == 0x10e ? -EOPNOTSUPP : -EIO,
			"%s of %s: the device answers %s", k->name, instance,
			nvme_status_text(status, text, sizeof(text)));
}

static int feature(struct sys *s, const struct knob *k, const char *instance, uint8_t opcode,
		   uint32_t id, uint32_t in, uint32_t *out, struct diag *d)
{
	struct nvme_passthru_cmd64 cmd = {
		.opcode = opcode, .cdw10 = id, .cdw11 = in, .timeout_ms = TIMEOUT_MS};
	char path[KNOB_INSTANCE_MAX + 8];
	int err;

	snprintf(path, sizeof(path), "/dev/%.*s", (int)strcspn(instance, ":"), instance);
	err = s->ops->nvme_admin(s, path, &cmd);
	if (err > 0)
		return status_error(k, instance, err, d);
	if (err)
		return diag_errno(d, err, "%s of %s: %s", k->name, instance, path);
	if (out)
		*out = (uint32_t)cmd.result;
	return 0;
}

/* Completions of one aggregation (0-based in the device) and its longest wait in 100 us: "1,0" is
 * no coalescing. */
static int get_coalescing(struct sys *s, const struct knob *k, const char *instance, char *value,
			  struct diag *d)
{
	uint32_t raw;
	int err = feature(s, k, instance, ADMIN_GET_FEATURES, FEATURE_COALESCING, 0, &raw, d);

	if (!err)
		snprintf(value, KNOB_VALUE_MAX, "%u,%u", (raw & 0xff) + 1,
			 ((raw >> 8) & 0xff) * 100);
	return err;
}

static int set_coalescing(struct sys *s, const struct knob *k, const char *instance,
			  const char *value, struct diag *d)
{
	unsigned completions, us;
	int end = 0;

	if (sscanf(value, "%u,%u%n", &completions, &us, &end) != 2 || value[end] ||
	    completions < 1 || completions > 256 || us % 100 || us > 25500)
		return diag_set(d, -EINVAL,
				"%s: \"%.40s\": COMPLETIONS,MICROSECONDS is expected, 1 to 256 and "
				"0 to 25500 in steps of 100",
				k->name, value);
	return feature(s, k, instance, ADMIN_SET_FEATURES, FEATURE_COALESCING,
		       (completions - 1) | (us / 100) << 8, NULL, d);
}

/* The index of a vector, not its Linux interrupt number. */
static int vector_index(const struct knob *k, const char *instance, uint32_t *index, struct diag *d)
{
	const char *colon = strchr(instance, ':');
	char *end;
	unsigned long n = colon ? strtoul(colon + 1, &end, 10) : 0;

	if (!colon || end == colon + 1 || *end || n > VECTOR_MASK)
		return diag_set(d, -EINVAL,
				"%s: \"%s\": CONTROLLER:VECTOR is expected, as \"nvme0:1\"",
				k->name, instance);
	*index = (uint32_t)n;
	return 0;
}

static int get_vector(struct sys *s, const struct knob *k, const char *instance, char *value,
		      struct diag *d)
{
	uint32_t index, raw;
	int err = vector_index(k, instance, &index, d);

	if (!err)
		err = feature(s, k, instance, ADMIN_GET_FEATURES, FEATURE_VECTOR, index, &raw, d);
	if (!err)
		strcpy(value, raw & VECTOR_DISABLED ? "0" : "1");
	return err;
}

static int set_vector(struct sys *s, const struct knob *k, const char *instance, const char *value,
		      struct diag *d)
{
	uint32_t index;
	int err = vector_index(k, instance, &index, d);

	if (err)
		return err;
	if (strcmp(value, "0") && strcmp(value, "1"))
		return diag_set(d, -EINVAL, "%s: \"%.40s\": 0 or 1 is expected", k->name, value);
	return feature(s, k, instance, ADMIN_SET_FEATURES, FEATURE_VECTOR,
		       index | (*value == '0' ? VECTOR_DISABLED : 0), NULL, d);
}

static int vector_candidates(struct sys *s, const struct knob *k, char ***instances)
{
	_free_ char **controllers = NULL;
	struct names names = {0};
	char path[256], name[64];

	int err = sys_list(s, "/sys/class/nvme", &controllers);

	if (err)
		return err == -ENOENT ? names_finish(&names, instances) : err;
	for (size_t i = 0; controllers[i]; i++) {
		_free_ char **irqs = NULL;

		snprintf(path, sizeof(path), "/sys/class/nvme/%s/device/msi_irqs", controllers[i]);
		if (sys_list(s, path, &irqs))
			continue;
		for (unsigned v = 0; irqs[v]; v++) {
			snprintf(name, sizeof(name), "%.48s:%u", controllers[i], v);
			names_add(&names, name);
		}
	}
	return names_finish(&names, instances);
}

static const struct knob rows[] = {
	{.name = "nvme.interrupt-coalescing",
	 .scope = KNOB_NVME,
	 .unit = "completions,us",
	 .get = get_coalescing,
	 .set = set_coalescing,
	 .doc = "interrupt coalescing of the controller (feature 08h): completions to gather and "
		"longest wait; some devices take it and ignore it, so count interrupts; a "
		"controller reset undoes it"},
	{.name = "nvme.vector-coalescing",
	 .scope = KNOB_NVME,
	 .get = get_vector,
	 .set = set_vector,
	 .candidates = vector_candidates,
	 .doc = "0: this vector of the controller is exempt from coalescing (feature 09h), by "
		"vector index as in \"nvme0:1\""},
};

const struct knob_family knob_family_nvme = {rows, ARRAY_SIZE(rows)};
