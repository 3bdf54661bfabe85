/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two network devices in memory with the habits of real drivers, for the test_knob_net_* programs:
 *
 * eth5   a card with four channels. Coalescing refuses values while adaptive is on (as ice), puts a
 *	  default there when adaptive is switched (as mlx5), and rounds to multiples of 2. Channels
 *	  make NAPI instances anew: new ids, the device's defaults, but what was the suspend timeout
 *	  of that index stays; and the vectors' affinities get their default.
 * veth0  in the namespace "server": GRO off takes its NAPI instance away, GRO on makes another one.
 */
#pragma once
#include <linux/ethtool_netlink.h>
#include <string.h>

#include "knob_machine.h"
#include "sys/genl.h"
#include "sys/netns.h"

#define PCI5	     "0000:05:00.0"
#define ETH5	     "/sys/class/net/eth5/"
#define NAPIS	     8
#define DEFAULT_CPUS "0-1"

struct fake_napi {
	unsigned id, defer, threaded;
	unsigned long long flush, suspend;
	int pid; /* of its thread; 0: none */
};

struct fake_feature {
	const char *name;
	bool fixed, wanted, active;
};

static struct fake_device {
	const char *name;
	struct sys *sys; /* where it lives */
	unsigned ifindex;
	bool has_coalescing, has_channels, napi_by_gro;
	unsigned adaptive, usecs, frames;
	unsigned channels;
	struct fake_feature feature[4];
	unsigned defer, threaded; /* the device's */
	unsigned long long flush;
	struct fake_napi napi[NAPIS];
	unsigned n_napis;
	unsigned long long leaked[NAPIS]; /* suspend timeouts by index */
} fake[2];
enum { ETH, VETH };

static unsigned next_id;
static unsigned fake_contexts; /* hash tables of eth5 beside its first */

/* The instances anew. */
static void remake_napis(struct fake_device *f, unsigned n)
{
	for (unsigned i = 0; i < f->n_napis; i++)
		f->leaked[i] = f->napi[i].suspend;
	f->n_napis = n;
	for (unsigned i = 0; i < n; i++)
		f->napi[i] = (struct fake_napi){.id = next_id++,
						.defer = f->defer,
						.flush = f->flush,
						.threaded = f->threaded,
						.suspend = f->leaked[i]};
}

static struct fake_device *fake_find(struct sys *s, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fake); i++)
		if (fake[i].sys == s && !strcmp(fake[i].name, name))
			return &fake[i];
	return NULL;
}

static struct genl_request answer;

static int reply(struct genl_replies *replies)
{
	int err = genl_replies_add(replies, answer.attrs, answer.len);

	genl_request_free(&answer);
	return err;
}

/* An attribute of the request, 0 when it is not there. */
static bool has(const struct genl_request *r, uint16_t type, uint64_t *value)
{
	return !genl_find_uint(r->attrs, r->len, type, value);
}

static int set_coalescing(struct fake_device *f, const struct genl_request *r, char *words,
			  size_t size)
{
	uint64_t v;
	bool values = has(r, ETHTOOL_A_COALESCE_RX_USECS, &v) ||
		      has(r, ETHTOOL_A_COALESCE_RX_MAX_FRAMES, &v);

	if (has(r, ETHTOOL_A_COALESCE_TX_USECS, &v)) {
		snprintf(words, size, "cannot modify an unsupported parameter");
		return -EINVAL;
	}
	if (values && f->adaptive) {
		snprintf(words, size, "not while adaptive is on");
		return -EINVAL;
	}
	if (has(r, ETHTOOL_A_COALESCE_RX_USECS, &v))
		f->usecs = (unsigned)(v + v % 2);
	if (has(r, ETHTOOL_A_COALESCE_RX_MAX_FRAMES, &v))
		f->frames = (unsigned)v;
	if (has(r, ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, &v)) {
		if (f->adaptive && !v)
			f->usecs = 8;
		f->adaptive = (unsigned)v;
	}
	return 0;
}

