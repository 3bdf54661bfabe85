// SPDX-License-Identifier: Apache-2.0
#include "sys/sys_memory.h"

#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "sys/genl.h"
#include "sys/sys.h"
#include "sys/sys_private.h"

#define LIST_MAX 1024

struct file {
	char *path, *content; /* of a link: its target */
	mode_t mode;
	memory_write *on_write;
};

struct feature {
	char path[64];
	uint8_t id;
	uint16_t index;
	uint32_t value;
	bool writable;
};

struct memory {
	struct sys sys;
	struct file *file;
	size_t n;
	struct feature feature[32];
	size_t n_features;
	bool saved;
	int irqbalance;
	char banned[256];
	int32_t held[8];
	bool is_held[8];
	unsigned long calls, fail_at;
	int fail_err;
	enum memory_fault fault;
	memory_genl *genl;
	memory_ethtool *ethtool;
	struct sys *counts; /* a namespace: the machine whose calls its calls are */
};

static struct memory *of(struct sys *s)
{
	return (struct memory *)s;
}

int sys_memory_step(struct sys *s, bool is_write, bool *after)
{
	struct memory *m = of(s);

	if (m->counts)
		return sys_memory_step(m->counts, is_write, after);
	m->calls++;
	*after = false;
	if (!m->fail_at || m->calls < m->fail_at)
		return 0;
	switch (m->fault) {
	case FAULT_ONCE:
		return m->calls == m->fail_at ? m->fail_err : 0;
	case FAULT_AFTER:
		*after = m->calls == m->fail_at;
		return *after ? m->fail_err : 0;
	case FAULT_DEAD:
		return m->fail_err;
	case FAULT_WRITES:
		return is_write ? m->fail_err : 0;
	}
	return 0;
}

/* For calls without a lasting effect. */
static int step(struct sys *s)
{
	bool after;

	return sys_memory_step(s, false, &after);
}

static struct file *find(struct sys *s, const char *path)
{
	struct memory *m = of(s);

	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->file[i].path, path))
			return &m->file[i];
	return NULL;
}

static bool is_dir(struct sys *s, const char *path)
{
	struct memory *m = of(s);
	size_t len = strlen(path);

	for (size_t i = 0; i < m->n; i++)
		if (!strncmp(m->file[i].path, path, len) && m->file[i].path[len] == '/')
			return true;
	return false;
}

static void put(struct sys *s, const char *path, mode_t mode, const char *content)
{
	struct memory *m = of(s);
	struct file *f = find(s, path);

	if (!f) {
		m->file = reallocarray(m->file, m->n + 1, sizeof(*m->file));
		f = &m->file[m->n++];
		*f = (struct file){.path = strdup(path)};
	}
	free(f->content);
	f->content = strdup(content);
	f->mode = mode;
}

void sys_memory_file(struct sys *s, const char *path, mode_t mode, const char *content)
{
	put(s, path, S_IFREG | mode, content);
}

void sys_memory_link(struct sys *s, const char *path, const char *target)
{
	put(s, path, S_IFLNK | 0777, target);
}

void sys_memory_remove(struct sys *s, const char *path)
{
	struct memory *m = of(s);
	struct file *f = find(s, path);

	if (!f)
		return;
	free(f->path);
	free(f->content);
	*f = m->file[--m->n];
}

const char *sys_memory_content(struct sys *s, const char *path)
{
	struct file *f = find(s, path);

	return f ? f->content : NULL;
}

void sys_memory_on_write(struct sys *s, const char *path, memory_write *fn)
{
	find(s, path)->on_write = fn;
}

int sys_memory_choose(struct sys *s, const char *path, const char *value)
{
	struct file *f = find(s, path);
	char out[512] = "", copy[512], *rest = copy, *word;
	bool found = false;

	snprintf(copy, sizeof(copy), "%s", f->content);
	while ((word = strsep(&rest, " \n"))) {
		size_t len = strlen(word);
		size_t used = strlen(out);

		if (!len)
			continue;
		if (*word == '[') {
			word[len - 1] = '\0';
			word++;
		}
		found |= !strcmp(word, value);
		snprintf(out + used, sizeof(out) - used, strcmp(word, value) ? "%s%s" : "%s[%s]",
			 used ? " " : "", word);
	}
	if (!found)
		return -EINVAL;
	sys_memory_file(s, path, f->mode & 07777, out);
	return 0;
}

