// SPDX-License-Identifier: Apache-2.0
/* The knobs that netlink has no form for: flow rules, indirection table, coalescing of one queue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <linux/ethtool.h>

#include "base/diag.h"
#include "knob/transaction.h"
#include "knob_machine.h"

#define RULES 4
#define TABLE 8

static struct ethtool_rx_flow_spec rule[RULES];
static bool has_rule[RULES];
static uint32_t table[TABLE];
static struct ethtool_coalesce queue[64];
static bool table_is_ours; /* set by hand */
static bool dim_moves;	   /* adaptive on: the driver chooses at once */

static int do_rules(struct ethtool_rxnfc *c)
{
	uint32_t at = c->fs.location;

	switch (c->cmd) {
	case ETHTOOL_GRXRINGS:
		c->data = 4;
		return 0;
	case ETHTOOL_GRXCLSRLCNT:
		c->rule_cnt = 0;
		for (int i = 0; i < RULES; i++)
			c->rule_cnt += has_rule[i];
		return 0;
	case ETHTOOL_GRXCLSRLALL:
		c->rule_cnt = 0;
		for (uint32_t i = 0; i < RULES; i++)
			if (has_rule[i])
				c->rule_locs[c->rule_cnt++] = i;
		return 0;
	case ETHTOOL_GRXCLSRULE:
		if (at >= RULES || !has_rule[at])
			return -EINVAL;
		c->fs = rule[at];
		return 0;
	case ETHTOOL_SRXCLSRLINS:
		if (at >= RULES)
			return -ENOSPC;
		rule[at] = c->fs;
		has_rule[at] = true;
		return 0;
	case ETHTOOL_SRXCLSRLDEL:
		if (at >= RULES || !has_rule[at])
			return -ENOENT;
		has_rule[at] = false;
		return 0;
	}
	return -EOPNOTSUPP;
}

static int do_table(struct ethtool_rxfh_indir *t)
{
	if (t->cmd == ETHTOOL_GRXFHINDIR) {
		if (t->size >= TABLE)
			memcpy(t->ring_index, table, sizeof(table));
		t->size = TABLE;
		return 0;
	}
	table_is_ours = t->size != 0;
	for (uint32_t i = 0; i < TABLE; i++) {
		table[i] = t->size ? t->ring_index[i] : i % 4;
		if (table[i] >= 4)
			return -EINVAL;
	}
	return 0;
}

static int do_queue(struct ethtool_per_queue_op *op)
{
	uint32_t bit = op->queue_mask[0];
	struct ethtool_coalesce *c = (struct ethtool_coalesce *)op->data;
	unsigned n = (unsigned)__builtin_ctz(bit);

	if (n >= 4)
		return -EINVAL;
	if (op->sub_command == ETHTOOL_GCOALESCE) {
		*c = queue[n];
		return 0;
	}
	/* as drivers with DIM: no value while it is on, and the values are its own once it is */
	if (queue[n].use_adaptive_rx_coalesce && c->use_adaptive_rx_coalesce &&
	    queue[n].rx_coalesce_usecs != c->rx_coalesce_usecs)
		return -EINVAL;
	queue[n] = *c;
	if (c->use_adaptive_rx_coalesce && dim_moves) {
		queue[n].rx_coalesce_usecs = 99;
		queue[n].rx_max_coalesced_frames = 77;
	}
	return 0;
}

static int fake(struct sys *s, const char *dev, void *cmd, size_t size)
{
	uint32_t word;

	if (strcmp(dev, "eth5"))
		return -ENODEV;
	memcpy(&word, cmd, sizeof(word));
	if (word == ETHTOOL_PERQUEUE)
		return do_queue(cmd);
	return word == ETHTOOL_GRXFHINDIR || word == ETHTOOL_SRXFHINDIR ? do_table(cmd)
									: do_rules(cmd);
}

static struct sys *card(void)
{
	struct sys *s = machine_new();

	memset(rule, 0, sizeof(rule));
	memset(has_rule, 0, sizeof(has_rule));
	memset(queue, 0, sizeof(queue));
	for (uint32_t i = 0; i < TABLE; i++)
		table[i] = i % 4;
	table_is_ours = false;
	queue[1].rx_coalesce_usecs = 8;
	/* an administrator's rule, and one that our words cannot say */
	has_rule[0] = has_rule[3] = true;
	rule[0] = (struct ethtool_rx_flow_spec){.flow_type = TCP_V4_FLOW, .ring_cookie = 2};
	rule[0].h_u.tcp_ip4_spec.pdst = htons(22);
	rule[0].m_u.tcp_ip4_spec.pdst = 0xffff;
	rule[3] = rule[0];
	rule[3].location = 3;
	rule[3].m_u.tcp_ip4_spec.ip4src = htonl(0xff000000);
	sys_memory_file(s, "/sys/class/net/eth5/flags", 0644, "0x1003");
	sys_memory_file(s, "/sys/class/net/eth5/ifindex", 0444, "5");
	sys_memory_file(s, "/sys/class/net/eth5/queues/rx-1/rps_cpus", 0644, "0");
	sys_memory_on_ethtool(s, fake);
	return s;
}

