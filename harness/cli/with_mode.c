// SPDX-License-Identifier: Apache-2.0
#include "with_mode.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/suggest.h"
#include "evidence/evidence.h"
#include "gate/management.h"
#include "paths.h"
#include "record/verdict.h"
#include "trial/net_job.h"
#include "trial/net_target.h"
#include "trial/fio_probe.h"

/* Below this share of the device's bytes the counters speak of others, too. */
#define OWN_SHARE 0.95

static int find_mode(struct with_mode *w, const char *name, const char *target,
		     enum mode_target kind, struct diag *d)
{
	char config[4096], dir[4200], hint[160];
	const char *names[256];
	size_t n;
	int err = paths_config(config, sizeof(config), d);

	if (err)
		return err;
	snprintf(dir, sizeof(dir), "%s/modes", config);
	err = modes_load(dir, &w->modes, d);
	if (err)
		return err;
	w->mode = modes_find(&w->modes, kind, name);
	if (w->mode)
		return 0;
	if (modes_find_any(&w->modes, name))
		return diag_set(d, -EINVAL, "--mode: %s is a mode of %s targets, and \"%s\" is %s",
				name, mode_target_name(modes_find_any(&w->modes, name)->target),
				target,
				kind == MODE_NET ? "an interface" : "no interface of this machine");
	n = modes_names(&w->modes, kind, names, ARRAY_SIZE(names));
	return diag_set(d, -EINVAL, "--mode: unknown mode \"%s\"%s", name,
			suggest_text(name, names, n, hint, sizeof(hint)));
}

/* "--sqthread_poll=1", "-ioengine" or "ioengine=x" against "sqthread-poll". */
static bool names_option(const char *word, const char *name)
{
	while (*word == '-')
		word++;
	for (; *name; word++, name++) {
		bool dash = (*word == '-' || *word == '_') && (*name == '-' || *name == '_');

		if (*word != *name && !dash)
			return false;
	}
	return !*word || *word == '=';
}

/* What the mode sets, the command must not set otherwise: the verdict would be on something else.
 */
static int refuse_contradiction(const struct with_mode *w, char *const *argv, struct diag *d)
{
	static const char *const engine[] = {"engine", "ioengine"};

	for (size_t i = 1; argv[i]; i++) {
		for (size_t j = 0; j < w->options.n; j++) {
			const char *name = w->options.option[j].name;
			bool same = names_option(argv[i], name);

			for (size_t k = 0; k < ARRAY_SIZE(engine); k++)
				same |= (!strcmp(name, engine[0]) || !strcmp(name, engine[1])) &&
					names_option(argv[i], engine[k]);
			if (same)
				return diag_set(
					d, -EINVAL,
					"%s: mode %s sets %s=%s; leave it out of the command",
					argv[i], w->mode->name, name, w->options.option[j].value);
		}
	}
	return 0;
}

/* The same question as in a run: does this fio have what the mode needs? */
static int check_fio(const struct with_mode *w, const char *program, struct diag *d)
{
	struct workload_job job = {
		.program = program,
		.target = w->options.filename ? w->options.filename : w->target.path,
		.rw = "read",
		.bs = 4096,
		.iodepth = 1,
		.numjobs = 1,
		.runtime_ns = 1000000000,
		.options = w->options.option,
		.n_options = w->options.n,
		.control_fd = -1,
	};
	char version[32];
	int err = fio_probe_version(program, version, d);

	if (!err)
		err = fio_probe_job(&job, d);
	return err ? diag_prefix(d, err, "mode %s", w->mode->name) : 0;
}

/* The mode's options behind the program's name: fio takes them as defaults of every job then. */
static int add_options(struct with_mode *w, char *const *argv, struct diag *d)
{
	const char *base = strrchr(argv[0], '/');
	size_t n = 0, used = 0, size = 16384;
	int err;

	base = base ? base + 1 : argv[0];
	while (argv[n])
		n++;
	w->argv = calloc(n + MODE_ARGV_MAX + 2, sizeof(*w->argv));
	w->storage = malloc(size);
	if (!w->argv || !w->storage)
		return -ENOMEM;
	memcpy(w->argv, argv, n * sizeof(*argv));
	if (!mode_options(w->mode, base)) {
		if (w->mode->any_command)
			return 0;
		return diag_set(
			d, -EINVAL,
			"mode %s is made by workload options: it goes with %s%s, not with %s",
			w->mode->name, w->mode->target == MODE_NET ? "netloop" : "ioloop",
			mode_options(w->mode, "fio") ? " or fio" : "", base);
	}
	err = mode_argv_resolve(w->mode, base, &w->placement, &w->target, NULL, &w->options, d);
	if (err)
		return err;
	err = refuse_contradiction(w, argv, d);
	if (!err && !strcmp(base, "fio"))
		err = check_fio(w, argv[0], d);
	if (err)
		return err;
	memmove(w->argv + 1 + w->options.n + !!w->options.filename, w->argv + 1, n * sizeof(*argv));
	for (size_t i = 0; i < w->options.n + !!w->options.filename; i++) {
		bool file = i == w->options.n;

		w->argv[1 + i] = w->storage + used;
		used += (size_t)snprintf(w->storage + used, size - used, "--%s=%s",
					 file ? "filename" : w->options.option[i].name,
					 file ? w->options.filename : w->options.option[i].value) +
			1;
		if (used >= size)
			return diag_set(d, -E2BIG, "mode %s: its options are too long",
					w->mode->name);
	}
	return 0;
}

