// SPDX-License-Identifier: Apache-2.0
#include "analysis/machine_key.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/jsonio.h"

enum part { IDENTITY, CAPABILITY, CONFIGURATION, PROGRAM, PARTS };
#define MACHINE "machine" /* of the identity: what the firmware or the system calls it */
static const char *const names[PARTS] = {"identity", "capability", "configuration", "program"};

/* Facts that change by themselves or say nothing about how the machine was set up. */
static const char *const ignored[] = {"host.uptime", "perf.hardware_counters"};

/* Facts of capability; every other one is configuration. */
static const char *const capability[] = {"cpu.model",	 "host.vendor",	    "host.product",
					 "host.board",	 "host.hypervisor", "kernel.arch",
					 "memory.total", "clock.available", "cpu.idle_states"};

/* Plain members of devices. */
static const struct {
	const char *list, *member;
	enum part part;
} device_members[] = {
	{"disks", "serial", IDENTITY},		 {"disks", "wwid", IDENTITY},
	{"disks", "model", CAPABILITY},		 {"disks", "bytes", CAPABILITY},
	{"disks", "link_speed", CAPABILITY},	 {"disks", "link_width", CAPABILITY},
	{"disks", "driver", CONFIGURATION},	 {"disks", "firmware", CONFIGURATION},
	{"nics", "permanent_address", IDENTITY}, {"nics", "model", CAPABILITY},
	{"nics", "speed", CAPABILITY},		 {"nics", "driver", CONFIGURATION},
	{"nics", "firmware", CONFIGURATION},
};

static bool is_one_of(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, list[i]))
			return true;
	return false;
}

static void add_facts(const json_t *run, json_t *key)
{
	json_t *facts = jsonio_at(run, "machine.facts"), *fact;
	const char *name;

	json_object_foreach (facts, name, fact) {
		json_t *value = json_object_get(fact, "value");
		bool capable = is_one_of(name, capability, ARRAY_SIZE(capability));
		enum part part = capable ? CAPABILITY : CONFIGURATION;

		if (!json_is_string(value) || is_one_of(name, ignored, ARRAY_SIZE(ignored)))
			continue;
		json_object_set(json_object_get(key, names[part]), name, value);
	}
}

static void add_devices(const json_t *run, json_t *key)
{
	for (size_t m = 0; m < ARRAY_SIZE(device_members); m++) {
		const json_t *list = json_object_get(json_object_get(run, "machine"),
						     device_members[m].list),
			     *one;
		size_t i;

		json_array_foreach (list, i, one) {
			json_t *value = json_object_get(one, device_members[m].member);
			char what[160];

			if (!value || json_is_null(value) ||
			    json_is_true(json_object_get(one, "virtual")))
				continue;
			snprintf(what, sizeof(what), "%.80s %s", jsonio_string(one, "name", "?"),
				 device_members[m].member);
			json_object_set(json_object_get(key, names[device_members[m].part]), what,
					value);
		}
	}
}

static void add_cpus(const json_t *run, json_t *key)
{
	static const char *const members[] = {"online", "cores", "sockets", "smt"};
	const json_t *cpus = jsonio_at(run, "machine.cpus");

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(cpus, members[i]);
		char what[32];

		snprintf(what, sizeof(what), "CPUs %s", members[i]);
		if (value && !json_is_null(value))
			json_object_set(
				json_object_get(key, i ? names[CAPABILITY] : names[CONFIGURATION]),
				what, value);
	}
}

/* The program that measured is part of a result, but no part of the machine. */
static void add_program(const json_t *run, json_t *key)
{
	static const char *const members[] = {"version", "commit", "dirty", "compiler", "flags"};
	json_t *program = json_object_get(key, names[PROGRAM]), *tools, *tool;
	const char *name;

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(json_object_get(run, "build"), members[i]);

		if (value)
			json_object_set(program, members[i], value);
	}
	tools = json_object_get(run, "tools");
	json_object_foreach (tools, name, tool)
		if (json_object_get(tool, "sha256"))
			json_object_set(program, name, json_object_get(tool, "sha256"));
}

