// SPDX-License-Identifier: Apache-2.0
#include "machine/collect.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/capability.h"
#include "machine/internal.h"
#include "machine/nic.h"
#include "machine/preflight.h"
#include "machine/recorder.h"
#include "sys/sys.h"

/* Read by discovery, and no part of a recording: large, or the state of a moment. What was made of
 * them is in live.json. */
static const char *const left_out[] = {"/proc/config.gz", "/boot/", "/proc/stat", "/proc/loadavg"};

static void learn_file(struct sys *s, struct scrub *scrub, enum scrub_kind kind, const char *path)
{
	char text[512];

	if (!sys_readf(s, text, sizeof(text), "%s", path))
		scrub_learn(scrub, kind, text + strspn(text, " "));
}

/* Everything that has a name of its own, before any text is written. */
static void learn(struct sys *s, const struct machine *m, struct scrub *scrub)
{
	_free_ char **interfaces = NULL;
	struct utsname host;
	char path[128];

	for (size_t i = 0; i < m->n_disks; i++) {
		scrub_learn(scrub, SCRUB_SERIAL, m->disks[i].serial);
		scrub_learn(scrub, SCRUB_WWID, m->disks[i].wwid);
	}
	learn_file(s, scrub, SCRUB_SERIAL, "/sys/class/dmi/id/product_serial");
	learn_file(s, scrub, SCRUB_SERIAL, "/sys/class/dmi/id/board_serial");
	learn_file(s, scrub, SCRUB_SERIAL, "/sys/class/dmi/id/chassis_serial");
	learn_file(s, scrub, SCRUB_UUID, "/sys/class/dmi/id/product_uuid");
	if (!uname(&host))
		scrub_learn(scrub, SCRUB_HOST, host.nodename);
	if (sys_list(s, "/sys/class/net", &interfaces))
		return;
	for (size_t i = 0; interfaces[i]; i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%.64s/address", interfaces[i]);
		learn_file(s, scrub, SCRUB_MAC, path);
	}
}

struct tar {
	struct archive *archive;
	struct scrub *scrub;
	const char *folder;
	struct collect_report *report;
	struct diag *d;
};

static int add_entry(struct tar *t, const char *path, mode_t type, const char *text, size_t len)
{
	struct archive_entry *e = archive_entry_new();
	char name[1400];
	int failed;

	snprintf(name, sizeof(name), "%s%s", t->folder, path);
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, type == S_IFLNK ? 0777 : 0644);
	if (type == S_IFLNK)
		archive_entry_set_symlink(e, text);
	else
		archive_entry_set_size(e, (la_int64_t)len);
	failed = archive_write_header(t->archive, e) != ARCHIVE_OK ||
		 (type == S_IFREG && archive_write_data(t->archive, text, len) < 0);
	archive_entry_free(e);
	if (failed)
		return diag_set(t->d, -EIO, "%s: %s", path, archive_error_string(t->archive));
	*(type == S_IFLNK ? &t->report->links : &t->report->files) += 1;
	return 0;
}

static int add_text(struct tar *t, const char *path, mode_t type, const char *text, size_t len)
{
	_free_ char *clean = NULL;
	size_t clean_len;
	int err = scrub_text(t->scrub, text, len, &clean, &clean_len);

	return err ? diag_errno(t->d, err, "%s", path) : add_entry(t, path, type, clean, clean_len);
}

static bool is_left_out(const struct recorded *e)
{
	unsigned pid;
	char rest[16];

	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		if (!strncmp(e->path, left_out[i], strlen(left_out[i])))
			return true;
	if (sscanf(e->path, "/proc/%u/%15s", &pid, rest) == 2 && !strcmp(rest, "comm") && e->text) {
		e->text[strcspn(e->text, "\n")] = '\0';
		return !preflight_knows_process(e->text);
	}
	return false;
}

/* Is the name a directory that something else was recorded in? */
static bool is_directory(const struct recorder *r, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < r->n; i++)
		if (!strncmp(r->entry[i].path, path, len) && r->entry[i].path[len] == '/')
			return true;
	return false;
}

static int add_recorded(struct tar *t, const struct recorder *r, struct recorded *e)
{
	if (is_left_out(e))
		return 0;
	switch (e->kind) {
	case RECORDED_LINK:
		return add_text(t, e->path, S_IFLNK, e->text, e->len);
	case RECORDED_FILE:
		if (!strcmp(e->path, "/proc/cmdline"))
			scrub_cmdline(e->text);
		if (!strcmp(e->path, "/proc/cpuinfo") && strstr(e->text, "\n\n"))
			strstr(e->text, "\n\n")[1] = '\0'; /* the first CPU stands for all */
		return add_text(t, e->path, S_IFREG, e->text, strnlen(e->text, e->len));
	case RECORDED_NAME:
		break;
	}
	return is_directory(r, e->path) ? 0 : add_entry(t, e->path, S_IFREG, "", 0);
}

