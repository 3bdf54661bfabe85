/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets share: a broken promise of a reader ends the fuzzer with the input at hand. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/adapter.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

#define PROMISE(condition)                                               \
	do {                                                             \
		if (!(condition)) {                                      \
			fprintf(stderr, "broken: %s\n", #condition);     \
			abort();                                         \
		}                                                        \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Through an adapter's reader. What it promises of any text: an error has a sentence; a record can
 * be written as JSON (no NaN), and no metric is negative. Returns its result. */
static inline int fuzz_parse(const char *adapter, const uint8_t *data, size_t size, json_t *record)
{
	json_t *evidence = json_pack("{s:{}, s:{}}", "counters", "absent");
	struct diag d = {""};
	int err = workload_find(adapter)->parse((const char *)data, size, record, evidence, &d);
	_free_ char *line = NULL;
	const char *name;
	json_t *value;

	json_object_set_new(record, "evidence", evidence);
	line = jsonio_line(record);
	PROMISE(line);
	PROMISE(err ? *d.text : 1);
	json_object_foreach (json_object_get(record, "metrics"), name, value)
		PROMISE(json_number_value(value) >= 0);
	return err;
}
