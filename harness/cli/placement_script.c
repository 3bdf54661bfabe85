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

/* Knobs that a placement sets beside vectors (trial/plan_place.c, trial/steer.c). */
static bool is_of_placement(const char *knob)
{
	static const char *const knobs[] = {"net.xps-cpus",	"net.rps-cpus", "net.rps-flow-cnt",
					    "net.rss-table",	"net.ntuple",	"net.flow-rule",
					    "block.rq_affinity"};

	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++)
		if (!strcmp(knob, knobs[i]))
			return true;
	return false;
}

static void print_start(const json_t *placement, const char *cpus, const char *end, FILE *out)
{
	const json_t *node = json_object_get(json_object_get(placement, "memory_node"), end);

	if (json_is_integer(node))
		fprintf(out, "%s: numactl --physcpubind=%s --membind=%lld PROGRAM\n", end, cpus,
			(long long)json_integer_value(node));
	else
		fprintf(out, "%s: taskset -c %s PROGRAM\n", end, cpus);
}

/* How the programs are started: a line for each, which begins with `before`. */
static void print_programs(const json_t *placement, const char *before, FILE *out)
{
	const char *workers = jsonio_string(placement, "workers", ""),
		   *server = jsonio_string(placement, "server", NULL);

	fputs(before, out);
	print_start(placement, workers, server ? "client" : "device", out);
	if (server) {
		fputs(before, out);
		print_start(placement, server, "server", out);
	}
}

void placement_script_print(const json_t *cell, FILE *out)
{
	const json_t *placement = json_object_get(cell, "placement"), *one;
	size_t i;

	print_programs(placement, "  ", out);
	json_array_foreach (json_object_get(placement, "moves"), i, one)
		fprintf(out, "  irq.affinity:%s=%s\n", jsonio_string(one, "vector", "?"),
			jsonio_string(one, "cpus", "?"));
	json_array_foreach (json_object_get(cell, "settings"), i, one)
		if (is_of_placement(jsonio_string(one, "knob", "")))
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

/* "0*128": every entry of the hash table names queue 0. */
static int put_table(const char *instance, const char *value, FILE *out, struct diag *d)
{
	size_t digits = strspn(value, "0123456789");

	if (!is_plain(instance, "@"))
		return bad("interface", instance, d);
	if (!digits || digits > 5 || value[digits] != '*')
		return bad("hash table", value, d);
	fprintf(out, "table '%.*s' %.*s\n", (int)strcspn(instance, "@"), instance, (int)digits,
		value);
	return 0;
}

/* The rule was of the measured port; whose flows are to be steered here nobody knows. */
static int put_rule(const char *instance, const char *value, FILE *out, struct diag *d)
{
	if (!is_plain(instance, "@"))
		return bad("interface", instance, d);
	if (!is_plain(value, " ="))
		return bad("flow rule", value, d);
	fprintf(out,
		"# A flow rule steered what was measured (%s); for your flows:\n"
		"# ethtool -K %.*s ntuple on; ethtool -N %.*s flow-type tcp4 dst-port PORT action "
		"0\n",
		value, (int)strcspn(instance, "@:"), instance, (int)strcspn(instance, "@:"),
		instance);
	return 0;
}

static int put_disk(const char *instance, const char *value, FILE *out, struct diag *d)
{
	if (!is_plain(instance, ""))
		return bad("disk", instance, d);
	if (strspn(value, "012") != strlen(value) || strlen(value) != 1)
		return bad("value", value, d);
	fprintf(out, "put '/sys/block/%s/queue/rq_affinity' '%s'\n", instance, value);
	return 0;
}

/* "eth0@client:rx-0": outside the run the interface is in the host's own namespace again. */
static int put_queue(const char *file, const char *instance, const char *value, FILE *out,
		     struct diag *d)
{
	const char *queue = strchr(instance, ':');

	if (!queue || !is_plain(instance, "@"))
		return bad("queue", instance, d);
	if (!*value || strspn(value, "0123456789abcdef,") != strlen(value))
		return bad("value", value, d);
	fprintf(out, "put '/sys/class/net/%.*s/queues/%s/%s' '%s'\n", (int)strcspn(instance, "@:"),
		instance, queue + 1, file, value);
	return 0;
}

static int put_setting(const json_t *setting, FILE *out, struct diag *d)
{
	static const char *const files[][2] = {{"net.xps-cpus", "xps_cpus"},
					       {"net.rps-cpus", "rps_cpus"},
					       {"net.rps-flow-cnt", "rps_flow_cnt"}};
	const char *knob = jsonio_string(setting, "knob", ""),
		   *instance = jsonio_string(setting, "instance", ""),
		   *value = jsonio_string(setting, "value", "");

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(knob, files[i][0]))
			return put_queue(files[i][1], instance, value, out, d);
	if (!strcmp(knob, "net.rss-table"))
		return put_table(instance, value, out, d);
	if (!strcmp(knob, "net.flow-rule"))
		return put_rule(instance, value, out, d);
	return strcmp(knob, "block.rq_affinity") ? 0 : put_disk(instance, value, out, d);
}

