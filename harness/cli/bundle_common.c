// SPDX-License-Identifier: Apache-2.0
#include "bundle_common.h"

#include <errno.h>
#include <stdio.h>

#include "analysis/bundle/bundle.h"
#include "base/jsonio.h"
#include "cli.h"
#include "iomodes_version.h"

const char *bundle_made_by(char *out, size_t size)
{
	snprintf(out, size, "iomodes %s (%s%s)", IOMODES_VERSION, IOMODES_COMMIT,
		 IOMODES_DIRTY ? ", dirty" : "");
	return out;
}

int bundle_open_within(const char *path, uint64_t bytes, struct bundle *b, struct diag *d)
{
	struct unpack_limits limits = {bytes ? bytes : UNPACK_BYTES, UNPACK_GROWTH};

	return bundle_open(path, &limits, b, d);
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