static int memory_read(struct sys *s, const char *path, char *buf, size_t size, size_t *len)
{
	struct file *f = find(s, path);
	struct memory *m = of(s);
	int err = step(s);

	if (err)
		return err;
	if (!f)
		return -ENOENT;
	if (!strcmp(path, "/dev/cpu_dma_latency")) { /* the strictest limit held, in binary */
		int32_t us = 2000000000;

		for (size_t i = 0; i < ARRAY_SIZE(m->held); i++)
			if (m->is_held[i] && m->held[i] < us)
				us = m->held[i];
		memcpy(buf, &us, sizeof(us));
		buf[sizeof(us)] = '\0';
		*len = sizeof(us);
		return 0;
	}
	*len = strlen(f->content);
	if (*len + 1 > size)
		return -EFBIG;
	memcpy(buf, f->content, *len + 1);
	return 0;
}

static int memory_do_write(struct sys *s, const char *path, const char *buf, size_t len)
{
	struct file *f = find(s, path);
	char *text = strndup(buf, len);
	int err = 0;

	if (!f)
		err = -ENOENT;
	else if (S_ISLNK(f->mode))
		err = -ELOOP;
	else if (!(f->mode & 0222))
		err = -EACCES;
	else if (f->on_write)
		err = f->on_write(s, path, text);
	else
		sys_memory_file(s, path, f->mode & 07777, text);
	free(text);
	return err;
}

static int memory_do(struct sys *s, const char *path, const char *buf, size_t len)
{
	bool after;
	int fault = sys_memory_step(s, true, &after), err;

	if (fault && !after)
		return fault;
	err = memory_do_write(s, path, buf, len);
	return fault ? fault : err;
}

static int compare(const void *a, const void *b)
{
	return strverscmp(a, b);
}

static int memory_list(struct sys *s, const char *path, char ***names)
{
	struct memory *m = of(s);
	char(*list)[128] = calloc(LIST_MAX, sizeof(*list)), **out, *text;
	size_t n = 0, len = strlen(path);
	int err = step(s);

	for (size_t i = 0; !err && i < m->n && n < LIST_MAX; i++) {
		const char *rest = m->file[i].path + len + 1;
		bool seen = false;

		if (strncmp(m->file[i].path, path, len) || rest[-1] != '/')
			continue;
		snprintf(list[n], sizeof(*list), "%.*s", (int)strcspn(rest, "/"), rest);
		for (size_t k = 0; k < n; k++)
			seen |= !strcmp(list[k], list[n]);
		n += !seen;
	}
	if (!err && !n)
		err = -ENOENT;
	if (!err) {
		qsort(list, n, sizeof(*list), compare);
		out = malloc((n + 1) * sizeof(*out) + n * sizeof(*list));
		text = (char *)(out + n + 1);
		for (size_t i = 0; i < n; i++) {
			out[i] = text;
			text = stpcpy(text, list[i]) + 1;
		}
		out[n] = NULL;
		*names = out;
	}
	free(list);
	return err;
}

static int memory_readlink(struct sys *s, const char *path, char *buf, size_t size)
{
	struct file *f = find(s, path);
	int err = step(s);

	if (err)
		return err;
	if (!f)
		return -ENOENT;
	if (!S_ISLNK(f->mode))
		return -EINVAL;
	return snprintf(buf, size, "%s", f->content) >= (int)size ? -ENAMETOOLONG : 0;
}

static int memory_mode(struct sys *s, const char *path, mode_t *mode)
{
	struct file *f = find(s, path);
	int err = step(s);

	if (err)
		return err;
	if (!f && !is_dir(s, path))
		return -ENOENT;
	*mode = f ? f->mode : S_IFDIR | 0755;
	return 0;
}