static void fill_scope(struct with_mode *w)
{
	const struct machine_disk *paths[16];
	size_t n = w->nic ? 0 : machine_paths(w->machine, w->target.disk, paths, ARRAY_SIZE(paths));

	for (size_t j = 0; w->nic && j < w->nic->n_vectors && w->n_irqs < ARRAY_SIZE(w->irqs); j++)
		w->irqs[w->n_irqs++] = w->nic->vectors[j].irq;
	for (size_t i = 0; i < n; i++) {
		w->disks[w->n_disks++] = paths[i]->name;
		for (size_t j = 0; j < paths[i]->n_vectors && w->n_irqs < ARRAY_SIZE(w->irqs); j++)
			w->irqs[w->n_irqs++] = paths[i]->vectors[j].irq;
	}
}

/* The interface stays where it is: the command is not ours to move. One that carries the connection
 * is refused before anything else is said of it. */
static int find_interface(struct with_mode *w, const char *name, struct diag *d)
{
	int err = net_may_configure(w->machine->sys, name, d);

	if (!err)
		err = machine_nic_discover(w->machine->sys, name, &w->nic, d);
	snprintf(w->target.label, sizeof(w->target.label), "%.100s", name);
	return err;
}

static struct machine_subject subject_of(const struct with_mode *w)
{
	return (struct machine_subject){
		.disk = w->target.disk,
		.nics = (const struct machine_nic *const *)&w->nic,
		.n_nics = w->nic ? 1 : 0,
	};
}

int with_mode_open(struct with_mode *w, struct sys *s, const char *mode, const char *target,
		   char *const *argv, struct knob_setting **settings, size_t *n, struct diag *d)
{
	struct mode_availability a;
	struct machine_subject subject;
	bool net;
	int err;

	if (!target)
		return diag_set(d, -EINVAL,
				"--mode needs --target: the device, file or interface it is for");
	if (!strcmp(target, "veth") || !strcmp(target, "scratch"))
		return diag_set(d, -EINVAL,
				"--target %s: 'iomodes run' makes one of its own, which a command "
				"of yours does not know; name the %s that it uses",
				target, *target == 'v' ? "interface" : "device or file");
	net = net_target_named(s, target);
	err = find_mode(w, mode, target, net ? MODE_NET : MODE_BLOCK, d);
	if (!err)
		err = machine_discover(s, &w->machine, d);
	if (!err)
		err = net ? find_interface(w, target, d)
			  : target_resolve(w->machine, target, 0, ".", NULL, &w->target, d);
	if (err)
		return err;
	subject = subject_of(w);
	mode_check(w->mode, w->machine, &subject, geteuid(), &a);
	if (!a.available)
		return diag_set(d, -EOPNOTSUPP, "mode %s on %s: %s%s%s", mode, w->target.label,
				a.reason, *a.remedy ? "; " : "", a.remedy);
	err = placement_resolve(w->machine, w->target.disk, 1, true, &w->placement, d);
	if (!err)
		err = add_options(w, argv, d);
	if (!err)
		err = mode_own_settings(w->mode, w->machine, &subject, settings, n, d);
	if (!err)
		err = mode_no_steering(&subject, settings, n, d);
	if (!err)
		err = mode_no_suspension(&subject, settings, n, d);
	fill_scope(w);
	return err;
}

/* Bytes that ended children moved to and from storage (ru_inblock counts 512 bytes). */
static double children_bytes(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_CHILDREN, &usage)
		       ? NAN
		       : 512.0 * (double)(usage.ru_inblock + usage.ru_oublock);
}

int with_mode_begin(struct with_mode *w, struct diag *d)
{
	struct evidence_scope scope = {
		.sys = w->machine->sys,
		.irqs = w->irqs,
		.n_irqs = w->n_irqs,
		.disks = w->disks,
		.n_disks = w->n_disks,
		.cpus = w->machine->allowed,
	};
	size_t added = w->options.n + !!w->options.filename;

	if (w->nic) {
		w->net_dev = w->nic->instance;
		scope.net_devs = &w->net_dev;
		scope.n_net_devs = 1;
	}
	if (added)
		fprintf(stderr, "iomodes with: mode %s adds to %s:", w->mode->name, w->argv[0]);
	for (size_t i = 0; i < added; i++)
		fprintf(stderr, " %s", w->argv[1 + i]);
	if (added)
		fputc('\n', stderr);
	w->own_bytes = children_bytes();
	return evidence_begin(&scope, &w->window, d);
}