static int set_channels(struct fake_device *f, const struct genl_request *r, char *words,
			size_t size)
{
	uint64_t n;

	if (!has(r, ETHTOOL_A_CHANNELS_COMBINED_COUNT, &n) || !n || n > 4) {
		snprintf(words, size, "requested channel count exceeds maximum");
		return -EINVAL;
	}
	f->channels = (unsigned)n;
	remake_napis(f, f->channels);
	sys_memory_file(f->sys, "/proc/irq/50/smp_affinity_list", 0644, DEFAULT_CPUS);
	return 0;
}

/* With a mask, every one is listed, and a flag says which are set. */
static void put_set(uint16_t type, const struct fake_device *f, bool has_mask,
		    bool (*is)(const struct fake_feature *))
{
	size_t set = genl_nest_begin(&answer, type), bits;

	if (!has_mask)
		genl_put_flag(&answer, ETHTOOL_A_BITSET_NOMASK);
	bits = genl_nest_begin(&answer, ETHTOOL_A_BITSET_BITS);
	for (size_t i = 0; i < ARRAY_SIZE(f->feature); i++) {
		size_t bit;

		if (!f->feature[i].name || !(has_mask || is(&f->feature[i])))
			continue;
		bit = genl_nest_begin(&answer, ETHTOOL_A_BITSET_BITS_BIT);
		genl_put_str(&answer, ETHTOOL_A_BITSET_BIT_NAME, f->feature[i].name);
		if (has_mask && is(&f->feature[i]))
			genl_put_flag(&answer, ETHTOOL_A_BITSET_BIT_VALUE);
		genl_nest_end(&answer, bit);
	}
	genl_nest_end(&answer, bits);
	genl_nest_end(&answer, set);
}

static bool can_change(const struct fake_feature *f)
{
	return !f->fixed;
}
static bool is_wanted(const struct fake_feature *f)
{
	return f->wanted;
}
static bool is_active(const struct fake_feature *f)
{
	return f->active;
}

/* LRO is held back while GRO is on. */
static void settle_features(struct fake_device *f)
{
	bool gro = false;

	for (size_t i = 0; i < ARRAY_SIZE(f->feature); i++) {
		struct fake_feature *one = &f->feature[i];

		if (!one->name || one->fixed)
			continue;
		one->active = one->wanted && !(gro && !strcmp(one->name, "rx-lro"));
		gro |= one->active && !strcmp(one->name, "rx-gro");
	}
	if (f->napi_by_gro && gro != (f->n_napis > 0))
		remake_napis(f, gro ? 1 : 0);
}

static void set_features(struct fake_device *f, const struct genl_request *r)
{
	struct genl_attr set, bits, bit, flag;
	size_t offset = 0;
	char name[40];

	if (genl_find(r->attrs, r->len, ETHTOOL_A_FEATURES_WANTED, &set) ||
	    genl_find(set.data, set.len, ETHTOOL_A_BITSET_BITS, &bits))
		return;
	while (genl_next(bits.data, bits.len, &offset, &bit))
		for (size_t i = 0; i < ARRAY_SIZE(f->feature); i++)
			if (!genl_find_str(bit.data, bit.len, ETHTOOL_A_BITSET_BIT_NAME, name,
					   sizeof(name)) &&
			    f->feature[i].name && !strcmp(f->feature[i].name, name))
				f->feature[i].wanted = !genl_find(
					bit.data, bit.len, ETHTOOL_A_BITSET_BIT_VALUE, &flag);
	settle_features(f);
}

/* The first one does not say its number. */
static int dump_contexts(struct genl_replies *replies)
{
	for (unsigned i = 0; i <= fake_contexts; i++) {
		genl_request_init(&answer, "", 0, 0);
		if (i)
			genl_put_u32(&answer, 2, i);
		if (reply(replies))
			return -ENOMEM;
	}
	return 0;
}

