// SPDX-License-Identifier: Apache-2.0
#include "base/opt.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/num.h"
#include "base/suggest.h"

static int set_bool(bool *value, const char *text, struct diag *d)
{
	if (!text || !strcmp(text, "1") || !strcmp(text, "true") || !strcmp(text, "yes"))
		*value = true;
	else if (!strcmp(text, "0") || !strcmp(text, "false") || !strcmp(text, "no"))
		*value = false;
	else
		return diag_set(d, -EINVAL, "'%s' is neither 0 nor 1", text);
	return 0;
}

static int set_choice(const struct opt *o, const char **value, const char *text, struct diag *d)
{
	char hint[128], all[512] = "";
	size_t n = 0;

	for (; o->choices[n]; n++) {
		if (!strcmp(o->choices[n], text)) {
			*value = o->choices[n];
			return 0;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", n ? ", " : "",
			 o->choices[n]);
	}
	return diag_set(d, -EINVAL, "unknown value '%s'%s (one of %s)", text,
			suggest_text(text, o->choices, n, hint, sizeof(hint)), all);
}

static int set_value(const struct opt *o, void *dest, const char *text, struct diag *d)
{
	char *at = (char *)dest + o->offset;
	uint64_t number = 0;
	int err = 0;

	switch (o->type) {
	case OPT_BOOL:
		return set_bool((bool *)at, text, d);
	case OPT_F64:
		return num_parse_f64(text, (double *)at, d);
	case OPT_STR:
		*(const char **)at = text;
		return 0;
	case OPT_CHOICE:
		return set_choice(o, (const char **)at, text, d);
	case OPT_STRS: {
		struct opt_strs *strs = (struct opt_strs *)at;

		if (strs->n == OPT_STRS_MAX)
			return diag_set(d, -E2BIG, "given more than %d times", OPT_STRS_MAX);
		strs->item[strs->n++] = text;
		return 0;
	}
	case OPT_U64:
		err = num_parse_u64(text, &number, d);
		break;
	case OPT_BYTES:
		err = num_parse_bytes(text, &number, d);
		break;
	case OPT_NS:
		err = num_parse_ns(text, &number, d);
		break;
	}
	if (err)
		return err;
	if (number < o->min)
		return diag_set(d, -ERANGE, "%s is below the least value %llu", text,
				(unsigned long long)o->min);
	if (o->max && number > o->max)
		return diag_set(d, -ERANGE, "%s is above the largest value %llu", text,
				(unsigned long long)o->max);
	*(uint64_t *)at = number;
	return 0;
}

static bool same_name(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char x = a[i] == '_' ? '-' : a[i], y = b[i] == '_' ? '-' : b[i];

		if (x != y || !x)
			return false;
	}
	return b[len] == '\0';
}

static const struct opt *find(const struct opt *table, size_t n, const char *word, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (same_name(word, table[i].name, len) ||
		    (table[i].alias && same_name(word, table[i].alias, len)))
			return &table[i];
	return NULL;
}

static int unknown(const struct opt *table, size_t n, const char *word, struct diag *d)
{
	const char *names[256];
	char bare[64], hint[128];
	size_t len = strcspn(word, "="), count = 0;

	for (size_t i = 0; i < n && count + 1 < ARRAY_SIZE(names); i++) {
		names[count++] = table[i].name;
		if (table[i].alias)
			names[count++] = table[i].alias;
	}
	snprintf(bare, sizeof(bare), "%.*s", (int)len, word);
	suggest_text(bare, names, count, hint, sizeof(hint));
	return diag_set(d, -EINVAL, "unknown option --%s%s", bare, hint);
}

/* Fill getopt's table; row i of ours is val 256 + i, so that short letters stay themselves. */
static void make_long(const struct opt *table, size_t n, struct option *lng, char *letters)
{
	size_t k = 0, l = strlen(letters);

	for (size_t i = 0; i < n; i++) {
		const char *names[] = {table[i].name, table[i].alias};
		int has_arg = table[i].type == OPT_BOOL ? optional_argument : required_argument;

		for (size_t j = 0; j < 2; j++)
			if (names[j])
				lng[k++] = (struct option){names[j], has_arg, NULL, 256 + (int)i};
		if (table[i].letter) {
			letters[l++] = table[i].letter;
			if (has_arg == required_argument)
				letters[l++] = ':';
		}
	}
	lng[k++] = (struct option){"help", no_argument, NULL, 'h'};
	lng[k] = (struct option){0};
	letters[l++] = 'h';
	letters[l] = '\0';
}

