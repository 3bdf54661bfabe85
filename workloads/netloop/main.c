// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "iomodes_version.h"
#include "serve.h"

static void usage(FILE *out)
{
	fputs("Usage: netloop serve --bind ADDRESS [OPTIONS]\n"
	      "       netloop run --server ADDRESS [OPTIONS]\n\n"
	      "Round trips and streams between two ends, one mode of waiting for packets at a "
	      "time.\nBoth read the run's token as one line of standard input. netloop serve "
	      "--help and\nnetloop run --help tell the options.\n",
	      out);
}

int main(int argc, char **argv)
{
	struct options o;
	struct diag d = {""};
	int err;

	if (argc < 2 || (strcmp(argv[1], "serve") && strcmp(argv[1], "run"))) {
		bool help = argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));

		if (argc >= 2 && !strcmp(argv[1], "--version")) {
			puts("netloop " IOMODES_VERSION " (" IOMODES_COMMIT ")");
			return 0;
		}
		usage(help ? stdout : stderr);
		return !help;
	}
	err = options_parse(argc - 1, argv + 1, &o, &d);
	if (err == 1)
		return 0;
	if (!err)
		err = o.serve ? serve(&o, &d) : run(&o, &d);
	if (!err) {
		cpulist_free(&o.cpus);
		return 0;
	}
	fprintf(stderr, "netloop: %s\n", d.text);
	fflush(NULL);
	_exit(1);
}
