// SPDX-License-Identifier: Apache-2.0
#include "analysis/bundle/commands.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/record.h"

/* In single quotes: a value may be a stranger's. */
static void quote(FILE *out, const char *text)
{
	putc('\'', out);
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", out);
		else
			putc((unsigned char)*text < ' ' ? ' ' : *text, out);
	putc('\'', out);
}

/* In a comment: one line. */
static void comment(FILE *out, const char *text)
{
	for (; *text; text++)
		putc((unsigned char)*text < ' ' ? ' ' : *text, out);
}

/* "DEV@client" lies in a namespace. */
static void enter(FILE *out, const char *instance)
{
	const char *label = strchr(instance, '@');

	if (label)
		fprintf(out, "ip netns exec %.*s ", (int)strcspn(label + 1, "#:/"), label + 1);
}

static void write_file(FILE *out, const char *path, const char *value, const char *instance)
{
	enter(out, instance);
	fputs("sh -c 'echo \"$1\" >\"$2\"' - ", out);
	quote(out, value);
	putc(' ', out);
	quote(out, path);
	putc('\n', out);
}

/* "rx-usecs=3 adaptive-rx=off" -> "'rx-usecs' '3' 'adaptive-rx' 'off'" */
static void words(FILE *out, const char *value)
{
	while (*value) {
		char word[64];
		size_t n = strcspn(value, " =");

		snprintf(word, sizeof(word), "%.*s", (int)n, value);
		putc(' ', out);
		quote(out, word);
		value += n + strspn(value + n, " =");
	}
}

struct knob_way {
	const char *knob;    /* a trailing '*' for the rest of a name */
	const char *path;    /* %1: instance, %2: the rest of the knob's name, %3: queue; or NULL */
	const char *ethtool; /* option, or NULL */
	bool named;	     /* ethtool wants the knob's name before the value */
};

/* First match counts. What is in neither column needs a program of its own and is said so. */
static const struct knob_way ways[] = {
	{.knob = "block.iosched"},
	{.knob = "block.*", .path = "/sys/block/%1/queue/%2"},
	{.knob = "sysctl.*", .path = "/proc/sys/%2"},
	{.knob = "cpu.governor", .path = "/sys/devices/system/cpu/cpu%1/cpufreq/scaling_governor"},
	{.knob = "thp.*", .path = "/sys/kernel/mm/transparent_hugepage/%2"},
	{.knob = "nmi_watchdog", .path = "/proc/sys/kernel/nmi_watchdog"},
	{.knob = "net.defer-hard-irqs", .path = "/sys/class/net/%1/napi_defer_hard_irqs"},
	{.knob = "net.gro-flush-timeout", .path = "/sys/class/net/%1/gro_flush_timeout"},
	{.knob = "net.threaded", .path = "/sys/class/net/%1/threaded"},
	{.knob = "net.rps-cpus", .path = "/sys/class/net/%1/queues/%3/rps_cpus"},
	{.knob = "net.rps-flow-cnt", .path = "/sys/class/net/%1/queues/%3/rps_flow_cnt"},
	{.knob = "net.xps-cpus", .path = "/sys/class/net/%1/queues/%3/xps_cpus"},
	{.knob = "net.xps-rxqs", .path = "/sys/class/net/%1/queues/%3/xps_rxqs"},
	{.knob = "net.channels", .ethtool = "-L"},
	{.knob = "net.rings", .ethtool = "-G"},
	{.knob = "net.features", .ethtool = "-K"},
	{.knob = "net.coalescing", .ethtool = "-C"},
	{.knob = "net.rss-table"},
	{.knob = "net.flow-rule"},
	{.knob = "net.queue-*"},
	{.knob = "net.*", .ethtool = "-C", .named = true},
};

static const struct knob_way *find_way(const char *knob)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		size_t n = strlen(ways[i].knob) - 1;

		if (ways[i].knob[n] == '*' ? !strncmp(knob, ways[i].knob, n)
					   : !strcmp(knob, ways[i].knob))
			return &ways[i];
	}
	return NULL;
}