static struct feature *find_feature(struct sys *s, const char *path, uint8_t id, uint16_t index)
{
	struct memory *m = of(s);

	for (size_t i = 0; i < m->n_features; i++)
		if (m->feature[i].id == id && m->feature[i].index == index &&
		    !strcmp(m->feature[i].path, path))
			return &m->feature[i];
	return NULL;
}

void sys_memory_nvme(struct sys *s, const char *path, uint8_t id, uint16_t index, uint32_t value,
		     bool writable)
{
	struct memory *m = of(s);
	struct feature *f = find_feature(s, path, id, index);

	if (!f)
		f = &m->feature[m->n_features++];
	*f = (struct feature){.id = id, .index = index, .value = value, .writable = writable};
	snprintf(f->path, sizeof(f->path), "%s", path);
}

uint32_t sys_memory_nvme_value(struct sys *s, const char *path, uint8_t id, uint16_t index)
{
	return find_feature(s, path, id, index)->value;
}

bool sys_memory_nvme_saved(struct sys *s)
{
	return of(s)->saved;
}

static int memory_nvme_admin(struct sys *s, const char *path, struct nvme_passthru_cmd64 *cmd)
{
	uint8_t id = cmd->cdw10 & 0xff;
	struct feature *f = find_feature(s, path, id, id == 0x09 ? cmd->cdw11 & 0xffff : 0);
	bool after;
	int fault = sys_memory_step(s, cmd->opcode == 0x09, &after);

	if (fault && !after)
		return fault;
	if (!f)
		return 0x4002; /* invalid field, do not retry */
	if (cmd->opcode == 0x09 && !f->writable)
		return 0x410e;
	if (cmd->opcode == 0x09) {
		f->value = cmd->cdw11;
		of(s)->saved |= cmd->cdw10 >> 31;
	} else {
		cmd->result = f->value;
	}
	return fault;
}

static int memory_hold(struct sys *s, const char *path, const void *buf, size_t len, int *handle)
{
	struct memory *m = of(s);
	int err = step(s);

	if (err)
		return err;
	if (!find(s, path))
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(m->held); i++)
		if (!m->is_held[i]) {
			memcpy(&m->held[i], buf, sizeof(m->held[i]));
			m->is_held[i] = true;
			*handle = (int)i;
			return 0;
		}
	return -EMFILE;
}

static int memory_release(struct sys *s, int handle)
{
	of(s)->is_held[handle] = false; /* as close(2): whatever it says, it is closed */
	return step(s);
}

unsigned sys_memory_held(struct sys *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(of(s)->held); i++)
		n += of(s)->is_held[i];
	return n;
}

void sys_memory_irqbalance(struct sys *s, int pid, const char *banned)
{
	struct memory *m = of(s);
	char path[64], text[64];

	m->irqbalance = pid;
	snprintf(m->banned, sizeof(m->banned), "%s", banned);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	sys_memory_file(s, path, 0444, "irqbalance\n");
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	snprintf(text, sizeof(text), "%d (irqbalance) S 1 1 1", pid);
	sys_memory_file(s, path, 0444, text);
}

const char *sys_memory_banned(struct sys *s)
{
	return of(s)->banned;
}

static int answer_setup(struct memory *m, char *reply, size_t size)
{
	char copy[sizeof(m->banned)], *rest = copy, *word;
	size_t used = (size_t)snprintf(reply, size, "SLEEP 10 ");

	strcpy(copy, m->banned);
	while ((word = strsep(&rest, " ")))
		if (*word)
			used += (size_t)snprintf(reply + used, size - used,
						 "IRQ %s LOAD 0 DIFF 0 CLASS 0 ", word);
	snprintf(reply + used, size - used, "BANNED 00000000");
	return 0;
}

