// SPDX-License-Identifier: Apache-2.0
/* What drivers' names for vectors say, an interface put together from canned answers, and what the
 * capabilities make of both ends of a veth pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/capability.h"
#include "machine/nic.h"
#include "machine/nic_private.h"
#include "sys/genl.h"
#include "sys/sys_memory.h"

static void test_actions(void **state)
{
	static const struct {
		const char *action;
		bool ok, rx, tx;
		unsigned number;
	} rows[] = {
		{"eth0-rx-3", true, true, false, 3},
		{"eth0-tx-0", true, false, true, 0},
		{"eth0-TxRx-12", true, true, true, 12},
		{"enp65s0f1-Tx-Rx-7", true, true, true, 7},
		{"iavf-eth0-TxRx-2", true, true, true, 2},
		{"virtio2-input.0", true, true, false, 0},
		{"virtio2-output.1", true, false, true, 1},
		{"mlx5_comp9@pci:0000:01:00.0", true, true, true, 9},
		{"eth1-txrx-1", true, true, true, 1},
		{"be-eth0-q4", true, true, true, 4},
		{"eth0", false, false, false, 0},
		{"virtio2-config", false, false, false, 0},
		{"virtio1-virtqueues", false, false, false, 0},
		{"mlx5_async0@pci:0000:01:00.0", false, false, false, 0},
		{"eth0-rx", false, true, false, 0}, /* without a number it says nothing */
		{"", false, false, false, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned number = 0;
		bool rx, tx;

		assert_int_equal(nic_parse_action(rows[i].action, &rx, &tx, &number), rows[i].ok);
		if (!rows[i].ok)
			continue;
		assert_int_equal(rx, rows[i].rx);
		assert_int_equal(tx, rows[i].tx);
		assert_int_equal(number, rows[i].number);
	}
	assert_true(nic_is_event_action("virtio2-config"));
	assert_true(nic_is_event_action("mlx5_async0@pci:0000:01:00.0"));
	assert_true(nic_is_event_action("ena-mgmnt@pci:0000:00:05.0"));
	assert_false(nic_is_event_action("eth0"));
	assert_false(nic_is_event_action("virtio1-virtqueues"));
}

/* What the canned kernel knows of NAPI and queues. */
static struct {
	bool netdev;	   /* it has the family */
	bool irq;	   /* and tells irq */
	bool queue_napi;   /* and napi-id of queues */
	bool per_napi;	   /* and the timeouts */
	unsigned threaded; /* largest value of "threaded", 0: no such attribute */
} kernel;

static int add_napi(struct genl_replies *replies, uint32_t id, uint32_t irq)
{
	struct genl_request r;
	int err;

	genl_request_init(&r, "netdev", 11, 0);
	genl_put_u32(&r, 1, 7);
	genl_put_u32(&r, 2, id);
	if (kernel.irq)
		genl_put_u32(&r, 3, irq);
	if (kernel.per_napi) {
		genl_put_u32(&r, 5, 100);
		genl_put_u64(&r, 6, 200000);
		genl_put_u64(&r, 7, 0);
	}
	err = genl_replies_add(replies, r.attrs, r.len);
	genl_request_free(&r);
	return err;
}

static int add_queue(struct genl_replies *replies, uint32_t index, uint32_t type, uint32_t napi)
{
	struct genl_request r;
	int err;

	genl_request_init(&r, "netdev", 10, 0);
	genl_put_u32(&r, 1, index);
	genl_put_u32(&r, 2, 7);
	genl_put_u32(&r, 3, type);
	if (kernel.queue_napi)
		genl_put_u32(&r, 4, napi);
	err = genl_replies_add(replies, r.attrs, r.len);
	genl_request_free(&r);
	return err;
}

static int add_policy(struct genl_replies *replies)
{
	struct genl_request r;
	size_t all, one, attribute;
	int err;

	genl_request_init(&r, "nlctrl", CTRL_CMD_GETPOLICY, 0);
	all = genl_nest_begin(&r, CTRL_ATTR_POLICY);
	one = genl_nest_begin(&r, 1);
	attribute = genl_nest_begin(&r, kernel.threaded ? 8 : 7);
	genl_put_u64(&r, NL_POLICY_TYPE_ATTR_MIN_VALUE_U, 0);
	genl_put_u64(&r, NL_POLICY_TYPE_ATTR_MAX_VALUE_U, kernel.threaded);
	genl_nest_end(&r, attribute);
	genl_nest_end(&r, one);
	genl_nest_end(&r, all);
	err = genl_replies_add(replies, r.attrs, r.len);
	genl_request_free(&r);
	return err;
}

