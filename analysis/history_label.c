// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analysis/history.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/jsonio.h"
#include "base/suggest.h"

/* Room for one part of a label; a longer one is cut and carries its digest instead. */
#define PART_MAX 1000

/* `value` stands in `text` already, whole: "2.1" is not "12.1". */
static bool stands(const char *text, const char *value)
{
	size_t n = strlen(value);

	for (const char *at = text; (at = strstr(at, value)); at++)
		if ((at == text || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

static void add(char *text, const char *value)
{
	size_t n = strlen(text);

	if (*value && !stands(text, value))
		snprintf(text + n, PART_MAX - n, "%s%s", n ? " " : "", value);
}

const char *history_kernel(const json_t *run)
{
	return jsonio_string(json_object_get(jsonio_at(run, "machine.facts"), "kernel.release"),
			     "value", "");
}

static void kernel(const json_t *run, char *text)
{
	const char *release = history_kernel(run);

	add(text, *release ? release : "kernel unknown");
}

/* Of the machine and of each device in it; a value that several share stands once. */
static void firmware(const json_t *run, char *text)
{
	static const char *const lists[] = {"machine.disks", "machine.nics"};
	const json_t *device;
	size_t i;

	add(text, jsonio_string(json_object_get(jsonio_at(run, "machine.facts"), "host.bios"),
				"value", ""));
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		json_array_foreach (jsonio_at(run, lists[k]), i, device)
			add(text, jsonio_string(device, "firmware", ""));
	if (!*text)
		add(text, "firmware unknown");
}

static void tool(const json_t *run, const char *name, char *text)
{
	const json_t *one = json_object_get(json_object_get(run, "tools"), name);
	char value[160];

	snprintf(value, sizeof(value), "%s-%.60s", name, jsonio_string(one, "version", "absent"));
	add(text, value);
}

static void ioloop_digest(const json_t *run, char *text)
{
	const json_t *one = json_object_get(json_object_get(run, "tools"), "ioloop");
	char value[40];

	snprintf(value, sizeof(value), "ioloop-%.12s", jsonio_string(one, "sha256", "?"));
	add(text, value);
}

static int part(const json_t *run, const char *word, char *text, struct diag *d)
{
	static const char *const words[] = {"kernel", "firmware", "ioloop",
					    "fio",    "iperf3",	  "iomodes"};
	char hint[64];

	if (!strcmp(word, "kernel"))
		kernel(run, text);
	else if (!strcmp(word, "firmware"))
		firmware(run, text);
	else if (!strcmp(word, "ioloop"))
		ioloop_digest(run, text);
	else if (!strcmp(word, "fio") || !strcmp(word, "iperf3") || !strcmp(word, "iomodes"))
		tool(run, word, text);
	else
		return diag_set(d, -EINVAL,
				"--version @%s: a label is made of kernel, firmware, ioloop, fio, "
				"iperf3 and iomodes, joined by +%s",
				word,
				suggest_text(word, words, ARRAY_SIZE(words), hint, sizeof(hint)));
	return 0;
}

int history_label(const json_t *run, const char *given, char label[static HISTORY_LABEL],
		  struct diag *d)
{
	char text[PART_MAX] = "", digest[DIGEST_TEXT];
	_free_ char *words = strdup(given ?: "@kernel+ioloop");
	char *save = NULL;
	int err = words ? 0 : -ENOMEM;

	if (given && *given != '@') {
		snprintf(label, HISTORY_LABEL, "%s", given);
		return err;
	}
	for (char *word = words ? strtok_r(words + 1, "+", &save) : NULL; word && !err;
	     word = strtok_r(NULL, "+", &save))
		err = part(run, word, text, d);
	if (!err && !*text)
		err = part(run, "", text, d);
	if (!err && strlen(text) >= HISTORY_LABEL) {
		err = digest_bytes(text, strlen(text), digest, d);
		snprintf(label, HISTORY_LABEL, "%.100s... %.12s", text, digest);
	} else if (!err) {
		snprintf(label, HISTORY_LABEL, "%s", text);
	}
	return err;
}