static void expand(const struct knob_way *w, const char *knob, const char *instance, char *out,
		   size_t size)
{
	const char *rest = knob + strcspn(w->knob, "*"), *colon = strchr(instance, ':');
	size_t used = 0;

	for (const char *p = w->path; *p && used + 1 < size; p++) {
		char part[300];

		if (*p != '%') {
			out[used++] = *p;
			continue;
		}
		p++;
		if (*p == '1')
			snprintf(part, sizeof(part), "%.*s", (int)strcspn(instance, "@:#"),
				 instance);
		else
			snprintf(part, sizeof(part), "%.250s",
				 *p == '2' ? rest
				 : colon   ? colon + 1
					   : "");
		for (char *c = part; *p == '2' && !strncmp(knob, "sysctl.", 7) && *c; c++)
			*c = *c == '.' ? '/' : *c;
		used += (size_t)snprintf(out + used, size - used, "%s", part);
		if (used >= size)
			used = size - 1;
	}
	out[used] = '\0';
}

static void print_knob(FILE *out, const json_t *k, const char *value)
{
	const char *knob = jsonio_string(k, "knob", "?"),
		   *instance = jsonio_string(k, "instance", "");
	const struct knob_way *w = find_way(knob);
	char path[600];

	if (w && w->path) {
		expand(w, knob, instance, path, sizeof(path));
		write_file(out, path, value, instance);
	} else if (w && w->ethtool) {
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(instance, "@:#"), instance);
		enter(out, instance);
		fprintf(out, "ethtool %s ", w->ethtool);
		quote(out, path);
		if (w->named) {
			putc(' ', out);
			quote(out, knob + strlen("net."));
		}
		words(out, value);
		putc('\n', out);
	} else if (!strcmp(knob, "irq.affinity")) {
		const char *action = strrchr(instance, ':');

		fputs("irq=$(awk -v a=", out);
		quote(out, action ? action + 1 : instance);
		fputs(" '$NF == a { sub(\":\", \"\", $1); print $1 }' /proc/interrupts) && sh -c "
		      "'echo \"$1\" >\"/proc/irq/$2/smp_affinity_list\"' - ",
		      out);
		quote(out, value);
		fputs(" \"$irq\"\n", out);
	} else {
		fputs("# no plain command: iomodes with --set ", out);
		comment(out, knob);
		fprintf(out, "%s", *instance ? ":" : "");
		comment(out, instance);
		putc('=', out);
		comment(out, value);
		putc('\n', out);
	}
}

static void print_knobs(FILE *out, const json_t *trial, bool back)
{
	const json_t *knobs = json_object_get(trial, "knobs");
	size_t n = json_array_size(knobs);

	for (size_t i = 0; i < n; i++) {
		const json_t *k = json_array_get(knobs, back ? n - 1 - i : i);
		const char *before = jsonio_string(k, "before", NULL),
			   *during = jsonio_string(k, "during", NULL);

		/* what was so already there may be otherwise elsewhere */
		if (!back && during)
			print_knob(out, k, during);
		else if (back && during && before && strcmp(before, during))
			print_knob(out, k, before);
	}
}

/* Our loop's options as fio's; what is not in here fio does not have. */
static const struct {
	const char *ours, *fio;
	enum { AS_IS, SWITCH, TIME, ENGINE, TARGET, DROP } how;
} options[] = {
	{"filename", "filename", TARGET},
	{"rw", "rw", AS_IS},
	{"bs", "bs", AS_IS},
	{"iodepth", "iodepth", AS_IS},
	{"numjobs", "numjobs", AS_IS},
	{"ramp-time", "ramp_time", TIME},
	{"runtime", "runtime", TIME},
	{"randseed", "randseed", AS_IS},
	{"cpus-allowed", "cpus_allowed", AS_IS},
	{"cpus-allowed-policy", "cpus_allowed_policy", AS_IS},
	{"engine", "ioengine", ENGINE},
	{"rate-iops", "rate_iops", AS_IS},
	{"rate-process", "rate_process", AS_IS},
	{"hipri", "hipri", SWITCH},
	{"registerfiles", "registerfiles", SWITCH},
	{"fixedbufs", "fixedbufs", SWITCH},
	{"sqthread-poll", "sqthread_poll", SWITCH},
	{"sqthread-poll-cpu", "sqthread_poll_cpu", AS_IS},
	{"iodepth-batch-complete-min", "iodepth_batch_complete_min", AS_IS},
	{"control-fd", NULL, DROP},
	{"write-id", NULL, DROP},
};

