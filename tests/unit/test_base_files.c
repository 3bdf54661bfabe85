// SPDX-License-Identifier: Apache-2.0
/* YAML with places, JSON lines that are never torn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/yaml.h"

static int load(const char *text, struct yaml_node **root, struct diag *d)
{
	return yaml_load_text("x.yaml", text, strlen(text), root, d);
}

static void test_tree(void **state)
{
	struct yaml_node *root;
	struct diag d = {""};
	uint64_t number;
	bool flag;

	assert_int_equal(load("a: 1\nb: [x, 'y z', 4k]\nc:\n  deep: on\n", &root, &d), 0);
	assert_int_equal(root->kind, YAML_MAP);
	assert_int_equal(yaml_get(root, "b")->n, 3);
	assert_string_equal(yaml_get(root, "b")->item[1]->text, "y z");
	assert_int_equal(yaml_get(root, "b")->item[2]->line, 2);
	assert_int_equal(yaml_get(root, "b")->item[2]->col, 15);
	assert_int_equal(yaml_bytes(yaml_get(root, "b")->item[2], &number, &d), 0);
	assert_int_equal(number, 4096);
	assert_int_equal(yaml_bool(yaml_get(yaml_get(root, "c"), "deep"), &flag, &d), 0);
	assert_true(flag);
	assert_null(yaml_get(root, "d"));
	assert_int_equal(yaml_u64(yaml_get(root, "b"), &number, &d), -EINVAL);
	assert_string_equal(d.text, "x.yaml:2:4: expected a single value, found a list");
	assert_int_equal(yaml_ns(yaml_get(root, "b")->item[0], &number, &d), -EINVAL);
	assert_non_null(strstr(d.text, "x.yaml:2:5: 'x' is not a duration"));
	yaml_tree_free(root);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *say;
	} rows[] = {
		{"a: 1\nb: 2\na: 3\n", "x.yaml:3:1: key \"a\" stands here twice"},
		{"a: &n 1\nb: *n\n", "x.yaml:2:4: aliases (*name) are not supported"},
		{"a: 1\n---\nb: 2\n", "x.yaml:2:1: a second document"},
		{"a: [1, 2\nb: 3\n", "x.yaml:2:"},
		{"a: b: c\n", "x.yaml:1:5:"},
		{"\tx: 1\n", "x.yaml:1:1:"},
		{"? [a, b]\n: c\n", "x.yaml:1:3: a key must be a plain word"},
		{"a: \"x\\0y\"\n", "x.yaml:1:4: a NUL byte"},
		{"", "the file is empty"},
		{"# only a comment\n", "the file is empty"},
	};
	struct yaml_node *root;
	struct diag d = {""};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int err = load(rows[i].text, &root, &d);

		if (err != -EINVAL || root)
			fail_msg("row %zu: %d, not refused", i, err);
		if (!strstr(d.text, rows[i].say))
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, d.text, rows[i].say);
	}
}

static void test_depth(void **state)
{
	char deep[200] = "a: ";
	struct yaml_node *root;
	struct diag d = {""};

	memset(deep + 3, '[', 31);
	memset(deep + 34, ']', 31);
	assert_int_equal(load(deep, &root, &d), 0);
	yaml_tree_free(root);
	memset(deep + 3, '[', 60);
	memset(deep + 63, ']', 60);
	assert_int_equal(load(deep, &root, &d), -EINVAL);
	assert_non_null(strstr(d.text, "nested too deeply"));
}

static void test_unknown_key(void **state)
{
	static const char *const known[] = {"blocks", "runtime"};
	struct yaml_node *root;
	struct diag d = {""};

	assert_int_equal(load("blocks: 6\nruntme: 1s\n", &root, &d), 0);
	assert_int_equal(yaml_check_keys(root, known, 2, &d), -EINVAL);
	assert_string_equal(d.text,
			    "x.yaml:2:1: unknown key \"runtme\"; did you mean \"runtime\"?");
	yaml_tree_free(root);
}

static char *content(int fd)
{
	char *text = calloc(1, 4096);

	assert_true(pread(fd, text, 4095, 0) >= 0);
	return text;
}

/* A disk that is full, by RLIMIT_FSIZE: the kernel takes part of the line, then refuses. */
static void test_append_is_never_torn(void **state)
{
	char path[] = "/tmp/iomodes-test-XXXXXX";
	_fd_ int fd = mkstemp(path);
	_json_ json_t *line = json_pack("{s:s, s:i}", "b", "text", "a", 1);
	struct rlimit before, small = {100, RLIM_INFINITY};
	struct diag d = {""};
	char *text;

	unlink(path);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(jsonio_append(fd, line, &d), 0);
	assert_int_equal(jsonio_append(fd, line, &d), 0);
	text = content(fd);
	assert_string_equal(text, "{\"a\":1,\"b\":\"text\"}\n{\"a\":1,\"b\":\"text\"}\n");
	free(text);
	json_object_set_new(
		line, "long",
		json_stringn(
			"0123456789012345678901234567890123456789012345678901234567890123456789",
			70));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(jsonio_append(fd, line, &d), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(d.text, "File too large"));
	text = content(fd);
	assert_string_equal(text, "{\"a\":1,\"b\":\"text\"}\n{\"a\":1,\"b\":\"text\"}\n");
	free(text);
}

static void test_read_and_at(void **state)
{
	char dir[] = "/tmp/iomodes-test-XXXXXX", path[64];
	_json_ json_t *value = json_pack("{s:{s:f, s:n}, s:s}", "a", "b", 1.5, "null", "t", "x");
	_json_ json_t *again = NULL, *bad = NULL;
	struct diag d = {""};
	_fd_ int fd = -1;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(jsonio_write(fd, "x.json", value, &d), 0);
	snprintf(path, sizeof(path), "%s/x.json", dir);
	assert_int_equal(jsonio_read(path, &again, &d), 0);
	assert_true(json_equal(value, again));
	assert_true(jsonio_number(again, "a.b") == 1.5);
	assert_true(jsonio_number(again, "a.null") != jsonio_number(again, "a.null"));
	assert_true(jsonio_number(again, "a.b.c") != jsonio_number(again, "a.b.c"));
	assert_string_equal(jsonio_string(again, "t", "no"), "x");
	assert_string_equal(jsonio_string(again, "a", "no"), "no");
	f = fopen(path, "w");
	fputs("{\"a\": 1,\n \"a\": 2}", f);
	fclose(f);
	assert_true(jsonio_read(path, &bad, &d) < 0);
	assert_non_null(strstr(d.text, "x.json:2:"));
	unlink(path);
	assert_int_equal(jsonio_read(path, &bad, &d), -ENOENT);
	/* Nothing else was left behind by writing it. */
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_unknown_key),
		cmocka_unit_test(test_append_is_never_torn),
		cmocka_unit_test(test_read_and_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
