// SPDX-License-Identifier: Apache-2.0
#include "trial/mode_argv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"

/* A blocking receive waits for one message of one flow; who has more to do waits in epoll. */
static const char *how_to_sleep(const struct experiment_load *load)
{
	bool one = !load ||
		   (load->flows == 1 && !load->open_loop && !strcmp(load->pattern, "pingpong"));

	return one ? "block" : "epoll";
}

int mode_argv_resolve(const struct mode *mode, const char *workload, const struct placement *p,
		      const struct target *target, const struct experiment_load *load,
		      struct mode_argv *out, struct diag *d)
{
	const struct mode_pairs *pairs = mode_options(mode, workload);

	*out = (struct mode_argv){0};
	if (!pairs)
		return diag_set(d, -ENOENT, "mode %s has no options for %s", mode->name, workload);
	if (pairs->n > MODE_ARGV_MAX)
		return diag_set(d, -E2BIG, "mode %s: more than %d options", mode->name,
				MODE_ARGV_MAX);
	snprintf(out->number[0], sizeof(out->number[0]), "%u", p->workers.cpu[0]);
	snprintf(out->number[1], sizeof(out->number[1]), "%u", p->sq_cpu);
	for (size_t i = 0; i < pairs->n; i++) {
		const char *value = pairs->item[i].value;

		/* another file would be measured, or written, under the target's name */
		if (!strcmp(pairs->item[i].name, "filename") && strcmp(value, "{char_device}"))
			return diag_set(d, -EINVAL,
					"mode %s, %s: filename=%.200s: a mode may name "
					"\"{char_device}\", the target's, and no other file",
					mode->name, workload, value);
		if (!strcmp(value, "{cpu}"))
			value = out->number[0];
		else if (!strcmp(value, "{sq_cpu}"))
			value = out->number[1];
		else if (!strcmp(value, "{sleep}"))
			value = how_to_sleep(load);
		else if (!strcmp(value, "{char_device}"))
			value = target ? target->char_device : "";
		if (!strcmp(pairs->item[i].name, "filename"))
			out->filename = value;
		else
			out->option[out->n++] =
				(struct workload_option){pairs->item[i].name, value};
	}
	return 0;
}