static int fake_ethtool(struct fake_device *f, const struct genl_request *r,
			struct genl_replies *replies, char *words, size_t size)
{
	if (r->cmd == 38) /* ETHTOOL_MSG_RSS_GET */
		return (r->flags & GENL_DUMP) && f == &fake[ETH] ? dump_contexts(replies)
								 : -EOPNOTSUPP;
	genl_request_init(&answer, "", 0, 0);
	switch (r->cmd) {
	case ETHTOOL_MSG_COALESCE_GET:
		if (!f->has_coalescing)
			return -EOPNOTSUPP;
		genl_put_u8(&answer, ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, (uint8_t)f->adaptive);
		genl_put_u32(&answer, ETHTOOL_A_COALESCE_RX_USECS, f->usecs);
		genl_put_u32(&answer, ETHTOOL_A_COALESCE_RX_MAX_FRAMES, f->frames);
		return reply(replies);
	case ETHTOOL_MSG_COALESCE_SET:
		return f->has_coalescing ? set_coalescing(f, r, words, size) : -EOPNOTSUPP;
	case ETHTOOL_MSG_CHANNELS_GET:
		if (!f->has_channels)
			return -EOPNOTSUPP;
		genl_put_u32(&answer, ETHTOOL_A_CHANNELS_COMBINED_MAX, 4);
		genl_put_u32(&answer, ETHTOOL_A_CHANNELS_COMBINED_COUNT, f->channels);
		return reply(replies);
	case ETHTOOL_MSG_CHANNELS_SET:
		return f->has_channels ? set_channels(f, r, words, size) : -EOPNOTSUPP;
	case ETHTOOL_MSG_FEATURES_GET:
		put_set(ETHTOOL_A_FEATURES_HW, f, true, can_change);
		put_set(ETHTOOL_A_FEATURES_WANTED, f, false, is_wanted);
		put_set(ETHTOOL_A_FEATURES_ACTIVE, f, false, is_active);
		return reply(replies);
	case ETHTOOL_MSG_FEATURES_SET:
		set_features(f, r);
		return 0;
	}
	return -EOPNOTSUPP;
}

enum { NAPI_GET = 11, NAPI_SET = 14 };
enum { A_IFINDEX = 1, A_ID, A_PID = 4, A_DEFER, A_FLUSH, A_SUSPEND, A_THREADED };

static bool old_kernel; /* without the settings of a NAPI instance */
static bool no_netdev;	/* before 6.8: nor are instances told */
static bool parks;	/* before 6.17: a thread stays when it is not wanted any more */

static bool is_down(const struct fake_device *f)
{
	char path[64];
	const char *flags;

	snprintf(path, sizeof(path), "/sys/class/net/%s/flags", f->name);
	flags = sys_memory_content(f->sys, path);
	return flags && !(strtoul(flags, NULL, 16) & 1);
}

/* In descending order of ids, as the kernel tells them; of an interface that is down, none. */
static int get_napis(struct sys *s, const struct genl_request *r, struct genl_replies *replies)
{
	uint64_t ifindex = 0;

	has(r, A_IFINDEX, &ifindex);
	for (size_t i = 0; i < ARRAY_SIZE(fake); i++)
		for (unsigned n = fake[i].n_napis; n-- > 0;) {
			const struct fake_napi *napi = &fake[i].napi[n];

			if (fake[i].sys != s || fake[i].ifindex != ifindex || is_down(&fake[i]))
				continue;
			genl_request_init(&answer, "", 0, 0);
			genl_put_u32(&answer, A_ID, napi->id);
			if (napi->pid)
				genl_put_u32(&answer, A_PID, (uint32_t)napi->pid);
			if (!old_kernel) {
				genl_put_u32(&answer, A_DEFER, napi->defer);
				genl_put_u64(&answer, A_FLUSH, napi->flush);
				genl_put_u64(&answer, A_SUSPEND, napi->suspend);
				genl_put_u32(&answer, A_THREADED, napi->threaded);
			}
			if (reply(replies))
				return -ENOMEM;
		}
	return 0;
}

static int set_napi(struct sys *s, const struct genl_request *r, char *words, size_t size)
{
	uint64_t id = 0, v;

	has(r, A_ID, &id);
	for (size_t i = 0; i < ARRAY_SIZE(fake); i++)
		for (unsigned n = 0; n < fake[i].n_napis; n++) {
			struct fake_napi *napi = &fake[i].napi[n];

			if (fake[i].sys != s || napi->id != id)
				continue;
			if (has(r, A_THREADED, &v) && v > 1) {
				snprintf(words, size, "integer out of range");
				return -ERANGE;
			}
			napi->threaded = has(r, A_THREADED, &v) ? (unsigned)v : napi->threaded;
			napi->defer = has(r, A_DEFER, &v) ? (unsigned)v : napi->defer;
			napi->flush = has(r, A_FLUSH, &v) ? v : napi->flush;
			napi->suspend = has(r, A_SUSPEND, &v) ? v : napi->suspend;
			return 0;
		}
	snprintf(words, size, "no such NAPI");
	return -ENOENT;
}

