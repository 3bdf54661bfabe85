// SPDX-License-Identifier: Apache-2.0
/* Numbers, CPU lists, "did you mean", option tables, tables on a narrow terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/suggest.h"
#include "base/table.h"

static void test_numbers(void **state)
{
	static const struct {
		int (*parse)(const char *text, uint64_t *value, struct diag *d);
		const char *text;
		int err;
		uint64_t value;
	} rows[] = {
		{num_parse_u64, "0", 0, 0},
		{num_parse_u64, "0x10", 0, 16},
		{num_parse_u64, "18446744073709551615", 0, UINT64_MAX},
		{num_parse_u64, "18446744073709551616", -ERANGE, 0},
		{num_parse_u64, "-1", -EINVAL, 0},
		{num_parse_u64, "+1", -EINVAL, 0},
		{num_parse_u64, " 1", -EINVAL, 0},
		{num_parse_u64, "1k", -EINVAL, 0},
		{num_parse_u64, "", -EINVAL, 0},
		{num_parse_bytes, "4096", 0, 4096},
		{num_parse_bytes, "4k", 0, 4096},
		{num_parse_bytes, "1.5M", 0, 1572864},
		{num_parse_bytes, "2GiB", 0, 2147483648u},
		{num_parse_bytes, "4 kb", 0, 4096},
		{num_parse_bytes, "4x", -EINVAL, 0},
		{num_parse_bytes, "-4k", -EINVAL, 0},
		{num_parse_bytes, "nan", -EINVAL, 0},
		{num_parse_bytes, "99999999T", -ERANGE, 0},
		{num_parse_ns, "2", 0, 2000000000},
		{num_parse_ns, "0.2s", 0, 200000000},
		{num_parse_ns, "50ms", 0, 50000000},
		{num_parse_ns, "250us", 0, 250000},
		{num_parse_ns, "3m", 0, 180000000000},
		{num_parse_ns, "7ns", 0, 7},
		{num_parse_ns, "1e3ms", 0, 1000000000},
		{num_parse_ns, "10sm", -EINVAL, 0},
		{num_parse_ns, "inf", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag d = {""};
		uint64_t value = 0;
		int err = rows[i].parse(rows[i].text, &value, &d);

		if (err != rows[i].err || (!err && value != rows[i].value))
			fail_msg("\"%s\": %d, %llu, wanted %d, %llu (%s)", rows[i].text, err,
				 (unsigned long long)value, rows[i].err,
				 (unsigned long long)rows[i].value, d.text);
		if (err && !strstr(d.text, rows[i].text))
			fail_msg("\"%s\" is not in its complaint: %s", rows[i].text, d.text);
	}
}

static void test_number_texts(void **state)
{
	char out[32];

	assert_string_equal(num_bytes_text(1 << 30, out, sizeof(out)), "1.00 GiB");
	assert_string_equal(num_bytes_text(512, out, sizeof(out)), "512 B");
	assert_string_equal(num_bytes_text(64 << 20, out, sizeof(out)), "64.0 MiB");
	assert_string_equal(num_ns_text(12345, out, sizeof(out)), "12.3 us");
	assert_string_equal(num_ns_text(999.6, out, sizeof(out)), "1.00 us");
	assert_string_equal(num_ns_text(0, out, sizeof(out)), "0 ns");
}

static void test_cpu_lists(void **state)
{
	static const char *const bad[] = {"3-1",	  "a",	 "1,", ",1", "1-",
					  "0-4000000000", "1;2", "-1"};
	struct cpulist list;
	char *text;

	assert_int_equal(cpulist_parse("8,0-3,2\n", &list, NULL), 0);
	assert_int_equal(list.n, 5);
	assert_true(cpulist_has(&list, 8) && cpulist_has(&list, 0) && !cpulist_has(&list, 4));
	text = cpulist_text(&list);
	assert_string_equal(text, "0-3,8");
	free(text);
	cpulist_free(&list);
	assert_int_equal(cpulist_parse(" \n", &list, NULL), 0);
	assert_int_equal(list.n, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (cpulist_parse(bad[i], &list, NULL) != -EINVAL)
			fail_msg("CPU list \"%s\" was taken", bad[i]);
}

static void test_suggestions(void **state)
{
	static const char *const words[] = {"iopoll", "interrupt", "sqpoll", "sync"};
	char hint[80];

	assert_string_equal(suggest("iopol", words, 4), "iopoll");
	assert_string_equal(suggest("itnerrupt", words, 4), "interrupt");
	assert_string_equal(suggest("snyc", words, 4), "sync");
	assert_null(suggest("passthrough", words, 4));
	assert_null(suggest("", words, 0));
	assert_string_equal(suggest_text("sqpol", words, 4, hint, sizeof(hint)),
			    "; did you mean \"sqpoll\"?");
	assert_string_equal(suggest_text("xyz", words, 4, hint, sizeof(hint)), "");
}

struct values {
	bool flag;
	uint64_t count, ns;
	const char *text, *choice;
	struct opt_strs many;
};
#define AT(member) .offset = offsetof(struct values, member)
static const char *const engines[] = {"sync", "aio", NULL};
static const struct opt table[] = {
	{"no-wait", NULL, OPT_BOOL, 'w', AT(flag), .help = "h"},
	{"count", NULL, OPT_U64, 'c', AT(count), 2, 9, .arg = "N", .help = "h"},
	{"ramp-time", "ramp", OPT_NS, 0, AT(ns), .arg = "T", .help = "h"},
	{"text", NULL, OPT_STR, 0, AT(text), .arg = "X", .help = "h"},
	{"engine", "ioengine", OPT_CHOICE, 0, AT(choice), .choices = engines, .help = "h"},
	{"many", NULL, OPT_STRS, 'm', AT(many), .help = "h"},
};

static int parse(struct values *v, int *first, struct diag *d, const char *line, bool stop_early)
{
	static char buffer[400];
	char *argv[16], *save;
	int argc = 0;

	*v = (struct values){0};
	snprintf(buffer, sizeof(buffer), "program %s", line);
	for (char *w = strtok_r(buffer, " ", &save); w && argc < 15; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	return opt_parse(table, ARRAY_SIZE(table), v, stop_early, argc, argv, first, d);
}

static void test_options(void **state)
{
	static const struct {
		const char *line, *say;
	} bad[] = {
		{"--conut 3", "did you mean \"count\""},
		{"--count", "needs a value"},
		{"--count 1", "least value 2"},
		{"--count 10", "largest value 9"},
		{"--count three", "--count: 'three'"},
		{"--cou 3", "unknown option --cou"}, /* no prefixes */
		{"--engine snyc", "did you mean \"sync\""},
		{"-z", "unknown option '-z'"},
		{"--no-wait=perhaps", "'perhaps'"},
		{"--ramp-time 3q", "unknown unit 'q'"},
	};
	struct diag d = {""};
	struct values v;
	int first = -1;

	assert_int_equal(
		parse(&v, &first, &d, "--no_wait -c 3 --ramp=5ms a --ioengine aio b", false), 0);
	assert_true(v.flag && v.count == 3 && v.ns == 5000000);
	assert_string_equal(v.choice, "aio");
	assert_int_equal(first, 7); /* program and 6 option words; a and b are moved behind */
	assert_int_equal(parse(&v, &first, &d, "-m 1 --many 2 --many=3 -- --count 3", false), 0);
	assert_int_equal(v.many.n, 3);
	assert_int_equal(v.count, 0);
	assert_int_equal(parse(&v, &first, &d, "--no-wait=0 cmd --unknown", true), 0);
	assert_int_equal(first, 2);
	assert_int_equal(parse(&v, &first, &d, "--help", false), 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int err = parse(&v, &first, &d, bad[i].line, false);

		if (err != -EINVAL && err != -ERANGE)
			fail_msg("\"%s\": %d", bad[i].line, err);
		if (!strstr(d.text, bad[i].say))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", bad[i].line, d.text,
				 bad[i].say);
	}
}