static int answer(struct sys *s, const struct genl_request *r, struct genl_replies *replies,
		  char *words, size_t size)
{
	struct genl_request out;
	int err = 0;

	if (!strcmp(r->family, "ethtool") && r->cmd == ETHTOOL_MSG_COALESCE_GET) {
		genl_request_init(&out, "ethtool", 0, 0);
		genl_put_u32(&out, ETHTOOL_A_COALESCE_RX_USECS, 3);
		err = genl_replies_add(replies, out.attrs, out.len);
		genl_request_free(&out);
		return err;
	}
	if (!strcmp(r->family, "ethtool"))
		return -EOPNOTSUPP;
	if (!kernel.netdev)
		return -ENOENT;
	if (!strcmp(r->family, "nlctrl"))
		return add_policy(replies);
	for (uint32_t i = 0; !err && i < 2; i++) /* the younger first, as the kernel lists them */
		err = r->cmd == 11 ? add_napi(replies, 801 - i, 51 - i)
				   : add_queue(replies, i, 0, 800 + i);
	if (!err && r->cmd == 10)
		err = add_queue(replies, 0, 1, 800);
	return err;
}

/* A device with two receive queues and one transmit queue, not on PCI: its vectors are found by
 * its name. The names say the opposite of what netlink says, to see which one was believed. */
static struct sys *machine_new(const char *vectors)
{
	struct sys *s = sys_memory_new();

	sys_memory_file(s, "/proc/interrupts", 0444, vectors);
	sys_memory_link(s, "/sys/class/net/nic0", "../../devices/platform/nic/net/nic0");
	sys_memory_file(s, "/sys/class/net/nic0/ifindex", 0444, "7\n");
	sys_memory_file(s, "/sys/class/net/nic0/flags", 0444, "0x1003\n");
	sys_memory_file(s, "/sys/class/net/nic0/mtu", 0444, "1500\n");
	sys_memory_file(s, "/sys/class/net/nic0/threaded", 0644, "0\n");
	sys_memory_file(s, "/sys/class/net/nic0/napi_defer_hard_irqs", 0644, "0\n");
	sys_memory_file(s, "/sys/class/net/nic0/queues/rx-0/rps_cpus", 0644, "00000001,00000003\n");
	sys_memory_file(s, "/sys/class/net/nic0/queues/rx-0/rps_flow_cnt", 0644, "64\n");
	sys_memory_file(s, "/sys/class/net/nic0/queues/rx-1/rps_cpus", 0644, "0\n");
	sys_memory_file(s, "/sys/class/net/nic0/queues/tx-0/xps_cpus", 0644, "f\n");
	sys_memory_on_genl(s, answer);
	return s;
}

static const char by_number[] = "           CPU0       CPU1\n"
				" 50:          1          2   GIC  10 Edge      nic0-rx-1\n"
				" 51:          1          2   GIC  11 Edge      nic0-rx-0\n"
				" 52:          1          2   GIC  12 Edge      nic0-tx-0\n"
				" 53:          1          2   GIC  13 Edge      nic01-rx-0\n";

static struct machine_nic *discover(struct sys *s)
{
	struct machine_nic *nic;
	struct diag d = {""};

	if (machine_nic_discover(s, "nic0", &nic, &d))
		fail_msg("%s", d.text);
	return nic;
}

static unsigned irq_of(const struct machine_nic *nic, size_t queue)
{
	int vector = nic->queues[queue].vector;

	return vector < 0 ? 0 : nic->vectors[vector].irq;
}

