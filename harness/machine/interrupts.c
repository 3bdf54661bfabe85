// SPDX-License-Identifier: Apache-2.0
/*
 * A line is (kernel/irq/proc.c, show_interrupts): number, one count for each online CPU, chip,
 * hardware number, optionally "-handler" glued to it and "Edge" or "Level", and the actions. Fields
 * are separated by runs of spaces, and an action's name may contain spaces itself.
 */
#include "machine/interrupts.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span {
	const char *at, *end;
};

static struct span next_word(struct span *rest)
{
	struct span word;

	while (rest->at < rest->end && (*rest->at == ' ' || *rest->at == '\t'))
		rest->at++;
	word.at = rest->at;
	while (rest->at < rest->end && *rest->at != ' ' && *rest->at != '\t')
		rest->at++;
	word.end = rest->at;
	return word;
}

static bool all_digits(struct span s)
{
	for (const char *p = s.at; p < s.end; p++)
		if (!isdigit((unsigned char)*p))
			return false;
	return s.at < s.end;
}

static bool equals(struct span s, const char *text)
{
	return (size_t)(s.end - s.at) == strlen(text) && !memcmp(s.at, text, strlen(text));
}

static void copy(char *out, size_t size, struct span s)
{
	snprintf(out, size, "%.*s", (int)(s.end - s.at), s.at);
}

static size_t count_cpus(struct span header)
{
	size_t n = 0;

	for (;;) {
		struct span word = next_word(&header);

		if (word.end - word.at < 4 || memcmp(word.at, "CPU", 3))
			return n;
		n++;
	}
}

/* Hardware number, with or without "-handler", or the handler alone ("-event" of Xen). */
static bool is_hardware_number(struct span word)
{
	const char *p = word.at;

	while (p < word.end && isdigit((unsigned char)*p))
		p++;
	return p > word.at ? p == word.end || *p == '-' : p < word.end && *p == '-';
}

/* true: `line` is a numbered interrupt and *i is filled. */
static bool parse_line(struct span line, size_t cpus, struct interrupt *i)
{
	struct span number = next_word(&line), word, before;

	if (number.end == number.at || number.end[-1] != ':')
		return false;
	number.end--;
	if (!all_digits(number) || number.end - number.at > 9)
		return false;
	*i = (struct interrupt){.irq = (unsigned)strtoul(number.at, NULL, 10)};
	for (size_t c = 0; c < cpus; c++)
		if (!all_digits(next_word(&line)))
			return false;
	copy(i->chip, sizeof(i->chip), next_word(&line));
	before = line;
	word = next_word(&line);
	if (!is_hardware_number(word))
		line = before;
	before = line;
	word = next_word(&line);
	if (!equals(word, "Edge") && !equals(word, "Level"))
		line = before;
	while (line.at < line.end && (*line.at == ' ' || *line.at == '\t'))
		line.at++;
	while (line.end > line.at && isspace((unsigned char)line.end[-1]))
		line.end--;
	copy(i->name, sizeof(i->name), line);
	return true;
}

static struct span next_line(struct span *text)
{
	const char *newline = memchr(text->at, '\n', (size_t)(text->end - text->at));
	struct span line = {text->at, newline ? newline : text->end};

	text->at = newline ? newline + 1 : text->end;
	return line;
}

int interrupts_parse(const char *text, size_t len, struct interrupt **list, size_t *n)
{
	struct span rest = {text, text + len};
	size_t cpus = len ? count_cpus(next_line(&rest)) : 0, room = 0;

	*list = NULL;
	*n = 0;
	if (!cpus)
		return -EINVAL;
	while (rest.at < rest.end) {
		struct span line = next_line(&rest);

		if (*n == room) {
			struct interrupt *grown;

			room = room ? 2 * room : 64;
			grown = reallocarray(*list, room, sizeof(*grown));
			if (!grown) {
				free(*list);
				*list = NULL;
				return -ENOMEM;
			}
			*list = grown;
		}
		*n += parse_line(line, cpus, &(*list)[*n]);
	}
	return 0;
}

bool interrupt_has_action(const struct interrupt *i, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = i->name; len && p; p = strstr(p, ", "), p = p ? p + 2 : NULL)
		if (!strncmp(p, name, len) && (!p[len] || !strncmp(p + len, ", ", 2)))
			return true;
	return false;
}

int interrupt_debug_managed(const char *text, size_t len)
{
	struct span rest = {text, text + len};
	bool told = false;

	while (rest.at < rest.end) {
		struct span line = next_line(&rest), word = next_word(&line);

		if (equals(word, "IRQD_AFFINITY_MANAGED"))
			return 1;
		if (equals(word, "dstate:"))
			told = true;
	}
	return told ? 0 : -EINVAL;
}