/* Soft interrupts are counted for the whole machine. A mode without them is not made easier to show
 * by those of others; one that must have some is. */
static bool wants_softirqs(const struct mode *m)
{
	for (size_t i = 0; i < m->n_expect; i++)
		if (strstr(m->expect[i].evidence, "softirqs") && !isnan(m->expect[i].at_least))
			return true;
	return false;
}

static const char *others_packets(const struct with_mode *w, const json_t *evidence)
{
	double own = jsonio_number(evidence, "counters.net_rx_packets");
	double all = jsonio_number(evidence, "counters.softnet_processed");

	if (!(own > 0))
		return "the interface received no packet";
	if (wants_softirqs(w->mode) && !(all * OWN_SHARE <= own))
		return "other interfaces received packets, too, and soft interrupts are counted "
		       "for "
		       "all of them";
	return NULL;
}

/* Why the counters of the device say nothing about this command, or NULL. */
static const char *not_its_own(const struct with_mode *w, const json_t *evidence, int status)
{
	double device = jsonio_number(evidence, "counters.device_bytes");
	double own = children_bytes() - w->own_bytes;

	if (status)
		return "the command failed";
	if (w->mode->grade == GRADE_ACCEPTED)
		return "no counter shows this mode; 'iomodes run' proves it from what ioloop "
		       "reports";
	if (w->nic)
		return others_packets(w, evidence);
	if (!(device > 0))
		return "the device did no I/O that it counts";
	if (!(own >= OWN_SHARE * device))
		return "others did part of the device's I/O, so its counters are not the command's "
		       "alone";
	return NULL;
}

/* What a trial's record has of its load and of the NAPI instances, as far as it is known here. */
static void put_network(struct with_mode *w, json_t *evidence, json_t *load)
{
	struct machine_nic *now = NULL;
	struct machine_subject subject;

	json_object_set_new(load, "has_interrupts", json_integer(w->nic->n_vectors > 0));
	if (!machine_nic_discover(w->machine->sys, w->nic->name, &now, NULL)) {
		machine_nic_free(w->nic); /* the settings may have renumbered its instances */
		w->nic = now;
	}
	subject = subject_of(w);
	net_job_per_napi(net_job_napis(&subject), evidence);
	net_job_receiving(&subject, evidence);
}

void with_mode_end(struct with_mode *w, int status)
{
	_json_ json_t *evidence = NULL, *load = json_object(), *verdict = NULL;
	struct denominators over = {.packet = NAN, .transaction = NAN};
	struct diag d = {""};
	const json_t *reason;
	const char *why;
	size_t i;

	if (!w->window || evidence_end(w->window, &evidence, &d))
		return;
	why = not_its_own(w, evidence, status);
	if (why) {
		fprintf(stderr, "iomodes with: mode %s: unproven: %s\n", w->mode->name, why);
		return;
	}
	if (w->nic)
		put_network(w, evidence, load);
	over.io = jsonio_number(evidence, "counters.device_ios");
	over.packet = jsonio_number(evidence, "counters.net_rx_packets");
	over.second = jsonio_number(evidence, "window_ns") / 1e9;
	verdict = verdict_evaluate(w->mode->expect, w->mode->n_expect, w->mode->grade, evidence,
				   &over, load, NULL);
	/* in force by acceptance is for our own loops: here nobody knows what the command did */
	if (!strcmp(jsonio_string(verdict, "mode", ""), "in_force") &&
	    !strcmp(jsonio_string(verdict, "grade", ""), "accepted"))
		json_object_set_new(verdict, "mode", json_string("unproven"));
	fprintf(stderr, "iomodes with: mode %s: %s (%s), %.0f %s of %s\n", w->mode->name,
		jsonio_string(verdict, "mode", "unproven"), jsonio_string(verdict, "declared", "?"),
		w->nic ? over.packet : over.io, w->nic ? "packets" : "I/Os",
		w->nic ? w->nic->name : w->target.disk->name);
	json_array_foreach (json_object_get(verdict, "reasons"), i, reason)
		fprintf(stderr, "  %s\n", json_string_value(reason));
}

void with_mode_close(struct with_mode *w)
{
	evidence_free(w->window);
	placement_free(&w->placement);
	free(w->argv);
	free(w->storage);
	machine_nic_free(w->nic);
	machine_free(w->machine);
	modes_free(&w->modes);
}