json_t *machine_key(const json_t *run)
{
	json_t *key = json_pack("{s:{}, s:{}, s:{}, s:{}, s:{}}", names[IDENTITY],
				names[CAPABILITY], names[CONFIGURATION], names[PROGRAM], "digest");
	json_t *given = jsonio_at(run, "machine_key.identity");

	if (json_is_string(given))
		json_object_set(json_object_get(key, names[IDENTITY]), MACHINE, given);
	add_facts(run, key);
	add_devices(run, key);
	add_cpus(run, key);
	add_program(run, key);
	for (size_t i = 0; i < PARTS; i++) {
		const json_t *part = json_object_get(key, names[i]);
		const json_t *machine = json_object_get(part, MACHINE);
		/* where the machine has a name, a drive more makes no other one of it */
		_json_ json_t *named = machine ? json_pack("{s:O}", MACHINE, machine) : NULL;
		_free_ char *text = jsonio_line(named ?: part);
		char digest[DIGEST_TEXT];
		bool known = json_object_size(part) && text &&
			     !digest_bytes(text, strlen(text), digest, NULL);

		json_object_set_new(json_object_get(key, "digest"), names[i],
				    known ? json_string(digest) : json_null());
	}
	return key;
}

static void add_difference(json_t *list, const char *part, const char *what, const json_t *a,
			   const json_t *b)
{
	_free_ char *first = a ? json_dumps(a, JSON_ENCODE_ANY) : strdup("not recorded");
	_free_ char *second = b ? json_dumps(b, JSON_ENCODE_ANY) : strdup("not recorded");

	json_array_append_new(
		list, json_pack("{s:s, s:s, s:s, s:s}", "part", part, "what", what, "first",
				json_is_string(a) ? json_string_value(a) : first ?: "?", "second",
				json_is_string(b) ? json_string_value(b) : second ?: "?"));
}

json_t *machine_key_difference(const json_t *first, const json_t *second)
{
	json_t *list = json_array();

	for (size_t i = 0; i < PARTS; i++) {
		json_t *a = json_object_get(first, names[i]),
		       *b = json_object_get(second, names[i]);
		const char *what;
		json_t *v;

		json_object_foreach (a, what, v)
			if (!json_equal(v, json_object_get(b, what)))
				add_difference(list, names[i], what, v, json_object_get(b, what));
		json_object_foreach (b, what, v)
			if (!json_object_get(a, what))
				add_difference(list, names[i], what, NULL, v);
	}
	return list;
}

static bool same_member(const json_t *a, const json_t *b, const char *name)
{
	return json_equal(json_object_get(a, name), json_object_get(b, name));
}

static bool same(const json_t *first, const json_t *second, enum part part)
{
	return json_equal(json_object_get(first, names[part]),
			  json_object_get(second, names[part]));
}

enum machine_same machine_key_same(const json_t *first, const json_t *second)
{
	json_t *a = json_object_get(first, names[IDENTITY]), *v;
	const json_t *b = json_object_get(second, names[IDENTITY]), *other;
	bool common = false;
	const char *what;

	if (json_object_get(a, MACHINE) && json_object_get(b, MACHINE))
		return same_member(a, b, MACHINE) ? MACHINE_SAME : MACHINE_OTHER;
	json_object_foreach (a, what, v) {
		other = json_object_get(b, what);
		if (other && !json_equal(v, other))
			return MACHINE_OTHER;
		common |= other != NULL;
	}
	return common ? MACHINE_SAME : MACHINE_UNKNOWN;
}

const char *machine_key_relation(const json_t *first, const json_t *second)
{
	enum machine_same machine = machine_key_same(first, second);

	if (machine == MACHINE_UNKNOWN && same(first, second, CAPABILITY) &&
	    same(first, second, CONFIGURATION))
		return "machines of equal make and configuration; nothing recorded tells whether "
		       "they are one machine";
	if (machine == MACHINE_UNKNOWN)
		return "nothing recorded tells whether they are one machine: a result between "
		       "machines";
	if (machine == MACHINE_OTHER)
		return "different machines: a result between machines, not of a mode or setting";
	if (!same(first, second, CAPABILITY) || !same(first, second, IDENTITY))
		return "one machine, rebuilt in between: its devices or capabilities differ";
	if (!same(first, second, CONFIGURATION))
		return "one machine in two configurations: their difference is the candidate "
		       "explanation";
	if (!same(first, second, PROGRAM))
		return "one machine in one configuration, measured by two builds";
	return "one machine in one configuration, measured by one build";
}
