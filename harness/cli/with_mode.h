/* SPDX-License-Identifier: Apache-2.0 */
/* `iomodes with --mode`: a mode's knobs and options around any command, and the verdict afterwards.
 */
#pragma once
#include "knob/knob.h"
#include "machine/nic.h"
#include "mode/mode.h"
#include "sys/child.h"
#include "trial/mode_argv.h"
#include "trial/target.h"

struct diag;
struct evidence_window;

struct with_mode {
	struct modes modes;
	const struct mode *mode;
	struct machine *machine;
	struct target target;	 /* of a block mode */
	struct machine_nic *nic; /* of a network mode: the interface, where it is */
	struct placement placement;
	struct mode_argv options;
	char **argv;   /* CMD with the mode's options behind its name */
	char *storage; /* text of the added options */
	const char *disks[16];
	unsigned irqs[4096];
	size_t n_disks, n_irqs;
	const char *net_dev; /* of evidence's scope */
	struct evidence_window *window;
	double own_bytes; /* of the children ended before the window, as getrusage(2) counts */
};

/*
 * Load the mode, resolve the target, refuse with the reason what cannot be (unknown mode, mode not
 * available, a command that cannot take the mode's options). `argv` is the user's command. The
 * mode's settings are appended to `settings`.
 */
int with_mode_open(struct with_mode *w, struct sys *s, const char *mode, const char *target,
		   char *const *argv, struct knob_setting **settings, size_t *n, struct diag *d);
/* Say on standard error what is added to the command, and start the window. */
int with_mode_begin(struct with_mode *w, struct diag *d);
/*
 * End the window; the verdict, from device evidence, on standard error. `status` is the command's
 * exit status. Only what device counters show is granted: unproven when the command failed, when
 * others did part of the device's I/O, or when no counter shows the mode ("accepted" is for `run`,
 * whose loop reports the flags that the kernel took).
 */
void with_mode_end(struct with_mode *w, int status);
void with_mode_close(struct with_mode *w);
