// SPDX-License-Identifier: Apache-2.0
/*
 * Every placement on every recorded machine against
 * tests/fakeroot/MACHINE.expected/placements.golden, whose CPUs were worked out by hand. A line is
 *   TARGET PLACEMENT [jobs=N] [sq] [reads] [napi] [allowed=LIST] [mems=LIST] = RESULT
 * TARGET: a disk, two interfaces "client+server", or "veth" for two ends without vectors.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/machine.h"
#include "machine/nic.h"
#include "placement/placement.h"
#include "placement/role.h"
#include "sys/sys.h"

#define TARGETS_MAX 16

struct seen {
	char target[TARGETS_MAX][64];
	unsigned roles[TARGETS_MAX]; /* bits: roles that have a line without options */
	size_t n;
};

static void note(struct seen *s, const char *target, const struct placement_role *role)
{
	size_t n, i = 0;
	const struct placement_role *all = placement_roles(&n);

	while (i < s->n && strcmp(s->target[i], target))
		i++;
	assert_true(i < TARGETS_MAX);
	if (i == s->n)
		snprintf(s->target[s->n++], sizeof(s->target[0]), "%s", target);
	if (role >= all && role < all + n)
		s->roles[i] |= 1u << (role - all);
}

/* Each vector of an interface's queues is moved once, to CPUs that are to be interrupted, and no
 * other is. */
static void check_moves(const struct placement_request *r, const struct placement *p,
			const char *where)
{
	size_t expected = 0;

	for (int end = 0; end < PLACEMENT_ENDS; end++) {
		const struct machine_nic *nic = r->nic[end];

		for (size_t v = 0; nic && v < nic->n_vectors; v++) {
			bool serves = false;
			size_t moved = 0;

			for (size_t i = 0; i < nic->n_queues; i++)
				serves |= nic->queues[i].vector == (int)v;
			for (size_t i = 0; i < p->n_moves; i++) {
				struct cpulist to;

				if (strcmp(p->moves[i].vector, nic->vectors[v].instance))
					continue;
				moved++;
				assert_int_equal(cpulist_parse(p->moves[i].cpus, &to, NULL), 0);
				if (to.n != 1 || !cpulist_has(&p->interrupts[end], to.cpu[0]))
					fail_msg("%s: %s to %s", where, p->moves[i].vector,
						 p->moves[i].cpus);
				cpulist_free(&to);
			}
			if (moved != (serves && p->interrupts[end].n))
				fail_msg("%s: %s is moved %zu times", where, nic->vectors[v].name,
					 moved);
			expected += moved;
		}
	}
	if (r->net && p->n_moves != expected)
		fail_msg("%s: %zu moves, %zu of the interfaces", where, p->n_moves, expected);
}

static bool has_napi(const struct placement *p, unsigned cpu)
{
	return p->napi_cpu[0] == (int)cpu || p->napi_cpu[1] == (int)cpu;
}

/* Workers, server, SQ thread, NAPI threads and orchestrator never share a CPU, but where all are
 * to be on one, and what the user's own list is too short for. */
static void check_alone(const struct placement_request *r, const struct placement *p,
			const char *where)
{
	const struct placement_role *role = r->spec->role;
	bool listed = role->shape == PLACEMENT_LIST;

	if (p->unpinned)
		return;
	if (role->shape != PLACEMENT_ONE_CPU && !listed) {
		if (p->workers.n != (r->net ? 1 : r->jobs))
			fail_msg("%s: %zu CPUs for %u workers", where, p->workers.n, r->jobs);
		if (p->has_sq && cpulist_has(&p->workers, p->sq_cpu))
			fail_msg("%s: the SQ thread is on a worker's CPU", where);
		for (size_t i = 0; i < p->workers.n; i++)
			if (has_napi(p, p->workers.cpu[i]) ||
			    cpulist_has(&p->server, p->workers.cpu[i]))
				fail_msg("%s: CPU %u has two", where, p->workers.cpu[i]);
		for (size_t i = 0; i < p->server.n; i++)
			if (has_napi(p, p->server.cpu[i]))
				fail_msg("%s: NAPI threads are on the server's CPU", where);
	}
	if (!p->orchestrator_shares &&
	    (cpulist_has(&p->workers, p->orchestrator_cpu) ||
	     cpulist_has(&p->server, p->orchestrator_cpu) ||
	     (p->has_sq && p->sq_cpu == p->orchestrator_cpu) || has_napi(p, p->orchestrator_cpu)))
		fail_msg("%s: the orchestrator is on a CPU in use", where);
}

static void set_target(const struct machine *m, const char *text, struct placement_request *r)
{
	char client[32];
	const char *plus = strchr(text, '+');

	r->net = plus || !strcmp(text, "veth");
	if (!r->net) {
		r->disk = machine_disk(m, text);
		if (!r->disk)
			fail_msg("no disk %s", text);
	} else if (plus) {
		snprintf(client, sizeof(client), "%.*s", (int)(plus - text), text);
		r->nic[PLACEMENT_CLIENT] = machine_nic(m, client);
		r->nic[PLACEMENT_SERVER] = machine_nic(m, plus + 1);
		if (!r->nic[0] || !r->nic[1])
			fail_msg("no interfaces %s", text);
	}
}

