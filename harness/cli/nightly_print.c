// SPDX-License-Identifier: Apache-2.0
#include "nightly_print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/export/export.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "cli.h"

static void print_flag(const json_t *one)
{
	const char *alert = jsonio_string(one, "alert", NULL);

	printf("%s: %s of %s\n    %s\n    since %s (run %s); last good %s\n",
	       !alert			       ? "Flag, not confirmed"
	       : !strcmp(alert, "confirmed")   ? "ALERT, confirmed"
	       : !strcmp(alert, "unconfirmed") ? "ALERT, UNCONFIRMED"
					       : "Flag, refuted by the confirmation",
	       jsonio_string(one, "metric", "?"), jsonio_string(one, "cell", "?"),
	       jsonio_string(one, "sentence", ""), jsonio_string(one, "since", "?"),
	       jsonio_string(one, "since_run", "?"), jsonio_string(one, "good_version", "?"));
	if (json_object_get(one, "confirmation"))
		printf("    confirmation (%s): %s\n    %s\n",
		       jsonio_string(one, "confirmation.kind", "?"),
		       jsonio_string(one, "confirmation.text", "?"),
		       jsonio_string(one, "confirmation.why", "?"));
}

void nightly_print(const json_t *report)
{
	const json_t *counts = json_object_get(report, "counts"), *one;
	json_t *why = json_object_get(report, "skipped_why"), *n;
	const char *reason;
	size_t i;

	printf("%s, run %s, version %s: %.0f runs in the history\n",
	       jsonio_string(report, "experiment", "?"), jsonio_string(report, "run", "?"),
	       jsonio_string(report, "version", "?"), jsonio_number(report, "runs"));
	if (json_object_get(report, "test_delay_ns"))
		printf("NOT A RESULT: the loop was slowed down on purpose, by %.0f ns an I/O "
		       "(--test-delay)\n",
		       jsonio_number(report, "test_delay_ns"));
	json_array_foreach (json_object_get(report, "errors"), i, one)
		printf("Error: %s\n", json_string_value(one));
	json_array_foreach (json_object_get(report, "series"), i, one)
		if (!strcmp(jsonio_string(one, "state", ""), "flagged"))
			print_flag(one);
	printf("%.0f series: %.0f judged, %.0f skipped; %.0f clean, %.0f flagged, %.0f confirmed "
	       "alerts, %.0f unconfirmed, %.0f refuted. %.0f more are kept, not judged.\n",
	       jsonio_number(counts, "series"), jsonio_number(counts, "judged"),
	       jsonio_number(counts, "skipped"), jsonio_number(counts, "clean"),
	       jsonio_number(counts, "flagged"), jsonio_number(counts, "alerts"),
	       jsonio_number(counts, "unconfirmed"), jsonio_number(counts, "refuted"),
	       jsonio_number(report, "kept_only"));
	json_array_foreach (json_object_get(report, "cells_left_out"), i, one)
		printf("  cell %s: %s\n", jsonio_string(one, "cell", "?"),
		       jsonio_string(one, "reason", "?"));
	json_object_foreach (why, reason, n)
		printf("  skipped %lld: %s\n", (long long)json_integer_value(n), reason);
	printf("Noise floor from %s.\nVerdict: %s\n", jsonio_string(report, "floor_from", "?"),
	       jsonio_string(report, "status", "?"));
}

int nightly_status(const json_t *report)
{
	static const struct {
		const char *word;
		int status;
	} all[] = {{"ok", EXIT_OK}, {"worse", EXIT_WORSE}, {"inconclusive", EXIT_INCONCLUSIVE}};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(jsonio_string(report, "status", ""), all[i].word))
			return all[i].status;
	return EXIT_INVALID;
}

int export_to(const struct exporter *e, const json_t *input, const char *path, struct diag *d)
{
	char made[4200];
	FILE *f;
	int fd, err;

	if (!strcmp(path, "-"))
		return e->write(stdout, input, d) ?: fflush(stdout) ? -errno : 0;
	snprintf(made, sizeof(made), "%.4000s.XXXXXX", path);
	fd = mkstemp(made);
	if (fd < 0)
		return diag_errno(d, -errno, "%s", path);
	f = fdopen(fd, "w");
	if (!f) {
		close(fd);
		unlink(made);
		return diag_errno(d, -ENOMEM, "%s", path);
	}
	err = e->write(f, input, d);
	fchmod(fd, 0644);
	if (fclose(f) && !err)
		err = diag_errno(d, -errno, "%s", path);
	if (!err && rename(made, path))
		err = diag_errno(d, -errno, "%s", path);
	if (err)
		unlink(made);
	return err;
}