static const char head[] =
	"set -eu\n"
	"# What was before; it does not survive a reboot, and neither does what is set here.\n"
	"saved=/run/iomodes-placement-%u.saved\n"
	"irq_of() { # PCI-ADDRESS ACTION: the interrupt's number now\n"
	"\tof_device=$(cd \"/sys/bus/pci/devices/$1/msi_irqs\" && echo *)\n"
	"\tawk -v of=\" $of_device \" -v a=\"$2\" '{ n = $1; sub(\":\", \"\", n) }\n"
	"\t\tindex(of, \" \" n \" \") && substr($0, length($0) - length(a)) == \" \" a {\n"
	"\t\t\tprint n; f = 1; exit }\n"
	"\t\tEND { exit !f }' /proc/interrupts && return\n"
	"\techo \"no vector $2 of $1\" >&2\n"
	"\treturn 1\n"
	"}\n";

static const char set_body[] =
	"[ ! -e \"$saved\" ] || { echo \"it is set: run the undo script first\" >&2; exit 1; }\n"
	"! pidof irqbalance >/dev/null || echo \"irqbalance runs and may move the vectors again: "
	"ban "
	"them there\" >&2\n"
	"vector() { # PCI-ADDRESS ACTION CPUS\n"
	"\tirq=$(irq_of \"$1\" \"$2\") # nothing is noted of what is not there\n"
	"\tfile=/proc/irq/$irq/smp_affinity_list\n"
	"\twas=$(cat \"$file\")\n"
	"\tprintf 'vector|%s|%s|%s\\n' \"$1\" \"$2\" \"$was\" >> \"$saved\"\n"
	"\techo \"$3\" > \"$file\"\n"
	"}\n"
	"put() { # FILE VALUE\n"
	"\twas=$(cat \"$1\")\n"
	"\tprintf 'file|%s||%s\\n' \"$1\" \"$was\" >> \"$saved\"\n"
	"\techo \"$2\" > \"$1\"\n"
	"}\n"
	"spread() { # INTERFACE: its hash table in the words of ethtool -X, which can say two "
	"kinds\n"
	"\tethtool -x \"$1\" | awk '\n"
	"\t\t/ RX ring/ { for (i = 2; i <= NF; i++) if ($i == \"RX\") rings = $(i - 1) }\n"
	"\t\t$1 ~ /^[0-9]+:$/ { for (i = 2; i <= NF; i++) { t[n++] = $i; if ($i > most) most = $i "
	"} }\n"
	"\t\tEND {\n"
	"\t\t\tdealt = rising = n > 0\n"
	"\t\t\tfor (i = 0; i < n; i++) {\n"
	"\t\t\t\tif (t[i] != i % (most + 1)) dealt = 0\n"
	"\t\t\t\tif (i && t[i] < t[i - 1]) rising = 0\n"
	"\t\t\t\tcount[t[i] + 0]++\n"
	"\t\t\t}\n"
	"\t\t\tif (dealt) print most + 1 == rings ? \"default\" : \"equal \" most + 1\n"
	"\t\t\telse if (rising) { s = \"weight\"; for (q = 0; q <= most; q++) s = s \" \" count[q] "
	"+ "
	"0; print s }\n"
	"\t\t\telse exit 1\n"
	"\t\t}'\n"
	"}\n"
	"table() { # INTERFACE QUEUE: every flow to that queue\n"
	"\twas=$(spread \"$1\") || { echo \"the hash table of $1 is one that the undo script could "
	"not set "
	"again\" >&2; exit 1; }\n"
	"\tprintf 'table|%s||%s\\n' \"$1\" \"$was\" >> \"$saved\"\n"
	"\tethtool -X \"$1\" start \"$2\" equal 1\n"
	"}\n"
	": > \"$saved\"\n";

static const char undo_body[] =
	"[ -e \"$saved\" ] || { echo \"nothing is set\" >&2; exit 0; }\n"
	"# the last first\n"
	"sed '1!G;h;$!d' \"$saved\" | while IFS='|' read -r kind a b was; do\n"
	"\tcase $kind in\n"
	"\tvector) echo \"$was\" > \"/proc/irq/$(irq_of \"$a\" \"$b\")/smp_affinity_list\" ;;\n"
	"\tfile) echo \"$was\" > \"$a\" ;;\n"
	"\ttable) ethtool -X \"$a\" $was ;; # several words\n"
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
			err = put_setting(one, f, d);
	return err;
}

/* Lists of CPUs, which go into both the script and what it prints. */
static int check_lists(const json_t *placement, struct diag *d)
{
	static const char *const names[] = {"workers", "server"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *list = jsonio_string(placement, names[i], "");

		if (strspn(list, "0123456789,-") != strlen(list))
			return bad("CPU list", list, d);
	}
	return 0;
}

int placement_script_write(const json_t *cell, const char *dir, unsigned number, struct diag *d)
{
	const json_t *placement = json_object_get(cell, "placement");
	_fd_ int at = -1;
	_file_ FILE *set = NULL, *undo = NULL;
	char file[64];
	int err = check_lists(placement, d);

	if (!err && json_is_true(json_object_get(placement, "unpinned")))
		err = diag_set(d, -EINVAL, "os-default sets nothing: it needs no script");
	if (err)
		return err;
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
	fputs("# Threads and memory go with the program:\ncat <<'END'\n", set);
	print_programs(placement, "start ", set);
	fputs("END\n", set);
	snprintf(file, sizeof(file), "placement-%u-undo.sh", number);
	undo = create(at, file, &err, d);
	if (err)
		return err;
	fprintf(undo, "#!/bin/sh\n# Puts back what placement-%u-set.sh found.\n", number);
	fprintf(undo, head, number);
	fputs(undo_body, undo);
	printf("Scripts     %s/placement-%u-set.sh and placement-%u-undo.sh\n", dir, number,
	       number);
	return 0;
}