static int run_line(struct machine *m, char *line, const char *where, struct seen *seen)
{
	struct placement_request r = {.machine = m, .jobs = 1};
	char *want = strstr(line, " = "), *save, *word, got[512] = "";
	struct placement_refusal why;
	struct cpulist all = m->allowed, narrowed = {0};
	struct placement_spec spec;
	struct placement p;
	struct diag d;
	bool plain = true;
	int err;

	assert_non_null(want);
	*want = '\0';
	want += 3;
	want[strcspn(want, "\n")] = '\0';
	word = strtok_r(line, " ", &save);
	set_target(m, word, &r);
	line = strtok_r(NULL, " ", &save);
	if (placement_spec_parse(line, &spec, &d))
		fail_msg("%s: %s", where, d.text);
	r.spec = &spec;
	while ((word = strtok_r(NULL, " ", &save))) {
		plain = false;
		if (!strncmp(word, "jobs=", 5))
			r.jobs = (unsigned)atoi(word + 5);
		else if (!strcmp(word, "sq"))
			r.wants_sq = true;
		else if (!strcmp(word, "reads"))
			r.reads = true;
		else if (!strcmp(word, "napi"))
			r.wants_napi = true;
		else if (!strncmp(word, "allowed=", 8))
			assert_int_equal(cpulist_parse(word + 8, &narrowed, NULL), 0);
		else if (!strncmp(word, "mems=", 5))
			assert_int_equal(cpulist_parse(word + 5, &m->memory_allowed, NULL), 0);
		else
			fail_msg("%s: option %s", where, word);
	}
	if (plain)
		note(seen, r.disk ? r.disk->name : r.nic[0] ? r.nic[0]->name : "veth", spec.role);
	if (narrowed.n)
		m->allowed = narrowed;
	err = placement_make(&r, &p, &why);
	m->allowed = all;
	cpulist_free(&narrowed);
	cpulist_free(&m->memory_allowed);
	if (err == -ENOTSUP) {
		assert_true(*why.text != '\0');
		snprintf(got, sizeof(got), "unsupported: %s", why.code);
	} else {
		assert_int_equal(err, 0);
		placement_text(&p, got, sizeof(got));
		check_moves(&r, &p, where);
		check_alone(&r, &p, where);
		placement_free(&p);
	}
	placement_spec_free(&spec);
	if (!strcmp(got, want))
		return 0;
	fprintf(stderr, "%s\n  wanted %s\n  is     %s%s%s\n", where, want, got, err ? ": " : "",
		err ? why.text : "");
	return 1;
}

static void test_machine(void **state)
{
	const char *name = *state, *source = getenv("IOMODES_SOURCE");
	char path[4096], line[512], where[640];
	struct seen seen = {.n = 0};
	struct machine *m;
	struct diag d = {""};
	struct sys *s;
	size_t roles;
	unsigned number = 0, wrong = 0, checked = 0;
	FILE *f;

	placement_roles(&roles);
	snprintf(path, sizeof(path), "%s/tests/fakeroot/%s", source ? source : ".", name);
	assert_int_equal(sys_open(path, &s), 0);
	if (machine_discover(s, &m, &d))
		fail_msg("%s: %s", name, d.text);
	snprintf(path, sizeof(path), "%s/tests/fakeroot/%s.expected/placements.golden",
		 source ? source : ".", name);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		number++;
		if (*line == '#' || *line == '\n')
			continue;
		snprintf(where, sizeof(where), "%s.expected/placements.golden:%u: %.*s", name,
			 number, (int)strcspn(line, "\n"), line);
		wrong += (unsigned)run_line(m, line, where, &seen);
		checked++;
	}
	fclose(f);
	for (size_t i = 0; i < seen.n; i++)
		if (seen.roles[i] != (1u << roles) - 1)
			fail_msg("%s: not every placement of %s has a line (bits %x)", name,
				 seen.target[i], seen.roles[i]);
	if (wrong || checked < roles)
		fail_msg("%s: %u of %u placements are not as they were worked out", name, wrong,
			 checked);
	machine_free(m);
	sys_close(s);
}

static void test_words(void **state)
{
	struct placement_spec spec;
	struct diag d;

	assert_int_equal(placement_spec_parse("remote-nod", &spec, &d), -EINVAL);
	assert_non_null(strstr(d.text, "did you mean \"remote-node\"?"));
	assert_int_equal(placement_spec_parse("cpus:", &spec, &d), -EINVAL);
	assert_int_equal(placement_spec_parse("cpus:1-x", &spec, &d), -EINVAL);
	assert_int_equal(placement_spec_parse("cpus:1-2", &spec, &d), 0);
	assert_int_equal(spec.cpus.n, 2);
	placement_spec_free(&spec);
}

int main(void)
{
	static char names[][32] = {
		"two-sockets-smt", "four-nodes-a-socket", "cpus-offline", "lab-nvme-6.1",
		"lab-nvme-newest", "vm-virtio-6.18",	  "vm-veth-6.18", "nvme-multipath-6.1",
	};
	struct CMUnitTest tests[ARRAY_SIZE(names) + 1] = {cmocka_unit_test(test_words)};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		tests[i + 1] = (struct CMUnitTest){
			.name = names[i], .test_func = test_machine, .initial_state = names[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