static int fake_genl(struct sys *s, const struct genl_request *r, struct genl_replies *replies,
		     char *words, size_t size)
{
	struct genl_attr header;
	struct fake_device *f;
	char name[16];

	*words = '\0';
	if (!strcmp(r->family, GENL_ROUTE))
		return 0; /* no routes */
	if (!strcmp(r->family, "netdev") && no_netdev)
		return -EOPNOTSUPP;
	if (!strcmp(r->family, "netdev"))
		return r->cmd == NAPI_GET ? get_napis(s, r, replies) : set_napi(s, r, words, size);
	if (genl_find(r->attrs, r->len, 1, &header) ||
	    genl_find_str(header.data, header.len, ETHTOOL_A_HEADER_DEV_NAME, name, sizeof(name)))
		return -EINVAL;
	f = fake_find(s, name);
	return f ? fake_ethtool(f, r, replies, words, size) : -ENODEV;
}

/* "Write all": the device's value goes to each of its instances. */
static int on_defer(struct sys *s, const char *path, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(fake); i++) {
		if (fake[i].sys != s)
			continue;
		fake[i].defer = (unsigned)atoi(value);
		for (unsigned n = 0; n < fake[i].n_napis; n++)
			fake[i].napi[n].defer = fake[i].defer;
	}
	sys_memory_file(s, path, 0644, value);
	return 0;
}

/* Threads come and go; the lowest id has the highest number. */
static void fake_threads(struct fake_device *f, bool wanted)
{
	struct sys *s = fake[ETH].sys; /* processes are the machine's */
	char path[64], name[64];

	for (unsigned n = 0; n < f->n_napis; n++) {
		int *pid = &f->napi[n].pid;

		if (!wanted && *pid && !parks) {
			snprintf(path, sizeof(path), "/proc/%d/comm", *pid);
			sys_memory_remove(s, path);
			snprintf(path, sizeof(path), "/proc/%d/status", *pid);
			sys_memory_remove(s, path);
			*pid = 0;
		} else if (wanted && !*pid) {
			*pid = 2000 - (int)f->napi[n].id;
			snprintf(path, sizeof(path), "/proc/%d/comm", *pid);
			snprintf(name, sizeof(name), "napi/%s-%u", f->name, f->napi[n].id);
			sys_memory_file(s, path, 0444, name);
			snprintf(path, sizeof(path), "/proc/%d/status", *pid);
			sys_memory_file(s, path, 0444, "Name:\tnapi\nCpus_allowed_list:\t0-3\n");
		}
	}
}

/* The kernel would wait for ever for a NAPI thread of an interface that is down. */
static int on_threaded(struct sys *s, const char *path, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(fake); i++) {
		if (fake[i].sys != s)
			continue;
		if (is_down(&fake[i]))
			abort();
		fake[i].threaded = (unsigned)atoi(value);
		for (unsigned n = 0; n < fake[i].n_napis; n++)
			fake[i].napi[n].threaded = fake[i].threaded;
		fake_threads(&fake[i], fake[i].threaded);
	}
	sys_memory_file(s, path, 0644, value);
	return 0;
}

static void net_files(struct sys *s, const struct fake_device *f)
{
	char path[96], number[16];

	snprintf(path, sizeof(path), "/sys/class/net/%s/flags", f->name);
	sys_memory_file(s, path, 0644, "0x1003");
	snprintf(path, sizeof(path), "/sys/class/net/%s/ifindex", f->name);
	snprintf(number, sizeof(number), "%u", f->ifindex);
	sys_memory_file(s, path, 0444, number);
	snprintf(path, sizeof(path), "/sys/class/net/%s/address", f->name);
	sys_memory_file(s, path, 0444, "52:54:00:00:00:01");
	snprintf(path, sizeof(path), "/sys/class/net/%s/napi_defer_hard_irqs", f->name);
	sys_memory_file(s, path, 0644, "0");
	sys_memory_on_write(s, path, on_defer);
	snprintf(path, sizeof(path), "/sys/class/net/%s/threaded", f->name);
	snprintf(number, sizeof(number), "%u", f->threaded);
	sys_memory_file(s, path, 0644, number);
	sys_memory_on_write(s, path, on_threaded);
	snprintf(path, sizeof(path), "/sys/class/net/%s/ifalias", f->name);
	sys_memory_file(s, path, 0644, "");
	snprintf(path, sizeof(path), "/sys/class/net/%s/queues/rx-0/rps_cpus", f->name);
	sys_memory_file(s, path, 0644, "00000000,00000003");
}

