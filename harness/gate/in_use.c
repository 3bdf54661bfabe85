// SPDX-License-Identifier: Apache-2.0
/* Is a block device in use by anything this machine shows? */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "gate/internal.h"
#include "sys/sys.h"

#define MEMBERS_MAX    256
#define NAMESPACES_MAX 1024

/* A device whose blocks a write to the target could change. */
struct member {
	char name[GATE_NAME];
	char above[GATE_NAME]; /* the holder through which we came, which is no foreign one */
	unsigned major, minor;
};

struct members {
	struct member item[MEMBERS_MAX];
	size_t n;
};

static int add(struct sys *s, struct members *m, const char *name, const char *above,
	       struct diag *d)
{
	struct member *x = &m->item[m->n];

	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->item[i].name, name))
			return 0;
	if (m->n == MEMBERS_MAX)
		return diag_set(d, -EBUSY, "%s: more than %d devices belong to it", name,
				MEMBERS_MAX);
	if (gate_dev_of(s, name, &x->major, &x->minor))
		return diag_set(d, -EBUSY, "/sys/class/block/%s/dev cannot be read", name);
	snprintf(x->name, sizeof(x->name), "%s", name);
	snprintf(x->above, sizeof(x->above), "%s", above);
	m->n++;
	return 0;
}

static int add_partitions(struct sys *s, struct members *m, const char *disk, struct diag *d)
{
	_free_ char **names = NULL;
	char path[512];
	int err = 0;

	snprintf(path, sizeof(path), "/sys/class/block/%s", disk);
	if (sys_list(s, path, &names))
		return diag_set(d, -EBUSY, "%s cannot be listed", path);
	for (size_t i = 0; names[i] && !err; i++) {
		snprintf(path, sizeof(path), "/sys/class/block/%s/%s/partition", disk, names[i]);
		if (sys_exists(s, path))
			err = add(s, m, names[i], "", d);
	}
	return err;
}

/* What `name` stands on: slaves of dm and md, the block device under a loop device, and the disk
 * that a partition is part of (somebody may use the whole of it). */
static int add_below(struct sys *s, struct members *m, const char *name, struct diag *d)
{
	_free_ char **slaves = NULL;
	char path[512], below[GATE_NAME];
	struct gate_backing b;
	int err = 0;

	if (!gate_disk_of(s, name, below) && strcmp(below, name))
		err = add(s, m, below, "", d);
	snprintf(path, sizeof(path), "/sys/class/block/%s/slaves", name);
	if (!err && !sys_list(s, path, &slaves))
		for (size_t i = 0; slaves[i] && !err; i++)
			err = add(s, m, slaves[i], name, d);
	if (!err && !strncmp(name, "loop", 4) && !gate_backing_of(s, name, &b) &&
	    (b.rmajor || b.rminor) && !gate_name_of(s, b.rmajor, b.rminor, below))
		err = add(s, m, below, name, d);
	return err;
}

static int collect(struct sys *s, struct members *m, const char *name, struct diag *d)
{
	char disk[GATE_NAME];
	int err = add(s, m, name, "", d);

	if (!err && !gate_disk_of(s, name, disk) && !strcmp(disk, name))
		err = add_partitions(s, m, name, d);
	for (size_t i = 0; i < m->n && !err; i++)
		err = add_below(s, m, m->item[i].name, d);
	return err;
}

static int check_holders(struct sys *s, const struct member *x, struct diag *d)
{
	_free_ char **names = NULL;
	char path[256];

	snprintf(path, sizeof(path), "/sys/class/block/%s/holders", x->name);
	if (sys_list(s, path, &names))
		return 0;
	for (size_t i = 0; names[i]; i++)
		if (strcmp(names[i], x->above))
			return diag_set(d, -EBUSY, "%s is held by %s", x->name, names[i]);
	return 0;
}

/* A loop device on a block device neither shows among its holders nor claims it exclusively. */
static int check_loops(struct sys *s, const struct members *m, struct diag *d)
{
	_free_ char **names = NULL;
	struct gate_backing b;

	if (sys_list(s, "/sys/block", &names))
		return diag_set(d, -EBUSY, "/sys/block cannot be listed");
	for (size_t i = 0; names[i]; i++) {
		int err = strncmp(names[i], "loop", 4) ? -ENODEV : gate_backing_of(s, names[i], &b);

		if (err == -ENODATA)
			return diag_set(d, -EBUSY, "cannot see what %s stands on", names[i]);
		if (err)
			continue;
		for (size_t j = 0; j < m->n; j++)
			if ((b.rmajor || b.rminor) && b.rmajor == m->item[j].major &&
			    b.rminor == m->item[j].minor && strcmp(names[i], m->item[j].above))
				return diag_set(d, -EBUSY, "%s is what %s stands on",
						m->item[j].name, names[i]);
	}
	return 0;
}

