/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of machine_nic_discover(), one file each. `s` is the system in which the interface
 * lives. What the kernel or the driver does not have stays as it was initialised; only a lack of
 * memory is an error. */
#pragma once
#include "machine/nic.h"

struct interrupt;

/* nic_ethtool.c: features, coalescing, channels, rings, RSS; driver and firmware. */
int nic_read_ethtool(struct sys *s, struct machine_nic *nic);
/* nic_vector.c: interrupts of its device. */
int nic_read_vectors(struct sys *s, struct machine_nic *nic, const struct interrupt *all, size_t n);
/* nic_queue.c: queues with their steering (RPS, RFS, XPS) and NAPI instances; then what belongs
 * together, by netlink where it tells, else by the names of the vectors. */
int nic_read_queues(struct sys *s, struct machine_nic *nic);
/* What an action's name says of the queues it serves: "eth0-TxRx-3", "virtio2-input.0",
 * "mlx5_comp0@pci:0000:01:00.0". False: it serves none that could be told by it. */
bool nic_parse_action(const char *action, bool *rx, bool *tx, unsigned *number);
/* Is it a vector of events that are no packets ("virtio2-config", "mlx5_async0@pci:…")? */
bool nic_is_event_action(const char *action);
