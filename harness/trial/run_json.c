// SPDX-License-Identifier: Apache-2.0
#include "trial/run_json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/adapter.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/jsonio.h"
#include "iomodes_version.h"
#include "record/record.h"
#include "placement/role.h"
#include "sys/sys.h"
#include "trial/run_private.h"

static json_t *build_json(void)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:s}", "version", IOMODES_VERSION, "commit",
			 IOMODES_COMMIT, "dirty", IOMODES_DIRTY, "compiler", IOMODES_COMPILER,
			 "flags", IOMODES_FLAGS);
}

/* A program as execvp(3) finds it. */
static void add_installed(json_t *tools, const char *program)
{
	_free_ char *path = strdup(getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin");
	char *rest = path, *dir;

	while (path && (dir = strsep(&rest, ":"))) {
		char file[4200], digest[DIGEST_TEXT];

		snprintf(file, sizeof(file), "%.4000s/%.100s", *dir ? dir : ".", program);
		if (access(file, X_OK) || digest_file(AT_FDCWD, file, digest, NULL))
			continue;
		json_object_set_new(tools, program, json_pack("{s:s}", "sha256", digest));
		return;
	}
}

/* Digests of the binaries that made the numbers. */
static json_t *tools_json(const char *bin_dir, const struct plan *plan)
{
	static const char *const programs[] = {"iomodes", "ioloop", "netloop", "spinner"};
	_fd_ int dir = open(bin_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	json_t *tools = json_object();

	for (size_t i = 0; dir >= 0 && i < ARRAY_SIZE(programs); i++) {
		char digest[DIGEST_TEXT];

		if (!digest_file(dir, programs[i], digest, NULL))
			json_object_set_new(tools, programs[i],
					    json_pack("{s:s, s:s}", "version", IOMODES_VERSION,
						      "sha256", digest));
	}
	for (size_t i = 0; i < plan->n_run; i++) { /* fio, iperf3 */
		const char *name = plan->cells[plan->run[i]].cell->workload;

		if (!workload_find(name)->controlled && !json_object_get(tools, name))
			add_installed(tools, name);
	}
	return tools;
}

static json_t *pairs_json(const struct mode_pairs *pairs)
{
	json_t *j = json_object();

	for (size_t i = 0; i < pairs->n; i++)
		json_object_set_new(j, pairs->item[i].name, json_string(pairs->item[i].value));
	return j;
}

static json_t *mode_json(const struct mode *m)
{
	json_t *j = json_pack("{s:s, s:s}", "doc", m->doc, "grade", verdict_grade_name(m->grade));
	json_t *expect = json_array();

	json_object_set_new(j, "requires", pairs_json(&m->requires));
	json_object_set_new(j, "set", pairs_json(&m->set));
	if (m->set_if_there.n)
		json_object_set_new(j, "set_if_there", pairs_json(&m->set_if_there));
	for (size_t i = 0; i < m->n_options; i++)
		json_object_set_new(j, m->options[i].workload, pairs_json(&m->options[i].options));
	for (size_t i = 0; i < m->n_expect; i++)
		json_array_append_new(expect, expectation_json(&m->expect[i], NULL));
	json_object_set_new(j, "expect", expect);
	return j;
}

/* What the placements that are named mean; null where none is. */
static json_t *placements_json(const struct experiment *e)
{
	json_t *j = NULL;

	for (size_t i = 0; i < e->n_cells; i++) {
		struct placement_spec spec;

		if (!e->cells[i].placement ||
		    placement_spec_parse(e->cells[i].placement, &spec, NULL))
			continue;
		j = j ? j : json_object();
		json_object_set_new(j, e->cells[i].placement,
				    json_pack("{s:s}", "doc", spec.role->doc));
		placement_spec_free(&spec);
	}
	return j;
}

static json_t *experiment_json(const struct plan *plan)
{
	const struct experiment *e = plan->e;
	static const char *const corunners[] = {
		[EXPERIMENT_CORUNNER_NONE] = "none",
		[EXPERIMENT_CORUNNER_CPU] = "cpu",
		[EXPERIMENT_CORUNNER_SIBLING] = "sibling",
	};
	static const char *const keys[MODE_TARGETS] = {
		[MODE_BLOCK] = "modes", /* two name spaces: both kinds have an "interrupt" */
		[MODE_NET] = "net_modes",
	};
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:{}, s:{}}", "name",
			      e->name, "doc", e->doc ? e->doc : "", "file", e->file, "target",
			      e->target, "blocks", (json_int_t)e->blocks, "blocks_min",
			      (json_int_t)e->blocks_min, "ramp_ns", (json_int_t)e->ramp_ns,
			      "runtime_ns", (json_int_t)e->runtime_ns, "cpu_left", e->cpu_left,
			      keys[MODE_BLOCK], keys[MODE_NET]);

	for (size_t i = 0; j && i < e->n_cells; i++) {
		const struct mode *m = e->cells[i].mode;
		json_t *modes = json_object_get(j, keys[m->target]);

		if (!json_object_get(modes, m->name))
			json_object_set_new(modes, m->name, mode_json(m));
	}
	json_object_set_new(j, "set", pairs_json(&e->set));
	json_object_set_new(j, "corunner", json_string(corunners[e->corunner]));
	json_object_set_new(j, "placements", placements_json(e));
	if (plan->net) {
		json_object_set_new(j, "net_target", json_string(e->net_target));
		if (e->net_peer)
			json_object_set_new(j, "net_peer", json_string(e->net_peer));
	}
	return j;
}