static const char *fio_engine(const char *ours)
{
	static const char *const engines[][2] = {{"sync", "pvsync2"},
						 {"aio", "libaio"},
						 {"io_uring", "io_uring"},
						 {"io_uring-passthrough", "io_uring_cmd"}};

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (!strcmp(ours, engines[i][0]))
			return engines[i][1];
	return ours;
}

/* true: fio has it. */
static bool print_option(FILE *out, const char *word)
{
	size_t n = strcspn(word, "=");
	const char *value = word[n] ? word + n + 1 : "1";
	char name[64], text[64];

	snprintf(name, sizeof(name), "%.*s", (int)(n > 2 ? n - 2 : 0), n > 2 ? word + 2 : "");
	for (char *p = name; *p; p++)
		*p = *p == '_' ? '-' : *p;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(name, options[i].ours))
			continue;
		if (options[i].how == DROP)
			return true;
		fprintf(out, " --%s=", options[i].fio);
		if (options[i].how == TARGET) {
			fputs("\"$TARGET\"", out);
		} else if (options[i].how == TIME) {
			snprintf(text, sizeof(text), "%lluus", strtoull(value, NULL, 10) / 1000);
			quote(out, text);
		} else {
			quote(out, options[i].how == ENGINE ? fio_engine(value) : value);
		}
		return true;
	}
	return false;
}

static void print_fio(FILE *out, const json_t *argv)
{
	size_t n = json_array_size(argv);
	bool all = true;

	fputs("fio --name=cell --direct=1 --time_based --norandommap --group_reporting", out);
	for (size_t i = 1; i < n; i++) {
		const char *word = json_string_value(json_array_get(argv, i));

		all &= word && print_option(out, word);
	}
	putc('\n', out);
	for (size_t i = 1; !all && i < n; i++) {
		const char *word = json_string_value(json_array_get(argv, i));
		char *nothing = NULL;
		size_t len;
		FILE *none = open_memstream(&nothing, &len);

		if (word && none && !print_option(none, word)) {
			fputs("# fio has no ", out);
			comment(out, word);
			putc('\n', out);
		}
		if (none)
			fclose(none);
		free(nothing);
	}
}

/* As it was run: our own loop from the PATH, without the descriptor it was held by. */
static void print_argv(FILE *out, const char *before, const json_t *argv, const char *behind)
{
	const json_t *word;
	size_t i;

	fputs(before, out);
	json_array_foreach (argv, i, word) {
		const char *text = json_string_value(word) ?: "";
		const char *slash = strrchr(text, '/');

		if (!strncmp(text, "--control-fd", 12) || !strncmp(text, "--control_fd", 12))
			continue;
		putc(' ', out);
		if (!strncmp(text, "--filename=", 11))
			fputs("--filename=\"$TARGET\"", out);
		else
			quote(out, !i && slash ? slash + 1 : text);
	}
	fputs(behind, out);
}

