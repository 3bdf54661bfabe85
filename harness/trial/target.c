// SPDX-License-Identifier: Apache-2.0
#include "trial/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/num.h"
#include "gate/gate.h"
#include "trial/rundir.h"

/* Laying out a scratch file: 1 GiB in about 4 s on the slowest disk this was tried on. */
#define LAYOUT_NS_PER_BYTE 4

static int find_disk(const struct machine *m, const char *path, struct target *t,
		     struct gate_place *place, struct diag *d)
{
	int err = gate_resolve(m->sys, path, place, d);

	if (err)
		return err;
	if (place->n_leaves != 1)
		return diag_set(
			d, -EMEDIUMTYPE,
			"%s: lies on %zu disks (%s); a mode is proven on one: name a target on one "
			"disk",
			path, place->n_leaves, place->disk);
	t->disk = machine_disk(m, place->leaf[0]);
	if (!t->disk)
		return diag_set(d, -ENODEV, "%s: its disk %s is not among those discovered", path,
				place->leaf[0]);
	return 0;
}

/* A scratch file of an earlier run serves again if it is of the right size and on the device from
 * end to end. Negative when it is not ours, or not there. */
static int scratch_usable(struct sys *s, const char *path, uint64_t bytes, bool *usable,
			  struct diag *d)
{
	struct gate_request request = {.path = path, .write = true};
	struct gate_target opened;
	int err = gate_open(s, &request, &opened, d);

	*usable = !err && opened.size_bytes == bytes &&
		  !gate_scratch_verify(opened.fd, path, bytes, NULL);
	if (!err)
		gate_close(&opened);
	return err;
}

/* The nearest directory that is there: planning makes none. */
static void existing(const char *dir, char *out, size_t size)
{
	struct stat st;

	snprintf(out, size, "%s", dir);
	while (stat(out, &st)) {
		char *slash = strrchr(out, '/');

		if (slash && slash != out)
			*slash = '\0';
		else
			snprintf(out, size, "%s", slash ? "/" : ".");
		if (!strcmp(out, "/") || !strcmp(out, "."))
			return;
	}
}

static int check_dir(const char *dir, struct diag *d)
{
	_fd_ int fd = gate_open_dir(dir, d);

	return fd < 0 ? fd : 0;
}

static int resolve_scratch(const struct machine *m, uint64_t bytes, const char *dir,
			   struct target *t, struct diag *d)
{
	struct gate_place place;
	char size[32], there[4096];
	bool usable;
	int err;

	t->scratch = true;
	t->scratch_bytes = t->bytes = bytes;
	t->may_write = true;
	snprintf(t->scratch_dir, sizeof(t->scratch_dir), "%s", dir);
	existing(dir, there, sizeof(there));
	err = find_disk(m, there, t, &place, d);
	if (!err && !strcmp(there, dir))
		err = check_dir(dir, d);
	if (err)
		return diag_prefix(d, err,
				   "no scratch file here; name another place by --scratch DIR");
	snprintf(t->path, sizeof(t->path), "%.4000s/iomodes-scratch-%llu.bin", dir,
		 (unsigned long long)bytes);
	snprintf(t->label, sizeof(t->label), "%s scratch file on %s (%s)",
		 num_bytes_text(bytes, size, sizeof(size)), place.device, place.fs);
	scratch_usable(m->sys, t->path, bytes, &usable, NULL);
	if (!usable)
		t->prepare_ns = bytes * LAYOUT_NS_PER_BYTE;
	return 0;
}

static void resolve_writing(const struct machine *m, const char *path, const char *write_id,
			    struct target *t)
{
	struct gate_request request = {.path = path, .write = true, .write_id = write_id};
	struct gate_target opened;
	struct diag d = {""};

	if (gate_open(m->sys, &request, &opened, &d)) {
		snprintf(t->write_refusal, sizeof(t->write_refusal), "%.390s", d.text);
		return;
	}
	gate_close(&opened);
	t->may_write = true;
	snprintf(t->write_id, sizeof(t->write_id), "%s", write_id ? write_id : "");
}

int target_resolve(const struct machine *m, const char *text, uint64_t scratch_bytes,
		   const char *scratch_dir, const char *write_id, struct target *t, struct diag *d)
{
	struct gate_request request = {.path = text};
	struct gate_target opened;
	struct gate_place place;
	int err;

	*t = (struct target){0};
	if (!strcmp(text, "scratch"))
		return resolve_scratch(m, scratch_bytes, scratch_dir, t, d);
	err = gate_open(m->sys, &request, &opened, d);
	if (err)
		return err;
	t->bytes = opened.size_bytes;
	gate_close(&opened);
	err = find_disk(m, text, t, &place, d);
	if (err)
		return err;
	snprintf(t->path, sizeof(t->path), "%s", text);
	snprintf(t->char_device, sizeof(t->char_device), "%s",
		 place.is_device ? t->disk->char_device : "");
	snprintf(t->label, sizeof(t->label), "%.200s%s%.60s", text, place.is_device ? "" : " on ",
		 place.is_device ? "" : place.device);
	resolve_writing(m, text, write_id, t);
	return 0;
}

int target_prepare(struct target *t, int cancel_fd, struct diag *d)
{
	bool usable;
	int err;

	if (!t->scratch)
		return 0;
	err = rundir_make_parents(t->scratch_dir);
	if (err)
		return diag_errno(d, err, "scratch directory %s", t->scratch_dir);
	err = check_dir(t->scratch_dir, d);
	if (err)
		return err;
	err = scratch_usable(NULL, t->path, t->scratch_bytes, &usable, d);
	if (usable || (err && err != -ENOENT))
		return err;
	/* Ours by its mark, but not whole. */
	if (!err && unlink(t->path))
		return diag_errno(d, -errno, "%s", t->path);
	return gate_scratch_create(NULL, t->path, t->scratch_bytes, 1, cancel_fd, d);
}
