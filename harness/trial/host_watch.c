// SPDX-License-Identifier: Apache-2.0
#include "trial/host_watch.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/nic.h"
#include "sys/kmsg.h"
#include "sys/nvme_smart.h"
#include "sys/nvme_status.h"
#include "sys/sys.h"

#define PATHS_MAX   16
#define LINES_MAX   32
#define WARNING	    4 /* KERN_WARNING; what is worse has a lower number */
#define RECORDS_MAX 100000
#define AFFINITY    256

struct watched_irq {
	unsigned irq;
	char before[AFFINITY];
};

struct host_watch {
	const struct machine *m;
	const struct cpulist *cpus;
	const struct machine_disk *path[PATHS_MAX];
	size_t n_paths;
	struct watched_irq *irq;
	size_t n_irqs;
	char clock_source[64];
	int64_t throttled; /* -1: not counted */
	int kmsg;	   /* descriptor or -errno */
	struct nvme_smart smart[PATHS_MAX];
	int smart_err[PATHS_MAX]; /* -ENODATA: no NVMe controller */
};

/* Kernel messages that come from what a run or its neighbours do in order. Patterns of fnmatch(3),
 * each with whose it is. */
static const char *const allowed[] = {
	"audit:*",			      /* the audit daemon's */
	"systemd*",			      /* units that start and stop */
	"loop*: detected capacity*",	      /* a loop device was attached */
	"*entered promiscuous mode",	      /* a packet capture */
	"*left promiscuous mode",	      /* its end */
	"IPv6: ADDRCONF(*link becomes ready", /* an interface was set up */
	"*: renamed from *",		      /* veth pairs of peers */
	"*drop_caches:*",		      /* somebody asked for it; it empties no direct I/O */
	"EXT4-fs*mounted filesystem*",	      /* mounts and unmounts elsewhere */
	"EXT4-fs*unmounting filesystem*",
	"XFS*Mounting*",
	"XFS*Ending clean mount*",
	"XFS*Unmounting*",
	"perf: interrupt took too long*", /* the sampling rate of perf, which is not sampling */
};

bool host_log_allowed(const struct kmsg_line *line)
{
	if (line->user)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (!fnmatch(allowed[i], line->text, 0))
			return true;
	return false;
}

static void read_clock_source(struct sys *s, char out[static 64])
{
	if (sys_readf(s, out, 64,
		      "/sys/devices/system/clocksource/clocksource0/current_clocksource"))
		out[0] = '\0';
}

/* Sum over the measured CPUs; -1 where no CPU counts. x86 only: Documentation/ABI/testing/
 * sysfs-devices-system-cpu, thermal_throttle. */
