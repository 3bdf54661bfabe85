/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded outputs of tests/fixtures through an adapter. */
#pragma once
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/adapter.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

static char *fixture(const char *name, size_t *len)
{
	const char *source = getenv("IOMODES_SOURCE");
	char path[4096], *text = malloc(1 << 20);
	_file_ FILE *f = NULL;

	assert_non_null(text);
	snprintf(path, sizeof(path), "%s/tests/fixtures/%s", source ? source : ".", name);
	f = fopen(path, "re");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	*len = fread(text, 1, (1 << 20) - 1, f);
	text[*len] = '\0';
	return text;
}

static json_t *empty_record(bool open_loop)
{
	return json_pack("{s:{}, s:[], s:{s:b}, s:{}}", "metrics", "labels", "load", "open_loop",
			 open_loop, "counts");
}

static json_t *empty_evidence(void)
{
	return json_pack("{s:{}, s:{s:s, s:s}}", "counters", "absent", "context_switches", "free",
			 "task_cpu_ns", "free");
}

/* Parse text; the record keeps the evidence in its member. */
static int parse_text(const struct workload_adapter *a, const char *text, size_t len,
		      json_t *record, struct diag *d)
{
	json_t *evidence = json_object_get(record, "evidence");

	if (!evidence) {
		evidence = empty_evidence();
		json_object_set_new(record, "evidence", evidence);
	}
	d->text[0] = '\0';
	return a->parse(text, len, record, evidence, d);
}

static int parse_fixture(const struct workload_adapter *a, const char *name, json_t *record,
			 struct diag *d)
{
	size_t len;
	_free_ char *text = fixture(name, &len);

	return parse_text(a, text, len, record, d);
}