static json_t *primary_json(const struct experiment *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->n_primary; i++)
		json_array_append_new(list, json_string(e->primary[i]));
	return list;
}

/* This very machine, across reboots, without saying which: a digest of what the firmware or the
 * system calls it, salted so that it is no one's serial number. Nothing that is measured or
 * counted is in it. */
json_t *run_json_machine_key(const struct machine *m)
{
	static const char *const sources[] = {"/sys/class/dmi/id/product_uuid", "/etc/machine-id"};
	char text[256], salted[320], digest[DIGEST_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (sys_readf(m->sys, text, sizeof(text), "%s", sources[i]) || !*text)
			continue;
		snprintf(salted, sizeof(salted), "iomodes machine identity %s", text);
		if (!digest_bytes(salted, strlen(salted), digest, NULL))
			return json_pack("{s:s, s:s}", "identity", digest, "source", sources[i]);
	}
	return json_pack("{s:n, s:s}", "identity", "source",
			 "neither the firmware's UUID nor a machine id can be read");
}

json_t *run_json_new(const struct plan *plan, const char *run_id, const struct run_options *o,
		     const struct rundir *dir)
{
	json_t *run = plan_json(plan);
	char now[32];

	if (!run)
		return NULL;
	json_object_set_new(run, "schema", json_integer(RECORD_SCHEMA));
	json_object_set_new(run, "run", json_string(run_id));
	json_object_set_new(run, "experiment", experiment_json(plan));
	json_object_set_new(run, "command", json_deep_copy(o->command));
	json_object_set_new(run, "started", json_string(clock_iso(now)));
	json_object_set_new(run, "machine", machine_json(plan->machine));
	json_object_set_new(run, "machine_key", run_json_machine_key(plan->machine));
	if (o->noise && json_equal(json_object_get(o->noise, "identity"),
				   jsonio_at(run, "machine_key.identity")))
		json_object_set(run, "noise_floor", (json_t *)o->noise);
	json_object_set_new(run, "build", build_json());
	json_object_set_new(run, "tools", tools_json(o->bin_dir, plan));
	if (plan->net)
		json_object_set_new(run, "net", net_target_json(plan->net));
	json_object_set_new(run, "baseline", json_string(plan->e->baseline));
	json_object_set_new(run, "primary_metrics", primary_json(plan->e));
	json_object_set_new(run, "canary",
			    json_pack("{s:s?, s:[]}", "hypervisor",
				      machine_fact(plan->machine, "host.hypervisor", NULL),
				      "samples"));
	return run;
}

int run_json_machine(const struct rundir *dir, const struct machine *m, const char *when,
		     struct diag *d)
{
	bool before = !strcmp(when, "before");
	_json_ json_t *j = NULL;
	_fd_ int sub = openat(dir->dir, "machine", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	_free_ char *xml = NULL;
	_fd_ int fd = -1;
	char name[32];
	size_t len;
	int err;

	if (sub < 0)
		return diag_errno(d, -errno, "%s/machine", dir->path);
	if (before) {
		j = machine_json(m);
	} else { /* looked at anew: what the run left behind would be in it */
		struct machine *now = NULL;

		err = machine_discover(m->sys, &now, d);
		if (err)
			return err;
		j = machine_json(now);
		machine_free(now);
	}
	snprintf(name, sizeof(name), "%s.json", when);
	err = jsonio_write(sub, name, j, d);
	if (err || !before || machine_topology_xml(m, &xml, &len))
		return err; /* the topology is the same afterwards; without hwloc there is none */
	fd = openat(sub, "hwloc.xml", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, xml, len) != (ssize_t)len)
		return diag_errno(d, -errno, "%s/machine/hwloc.xml", dir->path);
	return 0;
}

/* Compared as text: cells with their settings and placement, and the order. */
static int same_part(const json_t *run, const json_t *plan, const char *key, struct diag *d)
{
	_free_ char *before = jsonio_line(json_object_get(run, key));
	_free_ char *now = jsonio_line(json_object_get(plan, key));

	if (before && now && !strcmp(before, now))
		return 0;
	return diag_set(
		d, -EINVAL,
		"this run cannot be resumed: its %s are not what the same experiment gives now "
		"(machine, modes or program changed)",
		key);
}

int run_json_same_plan(const json_t *run, const struct plan *plan, struct diag *d)
{
	static const char *const keys[] = {"cells", "order", "seed"};
	_json_ json_t *now = plan_json(plan);
	int err = now ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < ARRAY_SIZE(keys); i++)
		err = same_part(run, now, keys[i], d);
	return err ? err : looks_same_design(run, plan->e, d);
}
