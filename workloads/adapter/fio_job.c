// SPDX-License-Identifier: Apache-2.0
/* Reading: text into sections. What they mean is fio_job_check.c, what runs fio_job_text.c. */
#include "adapter/fio_job.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"

#define LINE_MAX_BYTES 1000
#define NAME_MAX_BYTES 64
#define SECTION_MAX    200

struct reader {
	struct fio_job *job;
	unsigned line;
	struct diag *d;
};

__attribute__((format(printf, 3, 4))) static int complain(const struct reader *r, unsigned col,
							  const char *fmt, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_set(r->d, -EINVAL, "%.200s:%u:%u: %s", r->job->file, r->line, col, text);
}

static int add_section(struct reader *r, const char *text, size_t len, unsigned col)
{
	struct fio_job *j = r->job;
	struct fio_section *grown;
	char *name;

	if (len < 3 || text[len - 1] != ']')
		return complain(r, col, "a section is [name]");
	if (len - 2 > SECTION_MAX)
		return complain(r, col, "the section's name is longer than %d bytes", SECTION_MAX);
	for (size_t i = 1; i + 1 < len; i++)
		if (text[i] == '[' || text[i] == ']')
			return complain(r, col + (unsigned)i, "a bracket in a section's name");
	name = strndup(text + 1, len - 2);
	grown = name ? reallocarray(j->section, j->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(name);
		return -ENOMEM;
	}
	j->section = grown;
	/* fio looks at the first six letters alone */
	grown[j->n++] = (struct fio_section){
		.name = name, .line = r->line, .global = !strncmp(name, "global", 6)};
	return 0;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static int check_value(const struct reader *r, const char *value, size_t len, unsigned col)
{
	for (size_t i = 0; i < len; i++)
		if (value[i] == '$')
			return complain(r, col + (unsigned)i,
					"\"$\" takes the environment or arithmetic into the job; "
					"write the value itself");
	return 0;
}

static int add_option(struct reader *r, const char *text, size_t len, unsigned col)
{
	struct fio_job *j = r->job;
	struct fio_section *s = j->n ? &j->section[j->n - 1] : NULL;
	struct fio_line *grown, line = {.line = r->line, .col = col};
	size_t name = 0, at;
	int err;

	while (name < len && is_name(text[name]))
		name++;
	at = name;
	while (at < len && isblank((unsigned char)text[at]))
		at++;
	/* "include FILE" has no equals sign */
	if (name == 7 && !memcmp(text, "include", 7) && at > name && at < len && text[at] != '=')
		at--;
	else if (!name || name > NAME_MAX_BYTES || (at < len && text[at] != '='))
		return complain(r, col + (unsigned)at, "a line is option=value or option");
	if (!s)
		return complain(r, col, "an option outside of a [section]");
	if (at < len)
		at++;
	while (at < len && isblank((unsigned char)text[at]))
		at++;
	line.value_col = col + (unsigned)at;
	err = check_value(r, text + at, len - at, line.value_col);
	if (err)
		return err;
	line.name = strndup(text, name);
	if (memchr(text, '=', len) || at < len)
		line.value = strndup(text + at, len - at);
	grown = line.name ? reallocarray(s->option, s->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(line.name);
		free(line.value);
		return -ENOMEM;
	}
	s->option = grown;
	/* the engine is the mode's, but one that loads code says something of the file */
	line.kind = fio_option_kind(line.name, line.value);
	grown[s->n++] = line;
	return 0;
}

/* `text` without its line end. */
static int read_line(struct reader *r, const char *text, size_t len)
{
	_json_ json_t *utf8 = NULL;
	size_t from = 0, stop = 0;

	if (len > LINE_MAX_BYTES)
		return complain(r, 1, "a line of more than %d bytes", LINE_MAX_BYTES);
	while (stop < len && text[stop] != ';' && text[stop] != '#')
		stop++;
	while (stop && isspace((unsigned char)text[stop - 1]))
		stop--;
	while (from < stop && isspace((unsigned char)text[from]))
		from++;
	for (size_t i = from; i < stop; i++)
		if (iscntrl((unsigned char)text[i]) && text[i] != '\t')
			return complain(r, (unsigned)i + 1, "a control character");
	if (from == stop)
		return 0;
	utf8 = json_stringn(text + from, stop - from);
	if (!utf8) /* a line that is to be shown must be one that can be */
		return complain(r, (unsigned)from + 1, "bytes that are not UTF-8");
	if (text[from] == '[')
		return add_section(r, text + from, stop - from, (unsigned)from + 1);
	return add_option(r, text + from, stop - from, (unsigned)from + 1);
}

static bool has_job(const struct fio_job *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (!j->section[i].global)
			return true;
	return false;
}

int fio_job_parse(const char *file, const char *text, size_t len, struct fio_job *j, struct diag *d)
{
	struct reader r = {.job = j, .d = d};
	const char *end = text + len;
	int err = 0;

	*j = (struct fio_job){.file = strdup(file)};
	if (!j->file)
		return -ENOMEM;
	if (len > FIO_JOB_BYTES_MAX)
		err = diag_set(d, -EFBIG, "%.200s: a job file of more than 1 MiB", file);
	while (!err && text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		stop = stop ? stop : end;
		if (++r.line > FIO_JOB_LINES_MAX)
			err = complain(&r, 1, "more than %d lines", FIO_JOB_LINES_MAX);
		else
			err = read_line(&r, text, (size_t)(stop - text));
		text = stop + 1;
	}
	if (!err && !has_job(j))
		err = diag_set(d, -EINVAL, "%.200s: no job: no [section] beside [global]", file);
	if (err)
		fio_job_free(j);
	return err;
}

int fio_job_load_file(const char *path, struct fio_job *j, struct diag *d)
{
	_file_ FILE *f = fopen(path, "re");
	_free_ char *text = malloc(FIO_JOB_BYTES_MAX + 1);
	size_t len;

	*j = (struct fio_job){0};
	if (!f)
		return diag_errno(d, -errno, "%.300s", path);
	if (!text)
		return -ENOMEM;
	len = fread(text, 1, FIO_JOB_BYTES_MAX + 1, f);
	if (ferror(f))
		return diag_errno(d, -errno, "%.300s", path);
	return fio_job_parse(path, text, len, j, d);
}

static void section_free(struct fio_section *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->option[i].name);
		free(s->option[i].value);
	}
	free(s->option);
	free(s->name);
}

void fio_job_free(struct fio_job *j)
{
	for (size_t i = 0; i < j->n; i++)
		section_free(&j->section[i]);
	free(j->section);
	free(j->file);
	*j = (struct fio_job){0};
}

int fio_job_select(struct fio_job *j, const char *name, struct diag *d)
{
	char list[400] = "";
	size_t kept = 0;
	bool found = false;

	for (size_t i = 0; i < j->n; i++) {
		if (j->section[i].global)
			continue;
		found |= !strcmp(j->section[i].name, name);
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%.80s",
			 *list ? ", " : "", j->section[i].name);
	}
	if (!found)
		return diag_set(d, -ENOENT, "%.200s: no section [%.80s]; there are: %s", j->file,
				name, list);
	for (size_t i = 0; i < j->n; i++) {
		if (j->section[i].global || !strcmp(j->section[i].name, name))
			j->section[kept++] = j->section[i];
		else
			section_free(&j->section[i]);
	}
	j->n = kept;
	return 0;
}
