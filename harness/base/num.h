/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units, and CPU lists, as people write them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;

/* Decimal or 0x…; the whole string must be the number. -EINVAL, -ERANGE. */
int num_parse_u64(const char *text, uint64_t *value, struct diag *d);
/* A finite decimal number. */
int num_parse_f64(const char *text, double *value, struct diag *d);
/* Bytes: "4096", "4k", "1M", "2GiB" (all powers of 1024, as in fio). */
int num_parse_bytes(const char *text, uint64_t *bytes, struct diag *d);
/* Nanoseconds: "250us", "0.2s", "3m", "50ms"; a bare number is seconds, as in fio. */
int num_parse_ns(const char *text, uint64_t *ns, struct diag *d);

/* Bytes as people read them ("1.0 GiB"). Returns `out`. */
const char *num_bytes_text(uint64_t bytes, char *out, size_t size);
/* Nanoseconds as people read them, three significant digits ("12.3 us"). Returns `out`. */
const char *num_ns_text(double ns, char *out, size_t size);

/* A sorted set of CPU (or node) numbers; owned by the struct, freed by cpulist_free(). */
struct cpulist {
	unsigned *cpu;
	size_t n;
};

/* Kernel list format: "0-3,8". An empty or blank string is the empty list. */
int cpulist_parse(const char *text, struct cpulist *list, struct diag *d);
/* Canonical text ("0-3,8"; "" when empty); the caller frees it. NULL on lack of memory. */
char *cpulist_text(const struct cpulist *list);
bool cpulist_has(const struct cpulist *list, unsigned cpu);
/* Keeps the list sorted and without doubles. -ENOMEM. */
int cpulist_add(struct cpulist *list, unsigned cpu);
void cpulist_free(struct cpulist *list);