static int memory_request(struct sys *s, const char *socket_path, const char *text, char *reply,
			  size_t size)
{
	static const char ban[] = "settings ban irqs ";
	struct memory *m = of(s);
	char path[96];
	bool after;
	int fault = sys_memory_step(s, strcmp(text, "setup") != 0, &after);

	if (fault && !after)
		return fault;
	snprintf(path, sizeof(path), "/run/irqbalance/irqbalance%d.sock", m->irqbalance);
	if (!m->irqbalance || strcmp(path, socket_path))
		return -ENOENT;
	*reply = '\0';
	if (!strncmp(text, ban, strlen(ban)))
		snprintf(m->banned, sizeof(m->banned), "%s",
			 strcmp(text + strlen(ban), "NONE") ? text + strlen(ban) : "");
	else if (!strcmp(text, "setup"))
		answer_setup(m, reply, size);
	return fault;
}

/* What /proc/PID/status then says of it. */
static int memory_affinity(struct sys *s, pid_t pid, const struct cpulist *cpus)
{
	_free_ char *list = cpulist_text(cpus);
	char path[64], text[256];
	bool after;
	int fault = sys_memory_step(s, true, &after);

	if (fault && !after)
		return fault;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (!find(s, path))
		return -ESRCH;
	snprintf(text, sizeof(text), "Name:\tnapi\nCpus_allowed_list:\t%s\n", list ? list : "");
	sys_memory_file(s, path, 0444, text);
	return fault;
}

static int memory_signal(struct sys *s, pid_t pid, int number)
{
	char path[64], text[64];
	bool after;
	int fault = sys_memory_step(s, true, &after);

	if (fault && !after)
		return fault;
	if (pid != of(s)->irqbalance)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	snprintf(text, sizeof(text), "%d (irqbalance) %c 1 1 1", pid,
		 number == SIGSTOP ? 'T' : 'S');
	sys_memory_file(s, path, 0444, text);
	return fault;
}

static int memory_do_genl(struct sys *s, const struct genl_request *r, struct genl_replies *replies,
			  char *words, size_t words_size)
{
	bool after;
	int fault = sys_memory_step(s, !genl_only_asks(r), &after), err;

	if (fault && !after)
		return fault;
	err = of(s)->genl ? of(s)->genl(s, r, replies, words, words_size) : -ENOENT;
	return fault ? fault : err;
}

static int memory_do_ethtool(struct sys *s, const char *dev, void *cmd, size_t size)
{
	bool after;
	int fault = sys_memory_step(s, !ethtool_only_asks(cmd, size), &after), err;

	if (fault && !after)
		return fault;
	err = of(s)->ethtool ? of(s)->ethtool(s, dev, cmd, size) : -EOPNOTSUPP;
	return fault ? fault : err;
}

void sys_memory_on_genl(struct sys *s, memory_genl *fn)
{
	of(s)->genl = fn;
}

void sys_memory_on_ethtool(struct sys *s, memory_ethtool *fn)
{
	of(s)->ethtool = fn;
}

struct sys *sys_memory_netns(struct sys *s, const char *label)
{
	struct sys *inside = sys_memory_new();

	of(inside)->counts = s;
	return sys_netns_attach(s, label, inside) ? NULL : inside;
}

void sys_memory_fail(struct sys *s, unsigned long n, int err, enum memory_fault kind)
{
	struct memory *m = of(s);

	m->calls = 0;
	m->fail_at = n;
	m->fail_err = err;
	m->fault = kind;
}

unsigned long sys_memory_calls(struct sys *s)
{
	return of(s)->calls;
}

static void memory_close(struct sys *s)
{
	struct memory *m = of(s);

	for (size_t i = 0; i < m->n; i++) {
		free(m->file[i].path);
		free(m->file[i].content);
	}
	free(m->file);
	free(m);
}

static const struct sys_ops memory_ops = {
	.read = memory_read,
	.write = memory_do,
	.list = memory_list,
	.readlink = memory_readlink,
	.mode = memory_mode,
	.nvme_admin = memory_nvme_admin,
	.hold = memory_hold,
	.release = memory_release,
	.request = memory_request,
	.signal = memory_signal,
	.affinity = memory_affinity,
	.genl = memory_do_genl,
	.ethtool = memory_do_ethtool,
	.close = memory_close,
};

struct sys *sys_memory_new(void)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->sys.ops = &memory_ops;
	return &m->sys;
}
