// SPDX-License-Identifier: Apache-2.0
#include "base/num.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"

#define CPU_MAX 65536 /* NR_CPUS of any kernel is below this; keeps "0-4000000000" harmless */

int num_parse_u64(const char *text, uint64_t *value, struct diag *d)
{
	char *end;

	errno = 0;
	if (!isdigit((unsigned char)text[0]))
		return diag_set(d, -EINVAL, "'%s' is not a whole number", text);
	*value = strtoull(text, &end, 0);
	if (*end)
		return diag_set(d, -EINVAL, "'%s' is not a whole number", text);
	if (errno)
		return diag_set(d, -ERANGE, "'%s' is too large", text);
	return 0;
}

int num_parse_f64(const char *text, double *value, struct diag *d)
{
	char *end;

	*value = strtod(text, &end);
	if (end == text || *end || !isfinite(*value))
		return diag_set(d, -EINVAL, "'%s' is not a number", text);
	return 0;
}

struct unit {
	const char *name;
	double factor;
};

static int parse_with_unit(const char *text, const struct unit *units, size_t n, const char *what,
			   uint64_t *value, struct diag *d)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || !isfinite(number) || number < 0 || !isdigit((unsigned char)text[0]))
		return diag_set(d, -EINVAL, "'%s' is not %s", text, what);
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(end, units[i].name))
			continue;
		number *= units[i].factor;
		if (number >= 1.8e19)
			return diag_set(d, -ERANGE, "'%s' is too large", text);
		*value = (uint64_t)llround(number);
		return 0;
	}
	return diag_set(d, -EINVAL, "'%s' is not %s: unknown unit '%s'", text, what, end);
}

int num_parse_bytes(const char *text, uint64_t *bytes, struct diag *d)
{
	static const struct unit units[] = {
		{"", 1},	 {"b", 1},	 {"k", 0x1p10},	  {"kb", 0x1p10},  {"kib", 0x1p10},
		{"m", 0x1p20},	 {"mb", 0x1p20}, {"mib", 0x1p20}, {"g", 0x1p30},   {"gb", 0x1p30},
		{"gib", 0x1p30}, {"t", 0x1p40},	 {"tb", 0x1p40},  {"tib", 0x1p40},
	};

	return parse_with_unit(text, units, ARRAY_SIZE(units), "a size (4096, 4k, 1M, 2G)", bytes,
			       d);
}

int num_parse_ns(const char *text, uint64_t *ns, struct diag *d)
{
	static const struct unit units[] = {
		{"", 1e9},  {"ns", 1},	 {"us", 1e3},	{"ms", 1e6},
		{"s", 1e9}, {"m", 60e9}, {"h", 3600e9},
	};

	return parse_with_unit(text, units, ARRAY_SIZE(units), "a duration (0.2s, 50ms, 3m)", ns,
			       d);
}

static const char *scaled_text(double value, const char *const *names, size_t n, double step,
			       char *out, size_t size)
{
	size_t i = 0;

	while (i + 1 < n && fabs(value) >= step * 0.9995) {
		value /= step;
		i++;
	}
	if (value == 0 || (i == 0 && step == 1024))
		snprintf(out, size, "%.0f %s", value, names[i]);
	else
		snprintf(out, size, "%.*f %s",
			 value < 9.995	 ? 2
			 : value < 99.95 ? 1
					 : 0,
			 value, names[i]);
	return out;
}

const char *num_bytes_text(uint64_t bytes, char *out, size_t size)
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

	return scaled_text((double)bytes, names, ARRAY_SIZE(names), 1024, out, size);
}

const char *num_ns_text(double ns, char *out, size_t size)
{
	static const char *const names[] = {"ns", "us", "ms", "s"};

	return scaled_text(ns, names, ARRAY_SIZE(names), 1000, out, size);
}

int cpulist_add(struct cpulist *list, unsigned cpu)
{
	size_t at = list->n;
	unsigned *grown;

	while (at && list->cpu[at - 1] >= cpu)
		at--;
	if (at < list->n && list->cpu[at] == cpu)
		return 0;
	grown = reallocarray(list->cpu, list->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->cpu = grown;
	memmove(grown + at + 1, grown + at, (list->n - at) * sizeof(*grown));
	grown[at] = cpu;
	list->n++;
	return 0;
}

int cpulist_parse(const char *text, struct cpulist *list, struct diag *d)
{
	const char *p = text;

	*list = (struct cpulist){0};
	while (isspace((unsigned char)*p))
		p++;
	while (*p && !isspace((unsigned char)*p)) {
		char *end;
		unsigned long first, last;

		if (!isdigit((unsigned char)*p))
			goto bad;
		first = last = strtoul(p, &end, 10);
		if (*end == '-') {
			p = end + 1;
			if (!isdigit((unsigned char)*p))
				goto bad;
			last = strtoul(p, &end, 10);
		}
		if (last < first || last >= CPU_MAX)
			goto bad;
		for (unsigned long cpu = first; cpu <= last; cpu++) {
			if (cpulist_add(list, (unsigned)cpu)) {
				cpulist_free(list);
				return -ENOMEM;
			}
		}
		if (*end == ',' && end[1])
			end++;
		else if (*end && !isspace((unsigned char)*end))
			goto bad;
		p = end;
	}
	return 0;
bad:
	cpulist_free(list);
	return diag_set(d, -EINVAL, "'%s' is not a CPU list (0-3,8)", text);
}

char *cpulist_text(const struct cpulist *list)
{
	size_t size = list->n * 12 + 1, used = 0;
	char *out = malloc(size);

	if (!out)
		return NULL;
	out[0] = '\0';
	for (size_t i = 0; i < list->n;) {
		size_t j = i;

		while (j + 1 < list->n && list->cpu[j + 1] == list->cpu[j] + 1)
			j++;
		used += (size_t)snprintf(out + used, size - used, "%s%u", i ? "," : "",
					 list->cpu[i]);
		if (j > i)
			used += (size_t)snprintf(out + used, size - used, "-%u", list->cpu[j]);
		i = j + 1;
	}
	return out;
}

bool cpulist_has(const struct cpulist *list, unsigned cpu)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->cpu[i] == cpu)
			return true;
	return false;
}

void cpulist_free(struct cpulist *list)
{
	free(list->cpu);
	*list = (struct cpulist){0};
}
