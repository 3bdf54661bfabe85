// SPDX-License-Identifier: Apache-2.0
#include "record/view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* Behind the closing quote of the string that begins at p; NULL when there is none. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '"')
			return p + 1;
	}
	return NULL;
}

/* Behind the value that begins at p. */
static const char *skip_value(const char *p, const char *end)
{
	size_t depth = 0;

	do {
		if (p >= end)
			return NULL;
		if (*p == '"') {
			p = skip_string(p, end);
			if (!p)
				return NULL;
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		else if (!depth) { /* a number or word */
			while (p < end && !strchr(",}] \t\r\n", *p))
				p++;
			return p;
		}
		p++;
	} while (depth);
	return p;
}

/* One member at p; NULL when it is none. */
static const char *member(const char *p, const char *end, struct view *v)
{
	struct span *key = &v->key[v->n], *value = &v->value[v->n];
	const char *from = p;

	if (v->n == VIEW_MEMBERS || p >= end || *p != '"')
		return NULL;
	p = skip_string(p, end);
	if (!p)
		return NULL;
	*key = (struct span){from + 1, (size_t)(p - from) - 2};
	if (memchr(key->at, '\\', key->len))
		return NULL;
	p = skip_blanks(p, end);
	if (p >= end || *p != ':')
		return NULL;
	from = skip_blanks(p + 1, end);
	p = skip_value(from, end);
	if (!p || p == from)
		return NULL;
	*value = (struct span){from, (size_t)(p - from)};
	v->n++;
	return skip_blanks(p, end);
}

bool view_make(struct span text, struct view *v)
{
	const char *p, *end = text.at + text.len;

	v->n = 0;
	if (!text.at)
		return false;
	p = skip_blanks(text.at, end);
	if (p >= end || *p != '{')
		return false;
	p = skip_blanks(p + 1, end);
	if (p < end && *p == '}')
		return skip_blanks(p + 1, end) == end;
	for (;;) {
		p = member(p, end, v);
		if (!p || p >= end)
			return false;
		if (*p == '}')
			return skip_blanks(p + 1, end) == end;
		if (*p != ',')
			return false;
		p = skip_blanks(p + 1, end);
	}
}

struct span view_get(const struct view *v, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < v->n; i++)
		if (v->key[i].len == len && !memcmp(v->key[i].at, key, len))
			return v->value[i];
	return (struct span){NULL, 0};
}

const char *view_word(const struct view *v, const char *key, char *out, size_t size,
		      const char *otherwise)
{
	struct span s = view_get(v, key);
	json_t *value;

	if (s.at && s.len >= 2 && s.len - 2 < size && *s.at == '"' && !memchr(s.at, '\\', s.len)) {
		memcpy(out, s.at + 1, s.len - 2);
		out[s.len - 2] = '\0';
		return out;
	}
	value = s.at && *s.at == '"' ? span_json(s) : NULL;
	snprintf(out, size, "%s", value ? json_string_value(value) : otherwise);
	json_decref(value);
	return out;
}

double span_number(struct span s)
{
	char text[48], *end;
	double value;

	if (!s.at || !s.len || s.len >= sizeof(text) || *s.at == 'n' || *s.at == '"')
		return NAN;
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	value = strtod(text, &end);
	return *end || !isfinite(value) ? NAN : value;
}

double view_number(const struct view *v, const char *key)
{
	return span_number(view_get(v, key));
}

json_t *span_json(struct span s)
{
	return s.at ? json_loadb(s.at, s.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL)
		    : NULL;
}

json_t *view_json(const struct view *v, const char *key)
{
	return span_json(view_get(v, key));
}

bool span_has(struct span s, const char *text)
{
	return s.at && memmem(s.at, s.len, text, strlen(text));
}