static void test_by_netlink(void **state)
{
	struct sys *s = machine_new(by_number);
	struct machine_nic *nic;
	_free_ char *rps = NULL;
	_free_ char *xps = NULL;

	kernel.netdev = kernel.irq = kernel.queue_napi = kernel.per_napi = true;
	nic = discover(s);
	assert_int_equal(nic->n_vectors, 3); /* not that of nic01 */
	assert_string_equal(nic->vectors[0].instance, "nic0-rx-1:nic0-rx-1");
	assert_int_equal(nic->n_queues, 3);
	assert_int_equal(nic->n_napis, 2);
	assert_int_equal(nic->napis[0].id, 800);
	assert_int_equal(nic->napis[0].index, 0);
	assert_int_equal(nic->napis[0].gro_flush_timeout_ns, 200000);
	assert_int_equal(nic->napis[0].threaded, -1);
	assert_int_equal(irq_of(nic, 0), 50);
	assert_int_equal(irq_of(nic, 1), 51);
	assert_int_equal(irq_of(nic, 2), 50); /* tx-0 shares NAPI 800 */
	assert_string_equal(nic->queues[0].vector_how, "netdev netlink");
	rps = cpulist_text(&nic->queues[0].rps_cpus);
	assert_string_equal(rps, "0-1,32");
	assert_int_equal(nic->queues[0].rps_flow_cnt, 64);
	assert_int_equal(nic->queues[1].rps_cpus.n, 0);
	xps = cpulist_text(&nic->queues[2].xps_cpus);
	assert_string_equal(xps, "0-3");
	assert_true(json_is_integer(json_object_get(nic->coalescing, "rx-usecs")));
	assert_null(nic->channels);
	machine_nic_free(nic);

	/* as virtio_net: napi-id of receive queues, no irq; the NAPI has the vector of its queue */
	kernel.irq = false;
	nic = discover(s);
	assert_int_equal(irq_of(nic, 0), 51);
	assert_string_equal(nic->queues[0].vector_how, "name");
	assert_int_equal(nic->vectors[nic->napis[0].vector].irq, 51);
	machine_nic_free(nic);

	/* as 6.1 */
	kernel.netdev = false;
	nic = discover(s);
	assert_false(nic->napis_told);
	assert_int_equal(nic->n_napis, 0);
	assert_int_equal(irq_of(nic, 1), 50);
	assert_int_equal(irq_of(nic, 2), 52);
	machine_nic_free(nic);
	sys_close(s);
}

static void test_by_name(void **state)
{
	static const struct {
		const char *names[3];
		unsigned rx0, rx1, tx0;
		const char *how;
	} rows[] = {
		{{"nic0-txrx-1", "nic0-txrx-2", "nic0"}, 50, 51, 50, "name"}, /* counts from 1 */
		{{"nic0", NULL, NULL}, 50, 50, 50, "only vector"},
		{{"nic0-config", "nic0-virtqueues", NULL}, 51, 51, 51, "only vector"},
		{{"nic0-a", "nic0-b", NULL}, 0, 0, 0, "not known"},
		{{"nic0-config", NULL, NULL}, 0, 0, 0, "not known"},
	};

	memset(&kernel, 0, sizeof(kernel));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[512] = "           CPU0\n";
		struct machine_nic *nic;
		struct sys *s;

		for (size_t k = 0; k < 3 && rows[i].names[k]; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				 " %zu:          1   GIC  10 Edge      %s\n", 50 + k,
				 rows[i].names[k]);
		s = machine_new(text);
		nic = discover(s);
		assert_int_equal(irq_of(nic, 0), rows[i].rx0);
		assert_int_equal(irq_of(nic, 1), rows[i].rx1);
		assert_int_equal(irq_of(nic, 2), rows[i].tx0);
		assert_string_equal(nic->queues[0].vector_how, rows[i].how);
		machine_nic_free(nic);
		sys_close(s);
	}
}

/* Every call of discovery fails once: no crash, no leak, and never an interface that is not there.
 */
static void test_faults(void **state)
{
	struct sys *s = machine_new(by_number);
	unsigned long calls;

	kernel.netdev = kernel.irq = kernel.queue_napi = true;
	sys_memory_fail(s, 0, 0, FAULT_ONCE);
	machine_nic_free(discover(s));
	calls = sys_memory_calls(s);
	assert_true(calls > 20);
	for (unsigned long n = 1; n <= calls; n++) {
		struct machine_nic *nic;
		struct diag d = {""};
		int err;

		sys_memory_fail(s, n, n % 2 ? -EIO : -ENOMEM, FAULT_ONCE);
		err = machine_nic_discover(s, "nic0", &nic, &d);
		assert_true(err ? !nic && *d.text : !strcmp(nic->name, "nic0"));
		machine_nic_free(nic);
	}
	sys_close(s);
}

