// SPDX-License-Identifier: Apache-2.0
#include "analysis/bundle/bag.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/bundle/tree.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"

#define MANIFEST    "manifest-sha512.txt"
#define TAGMANIFEST "tagmanifest-sha512.txt"
#define DECLARATION "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
#define MOST	    (256u << 20) /* bytes of a manifest: a million files */

static const char *const tag_files[] = {"bag-info.txt", "bagit.txt", MANIFEST};

void bag_differs(json_t *differences, const char *file, const char *what, const char *recorded,
		 const char *again)
{
	json_array_append_new(differences, json_pack("{s:s, s:s, s:s, s:s}", "file", file, "what",
						     what, "recorded", recorded, "again", again));
}

static bool is_payload(const char *path)
{
	return !strncmp(path, "data/", 5);
}

static int add_line(int dirfd, const char *path, FILE *out, struct diag *d)
{
	char digest[DIGEST512_TEXT];
	int err = digest512_file(dirfd, path, digest, d);

	if (!err)
		fprintf(out, "%s  %s\n", digest, path);
	return err;
}

/* The text of a manifest over `paths`. */
static int write_manifest(int dirfd, const char *name, const char *const *path, size_t n,
			  struct diag *d)
{
	_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int err = out ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++)
		err = add_line(dirfd, path[i], out, d);
	if (out && fclose(out))
		err = -ENOMEM;
	return err ? err : tree_write(dirfd, name, text, len, d);
}

int bag_write(int dirfd, const char *info, struct diag *d)
{
	struct tree t;
	char oxum[128];
	_free_ char *tags = NULL;
	int err = tree_read(dirfd, NULL, &t, d);

	if (err)
		return err;
	snprintf(oxum, sizeof(oxum), "Payload-Oxum: %llu.%zu\n", (unsigned long long)t.bytes, t.n);
	if (asprintf(&tags, "%s%s", info, oxum) < 0)
		err = -ENOMEM;
	if (!err)
		err = write_manifest(dirfd, MANIFEST, (const char *const *)t.path, t.n, d);
	if (!err)
		err = tree_write(dirfd, "bagit.txt", DECLARATION, strlen(DECLARATION), d);
	if (!err)
		err = tree_write(dirfd, "bag-info.txt", tags, strlen(tags), d);
	if (!err)
		err = write_manifest(dirfd, TAGMANIFEST, tag_files, ARRAY_SIZE(tag_files), d);
	tree_free(&t);
	return err;
}

bool bag_is(const char *dir)
{
	char path[4200];

	snprintf(path, sizeof(path), "%.4000s/bagit.txt", dir);
	return !access(path, F_OK);
}

/* One line "<128 hex digits>  <path>", cut in place. */
static bool split_line(char *line, char **path)
{
	for (size_t i = 0; i < DIGEST512_TEXT - 1; i++)
		if (!isxdigit((unsigned char)line[i]))
			return false;
	*path = line + DIGEST512_TEXT - 1;
	if (strncmp(*path, "  ", 2))
		return false;
	**path = '\0';
	*path += 2;
	return !tree_path_check(*path, NULL);
}

/* What a manifest says against what is there; `listed` gets the names. */
static int check_manifest(int dirfd, const char *name, const struct tree *t, json_t *listed,
			  json_t *differences, struct diag *d)
{
	_free_ char *text = NULL;
	size_t len, number = 0;
	char *rest, *line, *path;
	int err = tree_load(dirfd, name, MOST, &text, &len, d);

	if (err)
		return err;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		char again[DIGEST512_TEXT] = "", what[64];

		number++;
		if (!*line && !rest)
			break;
		snprintf(what, sizeof(what), "line %zu", number);
		if (!split_line(line, &path)) {
			bag_differs(differences, name, what, "a digest and a name", "neither");
			continue;
		}
		if (json_object_set_new_nocheck(listed, path, json_true()))
			return -ENOMEM;
		if (!tree_has(t, path))
			snprintf(again, sizeof(again), "no such file");
		else if (digest512_file(dirfd, path, again, NULL))
			snprintf(again, sizeof(again), "not readable");
		/* one of the two was changed: both are named */
		snprintf(what, sizeof(what), "SHA-512 in %s", name);
		if (strcasecmp(line, again))
			bag_differs(differences, path, what, line, again);
	}
	return 0;
}

static void check_declaration(int dirfd, json_t *differences)
{
	_free_ char *text = NULL;
	size_t len;

	if (tree_load(dirfd, "bagit.txt", 4096, &text, &len, NULL) || strcmp(text, DECLARATION))
		bag_differs(differences, "bagit.txt", "text", "BagIt 1.0, UTF-8", "something else");
}

int bag_check(int dirfd, json_t *differences, struct diag *d)
{
	_json_ json_t *payload = json_object(), *tags = json_object();
	struct tree t;
	int err = tree_read(dirfd, NULL, &t, d);

	if (err)
		return err;
	if (!tree_has(&t, "bagit.txt") || !tree_has(&t, MANIFEST) || !tree_has(&t, TAGMANIFEST))
		err = diag_set(d, -EINVAL, "no bundle: %s is missing",
			       !tree_has(&t, "bagit.txt") ? "bagit.txt"
			       : tree_has(&t, MANIFEST)	  ? TAGMANIFEST
							  : MANIFEST);
	if (!err)
		err = check_manifest(dirfd, TAGMANIFEST, &t, tags, differences, d);
	if (!err)
		err = check_manifest(dirfd, MANIFEST, &t, payload, differences, d);
	for (size_t i = 0; !err && i < ARRAY_SIZE(tag_files); i++)
		if (!json_object_get(tags, tag_files[i]))
			bag_differs(differences, TAGMANIFEST, tag_files[i], "listed", "not listed");
	for (size_t i = 0; !err && i < t.n; i++) {
		const char *path = t.path[i];
		bool known = is_payload(path)
				     ? json_object_get(payload, path) != NULL
				     : json_object_get(tags, path) || !strcmp(path, TAGMANIFEST);

		if (!known)
			bag_differs(differences, path, "manifest", "not listed", "there");
	}
	if (!err)
		check_declaration(dirfd, differences);
	tree_free(&t);
	return err;
}
