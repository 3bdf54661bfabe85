// SPDX-License-Identifier: Apache-2.0
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"

#define NAMES_MAX 64

int paths_bin(char *out, size_t size, struct diag *d)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);

	if (n <= 0)
		return diag_set(d, -ENOENT, "/proc/self/exe cannot be read: is /proc mounted?");
	out[n] = '\0';
	*strrchr(out, '/') = '\0';
	return 0;
}

int paths_config(char *out, size_t size, struct diag *d)
{
	static const char *const places[] = {"../../share/iomodes", "../../configs"};
	const char *given = getenv("IOMODES_CONFIG");
	char bin[2048], modes[4200];
	int err;

	if (given && *given) {
		snprintf(out, size, "%s", given);
		return 0;
	}
	err = paths_bin(bin, sizeof(bin), d);
	for (size_t i = 0; !err && i < ARRAY_SIZE(places); i++) {
		snprintf(out, size, "%s/%s", bin, places[i]);
		snprintf(modes, sizeof(modes), "%.4000s/modes", out);
		if (!access(modes, R_OK)) {
			_free_ char *real = realpath(out, NULL); /* no ".." in messages */

			if (real)
				snprintf(out, size, "%s", real);
			return 0;
		}
	}
	return err ? err
		   : diag_set(d, -ENOENT,
			      "no configs/ beside %s; set IOMODES_CONFIG to the directory that has "
			      "modes/ and experiments/",
			      bin);
}

/* "default.yaml" -> "default"; NULL when the name ends otherwise. */
static char *stem(const char *file)
{
	const char *dot = strrchr(file, '.');

	return dot && !strcmp(dot, ".yaml") ? strndup(file, (size_t)(dot - file)) : NULL;
}

/* Where a bare name is looked for, below configs/. */
static const char *const kinds[] = {"experiments", "presets"};

static size_t list_names(const char *dir, char **names, size_t n)
{
	_dir_ DIR *open = opendir(dir);
	struct dirent *e;

	while (open && n < NAMES_MAX && (e = readdir(open)))
		if ((names[n] = stem(e->d_name)))
			n++;
	return n;
}

static int unknown_experiment(const char *name, const char *config, struct diag *d)
{
	char *names[NAMES_MAX], list[600] = "", hint[160], dir[4200];
	size_t n = 0;
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(dir, sizeof(dir), "%s/%s", config, kinds[i]);
		n = list_names(dir, names, n);
	}
	for (size_t i = 0; i < n; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "",
			 names[i]);
	err = diag_set(d, -ENOENT, "no experiment \"%s\"%s (a file, or one of: %s)", name,
		       suggest_text(name, (const char *const *)names, n, hint, sizeof(hint)), list);
	while (n)
		free(names[--n]);
	return err;
}

int paths_experiment(const char *name, char *out, size_t size, struct diag *d)
{
	char config[4096];
	int err;

	if (strchr(name, '/') || !access(name, R_OK)) {
		snprintf(out, size, "%s", name);
		return 0;
	}
	err = paths_config(config, sizeof(config), d);
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(out, size, "%.4000s/%s/%s.yaml", config, kinds[i], name);
		if (!access(out, R_OK))
			return 0;
	}
	return unknown_experiment(name, config, d);
}

void paths_results(char *out, size_t size)
{
	char bin[2048], format[2200];

	if (!paths_bin(bin, sizeof(bin), NULL)) {
		snprintf(format, sizeof(format), "%s/../../results/FORMAT.md", bin);
		if (!access(format, R_OK)) {
			snprintf(format, sizeof(format), "%s/../../results", bin);
			_free_ char *real = realpath(format, NULL); /* runs/ may not be there yet */

			snprintf(out, size, "%s/runs", real ? real : format);
			return;
		}
	}
	snprintf(out, size, "iomodes-results");
}
