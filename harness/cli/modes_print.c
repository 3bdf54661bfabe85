// SPDX-License-Identifier: Apache-2.0
#include "modes_print.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "mode/mode.h"
#include "sys/sys.h"

/* A recorded machine is judged as root would see it. */
static unsigned judge_as(const struct machine *m)
{
	return m->sys->live ? geteuid() : 0;
}

static enum mode_target kind_of(const struct machine_subject *subject)
{
	return subject->n_nics ? MODE_NET : MODE_BLOCK;
}

int modes_print(const struct modes *modes, const struct machine *m,
		const struct machine_subject *subject)
{
	static const struct table_column columns[] = {
		{.name = "MODE"},
		{.name = "AVAILABLE"},
		{.name = "PROOF"},
		{.name = "WHY NOT, WHAT WOULD HELP", .wrap = true},
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	int err = t ? 0 : -1;

	for (size_t i = 0; !err && i < modes->n; i++) {
		const struct mode *mode = &modes->mode[i];
		struct mode_availability a;
		char why[700];

		if (mode->target != kind_of(subject))
			continue;
		mode_check(mode, m, subject, judge_as(m), &a);
		snprintf(why, sizeof(why), "%s%s%s", a.reason, *a.remedy ? "; " : "", a.remedy);
		err = table_row(t, (const char *const[]){mode->name,
							 a.available ? "yes"
							 : a.unknown ? "unknown"
								     : "no",
							 verdict_grade_name(mode->grade), why});
	}
	if (!err)
		err = table_print(t, stdout);
	table_free(t);
	return err;
}

json_t *modes_json(const struct modes *modes, const struct machine *m,
		   const struct machine_subject *subject)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < modes->n; i++) {
		const struct mode *mode = &modes->mode[i];
		struct mode_availability a;
		json_t *j;

		if (subject && mode->target != kind_of(subject))
			continue;
		j = json_pack("{s:s, s:s, s:s}", "mode", mode->name, "doc", mode->doc, "grade",
			      verdict_grade_name(mode->grade));
		if (!subject) /* else it is the subject's */
			json_object_set_new(j, "target",
					    json_string(mode_target_name(mode->target)));
		if (subject) {
			mode_check(mode, m, subject, judge_as(m), &a);
			json_object_set_new(j, "available",
					    a.unknown ? json_null() : json_boolean(a.available));
			json_object_set_new(j, "needs_root", json_boolean(a.needs_root));
			json_object_set_new(j, "reason", json_string(a.reason));
			json_object_set_new(j, "remedy", json_string(a.remedy));
		}
		json_array_append_new(list, j);
	}
	return list;
}