static int64_t read_throttled(struct sys *s, const struct cpulist *cpus)
{
	static const char *const names[] = {"core_throttle_count", "package_throttle_count"};
	int64_t sum = -1, n;

	for (size_t i = 0; i < cpus->n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			if (!sys_readf_i64(s, &n,
					   "/sys/devices/system/cpu/cpu%u/thermal_throttle/%s",
					   cpus->cpu[i], names[k]))
				sum = (sum < 0 ? 0 : sum) + n;
	return sum;
}

static int read_affinity(struct sys *s, unsigned irq, char out[static AFFINITY])
{
	return sys_readf(s, out, AFFINITY, "/proc/irq/%u/smp_affinity_list", irq);
}

static int read_smart(struct sys *s, const struct machine_disk *disk, struct nvme_smart *smart)
{
	char path[80];

	if (strncmp(disk->controller, "nvme", 4))
		return -ENODATA;
	snprintf(path, sizeof(path), "/dev/%s", disk->controller);
	return nvme_smart_read(s, path, smart);
}

static int add_vectors(struct host_watch *w, const struct machine_vector *vectors, size_t n)
{
	struct watched_irq *grown = reallocarray(w->irq, w->n_irqs + n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	w->irq = grown;
	for (size_t i = 0; i < n; i++) {
		struct watched_irq *irq = &w->irq[w->n_irqs];

		*irq = (struct watched_irq){.irq = vectors[i].irq};
		w->n_irqs += !read_affinity(w->m->sys, irq->irq, irq->before);
	}
	return 0;
}

static int watch_vectors(struct host_watch *w, const struct machine_subject *subject)
{
	int err = 0;

	for (size_t i = 0; !err && i < w->n_paths; i++)
		err = add_vectors(w, w->path[i]->vectors, w->path[i]->n_vectors);
	for (size_t i = 0; !err && i < subject->n_nics; i++)
		err = add_vectors(w, subject->nics[i]->vectors, subject->nics[i]->n_vectors);
	return err;
}

struct host_watch *host_watch_begin(const struct machine *m, const struct machine_subject *subject,
				    const struct cpulist *cpus)
{
	struct host_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->m = m;
	w->cpus = cpus;
	w->n_paths = subject->disk ? machine_paths(m, subject->disk, w->path, PATHS_MAX) : 0;
	w->kmsg = m->sys->live ? kmsg_open() : -ENODATA;
	if (watch_vectors(w, subject)) {
		host_watch_free(w);
		return NULL;
	}
	for (size_t i = 0; i < w->n_paths; i++)
		w->smart_err[i] = read_smart(m->sys, w->path[i], &w->smart[i]);
	read_clock_source(m->sys, w->clock_source);
	w->throttled = read_throttled(m->sys, cpus);
	return w;
}

static void absent(json_t *host, const char *name, const char *why)
{
	json_object_set_new(json_object_get(host, "absent"), name, json_string(why));
}

static void put_clock_source(const struct host_watch *w, json_t *host)
{
	char now[64];

	read_clock_source(w->m->sys, now);
	if (*w->clock_source && *now)
		json_object_set_new(
			host, "clock_source",
			json_pack("{s:s, s:s}", "before", w->clock_source, "after", now));
	else
		absent(host, "clock_source", "sysfs does not say which clock source is in use");
}

static void put_throttled(const struct host_watch *w, json_t *host)
{
	int64_t now = read_throttled(w->m->sys, w->cpus);

	if (now >= 0 && w->throttled >= 0)
		json_object_set_new(host, "throttle_events",
				    json_integer(now > w->throttled ? now - w->throttled : 0));
	else
		absent(host, "throttle_events",
		       "the CPUs do not count thermal throttling (no thermal_throttle in sysfs)");
}

static void put_affinity(const struct host_watch *w, json_t *host)
{
	json_t *changed = json_array();

	for (size_t i = 0; i < w->n_irqs; i++) {
		char now[AFFINITY], number[16];

		snprintf(number, sizeof(number), "%u", w->irq[i].irq);
		if (!read_affinity(w->m->sys, w->irq[i].irq, now) && strcmp(now, w->irq[i].before))
			json_array_append_new(changed,
					      json_pack("{s:s, s:s, s:s}", "irq", number, "before",
							w->irq[i].before, "after", now));
	}
	if (w->n_irqs) {
		json_object_set_new(host, "affinity",
				    json_pack("{s:I, s:O}", "vectors", (json_int_t)w->n_irqs,
					      "changed", changed));
	} else {
		absent(host, "affinity", "the target has no interrupt vectors of its own");
	}
	json_decref(changed);
}

json_t *host_log_json(int fd)
{
	json_t *lines = json_array();
	json_int_t passed = 0, lost = 0, more = 0, warnings = 0;
	struct kmsg_line line;

	/* a kernel that logs faster than this reads does not hold up the run */
	for (int i = 0; i < RECORDS_MAX; i++) {
		int n = kmsg_next(fd, &line);

		if (!n)
			break;
		if (n == -EPIPE || n == -EINVAL) { /* the next one can be read again */
			lost++;
		} else if (n < 0) {
			lost++;
			break;
		} else if (host_log_allowed(&line)) {
			passed++;
		} else if (json_array_size(lines) < LINES_MAX) {
			json_array_append_new(
				lines, json_pack("{s:i, s:o}", "level", (int)line.level, "text",
						 json_string(line.text) ?: json_string("?")));
		} else {
			more++;
			warnings += line.level <= WARNING;
		}
	}
	return json_pack("{s:o, s:I, s:I, s:I, s:I}", "lines", lines, "more", more, "more_warnings",
			 warnings, "allowed", passed, "lost", lost);
}

static void put_kernel_log(const struct host_watch *w, json_t *host)
{
	char why[96];

	if (w->kmsg >= 0) {
		json_object_set_new(host, "kernel_log", host_log_json(w->kmsg));
		return;
	}
	snprintf(why, sizeof(why), "/dev/kmsg: %s", strerror(-w->kmsg));
	absent(host, "kernel_log", why);
}

static json_t *smart_json(const struct nvme_smart *s)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I}", "critical_warning",
			 (int)s->critical_warning, "temperature_c", s->temperature_c,
			 "available_spare_percent", (int)s->available_spare, "used_percent",
			 (int)s->percentage_used, "warning_temperature_min",
			 (json_int_t)s->warning_minutes, "critical_temperature_min",
			 (json_int_t)s->critical_minutes, "thermal_1_transitions",
			 (json_int_t)s->thermal_transitions[0], "thermal_2_transitions",
			 (json_int_t)s->thermal_transitions[1], "thermal_1_s",
			 (json_int_t)s->thermal_seconds[0], "thermal_2_s",
			 (json_int_t)s->thermal_seconds[1]);
}

static void put_smart(const struct host_watch *w, json_t *host)
{
	json_t *drives = json_object();
	char why[160] = "the target is no NVMe drive: there is no log of its health to read";

	for (size_t i = 0; i < w->n_paths; i++) {
		struct nvme_smart now;
		char status[96];
		int err = w->smart_err[i] ?: read_smart(w->m->sys, w->path[i], &now);

		if (!err)
			json_object_set_new(drives, w->path[i]->controller,
					    json_pack("{s:o, s:o}", "before",
						      smart_json(&w->smart[i]), "after",
						      smart_json(&now)));
		else if (err != -ENODATA)
			snprintf(why, sizeof(why), "SMART log of %.40s: %s", w->path[i]->controller,
				 err < 0 ? strerror(-err)
					 : nvme_status_text(err, status, sizeof(status)));
	}
	if (json_object_size(drives))
		json_object_set(host, "smart", drives);
	else
		absent(host, "smart", why);
	json_decref(drives);
}

json_t *host_watch_end(struct host_watch *w)
{
	const char *hypervisor = machine_fact(w->m, "host.hypervisor", NULL);
	json_t *host = json_pack("{s:s?, s:{}}", "hypervisor", hypervisor, "absent");

	if (!host)
		return NULL;
	put_throttled(w, host);
	put_affinity(w, host);
	put_clock_source(w, host);
	put_smart(w, host);
	put_kernel_log(w, host);
	return host;
}

void host_watch_free(struct host_watch *w)
{
	if (!w)
		return;
	if (w->kmsg >= 0)
		close(w->kmsg);
	free(w->irq);
	free(w);
}