int gate_file_in_use(struct sys *s, unsigned major, unsigned minor, uint64_t inode, struct diag *d)
{
	_free_ char **names = NULL;
	struct gate_backing b;

	if (sys_list(s, "/sys/block", &names))
		return 0;
	for (size_t i = 0; names[i]; i++)
		if (!strncmp(names[i], "loop", 4) && !gate_backing_of(s, names[i], &b) &&
		    b.inode == inode && b.major == major && b.minor == minor)
			return diag_set(d, -EBUSY, "it is what %s stands on", names[i]);
	return 0;
}

/* mountinfo and swaps write blanks in paths as \040. */
static void unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++) {
		unsigned code;

		if (in[0] == '\\' && isdigit((unsigned char)in[1]) &&
		    sscanf(in + 1, "%3o", &code) == 1) {
			*out++ = (char)code;
			in += 3;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
}

static const struct member *find(const struct members *m, unsigned major, unsigned minor)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->item[i].major == major && m->item[i].minor == minor)
			return &m->item[i];
	return NULL;
}

/* One line of mountinfo: ID PARENT MAJ:MIN ROOT POINT OPTIONS … - TYPE SOURCE OPTIONS. */
static int check_mount(struct sys *s, const struct members *m, const char *pid, char *line,
		       struct diag *d)
{
	unsigned major, minor;
	char point[512], type[64], source[512];
	const struct member *x;
	char *tail = strstr(line, " - ");

	if (!tail || sscanf(line, "%*d %*d %u:%u %*s %511s", &major, &minor, point) != 3 ||
	    sscanf(tail, " - %63s %511s", type, source) != 2)
		return 0;
	x = find(m, major, minor);
	if (!x && !major) { /* btrfs and others show a device number of their own */
		unescape(source);
		if (source[0] == '/' && !gate_dev_of_path(s, source, &major, &minor))
			x = find(m, major, minor);
	}
	if (!x)
		return 0;
	unescape(point);
	return diag_set(d, -EBUSY, "%s is mounted on %s (%s, seen by process %s)", x->name, point,
			type, pid);
}

static int check_mounts_of(struct sys *s, const struct members *m, const char *pid, struct diag *d)
{
	_free_ char *text = NULL;
	char path[64], *save = NULL;
	size_t len;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%s/mountinfo", pid);
	if (sys_read_all(s, path, &text, &len))
		return 0; /* the process has gone, or is not ours to see */
	for (char *l = strtok_r(text, "\n", &save); l && !err; l = strtok_r(NULL, "\n", &save))
		err = check_mount(s, m, pid, l, d);
	return err;
}

/* Every mount namespace once: /proc/PID/ns/mnt (Linux 3.8) tells them apart. */
static int check_mounts(struct sys *s, const struct members *m, struct diag *d)
{
	_free_ char **pids = NULL;
	_free_ char(*seen)[32] = calloc(NAMESPACES_MAX, sizeof(*seen));
	size_t n = 0;

	if (!seen || sys_list(s, "/proc", &pids))
		return diag_set(d, -EBUSY, "/proc cannot be listed: mounts are unknown");
	for (size_t i = 0; pids[i]; i++) {
		char path[64], ns[32] = "";
		size_t k = 0;
		int err;

		if (!isdigit((unsigned char)pids[i][0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pids[i]);
		if (!sys_readlink(s, path, ns, sizeof(ns))) {
			while (k < n && strcmp(seen[k], ns))
				k++;
			if (k < n)
				continue;
			if (n < NAMESPACES_MAX) /* beyond that: read again rather than miss one */
				strcpy(seen[n++], ns);
		}
		err = check_mounts_of(s, m, pids[i], d);
		if (err)
			return err;
	}
	return 0;
}

static int check_swap(struct sys *s, const struct members *m, struct diag *d)
{
	_free_ char *text = NULL;
	char *save = NULL;
	size_t len;

	if (sys_read_all(s, "/proc/swaps", &text, &len))
		return 0; /* a kernel without swap */
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		unsigned major, minor;
		const struct member *x;

		l[strcspn(l, " \t")] = '\0';
		unescape(l);
		if (l[0] != '/' || gate_dev_of_path(s, l, &major, &minor))
			continue;
		x = find(m, major, minor);
		if (x)
			return diag_set(d, -EBUSY, "%s is swap", x->name);
	}
	return 0;
}

int gate_in_use(struct sys *s, const char *name, struct diag *d)
{
	_free_ struct members *m = calloc(1, sizeof(*m));
	struct sys *own;
	int err = m ? gate_sys(&s, &own) : -ENOMEM;

	if (err)
		return diag_set(d, err, "out of memory");
	err = collect(s, m, name, d);
	for (size_t i = 0; i < m->n && !err; i++)
		err = check_holders(s, &m->item[i], d);
	if (!err)
		err = check_loops(s, m, d);
	if (!err)
		err = check_swap(s, m, d);
	if (!err)
		err = check_mounts(s, m, d);
	sys_close(own);
	return err;
}
