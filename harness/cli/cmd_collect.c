// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/opt.h"
#include "cli.h"
#include "machine/collect.h"
#include "sys/sys.h"

struct options {
	const char *output;
};

static const struct opt options[] = {
	{.name = "output",
	 .type = OPT_STR,
	 .letter = 'o',
	 .offset = offsetof(struct options, output),
	 .arg = "FILE",
	 .help = "the archive to make; .tar.zst, .tar.gz or .tar (default "
		 "iomodes-machine.tar.zst)"},
};

static const struct {
	const char *suffix, *filter;
} formats[] = {{".tar.zst", "zstd"}, {".tar.gz", "gzip"}, {".tgz", "gzip"}, {".tar", NULL}};

/* The filter that the file's suffix asks for, and the folder inside: its name without suffix. */
static int choose(const char *output, const char **filter, char *folder, size_t size,
		  struct diag *d)
{
	const char *slash = strrchr(output, '/'), *name = slash ? slash + 1 : output;
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		size_t n = strlen(formats[i].suffix);

		if (len <= n || strcmp(name + len - n, formats[i].suffix))
			continue;
		*filter = formats[i].filter;
		snprintf(folder, size, "%.*s", (int)(len - n), name);
		return 0;
	}
	return diag_set(d, -EINVAL, "%s: give a name that ends in .tar.zst, .tar.gz or .tar",
			output);
}

static void print_report(const char *output, const struct collect_report *r)
{
	const char *separator = "";

	printf("%s: %zu files and %zu links. Replaced: ", output, r->files, r->links);
	for (int i = 0; i < SCRUB_KINDS; i++) {
		if (!r->replaced[i])
			continue;
		printf("%s%u %s", separator, r->replaced[i], scrub_kind_name((enum scrub_kind)i));
		separator = ", ";
	}
	printf("%s.\nLook at it with: iomodes probe --root %s\n", *separator ? "" : "nothing",
	       output);
}

int cmd_collect(int argc, char **argv)
{
	struct options o = {.output = "iomodes-machine.tar.zst"};
	struct collect_report report;
	struct sys *s = NULL;
	const char *filter = NULL;
	char folder[256];
	struct diag d;
	_fd_ int fd = -1;
	int first, err = opt_parse(options, ARRAY_SIZE(options), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help("collect", options, ARRAY_SIZE(options),
				"Records what discovery reads, and nothing else. Serial numbers, "
				"drive identifiers, MAC\naddresses, UUIDs and host names are "
				"replaced, the same value always by the same token;\nread the "
				"archive before you give it away.");
	if (!err && first < argc)
		err = diag_set(&d, -EINVAL, "unexpected \"%s\"", argv[first]);
	if (!err)
		err = choose(o.output, &filter, folder, sizeof(folder), &d);
	if (!err && (err = sys_open(NULL, &s)))
		diag_errno(&d, err, "/");
	if (!err) {
		/* never over a file that is there, never through a link */
		fd = open(o.output, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd < 0)
			err = diag_errno(&d, -errno, "%s", o.output);
	}
	if (!err) {
		err = collect_machine(s, fd, folder, filter, &report, &d);
		if (err)
			unlink(o.output); /* ours: it was made exclusively */
	}
	sys_close(s);
	if (err)
		return cli_fail("collect", EXIT_USAGE, &d);
	print_report(o.output, &report);
	return EXIT_OK;
}
