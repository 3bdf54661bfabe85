/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network interface, by the driver's own account: ethtool and netdev netlink (Linux 5.6, 6.8),
 * sysfs, /proc. Nothing here knows a driver or a part number; what the kernel does not tell is
 * "not told", and why stands beside it.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "machine/machine.h"

struct machine_napi {
	unsigned id;	/* changes with every reset, never a key */
	unsigned index; /* in order of id: "DEV#index" names it */
	int vector;	/* index into the NIC's vectors, -1: not known */
	int pid;	/* of its kernel thread, 0: none */
	int64_t defer_hard_irqs, gro_flush_timeout_ns, irq_suspend_timeout_ns; /* -1: not told */
	int threaded; /* -1 not told, 0, 1, 2 busy-poll */
};

struct machine_nic_queue {
	bool rx; /* else tx */
	unsigned index;
	int napi;		 /* index into the NIC's NAPIs, -1: not told */
	int vector;		 /* index into its vectors, -1: not known */
	const char *vector_how;	 /* "netdev netlink", "name", "only vector", "no interrupts", "not
				    known" */
	struct cpulist xps_cpus; /* tx: CPUs that send by it; empty: not set */
	struct cpulist rps_cpus; /* rx: CPUs that packets are handed on to; empty: off */
	unsigned rps_flow_cnt;
};

struct machine_feature {
	char name[40]; /* the kernel's: "rx-gro" */
	bool wanted, active, fixed;
};

struct machine_nic {
	char name[16];	   /* inside its namespace */
	char instance[48]; /* "eth0", "veth0@server" */
	char driver[32], driver_version[32], firmware[32], bus_info[32], pci[32], mac[24];
	char kind[16]; /* of a virtual one: "veth", "bond", "loopback" …; "" with hardware */
	char operstate[16], link_speed[32], link_width[8]; /* of the PCIe link; "": none */
	int64_t speed_mbit;				   /* -1 not told */
	bool up, management; /* carries the default route or an ssh session; why in management_why
			      */
	char management_why[120];
	unsigned mtu, ifindex;
	int node; /* -1 unknown */
	/* The device's own, which its NAPI instances have unless they were given theirs; -1: not
	 * told. */
	int64_t defer_hard_irqs, gro_flush_timeout_ns;
	int threaded;
	struct machine_feature *features;
	size_t n_features;
	/* name: number as the driver tells; NULL: unsupported. Names as of the netlink
	 * specification: "rx-usecs", "use-adaptive-rx", "combined-count", "rx". */
	json_t *coalescing, *channels, *rings, *rss;
	struct machine_vector *vectors;
	size_t n_vectors;
	struct machine_nic_queue *queues; /* receiving ones first */
	size_t n_queues;
	struct machine_napi *napis;
	size_t n_napis;
	bool napis_told; /* else napis_why says why there is no list */
	char napis_why[120];
};

/* One interface of `s` ("eth0", "veth0@server"). -ENODEV. Freed by machine_nic_free(). */
int machine_nic_discover(struct sys *s, const char *instance, struct machine_nic **nic,
			 struct diag *d);
void machine_nic_free(struct machine_nic *nic);
/* Of our own namespace; NULL when there is none. */
const struct machine_nic *machine_nic(const struct machine *m, const char *name);
/* NULL when the driver has no such feature. */
const struct machine_feature *machine_nic_feature(const struct machine_nic *nic, const char *name);
/* As `iomodes probe --json` prints it. New reference. */
json_t *machine_nic_json(const struct machine_nic *nic);
