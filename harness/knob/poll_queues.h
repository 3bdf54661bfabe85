/* SPDX-License-Identifier: Apache-2.0 */
/* What a run that wants poll queues asks before it rebinds a controller (knob nvme.poll_queues). */
#pragma once

struct diag;
struct sys;

/* -EBUSY with the reason when anything on the controller at PCI address `pci` is in use. */
int poll_queues_free(struct sys *s, const char *pci, struct diag *d);
