/* SPDX-License-Identifier: Apache-2.0 */
/* The health of an NVMe drive: log page 02h (NVM Express base specification 2.0, 5.16.1.3). */
#pragma once
#include <stdint.h>

struct sys;

struct nvme_smart {
	uint8_t critical_warning; /* bits: spare, temperature, reliability, read only, … */
	uint8_t available_spare, percentage_used;
	int temperature_c;
	uint32_t warning_minutes, critical_minutes; /* above the composite temperature limits */
	uint32_t thermal_transitions[2];	    /* to the light and the heavy throttled state */
	uint32_t thermal_seconds[2];		    /* spent there */
};

enum { NVME_SMART_BYTES = 512 };

void nvme_smart_decode(const uint8_t log[static NVME_SMART_BYTES], struct nvme_smart *smart);
/* Of the controller at `path` ("/dev/nvme0"). 0, -errno, or the positive NVMe status. */
int nvme_smart_read(struct sys *s, const char *path, struct nvme_smart *smart);
