// SPDX-License-Identifier: Apache-2.0
#include "placement_script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

static void print_start(const json_t *placement, const char *cpus, const char *end, FILE *out)
{
	const json_t *node = json_object_get(json_object_get(placement, "memory_node"), end);

	if (json_is_integer(node))
		fprintf(out, "  %s: numactl --physcpubind=%s --membind=%lld PROGRAM\n", end, cpus,
			(long long)json_integer_value(node));
	else
		fprintf(out, "  %s: taskset -c %s PROGRAM\n", end, cpus);
}

void placement_script_print(const json_t *cell, FILE *out)
{
	const json_t *placement = json_object_get(cell, "placement"), *one;
	const char *workers = jsonio_string(placement, "workers", ""),
		   *server = jsonio_string(placement, "server", NULL);
	size_t i;

	print_start(placement, workers, server ? "client" : "device", out);
	if (server)
		print_start(placement, server, "server", out);
	json_array_foreach (json_object_get(placement, "moves"), i, one)
		fprintf(out, "  irq.affinity:%s=%s\n", jsonio_string(one, "vector", "?"),
			jsonio_string(one, "cpus", "?"));
	json_array_foreach (json_object_get(cell, "settings"), i, one)
		if (!strncmp(jsonio_string(one, "knob", ""), "net.xps", 7) ||
		    !strncmp(jsonio_string(one, "knob", ""), "net.rps", 7))
			fprintf(out, "  %s:%s=%s\n", jsonio_string(one, "knob", "?"),
				jsonio_string(one, "instance", "?"),
				jsonio_string(one, "value", "?"));
}

/* A run may come from anybody, and this becomes a script for root. */
static bool is_plain(const char *text, const char *more)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-";
	size_t n = 0;

	while (text[n] && (strchr(plain, text[n]) || strchr(more, text[n])))
		n++;
	return n && !text[n] && !strstr(text, "..") && n < 200;
}

static int bad(const char *what, const char *text, struct diag *d)
{
	return diag_set(d, -EBADMSG, "the run's %s \"%.80s\" cannot be part of a script", what,
			text);
}

/* "0000:42:00.0:eth0-rx-0" -> irq '0000:42:00.0' 'eth0-rx-0' */
static int put_move(const json_t *move, FILE *out, struct diag *d)
{
	const char *vector = jsonio_string(move, "vector", ""),
		   *cpus = jsonio_string(move, "cpus", "");
	unsigned domain, bus, slot, function;
	int end = 0;

	if (!is_plain(vector, " @,"))
		return bad("vector", vector, d);
	if (!*cpus || strspn(cpus, "0123456789,-") != strlen(cpus))
		return bad("CPU list", cpus, d);
	if (sscanf(vector, "%x:%x:%x.%x%n", &domain, &bus, &slot, &function, &end) != 4 ||
	    vector[end] != ':')
		return bad("vector (it is of no PCI device)", vector, d);
	fprintf(out, "vector '%.*s' '%s' '%s'\n", end, vector, vector + end + 1, cpus);
	return 0;
}

/* "eth0@client:rx-0": outside the run the interface is in the host's own namespace again. */
static int put_queue(const json_t *setting, FILE *out, struct diag *d)
{
	static const char *const files[][2] = {{"net.xps-cpus", "xps_cpus"},
					       {"net.rps-cpus", "rps_cpus"},
					       {"net.rps-flow-cnt", "rps_flow_cnt"}};
	const char *knob = jsonio_string(setting, "knob", ""),
		   *instance = jsonio_string(setting, "instance", ""),
		   *value = jsonio_string(setting, "value", ""), *queue = strchr(instance, ':');

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (strcmp(knob, files[i][0]))
			continue;
		if (!queue || !is_plain(instance, "@"))
			return bad("queue", instance, d);
		if (!*value || strspn(value, "0123456789abcdef,") != strlen(value))
			return bad("value", value, d);
		fprintf(out, "queue '%.*s' '%s' %s '%s'\n", (int)strcspn(instance, "@:"), instance,
			queue + 1, files[i][1], value);
	}
	return 0;
}