/* What a table prints on a terminal that is `columns` wide; 0: into a pipe. */
static void printed(unsigned short columns, char *text, size_t size)
{
	static const struct table_column head[] = {{.name = "MODE"},
						   {.name = "CHANGE", .spare = 1},
						   {.name = "TAIL", .spare = 2},
						   {.name = "VERDICT"}};
	static const char *const cells[] = {"interrupt", "+20.1 %", "1.72 ms", "better"};
	struct winsize w = {.ws_row = 24, .ws_col = columns};
	struct table *t = table_new(head, ARRAY_SIZE(head));
	size_t used = 0;
	int fd[2];
	FILE *out;
	ssize_t n;

	assert_int_equal(pipe(fd), 0);
	if (columns) {
		close(fd[0]);
		close(fd[1]);
		fd[0] = posix_openpt(O_RDWR | O_NOCTTY);
		if (fd[0] < 0 || grantpt(fd[0]) || unlockpt(fd[0]))
			skip();
		fd[1] = open(ptsname(fd[0]), O_RDWR | O_NOCTTY);
		assert_int_equal(ioctl(fd[0], TIOCSWINSZ, &w), 0);
	}
	out = fdopen(fd[1], "w");
	assert_non_null(t);
	assert_non_null(out);
	assert_int_equal(table_row(t, cells), 0);
	assert_int_equal(table_print(t, out), 0);
	table_free(t);
	fclose(out);
	/* a terminal hands out what was written piece by piece, then EIO */
	while ((n = read(fd[0], text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(fd[0]);
}

/* Columns that can be spared go one after the other, and are named. */
static void test_narrow_tables(void **state)
{
	char text[1024];

	printed(0, text, sizeof(text));
	assert_non_null(strstr(text, "CHANGE"));
	printed(80, text, sizeof(text));
	assert_non_null(strstr(text, "CHANGE"));
	assert_null(strstr(text, "Not shown"));
	printed(32, text, sizeof(text));
	assert_non_null(strstr(text, "Not shown at 32 columns: CHANGE"));
	assert_null(strstr(text, "+20.1"));
	assert_non_null(strstr(text, "1.72 ms"));
	printed(20, text, sizeof(text));
	assert_non_null(strstr(text, "Not shown at 20 columns: CHANGE, TAIL"));
	assert_null(strstr(text, "1.72 ms"));
	assert_non_null(strstr(text, "better"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	  cmocka_unit_test(test_number_texts),
		cmocka_unit_test(test_cpu_lists), cmocka_unit_test(test_suggestions),
		cmocka_unit_test(test_options),	  cmocka_unit_test(test_narrow_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
