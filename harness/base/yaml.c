// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/num.h"
#include "base/suggest.h"

#define DEPTH_MAX 32
#define FILE_MAX  (4u << 20)

int yaml_error(const struct yaml_node *at, struct diag *d, int err, const char *fmt, ...)
{
	char text[800];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_set(d, err, "%s:%u:%u: %s", at->file, at->line, at->col, text);
}

void yaml_tree_free(struct yaml_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->n; i++) {
		yaml_tree_free(node->item[i]);
		if (node->key)
			yaml_tree_free(node->key[i]);
	}
	free(node->item);
	free(node->key);
	free(node->text);
	free(node);
}

struct parse {
	yaml_parser_t parser;
	const char *file;
	struct diag *d;
	size_t nodes;
};

static int next_event(struct parse *p, yaml_event_t *event)
{
	if (yaml_parser_parse(&p->parser, event))
		return 0;
	if (p->parser.error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	return diag_set(p->d, -EINVAL, "%s:%zu:%zu: %s%s%s", p->file,
			p->parser.problem_mark.line + 1, p->parser.problem_mark.column + 1,
			p->parser.problem ? p->parser.problem : "not YAML",
			p->parser.context ? ", " : "", p->parser.context ? p->parser.context : "");
}

static int bad_event(struct parse *p, const yaml_event_t *event, const char *why)
{
	return diag_set(p->d, -EINVAL, "%s:%zu:%zu: %s", p->file, event->start_mark.line + 1,
			event->start_mark.column + 1, why);
}

static struct yaml_node *new_node(struct parse *p, enum yaml_kind kind, const yaml_event_t *event)
{
	struct yaml_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->file = p->file;
	node->line = (unsigned)event->start_mark.line + 1;
	node->col = (unsigned)event->start_mark.column + 1;
	return node;
}

static int append(struct yaml_node *node, struct yaml_node *key, struct yaml_node *item)
{
	struct yaml_node **items = reallocarray(node->item, node->n + 1, sizeof(*items));
	struct yaml_node **keys;

	if (!items)
		return -ENOMEM;
	node->item = items;
	if (node->kind == YAML_MAP) {
		keys = reallocarray(node->key, node->n + 1, sizeof(*keys));
		if (!keys)
			return -ENOMEM;
		node->key = keys;
		keys[node->n] = key;
	}
	items[node->n++] = item;
	return 0;
}

static int build(struct parse *p, yaml_event_t *event, int depth, struct yaml_node **out);

/* Reads children until the end event of the collection that `node` stands for. */
static int build_children(struct parse *p, struct yaml_node *node, yaml_event_type_t end, int depth)
{
	for (;;) {
		struct yaml_node *key = NULL, *item = NULL;
		yaml_event_t event;
		int err = next_event(p, &event);

		if (err)
			return err;
		if (event.type == end) {
			yaml_event_delete(&event);
			return 0;
		}
		if (node->kind == YAML_MAP) {
			err = event.type == YAML_SCALAR_EVENT
				      ? build(p, &event, depth, &key)
				      : bad_event(p, &event, "a key must be a plain word");
			if (!err && yaml_get(node, key->text))
				err = yaml_error(key, p->d, -EINVAL, "key \"%s\" stands here twice",
						 key->text);
			yaml_event_delete(&event);
			if (!err)
				err = next_event(p, &event);
			if (err) {
				yaml_tree_free(key);
				return err;
			}
		}
		err = build(p, &event, depth, &item);
		yaml_event_delete(&event);
		if (!err)
			err = append(node, key, item);
		if (err) {
			yaml_tree_free(key);
			yaml_tree_free(item);
			return err;
		}
	}
}

static int build(struct parse *p, yaml_event_t *event, int depth, struct yaml_node **out)
{
	struct yaml_node *node;
	int err = 0;

	if (depth > DEPTH_MAX)
		return bad_event(p, event, "nested too deeply");
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		node = new_node(p, YAML_SCALAR, event);
		if (!node)
			return -ENOMEM;
		node->text = strdup((const char *)event->data.scalar.value);
		if (!node->text)
			err = -ENOMEM;
		else if (strlen(node->text) != event->data.scalar.length)
			err = bad_event(p, event, "a NUL byte in a value");
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT: {
		bool map = event->type == YAML_MAPPING_START_EVENT;

		node = new_node(p, map ? YAML_MAP : YAML_SEQ, event);
		if (!node)
			return -ENOMEM;
		err = build_children(
			p, node, map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, depth + 1);
		break;
	}
	case YAML_ALIAS_EVENT:
		return bad_event(p, event, "aliases (*name) are not supported");
	default:
		return bad_event(p, event, "a value is missing");
	}
	if (err) {
		yaml_tree_free(node);
		return err;
	}
	*out = node;
	return 0;
}

