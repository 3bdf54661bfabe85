// SPDX-License-Identifier: Apache-2.0
/* Reading and writing one knob, whatever its family: checks first, then the row's function. */
#include "knob/knob.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"
#include "knob/net_device.h"

#define PATH_SIZE 512

const char *knob_label(const struct knob *k, const char *instance, char *out)
{
	snprintf(out, KNOB_LABEL_MAX, *instance ? "%s of %s" : "%s", k->name, instance);
	return out;
}

const char *knob_scope_name(enum knob_scope scope)
{
	static const char *const names[] = {
		[KNOB_HOST] = "host",	[KNOB_CPU] = "cpu",   [KNOB_IRQ] = "irq",
		[KNOB_BLOCK] = "block", [KNOB_NVME] = "nvme", [KNOB_NETDEV] = "netdev",
		[KNOB_NAPI] = "napi",
	};

	return names[scope];
}

bool knob_same_text(const char *want, const char *got)
{
	return !strcmp(want, got);
}

bool knob_same_words(const char *want, const char *got)
{
	while (*want) {
		size_t len = strcspn(want, " ");
		const char *at = got;
		bool found = !len;

		while (!found && *at) {
			size_t got_len = strcspn(at, " ");

			found = got_len == len && !strncmp(at, want, len);
			at += got_len + (at[got_len] == ' ');
		}
		if (!found)
			return false;
		want += len + (want[len] == ' ');
	}
	return true;
}

static bool instance_ok(enum knob_scope scope, const char *text)
{
	size_t len = strlen(text);

	if (scope == KNOB_HOST)
		return !len;
	if (!len || len >= KNOB_INSTANCE_MAX || strchr(text, '/') || strstr(text, "..") ||
	    *text == '.')
		return false;
	if (scope == KNOB_NETDEV || scope == KNOB_NAPI)
		return net_device_len(text) && net_device_len(text) < 64 &&
		       (scope == KNOB_NETDEV || strchr(text, '#')) &&
		       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_.-@:#+") == len;
	if (scope == KNOB_CPU)
		return strspn(text, "0123456789") == len && len < 6;
	for (; *text; text++)
		/* names of interrupt actions may contain a space */
		if (!isgraph((unsigned char)*text) && !(*text == ' ' && scope == KNOB_IRQ))
			return false;
	return true;
}

int knob_check_instance(const struct knob *k, const char *instance, struct diag *d)
{
	static const char *const right[] = {
		[KNOB_HOST] = "it belongs to the whole host: leave the instance away",
		[KNOB_CPU] = "a CPU number is expected",
		[KNOB_IRQ] = "\"<PCI address or driver>:<vector name>\" is expected, see 'iomodes "
			     "knob list'",
		[KNOB_BLOCK] = "the name of a block device below /sys/block is expected",
		[KNOB_NVME] = "a controller such as \"nvme0\" is expected",
		[KNOB_NETDEV] = "a network device (\"eth0\") or a part of it (\"eth0:rx-0\") is "
				"expected, see 'iomodes knob list'",
		[KNOB_NAPI] = "a NAPI instance by its index (\"eth0#0\") is expected",
	};

	if (instance_ok(k->scope, instance))
		return 0;
	return diag_set(d, -EINVAL, "%s: \"%.128s\" names no instance; %s", k->name, instance,
			right[k->scope]);
}

int knob_check_value(const struct knob *k, const char *value, struct diag *d)
{
	if (strlen(value) >= KNOB_VALUE_MAX)
		return diag_set(d, -EINVAL, "%s: the value is longer than %d bytes", k->name,
				KNOB_VALUE_MAX - 1);
	for (; *value; value++)
		if (!isprint((unsigned char)*value))
			return diag_set(d, -EINVAL, "%s: a value is one line of printable text",
					k->name);
	return 0;
}

static int row_path(const struct knob *k, const char *instance, char path[static PATH_SIZE])
{
	const char *hole = strstr(k->path, "%s");
	int n = hole ? snprintf(path, PATH_SIZE, "%.*s%s%s", (int)(hole - k->path), k->path,
				instance, hole + 2)
		     : snprintf(path, PATH_SIZE, "%s", k->path);

	return n < 0 || n >= PATH_SIZE ? -ENAMETOOLONG : 0;
}

