// SPDX-License-Identifier: Apache-2.0
/* Attribute streams, recorded answers, faults in memory; and this machine's own loopback device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "sys/genl.h"
#include "sys/genl_recorded.h"
#include "sys/netns.h"
#include "sys/sys_memory.h"

static void put_header(struct genl_request *r, const char *dev)
{
	size_t nest = genl_nest_begin(r, ETHTOOL_A_COALESCE_HEADER);

	genl_put_str(r, ETHTOOL_A_HEADER_DEV_NAME, dev);
	genl_nest_end(r, nest);
}

static void test_build_and_read(void **state)
{
	struct genl_request r;
	struct genl_attr a, inner;
	uint64_t value;
	size_t offset = 0;
	char text[16];

	genl_request_init(&r, "ethtool", 1, 0);
	put_header(&r, "eth0");
	genl_put_u8(&r, 2, 0xff);
	genl_put_u32(&r, 3, 0xfffffff0u);
	genl_put_u64(&r, 4, UINT64_MAX);
	genl_put_flag(&r, 5);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.len, 4 + 4 + 8 + 8 + 8 + 12 + 4);

	assert_true(genl_next(r.attrs, r.len, &offset, &a));
	assert_int_equal(a.type, ETHTOOL_A_COALESCE_HEADER); /* without the nested flag */
	assert_int_equal(genl_find(a.data, a.len, ETHTOOL_A_HEADER_DEV_NAME, &inner), 0);
	assert_string_equal(inner.data, "eth0");
	assert_int_equal(genl_find_uint(r.attrs, r.len, 2, &value), 0);
	assert_int_equal(value, 0xff);
	assert_int_equal(genl_find_uint(r.attrs, r.len, 3, &value), 0);
	assert_int_equal(value, 0xfffffff0u);
	assert_int_equal(genl_find_uint(r.attrs, r.len, 4, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(genl_find(r.attrs, r.len, 5, &a), 0);
	assert_int_equal(a.len, 0);
	assert_int_equal(genl_find_uint(r.attrs, r.len, 5, &value), -EINVAL);
	assert_int_equal(genl_find_uint(r.attrs, r.len, 6, &value), -ENOENT);
	assert_int_equal(genl_find_str(a.data, 0, 1, text, sizeof(text)), -ENOENT);
	genl_request_free(&r);
}

/* A stream cut anywhere ends the walk; nothing beyond it is read. */
static void test_truncated(void **state)
{
	struct genl_request r;

	genl_request_init(&r, "ethtool", 1, 0);
	genl_put_str(&r, 1, "abcdefg");
	genl_put_u32(&r, 2, 7);
	for (size_t len = 0; len < r.len; len++) {
		_free_ char *copy = malloc(len ? len : 1); /* exactly as long: for the sanitizer */
		struct genl_attr a;
		uint64_t value;

		memcpy(copy, r.attrs, len);
		assert_int_equal(genl_find_uint(copy, len, 2, &value), -ENOENT);
		assert_int_equal(genl_find(copy, len, 1, &a), len < 12 ? -ENOENT : 0);
	}
	genl_request_free(&r);
}

static void test_too_long(void **state)
{
	static const char big[70000];
	struct sys *s = sys_memory_new();
	struct genl_replies replies;
	struct genl_request r;
	char words[8] = "old";

	genl_request_init(&r, "ethtool", 1, 0);
	genl_put_bin(&r, 1, big, 40000);
	assert_int_equal(r.err, 0);
	genl_put_bin(&r, 2, big, 40000);
	assert_int_equal(r.err, -EMSGSIZE);
	assert_int_equal(sys_genl(s, &r, &replies, words, sizeof(words)), -EMSGSIZE);
	assert_int_equal(sys_memory_calls(s), 0);
	assert_string_equal(words, "");
	genl_request_free(&r);
	genl_request_init(&r, "ethtool", 1, 0);
	genl_put_bin(&r, 1, big, sizeof(big));
	assert_int_equal(r.err, -EMSGSIZE);
	genl_request_free(&r);
	sys_close(s);
}

static void test_recorded_text(void **state)
{
	struct genl_replies replies = {0}, back = {0};
	_free_ char *text = NULL, *failed = NULL;
	char words[64];
	int result = 1;

	assert_int_equal(genl_replies_add(&replies, "\x01\xff\x00", 3), 0);
	assert_int_equal(genl_replies_add(&replies, "", 0), 0);
	assert_int_equal(genl_replies_add(&replies, "z", 1), 0);
	text = genl_recorded_text(0, "", &replies);
	assert_string_equal(text, "0\n01ff00\n\n7a\n");
	assert_int_equal(genl_recorded_parse(text, &result, words, sizeof(words), &back), 0);
	assert_int_equal(result, 0);
	assert_int_equal(back.n, 3);
	assert_memory_equal(back.reply[0].attrs, "\x01\xff\x00", 3);
	assert_int_equal(back.reply[1].len, 0);
	assert_int_equal(back.reply[2].len, 1);
	genl_replies_free(&replies);
	genl_replies_free(&back);

	failed = genl_recorded_text(-EOPNOTSUPP, "no such thing, attribute 3", &replies);
	assert_int_equal(genl_recorded_parse(failed, &result, words, sizeof(words), &back), 0);
	assert_int_equal(result, -EOPNOTSUPP);
	assert_string_equal(words, "no such thing, attribute 3");
	genl_replies_free(&back);
}

static void test_recorded_bad(void **state)
{
	static const char *const bad[] = {"",	      "x",	 "5\n",	 "-5000\n",
					  "0\nabc\n", "0\nzz\n", "0x\n", "0\n0A\n"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct genl_replies back = {0};
		char words[8];
		int result;

		assert_int_equal(genl_recorded_parse(bad[i], &result, words, sizeof(words), &back),
				 -EBADMSG);
		genl_replies_free(&back);
	}
}

static void write_file(const char *dir, const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", dir, path);
	for (char *p = full + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(full, 0700);
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A recorded machine answers by what was asked, and says when it does not know. */
static void test_recorded_machine(void **state)
{
	char dir[] = "/tmp/iomodes-genl-XXXXXX", path[256], command[64], words[80];
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct genl_replies replies, answer = {0};
	struct genl_request r;
	_free_ char *text = NULL, *ioctl_text = NULL;
	uint64_t value;
	struct sys *s;

	assert_non_null(mkdtemp(dir));
	genl_request_init(&r, "ethtool", ETHTOOL_MSG_COALESCE_GET, 0);
	put_header(&r, "eth0");
	assert_int_equal(genl_recorded_path(&r, path, sizeof(path)), 0);
	assert_string_equal(path, "/machine/genl/ethtool/19-10000180090002006574683000000000");
	genl_replies_add(&answer, r.attrs, r.len);
	text = genl_recorded_text(0, "", &answer);
	write_file(dir, path, text);
	genl_replies_free(&answer);

	assert_int_equal(ethtool_recorded_path("eth0", &info, sizeof(info), path, sizeof(path)), 0);
	assert_string_equal(path, "/machine/ethtool/eth0/03");
	strcpy(info.driver, "igb");
	genl_replies_add(&answer, (char *)&info, sizeof(info));
	ioctl_text = genl_recorded_text(0, "", &answer);
	write_file(dir, path, ioctl_text);
	genl_replies_free(&answer);

	assert_int_equal(sys_open(dir, &s), 0);
	assert_int_equal(sys_genl(s, &r, &replies, words, sizeof(words)), 0);
	assert_int_equal(replies.n, 1);
	assert_int_equal(genl_find_uint(replies.reply[0].attrs, replies.reply[0].len, 2, &value),
			 -ENOENT);
	genl_replies_free(&replies);
	r.cmd = ETHTOOL_MSG_RINGS_GET;
	assert_int_equal(sys_genl(s, &r, &replies, words, sizeof(words)), -ENODATA);
	assert_string_equal(words, "this recording does not hold the answer");
	r.cmd = ETHTOOL_MSG_COALESCE_SET;
	assert_int_equal(sys_genl(s, &r, &replies, words, sizeof(words)), -EROFS);
	info = (struct ethtool_drvinfo){.cmd = ETHTOOL_GDRVINFO};
	assert_int_equal(sys_ethtool(s, "eth0", &info, sizeof(info)), 0);
	assert_string_equal(info.driver, "igb");
	assert_int_equal(sys_ethtool(s, "eth1", &info, sizeof(info)), -ENODATA);
	/* an answer longer than what was asked for is not copied */
	assert_int_equal(sys_ethtool(s, "eth0", &(uint32_t){ETHTOOL_GDRVINFO}, 4), -EBADMSG);
	info.cmd = ETHTOOL_SCOALESCE;
	assert_int_equal(sys_ethtool(s, "eth0", &info, sizeof(info)), -EROFS);
	sys_close(s);
	genl_request_free(&r);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

static unsigned asked;

static int answer_genl(struct sys *s, const struct genl_request *r, struct genl_replies *replies,
		       char *words, size_t size)
{
	asked++;
	if (r->cmd == ETHTOOL_MSG_COALESCE_SET) {
		snprintf(words, size, "too slow");
		return -EINVAL;
	}
	return genl_replies_add(replies, r->attrs, r->len);
}

static void test_memory(void **state)
{
	struct sys *s = sys_memory_new(), *inside;
	struct genl_replies replies;
	struct genl_request r;
	char words[32];

	genl_request_init(&r, "ethtool", ETHTOOL_MSG_COALESCE_GET, 0);
	put_header(&r, "eth0");
	assert_int_equal(sys_genl(s, &r, &replies, words, sizeof(words)), -ENOENT);
	inside = sys_memory_netns(s, "server");
	sys_memory_on_genl(inside, answer_genl);
	sys_memory_fail(s, 0, 0, FAULT_ONCE);
	assert_int_equal(sys_genl(inside, &r, &replies, words, sizeof(words)), 0);
	assert_int_equal(replies.n, 1);
	genl_replies_free(&replies);
	assert_int_equal(sys_memory_calls(s), 1); /* counted with the machine's */

	sys_memory_fail(s, 2, -ENOMEM, FAULT_WRITES);
	asked = 0;
	r.cmd = ETHTOOL_MSG_COALESCE_SET;
	assert_int_equal(sys_genl(inside, &r, &replies, words, sizeof(words)), -EINVAL);
	assert_string_equal(words, "too slow");
	assert_int_equal(sys_genl(inside, &r, &replies, words, sizeof(words)), -ENOMEM);
	assert_int_equal(asked, 1);
	r.cmd = ETHTOOL_MSG_COALESCE_GET;
	assert_int_equal(sys_genl(inside, &r, &replies, words, sizeof(words)), 0);
	genl_replies_free(&replies);
	genl_request_free(&r);
	sys_close(s);
}

static void test_split(void **state)
{
	struct sys *s = sys_memory_new(), *inside, *server = sys_memory_netns(s, "server");
	static const struct {
		const char *instance, *dev;
		int err;
		bool in_server;
	} rows[] = {
		{"eth0", "eth0", 0, false},
		{"veth0@server", "veth0", 0, true},
		{"veth0@server#2", "veth0", 0, true},
		{"veth0@server:rx-0", "veth0", 0, true},
		{"eth0#1", "eth0", 0, false},
		{"eth0:rx-0", "eth0", 0, false},
		{"veth0@client", NULL, -ENODEV, false},
		{"veth0@", NULL, -EINVAL, false},
		{"@server", NULL, -EINVAL, false},
		{"veth0@server@server", NULL, -EINVAL, false},
		{"", NULL, -EINVAL, false},
		{"a_name_that_is_too_long", NULL, -EINVAL, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char dev[16];

		assert_int_equal(sys_netns_split(s, rows[i].instance, dev, sizeof(dev), &inside),
				 rows[i].err);
		if (rows[i].err)
			continue;
		assert_string_equal(dev, rows[i].dev);
		assert_ptr_equal(inside, rows[i].in_server ? server : s);
	}
	sys_netns_drop(s, "server");
	assert_null(sys_netns(s, "server"));
	sys_close(s);
}

/* lo answers GET of features on every kernel since 5.7, to anybody. */
static void test_live(void **state)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct genl_replies replies;
	struct genl_request r;
	struct genl_attr a;
	char words[128];
	struct sys *s;

	assert_int_equal(sys_open(NULL, &s), 0);
	for (int i = 0; i < 2; i++) { /* the second time the family is known */
		genl_request_init(&r, "ethtool", ETHTOOL_MSG_FEATURES_GET, 0);
		put_header(&r, "lo");
		assert_int_equal(sys_genl(s, &r, &replies, words, sizeof(words)), 0);
		assert_int_equal(replies.n, 1);
		assert_int_equal(genl_find(replies.reply[0].attrs, replies.reply[0].len,
					   ETHTOOL_A_FEATURES_ACTIVE, &a),
				 0);
		genl_replies_free(&replies);
		genl_request_free(&r);
	}
	genl_request_init(&r, "ethtool", ETHTOOL_MSG_FEATURES_GET, GENL_DUMP);
	assert_int_equal(sys_genl(s, &r, &replies, words, sizeof(words)), 0);
	assert_true(replies.n >= 1);
	genl_replies_free(&replies);
	genl_request_free(&r);

	genl_request_init(&r, "ethtool", ETHTOOL_MSG_FEATURES_GET, 0);
	put_header(&r, "no-such-device");
	assert_int_equal(sys_genl(s, &r, &replies, words, sizeof(words)), -ENODEV);
	assert_non_null(strstr(words, "no device matches name"));
	assert_non_null(strstr(words, "attribute")); /* which one */
	genl_request_free(&r);

	genl_request_init(&r, "no-such-family", 1, 0);
	assert_int_equal(sys_genl(s, &r, &replies, words, sizeof(words)), -ENOENT);
	assert_string_equal(words, "this kernel has no generic netlink family \"no-such-family\"");
	genl_request_free(&r);

	assert_int_equal(sys_ethtool(s, "no-such-device", &info, sizeof(info)), -ENODEV);
	assert_int_equal(sys_ethtool(s, "lo", &info, 2), -EINVAL);
	sys_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build_and_read), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_too_long),       cmocka_unit_test(test_recorded_text),
		cmocka_unit_test(test_recorded_bad),   cmocka_unit_test(test_recorded_machine),
		cmocka_unit_test(test_memory),	       cmocka_unit_test(test_split),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