static void ask(const char *name, struct sys *s, const struct machine_nic *const *nics, size_t n,
		struct capability_answer *a)
{
	const struct machine_subject subject = {.nics = nics, .n_nics = n};
	struct machine m = {.sys = s};

	*a = (struct capability_answer){.value = ""};
	capability_find(name)->probe(&m, &subject, a);
}

static void test_capabilities(void **state)
{
	struct sys *s = machine_new(by_number);
	struct machine_nic *nic;
	struct capability_answer a;

	kernel.netdev = kernel.irq = kernel.queue_napi = kernel.per_napi = true;
	kernel.threaded = 1;
	nic = discover(s);
	ask("net.threaded_busy_poll", s, (const struct machine_nic *const[]){nic}, 1, &a);
	assert_string_equal(a.value, "0");
	assert_non_null(strstr(a.reason, "0 to 1"));
	kernel.threaded = 2;
	ask("net.threaded_busy_poll", s, (const struct machine_nic *const[]){nic}, 1, &a);
	assert_string_equal(a.value, "1");
	kernel.threaded = 0;
	ask("net.threaded_busy_poll", s, (const struct machine_nic *const[]){nic}, 1, &a);
	assert_string_equal(a.value, "0");
	ask("net.irq_suspend", s, (const struct machine_nic *const[]){nic}, 1, &a);
	assert_string_equal(a.value, "1");
	ask("net.adaptive", s, (const struct machine_nic *const[]){nic}, 1, &a);
	assert_string_equal(a.value, "0");
	ask("net.coalescing", s, (const struct machine_nic *const[]){nic}, 1, &a);
	assert_string_equal(a.value, "1");
	ask("net.napi", s, NULL, 0, &a);
	assert_string_equal(a.value, "0");
	machine_nic_free(nic);

	kernel.per_napi = false;
	nic = discover(s);
	ask("net.per_napi_defer", s, (const struct machine_nic *const[]){nic}, 1, &a);
	assert_string_equal(a.value, "0");
	assert_string_equal(a.remedy, "Linux 6.13 or later");
	machine_nic_free(nic);
	kernel.netdev = false; /* 6.1: the device interrupts, more cannot be known */
	nic = discover(s);
	ask("net.napi", s, (const struct machine_nic *const[]){nic}, 1, &a);
	assert_string_equal(a.value, "1");
	ask("net.irq_suspend", s, (const struct machine_nic *const[]){nic}, 1, &a);
	assert_string_equal(a.value, "0");
	machine_nic_free(nic);
	sys_close(s);
}

static void test_veth_pair(void **state)
{
	struct machine_feature features[2][2] = {
		{{.name = "rx-gro", .active = true}, {.name = "tx-tcp6-segmentation"}},
		{{.name = "rx-gro", .active = true}, {.name = "tx-tcp6-segmentation"}},
	};
	struct machine_napi napi = {.index = 0};
	struct machine_nic ends[2];
	const struct machine_nic *const nics[] = {&ends[0], &ends[1]};
	struct capability_answer a;

	for (int i = 0; i < 2; i++)
		ends[i] = (struct machine_nic){.instance = "veth",
					       .driver = "veth",
					       .kind = "veth",
					       .up = true,
					       .features = features[i],
					       .n_features = 2,
					       .napis = &napi,
					       .n_napis = 1,
					       .napis_told = true};
	ask("net.napi", NULL, nics, 2, &a);
	assert_string_equal(a.value, "1");
	ask("net.interrupts", NULL, nics, 2, &a);
	assert_string_equal(a.value, "0");

	/* any segmentation offload at either end, and TCP goes past the other end's NAPI */
	features[1][1].active = true;
	ask("net.napi", NULL, nics, 2, &a);
	assert_string_equal(a.value, "0");
	assert_non_null(strstr(a.reason, "tx-tcp6-segmentation"));
	features[1][1].active = false;

	/* GRO off: the kernel takes the NAPI away */
	features[0][0].active = false;
	ends[0].n_napis = 0;
	ask("net.napi", NULL, nics, 2, &a);
	assert_string_equal(a.value, "0");
	assert_non_null(strstr(a.reason, "GRO off"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),	     cmocka_unit_test(test_by_netlink),
		cmocka_unit_test(test_by_name),	     cmocka_unit_test(test_faults),
		cmocka_unit_test(test_capabilities), cmocka_unit_test(test_veth_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