static int add_modes(struct tar *t, const struct recorder *r)
{
	_free_ char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return diag_errno(t->d, -ENOMEM, "%s", RECORDED_MODES);
	for (size_t i = 0; i < r->n; i++)
		if (r->entry[i].has_mode)
			fprintf(f, "%04o %s\n", r->entry[i].mode, r->entry[i].path);
	if (fclose(f))
		return diag_errno(t->d, -ENOMEM, "%s", RECORDED_MODES);
	return add_entry(t, RECORDED_MODES, S_IFREG, text, len);
}

/* "NAME" of the host, "NAME/DEVICE" of a device. */
static void add_answers(json_t *to, const struct machine *m, const struct machine_subject *subject,
			const char *device)
{
	size_t n;
	const struct capability *rows = capability_all(&n);

	for (size_t i = 0; i < n; i++) {
		struct capability_answer a = {0};
		char key[160];

		if (!capability_applies(&rows[i], subject))
			continue;
		rows[i].probe(m, subject, &a);
		snprintf(key, sizeof(key), "%s%s%s", rows[i].name, *device ? "/" : "", device);
		json_object_set_new(to, key, capability_json(&a));
	}
}

static int add_live(struct tar *t, const struct machine *m)
{
	json_t *capabilities = json_object(), *management = json_object();
	_json_ json_t *all = json_pack("{s:o, s:o, s:o}", "facts", environment_live_json(m),
				       "capabilities", capabilities, "management", management);
	_free_ char *text = NULL;

	add_answers(capabilities, m, &(struct machine_subject){0}, "");
	for (size_t i = 0; i < m->n_disks; i++)
		if (!m->disks[i].virtual_device)
			add_answers(capabilities, m,
				    &(struct machine_subject){.disk = &m->disks[i]},
				    m->disks[i].name);
	for (size_t i = 0; i < m->n_nics; i++) {
		const struct machine_nic *const nic[] = {m->nics[i]};

		add_answers(capabilities, m, &(struct machine_subject){.nics = nic, .n_nics = 1},
			    nic[0]->name);
		if (nic[0]->management)
			json_object_set_new(management, nic[0]->name,
					    json_string(nic[0]->management_why));
	}
	text = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (!text)
		return diag_errno(t->d, -ENOMEM, "%s", RECORDED_LIVE);
	return add_text(t, RECORDED_LIVE, S_IFREG, text, strlen(text));
}

static int add_topology(struct tar *t, const struct machine *m)
{
	_free_ char *xml = NULL;
	size_t len;
	int err = machine_topology_xml(m, &xml, &len);

	if (err == -ENOENT)
		return 0;
	return err ? diag_errno(t->d, err, "%s", RECORDED_TOPOLOGY)
		   : add_text(t, RECORDED_TOPOLOGY, S_IFREG, xml, len);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct recorded *)a)->path, ((const struct recorded *)b)->path);
}

static int write_all(struct tar *t, struct recorder *r, const struct machine *m)
{
	int err = add_live(t, m); /* first: what it asks is recorded, too */

	if (!err)
		err = add_topology(t, m);
	if (!err)
		err = r->err;
	if (!err)
		err = add_modes(t, r);
	qsort(r->entry, r->n, sizeof(*r->entry), compare_paths);
	for (size_t i = 0; !err && i < r->n; i++)
		err = add_recorded(t, r, &r->entry[i]);
	return err;
}

static int open_archive(struct tar *t, int fd, const char *filter)
{
	t->archive = archive_write_new();
	if (!t->archive)
		return diag_errno(t->d, -ENOMEM, "archive");
	if (archive_write_set_format_pax_restricted(t->archive) != ARCHIVE_OK ||
	    (filter && archive_write_add_filter_by_name(t->archive, filter) < ARCHIVE_WARN) ||
	    archive_write_open_fd(t->archive, fd) != ARCHIVE_OK)
		return diag_set(t->d, -EIO, "archive: %s", archive_error_string(t->archive));
	return 0;
}

int collect_machine(struct sys *s, int fd, const char *folder, const char *filter,
		    struct collect_report *report, struct diag *d)
{
	struct scrub scrub = {0};
	struct preflight found = {0};
	struct recorder recorder;
	struct machine *m = NULL;
	struct tar t = {.scrub = &scrub, .folder = folder, .report = report, .d = d};
	int err;

	*report = (struct collect_report){0};
	recorder_init(&recorder, s);
	err = machine_discover(&recorder.sys, &m, d);
	if (!err) /* its findings are of no interest, what it reads is */
		err = preflight_run(m, &found, d);
	if (!err)
		err = open_archive(&t, fd, filter);
	if (!err) {
		learn(s, m, &scrub);
		err = write_all(&t, &recorder, m);
	}
	if (t.archive && archive_write_close(t.archive) != ARCHIVE_OK && !err)
		err = diag_set(d, -EIO, "archive: %s", archive_error_string(t.archive));
	archive_write_free(t.archive);
	for (int i = 0; i < SCRUB_KINDS; i++)
		report->replaced[i] = scrub_replaced(&scrub, (enum scrub_kind)i);
	preflight_free(&found);
	machine_free(m);
	recorder_free(&recorder);
	scrub_free(&scrub);
	return err;
}