static const char head[] =
	"set -eu\n"
	"# What was before; it does not survive a reboot, and neither does what is set here.\n"
	"saved=/run/iomodes-placement-%u.saved\n"
	"irq_of() { # PCI-ADDRESS ACTION: the interrupt's number now\n"
	"\tfor file in /sys/bus/pci/devices/\"$1\"/msi_irqs/*; do\n"
	"\t\tnumber=${file##*/}\n"
	"\t\tawk -v n=\"$number:\" -v a=\"$2\" '$1 == n && substr($0, length($0) - length(a)) == "
	"\" \" "
	"a { f = 1 } END { exit !f }' /proc/interrupts &&\n"
	"\t\t\t{ echo \"$number\"; return; }\n"
	"\tdone\n"
	"\techo \"no vector $2 of $1\" >&2\n"
	"\treturn 1\n"
	"}\n";

static const char set_body[] =
	"[ ! -e \"$saved\" ] || { echo \"it is set: run the undo script first\" >&2; exit 1; }\n"
	"! pidof irqbalance >/dev/null || echo \"irqbalance runs and may move the vectors again: "
	"ban "
	"them there\" >&2\n"
	"vector() { # PCI-ADDRESS ACTION CPUS\n"
	"\tfile=/proc/irq/$(irq_of \"$1\" \"$2\")/smp_affinity_list\n"
	"\tprintf 'vector|%s|%s|%s\\n' \"$1\" \"$2\" \"$(cat \"$file\")\" >> \"$saved\"\n"
	"\techo \"$3\" > \"$file\"\n"
	"}\n"
	"queue() { # INTERFACE QUEUE FILE VALUE\n"
	"\tfile=/sys/class/net/$1/queues/$2/$3\n"
	"\tprintf 'queue|%s|%s|%s\\n' \"$file\" \"\" \"$(cat \"$file\")\" >> \"$saved\"\n"
	"\techo \"$4\" > \"$file\"\n"
	"}\n"
	": > \"$saved\"\n";

static const char undo_body[] =
	"[ -e \"$saved\" ] || { echo \"nothing is set\" >&2; exit 0; }\n"
	"# the last first\n"
	"sed '1!G;h;$!d' \"$saved\" | while IFS='|' read -r kind a b was; do\n"
	"\tcase $kind in\n"
	"\tvector) echo \"$was\" > \"/proc/irq/$(irq_of \"$a\" \"$b\")/smp_affinity_list\" ;;\n"
	"\tqueue) echo \"$was\" > \"$a\" ;;\n"
	"\tesac\n"
	"done\n"
	"rm \"$saved\"\n";

static FILE *create(int dir, const char *name, int *err, struct diag *d)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0755);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	*err = f ? 0 : diag_errno(d, -errno, "%s", name);
	return f;
}

static int write_set(const json_t *cell, FILE *f, unsigned number, struct diag *d)
{
	const json_t *placement = json_object_get(cell, "placement"), *one;
	int err = 0;
	size_t i;

	fputs("#!/bin/sh\n# The placement that iomodes measured, until the next boot.\n", f);
	fprintf(f, head, number);
	fputs(set_body, f);
	json_array_foreach (json_object_get(placement, "moves"), i, one)
		if (!err)
			err = put_move(one, f, d);
	json_array_foreach (json_object_get(cell, "settings"), i, one)
		if (!err)
			err = put_queue(one, f, d);
	return err;
}

int placement_script_write(const json_t *cell, const char *dir, unsigned number, struct diag *d)
{
	const char *name = jsonio_string(json_object_get(cell, "placement"), "workers", "");
	_fd_ int at = -1;
	_file_ FILE *set = NULL, *undo = NULL;
	char file[64];
	int err;

	if (strspn(name, "0123456789,-") != strlen(name))
		return bad("CPU list", name, d);
	if (mkdir(dir, 0777) && errno != EEXIST)
		return diag_errno(d, -errno, "%s", dir);
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return diag_errno(d, -errno, "%s", dir);
	snprintf(file, sizeof(file), "placement-%u-set.sh", number);
	set = create(at, file, &err, d);
	if (!err)
		err = write_set(cell, set, number, d);
	if (err && set) /* half a script is none */
		unlinkat(at, file, 0);
	if (err)
		return err;
	fputs("# Threads and memory go with the program:\n", set);
	fprintf(set, "echo 'start the program on CPU %s'\n", name);
	snprintf(file, sizeof(file), "placement-%u-undo.sh", number);
	undo = create(at, file, &err, d);
	if (err)
		return err;
	fputs("#!/bin/sh\n# Puts back what placement-set.sh found.\n", undo);
	fprintf(undo, head, number);
	fputs(undo_body, undo);
	printf("Scripts     %s/placement-%u-set.sh and placement-%u-undo.sh\n", dir, number,
	       number);
	return 0;
}
