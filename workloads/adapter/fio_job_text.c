// SPDX-License-Identifier: Apache-2.0
/* The job that runs, and what of it is not the user's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/fio_job.h"
#include "base/cleanup.h"

static bool same_option(const char *a, const char *b)
{
	const struct fio_option *x = fio_option_find(a), *y = fio_option_find(b);

	return !strcmp(a, b) || (x && x == y);
}

static bool is_imposed(const struct fio_line *o, const struct fio_imposed *imposed, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (same_option(o->name, imposed[i].name))
			return true;
	return false;
}

/* Mode, time and CPUs are not the file's to say, whether or not something stands in their place: a
 * mode without hipri has to run without it. */
static bool is_replaced(const struct fio_line *o, const struct fio_imposed *imposed, size_t n)
{
	return o->kind == FIO_OPTION_MODE || o->kind == FIO_OPTION_TIME ||
	       o->kind == FIO_OPTION_CPU || o->kind == FIO_OPTION_TARGET ||
	       o->kind == FIO_OPTION_REPORT || o->kind == FIO_OPTION_ORDER ||
	       is_imposed(o, imposed, n);
}

char *fio_job_text(const struct fio_job *j, const struct fio_imposed *imposed, size_t n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (size_t i = 0; i < j->n; i++) {
		const struct fio_section *s = &j->section[i];

		fprintf(f, "[%s]\n", s->name);
		for (size_t k = 0; k < s->n; k++) {
			const struct fio_line *o = &s->option[k];
			const char *joint = strcmp(o->name, "include") ? "=" : " ";

			if (!is_replaced(o, imposed, n))
				fprintf(f, "%s%s%s\n", o->name, o->value ? joint : "",
					o->value ? o->value : "");
		}
		for (size_t k = 0; k < n && !s->global; k++)
			fprintf(f, "%s=%s\n", imposed[k].name, imposed[k].value);
	}
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

static json_t *place(const struct fio_job *j, const struct fio_line *o)
{
	return json_sprintf("%s:%u:%u: %s%s%s", j->file, o->line, o->col, o->name,
			    o->value ? "=" : "", o->value ? o->value : "");
}

json_t *fio_job_imposed_json(const struct fio_job *j, const struct fio_imposed *imposed, size_t n)
{
	json_t *list = json_array(), *dropped = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *instead = json_array();

		for (size_t s = 0; s < j->n; s++)
			for (size_t k = 0; k < j->section[s].n; k++)
				if (same_option(j->section[s].option[k].name, imposed[i].name))
					json_array_append_new(instead,
							      place(j, &j->section[s].option[k]));
		json_array_append_new(
			list, json_pack("{s:o, s:s, s:o}", "line",
					json_sprintf("%s=%s", imposed[i].name, imposed[i].value),
					"why", imposed[i].why, "instead_of", instead));
	}
	for (size_t s = 0; s < j->n; s++)
		for (size_t k = 0; k < j->section[s].n; k++) {
			const struct fio_line *o = &j->section[s].option[k];

			if (is_replaced(o, imposed, n) && !is_imposed(o, imposed, n))
				json_array_append_new(dropped, place(j, o));
		}
	if (json_array_size(dropped))
		json_array_append_new(list, json_pack("{s:n, s:s, s:o}", "line", "why",
						      "not the job's to say under iomodes",
						      "instead_of", dropped));
	else
		json_decref(dropped);
	return list;
}
