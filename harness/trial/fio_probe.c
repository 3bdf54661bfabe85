// SPDX-License-Identifier: Apache-2.0
#include "trial/fio_probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapter/adapter.h"
#include "adapter/fio_command.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "sys/capture.h"

#define TIMEOUT_MS 10000
#define SAID_MAX   65536

int fio_probe_version(const char *program, char version[static 32], struct diag *d)
{
	const char *const argv[] = {program, "--version", NULL};
	char said[256];
	struct diag why = {""};
	int status = capture(argv, NULL, said, sizeof(said), TIMEOUT_MS, &why);

	version[0] = '\0';
	if (status == -ENOENT)
		return diag_set(d, -ENOENT, "fio is not installed");
	if (status < 0)
		return diag_set(d, status, "%s", why.text);
	said[strcspn(said, "\n")] = '\0';
	snprintf(version, 32, "%.31s", said);
	return fio_version_check(said, d);
}

/* The line of what fio said that tells the reason. */
static void reason(const char *said, char *out, size_t size)
{
	_json_ json_t *notes = json_array();
	const char *line;

	workload_notes(said, strlen(said), notes);
	line = workload_reason(notes);
	snprintf(out, size, "%.400s", line ? line : "it says no more");
}

/* --parse-only does not look for the engine. */
static int probe_engine(const struct workload_job *job, char *said, struct diag *d)
{
	const char *engine = NULL;
	char option[300];
	const char *argv[] = {job->program, option, NULL};
	int status;

	for (size_t i = 0; i < job->n_options; i++)
		if (!strcmp(job->options[i].name, "ioengine"))
			engine = job->options[i].value;
	if (!engine)
		return 0;
	snprintf(option, sizeof(option), "--enghelp=%.200s", engine);
	status = capture(argv, NULL, said, SAID_MAX, TIMEOUT_MS, d);
	if (status < 0)
		return status;
	/* its exit status is 1 for an engine without options, too */
	if (strstr(said, "not loadable") || strstr(said, "not found"))
		return diag_set(d, -EOPNOTSUPP, "this fio has no engine %.100s", engine);
	return 0;
}

static int parse_only(const struct workload_job *job, char *said, struct diag *d)
{
	const char *argv[] = {job->program, "--parse-only", "--output-format=json+", "-", NULL};
	_free_ char *text = NULL;
	int err = fio_command_text(job, &text, d);

	return err ? err : capture(argv, text, said, SAID_MAX, TIMEOUT_MS, d);
}

int fio_probe_job(const struct workload_job *job, struct diag *d)
{
	_free_ char *said = malloc(SAID_MAX);
	_free_ char *text = NULL;
	struct workload_job bare = *job;
	char line[401];
	int status;

	if (!said)
		return -ENOMEM;
	/* before fio sees the name of an engine: asked for the help of a library, it loads it */
	status = fio_command_text(job, &text, d);
	if (status)
		return status;
	status = probe_engine(job, said, d);
	if (status)
		return status;
	bare.fio_job = NULL;
	status = parse_only(&bare, said, d);
	if (status < 0)
		return status;
	reason(said, line, sizeof(line));
	if (status)
		return diag_set(d, -EOPNOTSUPP, "this fio does not take the mode's options: %s",
				line);
	if (!job->fio_job)
		return 0;
	status = parse_only(job, said, d);
	if (status <= 0)
		return status;
	reason(said, line, sizeof(line));
	return diag_set(d, -EINVAL, "%.300s: fio does not take it: %s", job->fio_job->file, line);
}
