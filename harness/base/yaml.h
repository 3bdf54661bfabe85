/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML file as a tree in which every node knows its line and column, so that every complaint can
 * say where. Built on libyaml's event parser. Aliases, duplicate keys, more than one document and
 * nesting deeper than 32 are refused: an experiment from somebody else is data.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;

enum yaml_kind { YAML_SCALAR, YAML_SEQ, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	const char *file;	 /* of the document, for messages */
	unsigned line, col;	 /* from 1 */
	char *text;		 /* scalar: its value */
	struct yaml_node **item; /* sequence: items; map: values */
	struct yaml_node **key;	 /* map: keys, scalars */
	size_t n;
};

/* The tree is owned by the caller: yaml_tree_free() (libyaml exports a yaml_free of its own). `name` is what messages call the file. */
int yaml_load_text(const char *name, const char *text, size_t len, struct yaml_node **root,
		   struct diag *d);
int yaml_load_file(const char *path, struct yaml_node **root, struct diag *d);
void yaml_tree_free(struct yaml_node *root);

/* Write "file:line:col: sentence" and return `err`. */
__attribute__((format(printf, 4, 5))) int yaml_error(const struct yaml_node *at, struct diag *d,
						     int err, const char *fmt, ...);

/* The value under `key` of a map, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
/* -EINVAL unless `node` is a map whose every key is among `known`; names the nearest right word. */
int yaml_check_keys(const struct yaml_node *node, const char *const *known, size_t n,
		    struct diag *d);

/* Typed reads; a wrong kind or value is an error with its place. */
int yaml_expect(const struct yaml_node *node, enum yaml_kind kind, struct diag *d);
int yaml_u64(const struct yaml_node *node, uint64_t *value, struct diag *d);
int yaml_f64(const struct yaml_node *node, double *value, struct diag *d);
int yaml_ns(const struct yaml_node *node, uint64_t *ns, struct diag *d);
int yaml_bytes(const struct yaml_node *node, uint64_t *bytes, struct diag *d);
int yaml_bool(const struct yaml_node *node, bool *value, struct diag *d);
