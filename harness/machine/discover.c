// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/internal.h"
#include "machine/nic.h"
#include "sys/sys.h"

int machine_discover(struct sys *s, struct machine **m, struct diag *d)
{
	struct machine *new = calloc(1, sizeof(*new));
	int err;

	*m = NULL;
	if (!new)
		return diag_errno(d, -ENOMEM, "machine");
	new->sys = s;
	err = cpu_discover(new, d);
	if (!err)
		err = disk_discover(new, d);
	if (!err)
		err = nic_discover(new, d);
	if (!err)
		err = environment_read(new, d);
	if (err)
		machine_free(new);
	else
		*m = new;
	return err;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	cpu_free(m);
	for (size_t i = 0; i < m->n_disks; i++)
		disk_free(&m->disks[i]);
	free(m->disks);
	for (size_t i = 0; i < m->n_nics; i++)
		machine_nic_free(m->nics[i]);
	free(m->nics);
	environment_free(m);
	free(m);
}

const struct machine_disk *machine_disk(const struct machine *m, const char *name)
{
	for (size_t i = 0; i < m->n_disks; i++)
		if (!strcmp(m->disks[i].name, name))
			return &m->disks[i];
	return NULL;
}

size_t machine_paths(const struct machine *m, const struct machine_disk *disk,
		     const struct machine_disk **paths, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_disks; i++) {
		if (!m->disks[i].head[0] || strcmp(m->disks[i].head, disk->name))
			continue;
		if (n < max)
			paths[n] = &m->disks[i];
		n++;
	}
	if (!n && max)
		paths[0] = disk;
	return n ? n : 1;
}

const char *machine_fact(const struct machine *m, const char *name, const char *otherwise)
{
	for (size_t i = 0; i < m->n_facts; i++)
		if (!strcmp(m->facts[i].name, name))
			return m->facts[i].value ? m->facts[i].value : otherwise;
	return otherwise;
}

json_t *recorded_live(struct sys *s, const char *section, const char *name)
{
	_free_ char *text = NULL;
	_json_ json_t *all = NULL;
	size_t len;

	if (s->live || sys_read_all(s, RECORDED_LIVE, &text, &len))
		return NULL;
	all = json_loadb(text, len, 0, NULL);
	return json_incref(json_object_get(json_object_get(all, section), name));
}
