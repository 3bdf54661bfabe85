// SPDX-License-Identifier: Apache-2.0
#include "machine/scrub.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define SHORT 4 /* a value this short is a word by chance: replaced only where it stands alone */

static void make_token(struct scrub *s, struct scrub_value *v)
{
	unsigned n = ++s->count[v->kind];
	size_t prefix;

	switch (v->kind) {
	case SCRUB_MAC: /* locally administered */
		snprintf(v->token, sizeof(v->token), "02:00:00:00:%02x:%02x", n >> 8 & 0xff,
			 n & 0xff);
		break;
	case SCRUB_UUID:
		snprintf(v->token, sizeof(v->token), "00000000-0000-4000-8000-%012x", n);
		break;
	case SCRUB_WWID: /* "eui.", "uuid.", "nvme." and "naa." say which kind it is */
		prefix = strcspn(v->original, ".");
		prefix = v->original[prefix] && prefix < 6 ? prefix + 1 : 0;
		snprintf(v->token, sizeof(v->token), "%.*sWWID%u", (int)prefix, v->original, n);
		break;
	case SCRUB_SERIAL:
		snprintf(v->token, sizeof(v->token), "SERIAL%u", n);
		break;
	default:
		snprintf(v->token, sizeof(v->token), "host%u", n);
	}
}

int scrub_learn(struct scrub *s, enum scrub_kind kind, const char *value)
{
	struct scrub_value v = {.kind = kind}, *grown;
	size_t at;

	if (!value[strspn(value, "0:- ")] || !strcmp(value, "localhost") || strlen(value) > 512)
		return 0;
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->value[i].original, value))
			return 0;
	grown = reallocarray(s->value, s->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->value = grown;
	v.original = strdup(value);
	if (!v.original)
		return -ENOMEM;
	make_token(s, &v);
	for (at = s->n++; at && strlen(grown[at - 1].original) < strlen(value); at--)
		grown[at] = grown[at - 1];
	grown[at] = v;
	return 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Does the value stand here as a whole word, or, when it is short, alone on its line or quoted? */
static bool stands_here(const char *value, const char *text, const char *at, const char *end)
{
	size_t len = strlen(value);
	char before = at > text ? at[-1] : '\n', after;

	if ((size_t)(end - at) < len || memcmp(at, value, len))
		return false;
	after = at + len < end ? at[len] : '\n';
	if (len < SHORT)
		return (before == '\n' && after == '\n') || (before == '"' && after == '"');
	return !is_word(before) && !is_word(after);
}

/* Length of a value of the form "xx-x:" (x: hex digit, others literal) at `at`, else 0. */
static size_t match_pattern(const char *pattern, const char *text, const char *at, const char *end)
{
	size_t len = strlen(pattern);

	if ((size_t)(end - at) < len || (at > text && (is_word(at[-1]) || at[-1] == ':')))
		return 0;
	for (size_t i = 0; i < len; i++)
		if (pattern[i] == 'x' ? !isxdigit((unsigned char)at[i]) : at[i] != pattern[i])
			return 0;
	return at + len < end && (is_word(at[len]) || at[len] == ':') ? 0 : len;
}

static int learn_patterns(struct scrub *s, const char *text, size_t len)
{
	static const struct {
		enum scrub_kind kind;
		const char *pattern;
	} patterns[] = {
		{SCRUB_MAC, "xx:xx:xx:xx:xx:xx"},
		{SCRUB_UUID, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"},
	};

	for (const char *p = text; p < text + len; p++)
		for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
			char value[64];
			size_t n = match_pattern(patterns[i].pattern, text, p, text + len);

			if (!n)
				continue;
			snprintf(value, sizeof(value), "%.*s", (int)n, p);
			if (scrub_learn(s, patterns[i].kind, value))
				return -ENOMEM;
		}
	return 0;
}

int scrub_text(struct scrub *s, const char *text, size_t len, char **out, size_t *out_len)
{
	const char *end = text + len;
	FILE *f;

	if (learn_patterns(s, text, len))
		return -ENOMEM;
	*out = NULL;
	f = open_memstream(out, out_len);
	if (!f)
		return -ENOMEM;
	for (const char *p = text; p < end;) {
		size_t i = 0;

		while (i < s->n && !stands_here(s->value[i].original, text, p, end))
			i++;
		if (i < s->n) {
			fputs(s->value[i].token, f);
			s->value[i].replaced = true;
			p += strlen(s->value[i].original);
		} else {
			putc(*p++, f);
		}
	}
	return fclose(f) ? -ENOMEM : 0;
}

static bool names_something(const char *word)
{
	static const char *const parameters[] = {
		"root=",       "rootfstype=", "init=",	  "rdinit=", "initrd=",
		"BOOT_IMAGE=", "ip=",	      "nfsroot=", "rd.",     "cryptdevice=",
		"resume=",     "netconsole=", "systemd.", "ds=",     "nfsaddrs=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
		if (!strncmp(word, parameters[i], strlen(parameters[i])))
			return true;
	return false;
}

void scrub_cmdline(char *line)
{
	_free_ char *copy = strdup(line);
	char *save, *out = line;

	if (!copy) {
		*line = '\0'; /* rather nothing than too much */
		return;
	}
	for (char *word = strtok_r(copy, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		char *value = strchr(word, '=');

		if (!strcmp(word, "--"))
			break;
		if (names_something(word) && value)
			value[1] = '\0'; /* "root=": that it was given is kept */
		out += sprintf(out, "%s%s", out == line ? "" : " ", word);
	}
	strcpy(out, "\n");
}

unsigned scrub_replaced(const struct scrub *s, enum scrub_kind kind)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->value[i].kind == kind && s->value[i].replaced;
	return n;
}

const char *scrub_kind_name(enum scrub_kind kind)
{
	static const char *const names[SCRUB_KINDS] = {
		[SCRUB_SERIAL] = "serial numbers",
		[SCRUB_WWID] = "drive identifiers (wwid)",
		[SCRUB_HOST] = "host names",
		[SCRUB_MAC] = "MAC addresses",
		[SCRUB_UUID] = "UUIDs",
	};

	return names[kind];
}

void scrub_free(struct scrub *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->value[i].original);
	free(s->value);
	*s = (struct scrub){0};
}