/* The card's bus, as sysfs links it. */
static void bus_files(struct sys *s)
{
	sys_memory_link(s, "/sys/class/net/eth5", "../../devices/pci0000:00/" PCI5 "/net/eth5");
	sys_memory_link(s, ETH5 "device", "../../../" PCI5);
	sys_memory_link(s, ETH5 "device/subsystem", "../../../bus/pci");
	sys_memory_file(s, ETH5 "dev_port", 0444, "0");
}

static struct sys *net_machine_new(void)
{
	struct sys *s = machine_new(), *server = sys_memory_netns(s, "server");

	next_id = 100;
	fake_contexts = 0;
	old_kernel = no_netdev = parks = false;
	memset(fake, 0, sizeof(fake));
	fake[ETH] = (struct fake_device){.name = "eth5",
					 .sys = s,
					 .ifindex = 5,
					 .has_coalescing = true,
					 .has_channels = true,
					 .adaptive = 1,
					 .usecs = 16,
					 .frames = 32,
					 .feature = {{"rx-gro", false, true, true},
						     {"rx-lro", false, true, false},
						     {"rx-ntuple-filter", true, false, false}},
					 .channels = 4};
	fake[VETH] = (struct fake_device){.name = "veth0",
					  .sys = server,
					  .ifindex = 2,
					  .napi_by_gro = true,
					  .feature = {{"rx-gro", false, true, true}}};
	remake_napis(&fake[ETH], 4);
	remake_napis(&fake[VETH], 1);
	fake[ETH].napi[0].defer = 3; /* the administrator's */
	fake[ETH].napi[3].suspend = 1000;
	fake[VETH].napi[0].flush = 777;
	net_files(s, &fake[ETH]);
	bus_files(s);
	net_files(server, &fake[VETH]);
	sys_memory_on_genl(s, fake_genl);
	sys_memory_on_genl(server, fake_genl);
	sys_memory_link(s, "/sys/bus/pci/devices/" PCI5, "../../../devices/pci0000:00/" PCI5);
	sys_memory_file(s, "/proc/interrupts", 0444,
			"           CPU0       CPU1       \n"
			" 50:          0          0 PCI-MSIX-" PCI5 "   1-edge      eth5-0\n");
	sys_memory_file(s, "/proc/irq/50/smp_affinity_list", 0644, "1");
	return s;
}

/* Everything of both devices but the ids. */
static char *net_text(struct sys *s)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < ARRAY_SIZE(fake); i++) {
		const struct fake_device *f = &fake[i];

		fprintf(out,
			"%s: adaptive %u usecs %u frames %u channels %u defer %u threaded %u\n",
			f->name, f->adaptive, f->usecs, f->frames, f->channels, f->defer,
			f->threaded);
		for (size_t n = 0; n < ARRAY_SIZE(f->feature) && f->feature[n].name; n++)
			fprintf(out, "  %s %d %d\n", f->feature[n].name, f->feature[n].wanted,
				f->feature[n].active);
		for (unsigned n = 0; n < f->n_napis; n++)
			fprintf(out, "  napi %u: %u %llu %llu %u\n", n, f->napi[n].defer,
				f->napi[n].flush, f->napi[n].suspend, f->napi[n].threaded);
	}
	fprintf(out, "irq %s rps %s\n", sys_memory_content(s, "/proc/irq/50/smp_affinity_list"),
		sys_memory_content(s, ETH5 "queues/rx-0/rps_cpus"));
	fclose(out);
	return text;
}