/* Set, see, restore; `err` of the setting, with `words` in its reason. */
static void try(struct sys *s, const char *text, int err, const char *words)
{
	struct memory_store store;
	struct session_options o = {.copy_fd = -1, .store = &store.store};
	struct knob_session *session;
	_free_ struct knob_setting *one = calloc(1, sizeof(*one));
	char value[KNOB_VALUE_MAX], before[KNOB_VALUE_MAX], after[KNOB_VALUE_MAX];
	struct diag d = {""};
	int got;

	store_init(&store, s);
	assert_int_equal(session_open(s, &o, &session, &d), 0);
	assert_int_equal(knob_parse_setting(text, NULL, one, &d), 0);
	if (knob_get(s, one->knob, one->instance, before, &d))
		strcpy(before, "unreadable");
	got = session_apply(session, one, 1, &d);
	if (got != err || !strstr(d.text, words))
		fail_msg("%s: %d: %s", text, got, d.text);
	if (!got) {
		assert_int_equal(knob_get(s, one->knob, one->instance, value, &d), 0);
		assert_true(one->knob->same(one->value, value));
	}
	if (session_close(session, &d))
		fail_msg("%s", d.text);
	if (knob_get(s, one->knob, one->instance, after, &d))
		strcpy(after, "unreadable");
	assert_string_equal(before, after);
	free(store.text);
}

static void rules(void **state)
{
	struct sys *s = card();
	_free_ char **there = NULL;

	try(s, "net.flow-rule:eth5:rule-1=udp4 dst-port=5000 src-ip=198.18.0.1 action=1", 0, "");
	assert_false(has_rule[1]);
	try(s, "net.flow-rule:eth5:rule-2=ether dst=52:54:00:00:00:01 action=drop", 0, "");
	try(s, "net.flow-rule:eth5:rule-0=none", 0, "");
	assert_true(has_rule[0]);
	assert_int_equal(rule[0].h_u.tcp_ip4_spec.pdst, htons(22));
	try(s, "net.flow-rule:eth5:rule-0=tcp4 dst-port=23 action=0", 0, "");
	assert_int_equal(rule[0].ring_cookie, 2);
	try(s, "net.flow-rule:eth5:rule-3=none", -EOPNOTSUPP, "cannot be said");
	assert_true(has_rule[3]);
	try(s, "net.flow-rule:eth5:rule-1=udp4 dst-port=70000 action=1", -EINVAL, "is expected");
	try(s, "net.flow-rule:eth5:rule-1=udp4 dst-port=5000", -EINVAL, "action=");
	try(s, "net.flow-rule:eth5:rule-9=udp4 dst-port=5000 action=1", -ENOSPC, "No space");
	assert_int_equal(knob_instances(s, knob_find("net.flow-rule"), &there), 0);
	assert_string_equal(there[0], "eth5:rule-0");
	assert_null(there[1]);
	sys_close(s);
}

static void indirection(void **state)
{
	struct sys *s = card();

	try(s, "net.rss-table:eth5=1,0*4", 0, "");
	assert_false(table_is_ours); /* the kernel's own default came back as such */
	table[0] = 3;
	try(s, "net.rss-table:eth5=0,0,0,0,1,1,1,1", 0, "");
	assert_true(table_is_ours);
	try(s, "net.rss-table:eth5=0,1", -EINVAL, "8 in all");
	try(s, "net.rss-table:eth5=7*8", -EOPNOTSUPP, "the kernel refuses");
	sys_close(s);
}

static void one_queue(void **state)
{
	struct sys *s = card();

	try(s, "net.queue-usecs:eth5:rx-1=30", 0, "");
	try(s, "net.queue-frames:eth5:tx-0=16", 0, "");
	try(s, "net.queue-usecs:eth5:rx-9=30", -EOPNOTSUPP, "coalescing of one queue");
	try(s, "net.queue-usecs:eth5=30", -EINVAL, "a queue of a device");
	assert_int_equal(queue[1].rx_coalesce_usecs, 8);
	sys_close(s);
}

/* What the driver's own choice leaves behind is not what was there before. */
static void adaptive_queue(void **state)
{
	struct sys *s = card();

	queue[1].rx_max_coalesced_frames = 4;
	dim_moves = true;
	try(s, "net.queue-adaptive:eth5:rx-1=1", 0, "");
	assert_int_equal(queue[1].use_adaptive_rx_coalesce, 0);
	assert_int_equal(queue[1].rx_coalesce_usecs, 8);
	assert_int_equal(queue[1].rx_max_coalesced_frames, 4);

	/* a value where adaptive is on: taken, and adaptive stays */
	dim_moves = false;
	queue[1].use_adaptive_rx_coalesce = 1;
	try(s, "net.queue-usecs:eth5:rx-1=30", 0, "");
	assert_int_equal(queue[1].use_adaptive_rx_coalesce, 1);
	sys_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(indirection),
		cmocka_unit_test(one_queue),
		cmocka_unit_test(adaptive_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
