// SPDX-License-Identifier: Apache-2.0
/* JUnit XML as CI servers read it (testmoapp/junitxml): a confirmed or unconfirmed alert is a
 * failure, what was not measured an error, what could not be judged skipped. */
#include "analysis/export/export.h"

#include <string.h>

#include "base/jsonio.h"

/* Text of an attribute or element; what XML 1.0 cannot hold at all becomes '?'. */
static void text(FILE *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '&')
			fputs("&amp;", out);
		else if (c == '<')
			fputs("&lt;", out);
		else if (c == '>')
			fputs("&gt;", out);
		else if (c == '"')
			fputs("&quot;", out);
		else if (c == '\n' || c == '\t')
			fprintf(out, "&#%d;", c);
		else
			putc(c < 0x20 ? '?' : c, out);
	}
}

static void element(FILE *out, const char *name, const char *type, const char *message)
{
	fprintf(out, "      <%s", name);
	if (type)
		fprintf(out, " type=\"%s\"", type);
	fputs(" message=\"", out);
	text(out, message);
	fputs("\"/>\n", out);
}

enum outcome { PASSED, FAILED, ERROR, SKIPPED };

static enum outcome outcome_of(const json_t *one)
{
	const char *state = jsonio_string(one, "state", ""),
		   *alert = jsonio_string(one, "alert", "");

	if (json_is_true(json_object_get(one, "unmeasured")))
		return ERROR;
	if (!strcmp(state, "skipped"))
		return SKIPPED;
	if (strcmp(state, "flagged") || !json_is_true(json_object_get(one, "worse")) ||
	    !strcmp(alert, "refuted"))
		return PASSED;
	return *alert ? FAILED : SKIPPED; /* a flag that nothing has confirmed */
}

static void properties(FILE *out, const json_t *one)
{
	static const char *const names[] = {"value", "low", "high", "expected", "floor", "effect"};

	fputs("      <properties>\n", out);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!json_object_get(one, names[i]))
			continue;
		fprintf(out, "        <property name=\"%s\" value=\"", names[i]);
		export_number(out, jsonio_number(one, names[i]));
		fputs("\"/>\n", out);
	}
	fputs("      </properties>\n", out);
}

static void testcase(FILE *out, const char *experiment, const json_t *one)
{
	const char *sentence = jsonio_string(one, "sentence", "");
	char message[900];

	fputs("    <testcase classname=\"", out);
	text(out, experiment);
	putc('.', out);
	text(out, jsonio_string(one, "cell", "?"));
	fputs("\" name=\"", out);
	text(out, jsonio_string(one, "metric", "?"));
	fputs("\">\n", out);
	properties(out, one);
	switch (outcome_of(one)) {
	case FAILED:
		snprintf(message, sizeof(message), "%s alert: %s; %s",
			 jsonio_string(one, "alert", ""), sentence,
			 jsonio_string(one, "confirmation.text", "no confirmation"));
		element(out, "failure", jsonio_string(one, "alert", "?"), message);
		break;
	case ERROR:
		element(out, "error", "unmeasured", sentence);
		break;
	case SKIPPED:
		element(out, "skipped", NULL, sentence);
		break;
	case PASSED:
		break;
	}
	fputs("    </testcase>\n", out);
}

int export_junit(FILE *out, const json_t *report, struct diag *d)
{
	const json_t *series = json_object_get(report, "series"), *one,
		     *errors = json_object_get(report, "errors");
	const char *experiment = jsonio_string(report, "experiment", "?");
	size_t count[4] = {0}, n = json_array_size(errors), i;

	json_array_foreach (series, i, one)
		count[outcome_of(one)]++;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"",
	      out);
	text(out, experiment);
	fprintf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
		json_array_size(series) + n, count[FAILED], count[ERROR] + n, count[SKIPPED]);
	fputs("    <properties>\n      <property name=\"run\" value=\"", out);
	text(out, jsonio_string(report, "run", "?"));
	fputs("\"/>\n      <property name=\"version\" value=\"", out);
	text(out, jsonio_string(report, "version", "?"));
	fputs("\"/>\n    </properties>\n", out);
	json_array_foreach (errors, i, one) {
		fprintf(out, "    <testcase classname=\"");
		text(out, experiment);
		fprintf(out, "\" name=\"run error %zu\">\n", i + 1);
		element(out, "error", "invalid", json_string_value(one));
		fputs("    </testcase>\n", out);
	}
	json_array_foreach (series, i, one)
		testcase(out, experiment, one);
	fputs("  </testsuite>\n</testsuites>\n", out);
	return 0;
}
