// SPDX-License-Identifier: Apache-2.0
/* RAPL zones below /sys/class/powercap (Linux 3.13; Documentation/power/powercap). Readable by root
 * only since 5.10. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/source.h"
#include "sys/sys.h"

#define ZONES_MAX 64

struct energy_sample {
	size_t n;
	struct {
		char zone[32], name[32];
		int64_t uj, range_uj;
	} zone[ZONES_MAX];
};

static int energy_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	_free_ struct energy_sample *s = calloc(1, sizeof(*s));
	_free_ char **names = NULL;

	if (!s)
		return diag_errno(d, -ENOMEM, "energy");
	if (sys_list(scope->sys, "/sys/class/powercap", &names))
		return diag_set(d, -ENODATA, "no RAPL energy counters: no /sys/class/powercap");
	for (char **p = names; *p && s->n < ZONES_MAX; p++) {
		int err;

		if (strncmp(*p, "intel-rapl:", 11)) /* AMD's have this name, too */
			continue;
		snprintf(s->zone[s->n].zone, sizeof(s->zone[0].zone), "%s", *p);
		sys_readf(scope->sys, s->zone[s->n].name, sizeof(s->zone[0].name),
			  "/sys/class/powercap/%s/name", *p);
		sys_readf_i64(scope->sys, &s->zone[s->n].range_uj,
			      "/sys/class/powercap/%s/max_energy_range_uj", *p);
		err = sys_readf_i64(scope->sys, &s->zone[s->n].uj,
				    "/sys/class/powercap/%s/energy_uj", *p);
		if (err)
			return diag_errno(d, err, "/sys/class/powercap/%s/energy_uj", *p);
		s->n++;
	}
	if (!s->n)
		return diag_set(d, -ENODATA, "no RAPL energy counters in /sys/class/powercap");
	*sample = s;
	s = NULL;
	return 0;
}

static int energy_difference(const struct evidence_scope *scope, const void *b, const void *a,
			     json_t *result, struct diag *d)
{
	const struct energy_sample *before = b, *after = a;
	json_t *zones;
	int64_t sum = 0;

	if (before->n != after->n)
		return diag_set(d, -ENODATA, "RAPL zones came or went in the window");
	zones = json_array();
	for (size_t i = 0; i < after->n; i++) {
		const char *zone = after->zone[i].zone;
		int64_t uj = after->zone[i].uj - before->zone[i].uj;

		if (uj < 0) /* it wrapped once; a package needs minutes for that */
			uj += after->zone[i].range_uj;
		json_array_append_new(zones,
				      json_pack("{s:s, s:s, s:I}", "zone", zone, "name",
						after->zone[i].name, "energy_uj", (json_int_t)uj));
		/* packages only: parts (a second colon) and the whole platform contain them or
		 * are in them */
		if (!strchr(zone + 11, ':') && strcmp(after->zone[i].name, "psys"))
			sum += uj;
	}
	evidence_put(result, "energy_uj", (uint64_t)sum);
	evidence_detail(result, "energy", zones);
	return 0;
}

const struct evidence_source evidence_energy = {
	.name = "energy",
	.doc = "RAPL energy by zone",
	.sample = energy_sample,
	.difference = energy_difference,
	.free = free,
};
