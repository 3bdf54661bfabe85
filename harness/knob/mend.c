// SPDX-License-Identifier: Apache-2.0
/* Looking at, and mending, what an earlier iomodes left: restore and status. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "knob/restore.h"
#include "knob/transaction.h"

struct scene {
	struct state_dir dir;
	struct journal journal;
	char boot[BOOT_MAX];
};

/* 1 when there never was a state directory: nothing to do. */
static int scene_open(struct sys *s, const char *state_dir, bool lock, struct scene *scene,
		      struct diag *d)
{
	int err = state_open(state_dir, false, &scene->dir, d);

	scene->journal = (struct journal){
		.store = &scene->dir.store, .find = knob_find, .copy_fd = -1, .boot = scene->boot};
	if (err == -ENOENT)
		return 1;
	if (err)
		return err;
	err = lock ? state_lock(&scene->dir, "restore", d) : 0;
	if (!err)
		err = restore_boot_id(s, scene->boot, d);
	if (!err)
		err = journal_load(&scene->journal, d);
	if (err) {
		state_unlock(&scene->dir);
		state_close(&scene->dir);
	}
	return err;
}

static void scene_close(struct scene *scene)
{
	journal_clear(&scene->journal);
	state_unlock(&scene->dir);
	state_close(&scene->dir);
}

/* Who decided: behind sudo, the person and not root. */
static const char *person(void)
{
	const char *sudo = getenv("SUDO_USER");
	struct passwd *pw = sudo && *sudo ? NULL : getpwuid(getuid());

	return sudo && *sudo ? sudo : pw ? pw->pw_name : "unknown";
}

static int note_accepted(struct scene *scene, json_t *report, struct diag *d)
{
	char now[32];
	size_t i;
	json_t *e;

	json_array_foreach (report, i, e) {
		_json_ json_t *line = NULL;
		int err;

		if (!strcmp(jsonio_string(e, "why", ""), "restored"))
			continue;
		line = json_copy(e);
		if (!line || json_object_set_new(line, "accepted", json_string(clock_iso(now))) ||
		    json_object_set_new(line, "by", json_string(person())))
			return -ENOMEM;
		err = state_log_accepted(&scene->dir, line, d);
		if (err)
			return err;
	}
	return 0;
}

int session_mend(struct sys *s, const char *state_dir, enum session_mend how, json_t **report,
		 struct diag *d)
{
	_json_ json_t *list = json_array();
	struct scene scene;
	int err = list ? scene_open(s, state_dir, true, &scene, d) : -ENOMEM;

	if (err < 0)
		return err;
	if (!err) {
		if (scene.journal.exists)
			err = restore_journal(s, &scene.journal,
					      how == SESSION_OVERWRITE ? RESTORE_OVERWRITE
								       : RESTORE_COMPARE,
					      list, d);
		if (err == -EUCLEAN && how == SESSION_ACCEPT) {
			/* noted first: what is forgotten must not be lost */
			err = note_accepted(&scene, list, d);
			if (!err)
				err = restore_journal(s, &scene.journal, RESTORE_ACCEPT, NULL, d);
		}
		scene_close(&scene);
	} else {
		err = 0;
	}
	*report = json_incref(list);
	return err;
}

int session_recover(struct sys *s, const char *state_dir, json_t **report, struct diag *d)
{
	return session_mend(s, state_dir, SESSION_COMPARE, report, d);
}

json_t *session_holder(const char *state_dir)
{
	struct state_dir dir;
	json_t *holder;

	if (state_open(state_dir, false, &dir, NULL))
		return NULL;
	holder = state_holder(&dir);
	state_close(&dir);
	return holder;
}

int session_status(struct sys *s, const char *state_dir, json_t **report, struct diag *d)
{
	_json_ json_t *list = json_array();
	struct scene scene;
	int err = list ? scene_open(s, state_dir, false, &scene, d) : -ENOMEM;

	if (err < 0)
		return err;
	if (!err) {
		err = restore_inspect(s, &scene.journal, list);
		/* A journal whose every knob is back (of a boot that a reset ended) is no residue:
		 * the next start removes it. */
		if (!err && (json_array_size(list) || scene.journal.damaged))
			err = diag_set(d, -EUCLEAN,
				       "a journal is open in %s: %zu knobs are not as they were%s",
				       scene.dir.path, json_array_size(list),
				       scene.journal.damaged ? ", and a damaged line cannot be read"
							     : "");
		scene_close(&scene);
	} else {
		err = 0;
	}
	*report = json_incref(list);
	return err;
}