int knob_get_path(struct sys *s, const struct knob *k, const char *instance, char *value,
		  struct diag *d)
{
	char path[PATH_SIZE], label[KNOB_LABEL_MAX];
	int err = row_path(k, instance, path);
	size_t len;

	if (!err)
		err = sys_read(s, path, value, KNOB_VALUE_MAX);
	if (err == -ENOENT || err == -ENOTDIR)
		return diag_set(d, -ENOENT, "%s: not on this machine (%s is not there)",
				knob_label(k, instance, label), path);
	if (err == -EACCES || err == -EPERM)
		return diag_set(d, err, "%s: reading %s needs root", knob_label(k, instance, label),
				path);
	if (err)
		return diag_errno(d, err, "%s: reading %s", knob_label(k, instance, label), path);
	for (len = strlen(value); len && isspace((unsigned char)value[len - 1]); len--)
		value[len - 1] = '\0';
	return 0;
}

int knob_get_bracket(struct sys *s, const struct knob *k, const char *instance, char *value,
		     struct diag *d)
{
	char label[KNOB_LABEL_MAX], *open, *end;
	int err = knob_get_path(s, k, instance, value, d);

	if (err)
		return err;
	open = strchr(value, '[');
	end = open ? strchr(open, ']') : NULL;
	if (end) {
		*end = '\0';
		memmove(value, open + 1, (size_t)(end - open));
	} else if (strchr(value, ' ')) { /* a device with one choice shows it bare: "none" */
		return diag_set(d, -EIO, "%s: \"%s\" marks no value as chosen",
				knob_label(k, instance, label), value);
	}
	return 0;
}

int knob_set_path(struct sys *s, const struct knob *k, const char *instance, const char *value,
		  struct diag *d)
{
	char path[PATH_SIZE], label[KNOB_LABEL_MAX];
	int err = row_path(k, instance, path);

	if (!err)
		err = sys_write(s, path, value);
	if (!err)
		return 0;
	knob_label(k, instance, label);
	if (err == -ENOENT || err == -ENOTDIR)
		return diag_set(d, -ENOENT, "%s: not on this machine (%s is not there)", label,
				path);
	if (err == -EACCES || err == -EPERM)
		return diag_errno(d, err, "%s: setting it needs root; writing \"%s\" to %s", label,
				  value, path);
	return diag_errno(d, err, "%s: the kernel refuses \"%s\" (%s)", label, value, path);
}

int knob_get(struct sys *s, const struct knob *k, const char *instance, char *value, struct diag *d)
{
	int err = knob_check_instance(k, instance, d);

	return err ? err : k->get(s, k, instance, value, d);
}

int knob_set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	     struct diag *d)
{
	char label[KNOB_LABEL_MAX];
	int err = knob_check_instance(k, instance, d);

	if (!err)
		err = knob_check_value(k, value, d);
	if (err)
		return err;
	if (k->flags & KNOB_READ_ONLY)
		return diag_set(d, -EROFS, "%s can be read, not set",
				knob_label(k, instance, label));
	return k->set(s, k, instance, value, d);
}

void names_add(struct names *names, const char *name)
{
	char **grown = reallocarray(names->item, names->n + 1, sizeof(*grown));

	if (grown)
		names->item = grown;
	if (grown && (grown[names->n] = strdup(name)))
		names->n++;
	else
		names->err = -ENOMEM;
}

int names_finish(struct names *names, char ***out)
{
	size_t bytes = 0;
	char **list, *text;
	int err = names->err;

	for (size_t i = 0; i < names->n; i++)
		bytes += strlen(names->item[i]) + 1;
	list = malloc((names->n + 1) * sizeof(*list) + bytes);
	if (!list)
		err = -ENOMEM;
	text = list ? (char *)(list + names->n + 1) : NULL;
	for (size_t i = 0; i < names->n; i++) {
		if (list) {
			list[i] = text;
			text = stpcpy(text, names->item[i]) + 1;
		}
		free(names->item[i]);
	}
	if (list)
		list[names->n] = NULL;
	free(names->item);
	*names = (struct names){0};
	if (err)
		free(list);
	else
		*out = list;
	return err;
}