/* Stream start, document start, one value, document end, stream end. */
static int build_document(struct parse *p, struct yaml_node **root)
{
	static const yaml_event_type_t before[] = {YAML_STREAM_START_EVENT,
						   YAML_DOCUMENT_START_EVENT};
	static const yaml_event_type_t after[] = {YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT};
	yaml_event_t event;
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		err = next_event(p, &event);
		if (err)
			return err;
		if (event.type != before[i])
			err = bad_event(p, &event, "the file is empty");
		yaml_event_delete(&event);
		if (err)
			return err;
	}
	err = next_event(p, &event);
	if (err)
		return err;
	err = build(p, &event, 0, root);
	yaml_event_delete(&event);
	for (size_t i = 0; !err && i < ARRAY_SIZE(after); i++) {
		err = next_event(p, &event);
		if (err)
			return err;
		if (event.type != after[i])
			err = bad_event(p, &event, "a second document: one file holds one");
		yaml_event_delete(&event);
	}
	return err;
}

int yaml_load_text(const char *name, const char *text, size_t len, struct yaml_node **root,
		   struct diag *d)
{
	struct parse p = {.file = name, .d = d};
	int err;

	*root = NULL;
	if (!yaml_parser_initialize(&p.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&p.parser, (const unsigned char *)text, len);
	err = build_document(&p, root);
	yaml_parser_delete(&p.parser);
	if (err) {
		yaml_tree_free(*root);
		*root = NULL;
	}
	return err;
}

int yaml_load_file(const char *path, struct yaml_node **root, struct diag *d)
{
	_file_ FILE *f = fopen(path, "re");
	_free_ char *text = NULL;
	size_t len;

	if (!f)
		return diag_errno(d, -errno, "%s", path);
	text = malloc(FILE_MAX + 1);
	if (!text)
		return -ENOMEM;
	len = fread(text, 1, FILE_MAX + 1, f);
	if (ferror(f))
		return diag_errno(d, -EIO, "%s", path);
	if (len > FILE_MAX)
		return diag_set(d, -EFBIG, "%s: larger than 4 MiB", path);
	return yaml_load_text(path, text, len, root, d);
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (!strcmp(map->key[i]->text, key))
			return map->item[i];
	return NULL;
}

int yaml_expect(const struct yaml_node *node, enum yaml_kind kind, struct diag *d)
{
	static const char *const names[] = {"a single value", "a list", "a map (key: value)"};

	if (node->kind == kind)
		return 0;
	return yaml_error(node, d, -EINVAL, "expected %s, found %s", names[kind],
			  names[node->kind]);
}

int yaml_check_keys(const struct yaml_node *node, const char *const *known, size_t n,
		    struct diag *d)
{
	char hint[128];
	int err = yaml_expect(node, YAML_MAP, d);

	for (size_t i = 0; !err && i < node->n; i++) {
		size_t j = 0;

		while (j < n && strcmp(known[j], node->key[i]->text))
			j++;
		if (j == n)
			err = yaml_error(
				node->key[i], d, -EINVAL, "unknown key \"%s\"%s",
				node->key[i]->text,
				suggest_text(node->key[i]->text, known, n, hint, sizeof(hint)));
	}
	return err;
}

/* Runs a text parser on a scalar and puts the place in front of its complaint. */
#define TYPED(name, type, parser)                                                               \
	int name(const struct yaml_node *node, type *value, struct diag *d)                     \
	{                                                                                       \
		int err = yaml_expect(node, YAML_SCALAR, d);                                    \
                                                                                                \
		if (err)                                                                        \
			return err;                                                             \
		err = parser(node->text, value, d);                                             \
		return err ? diag_prefix(d, err, "%s:%u:%u", node->file, node->line, node->col) \
			   : 0;                                                                 \
	}

static int parse_bool(const char *text, bool *value, struct diag *d)
{
	static const char *const yes[] = {"true", "yes", "on", "1"};
	static const char *const no[] = {"false", "no", "off", "0"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcmp(text, yes[i]) || !strcmp(text, no[i])) {
			*value = !strcmp(text, yes[i]);
			return 0;
		}
	}
	return diag_set(d, -EINVAL, "'%s' is neither true nor false", text);
}

TYPED(yaml_u64, uint64_t, num_parse_u64)
TYPED(yaml_f64, double, num_parse_f64)
TYPED(yaml_ns, uint64_t, num_parse_ns)
TYPED(yaml_bytes, uint64_t, num_parse_bytes)
TYPED(yaml_bool, bool, parse_bool)
