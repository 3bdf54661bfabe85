// SPDX-License-Identifier: Apache-2.0
#include "sys/nvme_smart.h"

#include <endian.h>
#include <linux/nvme_ioctl.h>
#include <string.h>

#include "sys/sys.h"

enum { ADMIN_GET_LOG_PAGE = 0x02, LOG_SMART = 0x02 };
#define ALL_NAMESPACES 0xffffffffu
#define KELVIN	       273
#define TIMEOUT_MS     2000

/* The page is little-endian and not aligned. */
static uint32_t u32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

void nvme_smart_decode(const uint8_t log[static NVME_SMART_BYTES], struct nvme_smart *smart)
{
	*smart = (struct nvme_smart){
		.critical_warning = log[0],
		.temperature_c = (log[1] | log[2] << 8) - KELVIN,
		.available_spare = log[3],
		.percentage_used = log[5],
		.warning_minutes = u32(log + 192),
		.critical_minutes = u32(log + 196),
		.thermal_transitions = {u32(log + 216), u32(log + 220)},
		.thermal_seconds = {u32(log + 224), u32(log + 228)},
	};
}

int nvme_smart_read(struct sys *s, const char *path, struct nvme_smart *smart)
{
	uint8_t log[NVME_SMART_BYTES] = {0};
	struct nvme_passthru_cmd64 cmd = {
		.opcode = ADMIN_GET_LOG_PAGE,
		.nsid = ALL_NAMESPACES,
		.addr = (uint64_t)(uintptr_t)log,
		.data_len = sizeof(log),
		.cdw10 = LOG_SMART | (sizeof(log) / 4 - 1) << 16,
		.timeout_ms = TIMEOUT_MS,
	};
	int err = s->ops->nvme_admin(s, path, &cmd);

	if (!err)
		nvme_smart_decode(log, smart);
	return err;
}
