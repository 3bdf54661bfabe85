// SPDX-License-Identifier: Apache-2.0
/* Which instances a knob has here, and how people name a knob with its instance. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "knob/net_device.h"

/* Names in `dir` that begin with `prefix` followed by digits only; the prefix is cut off when
 * `cut`. */
static int numbered(struct sys *s, const char *dir, const char *prefix, bool cut, char ***out)
{
	_free_ char **list = NULL;
	struct names names = {0};
	int err = sys_list(s, dir, &list);

	for (size_t i = 0; !err && list[i]; i++) {
		size_t len = strlen(prefix);
		const char *rest = list[i] + len;

		if (!strncmp(list[i], prefix, len) && *rest && !rest[strspn(rest, "0123456789")])
			names_add(&names, cut ? rest : list[i]);
	}
	if (err && err != -ENOENT)
		names.err = err;
	return names_finish(&names, out);
}

static int candidates(struct sys *s, const struct knob *k, char ***out)
{
	struct names names = {0};
	int err;

	switch (k->scope) {
	case KNOB_HOST:
		names_add(&names, "");
		return names_finish(&names, out);
	case KNOB_CPU:
		return numbered(s, "/sys/devices/system/cpu", "cpu", true, out);
	case KNOB_NVME:
		return numbered(s, "/sys/class/nvme", "nvme", false, out);
	case KNOB_BLOCK:
		err = sys_list(s, "/sys/block", out);
		return err == -ENOENT ? names_finish(&names, out) : err;
	default: /* families of the other scopes bring their own */
		return names_finish(&names, out);
	}
}

int knob_instances(struct sys *s, const struct knob *k, char ***instances)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	_free_ char **list = NULL;
	struct names names = {0};
	int err = value ? 0 : -ENOMEM;

	if (!err)
		err = k->candidates ? k->candidates(s, k, &list) : candidates(s, k, &list);
	for (size_t i = 0; !err && list[i]; i++) {
		int got = knob_get(s, k, list[i], value, NULL);

		/* "no such thing here" hides an instance; "needs root" does not */
		if (got != -ENOENT && got != -EINVAL && got != -EOPNOTSUPP && got != -ENOTUNIQ &&
		    got != -ENETDOWN)
			names_add(&names, list[i]);
	}
	if (err) {
		char **none = NULL;

		if (!names_finish(&names, &none))
			free(none);
		return err;
	}
	return names_finish(&names, instances);
}

/* Vectors of the device's PCI function, by the address that their names begin with. */
static int vectors_on(struct sys *s, const struct knob *k, const char *dev, char ***instances)
{
	_free_ char **list = NULL;
	struct names names = {0};
	char pci[32];
	int err = net_pci(s, dev, pci, sizeof(pci));

	if (!err)
		err = k->candidates(s, k, &list);
	for (size_t i = 0; !err && list[i]; i++)
		if (!strncmp(list[i], pci, strlen(pci)) && list[i][strlen(pci)] == ':')
			names_add(&names, list[i]);
	if (err && err != -ENOENT && !names.err)
		names.err = err;
	return names_finish(&names, instances);
}

int knob_instances_on(struct sys *s, const struct knob *k, const char *dev, char ***instances)
{
	struct names none = {0};

	if (k->on_device)
		return k->on_device(s, k, dev, instances);
	if (k->scope == KNOB_IRQ)
		return vectors_on(s, k, dev, instances);
	return names_finish(&none, instances);
}

bool knob_disturbs(const struct knob *a, const char *name)
{
	for (const char *const *other = a->disturbs; other && *other; other++)
		if (!strcmp(*other, name))
			return true;
	return false;
}

int knob_parse_name(const char *text, const struct knob **knob, const char **instance,
		    struct diag *d)
{
	size_t len = strcspn(text, ":"), n;
	char name[64], hint[160];
	const struct knob *const *all = knob_all(&n);

	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	*knob = knob_find(name);
	*instance = text[len] ? text + len + 1 : "";
	if (!*knob) {
		const char *words[256];

		for (size_t i = 0; i < n; i++)
			words[i] = all[i]->name;
		return diag_set(d, -EINVAL, "unknown knob \"%s\"%s", name,
				suggest_text(name, words, n, hint, sizeof(hint)));
	}
	return **instance ? knob_check_instance(*knob, *instance, d) : 0;
}

int knob_parse_setting(const char *text, const char *block, struct knob_setting *setting,
		       struct diag *d)
{
	const char *equal = strchr(text, '='), *instance;
	char left[64 + KNOB_INSTANCE_MAX];
	int err;

	if (!equal || equal == text)
		return diag_set(d, -EINVAL, "\"%s\": KNOB[:INSTANCE]=VALUE is expected", text);
	if ((size_t)(equal - text) >= sizeof(left))
		return diag_set(d, -EINVAL, "\"%.40s…\": no knob has such a long name", text);
	snprintf(left, sizeof(left), "%.*s", (int)(equal - text), text);
	err = knob_parse_name(left, &setting->knob, &instance, d);
	if (!err)
		err = knob_check_value(setting->knob, equal + 1, d);
	if (err)
		return err;
	if (!equal[1])
		return diag_set(d, -EINVAL, "%s: the value is empty", left);
	if (!*instance && setting->knob->scope == KNOB_BLOCK && block)
		instance = block;
	snprintf(setting->instance, sizeof(setting->instance), "%s", instance);
	if (!*instance && setting->knob->scope == KNOB_NVME && block &&
	    !strncmp(block, "nvme", 4)) /* "nvme0n1", "nvme0c1n1" */
		snprintf(setting->instance, sizeof(setting->instance), "nvme%.*s",
			 (int)strspn(block + 4, "0123456789"), block + 4);
	snprintf(setting->value, sizeof(setting->value), "%s", equal + 1);
	return knob_check_instance(setting->knob, setting->instance, d);
}