/* getopt matches names to the letter and takes prefixes; we want '-' == '_' and whole names. */
static int normalise(const struct opt *table, size_t n, bool stop_early, int argc, char **argv,
		     struct diag *d)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		char *word = argv[i] + 2;
		const struct opt *o;
		size_t len;

		if (strncmp(argv[i], "--", 2)) {
			if (stop_early && argv[i][0] != '-')
				return 0;
			continue;
		}
		len = strcspn(word, "=");
		if (!strcmp(word, "help"))
			continue;
		o = find(table, n, word, len);
		if (!o)
			return unknown(table, n, word, d);
		for (size_t j = 0; j < len; j++)
			if (word[j] == '_' || word[j] == '-')
				word[j] = same_name(word, o->name, len) ? o->name[j] : o->alias[j];
		if (o->type != OPT_BOOL && !word[len])
			i++;
	}
	return 0;
}

int opt_parse(const struct opt *table, size_t n, void *dest, bool stop_early, int argc, char **argv,
	      int *first, struct diag *d)
{
	char letters[2 * 64 + 8];
	struct option lng[2 * 128 + 2];
	int c, err;

	if (n > 128)
		return diag_set(d, -E2BIG, "option table too large");
	strcpy(letters, stop_early ? "+:" : ":");
	make_long(table, n, lng, letters);
	err = normalise(table, n, stop_early, argc, argv, d);
	if (err)
		return err;
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, lng, NULL)) != -1) {
		const struct opt *o = NULL;

		if (c == 'h')
			return 1;
		if (c == ':')
			return diag_set(d, -EINVAL, "%s needs a value", argv[optind - 1]);
		if (c == '?')
			return diag_set(d, -EINVAL, "unknown option '%s'",
					optind > 0 ? argv[optind - 1] : "");
		if (c >= 256)
			o = &table[c - 256];
		for (size_t i = 0; !o && i < n; i++)
			if (table[i].letter == c)
				o = &table[i];
		err = set_value(o, dest, optarg, d);
		if (err)
			return diag_prefix(d, err, "--%s", o->name);
	}
	*first = optind;
	return 0;
}

void opt_help(const struct opt *table, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		char left[80];

		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", table[i].letter ? "-" : "",
			 table[i].letter ? table[i].letter : ' ', table[i].letter ? ", " : "   ",
			 table[i].name, table[i].arg ? " " : "", table[i].arg ? table[i].arg : "");
		fprintf(out, "  %-34s %s\n", left, table[i].help);
	}
}

static json_t *value_json(const struct opt *row, const char *at, uint64_t unset)
{
	const struct opt_strs *strs = (const void *)at;
	json_t *list;

	switch (row->type) {
	case OPT_BOOL:
		return json_boolean(*(const bool *)at);
	case OPT_F64:
		return json_real(*(const double *)at);
	case OPT_STR:
	case OPT_CHOICE:
		return *(const char *const *)at ? json_string(*(const char *const *)at) : NULL;
	case OPT_STRS:
		list = json_array();
		for (size_t i = 0; i < strs->n; i++)
			json_array_append_new(list, json_string(strs->item[i]));
		return list;
	default:
		break;
	}
	if (*(const uint64_t *)at == unset)
		return NULL;
	return json_integer((json_int_t) * (const uint64_t *)at);
}

json_t *opt_json(const struct opt *table, size_t n, const void *values, uint64_t unset)
{
	json_t *out = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *value =
			value_json(&table[i], (const char *)values + table[i].offset, unset);
		char name[64];

		snprintf(name, sizeof(name), "%s%s", table[i].name,
			 table[i].type == OPT_NS ? "_ns" : "");
		for (char *c = name; *c; c++)
			if (*c == '-')
				*c = '_';
		if (value)
			json_object_set_new(out, name, value);
	}
	return out;
}