static void print_cell(FILE *out, const json_t *trial)
{
	const char *workload = jsonio_string(trial, "workload", "?");
	const json_t *argv = json_object_get(trial, "argv"),
		     *server = json_object_get(trial, "server_argv");

	fputs("\n# ", out);
	comment(out, jsonio_string(trial, "cell", "?"));
	fputs(" (trial ", out);
	comment(out, jsonio_string(trial, "trial", "?"));
	fputs(")\n", out);
	print_knobs(out, trial, false);
	if (!strcmp(workload, "ioloop")) {
		print_fio(out, argv);
		print_argv(out, "#", argv, "\n");
	} else if (!strcmp(workload, "fio")) {
		const char *id = strchr(jsonio_string(trial, "trial", "/"), '/');

		fputs("sed \"s|^filename=.*|filename=$TARGET|\" raw/", out);
		quote(out, id ? id + 1 : "?");
		fputs("/fio.stdin | fio --output-format=json+ -\n", out);
	} else {
		if (server)
			print_argv(out, "ip netns exec server", server, " &\nserver=$!\nsleep 1\n");
		print_argv(out, server ? "ip netns exec client" : "", argv, "\n");
		if (server)
			fputs("kill \"$server\"\n", out);
	}
	print_knobs(out, trial, true);
}

static void print_net(FILE *out, const json_t *run)
{
	static const char *const ends[] = {"client", "server"};

	if (strcmp(jsonio_string(run, "net.peer.kind", ""), "veth"))
		return;
	fputs("\n# the two ends, each in a namespace\nip netns add client\nip netns add server\nip "
	      "link add ",
	      out);
	quote(out, jsonio_string(run, "net.peer.client.dev", "veth0"));
	fputs(" netns client type veth peer name ", out);
	quote(out, jsonio_string(run, "net.peer.server.dev", "veth0"));
	fputs(" netns server\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		char at[64], address[128];
		const char *dev;

		snprintf(at, sizeof(at), "net.peer.%s.address", ends[i]);
		snprintf(address, sizeof(address), "%.100s/24", jsonio_string(run, at, "?"));
		snprintf(at, sizeof(at), "net.peer.%s.dev", ends[i]);
		dev = jsonio_string(run, at, "veth0");
		fprintf(out, "ip -n %s addr add ", ends[i]);
		quote(out, address);
		fputs(" dev ", out);
		quote(out, dev);
		fprintf(out, "\nip -n %s link set ", ends[i]);
		quote(out, dev);
		fputs(" up\n", out);
	}
}

static int first_of_cell(void *context, json_t *trial, struct diag *d)
{
	json_t *cells = context;
	const char *cell = jsonio_string(trial, "cell", "?");

	if (!strcmp(jsonio_string(trial, "pass", "measure"), "measure") &&
	    strcmp(jsonio_string(trial, "status", ""), "failed") && !json_object_get(cells, cell))
		return json_object_set(cells, cell, trial);
	return 0;
}

int commands_of_run(const char *run_dir, char **text, struct diag *d)
{
	_json_ json_t *cells = json_object();
	struct run_data *data = NULL;
	const json_t *cell;
	size_t i, len;
	int err = record_read_run(run_dir, first_of_cell, cells, &data, d);
	FILE *out = err ? NULL : open_memstream(text, &len);

	if (!out) {
		record_free_run(data);
		return err ? err : -ENOMEM;
	}
	fputs("#!/bin/sh\n# What the run ", out);
	comment(out, jsonio_string(data->run, "run", "?"));
	fputs(" did, as plain commands: one trial of each of its cells. The run itself made\n"
	      "# them in randomized blocks and proved every mode from kernel counters: "
	      "'iomodes reproduce' does that.\n"
	      "# Read it before you run it, as root, in the run's directory. It sets what the "
	      "machine is set to\n"
	      "# and puts back what it was where the run was made. TARGET: the file or device to "
	      "measure.\n"
	      "set -eu\n"
	      ": \"${TARGET:?the file or device to measure; its data is lost if a cell writes}\"\n",
	      out);
	print_net(out, data->run);
	json_array_foreach (json_object_get(data->run, "cells"), i, cell) {
		const json_t *trial = json_object_get(cells, jsonio_string(cell, "id", "?"));

		if (trial)
			print_cell(out, trial);
	}
	record_free_run(data);
	return fclose(out) ? -ENOMEM : 0;
}
