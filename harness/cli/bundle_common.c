// SPDX-License-Identifier: Apache-2.0
#include "bundle_common.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analysis/bundle/bundle.h"
#include "analysis/bundle/tree.h"
#include "base/jsonio.h"
#include "cli.h"
#include "iomodes_version.h"

const char *bundle_made_by(char *out, size_t size)
{
	snprintf(out, size, "iomodes %s (%s%s)", IOMODES_VERSION, IOMODES_COMMIT,
		 IOMODES_DIRTY ? ", dirty" : "");
	return out;
}

/* What a signal ends leaves no gigabytes behind: a thread waits for one while an archive lies
 * unpacked, removes it and ends the program as the signal would have. */
static struct {
	sigset_t ending, before;
	pthread_t thread;
	bool waits;
} watch;

static void *remove_at_signal(void *bundle)
{
	const struct bundle *b = bundle;
	int number;

	if (sigwait(&watch.ending, &number))
		return NULL;
	tree_remove(b->scratch);
	tree_remove(b->scratch); /* what was made meanwhile */
	_exit(128 + number);
}

int bundle_open_within(const char *path, uint64_t bytes, struct bundle *b, struct diag *d)
{
	struct unpack_limits limits = {bytes ? bytes : UNPACK_BYTES, UNPACK_GROWTH};

	*b = (struct bundle){.fd = -1};
	sigemptyset(&watch.ending);
	sigaddset(&watch.ending, SIGINT);
	sigaddset(&watch.ending, SIGTERM);
	sigaddset(&watch.ending, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &watch.ending, &watch.before);
	watch.waits = !pthread_create(&watch.thread, NULL, remove_at_signal, b);
	if (!watch.waits)
		pthread_sigmask(SIG_SETMASK, &watch.before, NULL);
	return bundle_open(path, &limits, b, d);
}

void bundle_end(struct bundle *b)
{
	bundle_close(b);
	if (!watch.waits)
		return;
	pthread_cancel(watch.thread);
	pthread_join(watch.thread, NULL);
	pthread_sigmask(SIG_SETMASK, &watch.before, NULL);
	watch.waits = false;
}

int bundle_status(int err)
{
	return err == -EBADMSG || err == -EFBIG || err == -EPROTONOSUPPORT ? EXIT_INVALID
									   : EXIT_USAGE;
}

int bundle_check_here(struct bundle *b, json_t **report, struct diag *d)
{
	char made_by[200];

	return bundle_check(b, bundle_made_by(made_by, sizeof(made_by)), report, d);
}

void bundle_print_differences(const json_t *report, size_t most)
{
	const json_t *list = json_object_get(report, "differences"), *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (i == most) {
			printf("... and %zu more; 'iomodes check' names all\n",
			       json_array_size(list) - most);
			break;
		}
		printf("differs    %s: %s: recorded %s, again %s\n",
		       jsonio_string(one, "file", "?"), jsonio_string(one, "what", "?"),
		       jsonio_string(one, "recorded", "?"), jsonio_string(one, "again", "?"));
	}
}
