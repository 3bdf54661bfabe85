// SPDX-License-Identifier: Apache-2.0
/* Interrupts of a network device, and what their names say. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "machine/interrupts.h"
#include "machine/internal.h"
#include "machine/nic_private.h"
#include "sys/sys.h"

/* Is `name` the action or the beginning of it ("eth0" of "eth0-rx-0", not of "eth01")? */
static bool action_of(const struct interrupt *i, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = i->name; len && p; p = strstr(p, ", "), p = p ? p + 2 : NULL)
		if (!strncmp(p, name, len) && !isalnum((unsigned char)p[len]))
			return true;
	return false;
}

int nic_read_vectors(struct sys *s, struct machine_nic *nic, const struct interrupt *all, size_t n)
{
	char device[64];
	int err = 0;

	if (nic->pci[0])
		return vector_discover(s, nic->pci, all, n, &nic->vectors, &nic->n_vectors);
	/* on another bus nothing but the name says whose an interrupt is */
	if (sys_linkf_name(s, device, sizeof(device), "/sys/class/net/%s/device", nic->name))
		device[0] = '\0';
	for (size_t i = 0; !err && i < n; i++)
		if (action_of(&all[i], nic->name) || action_of(&all[i], device))
			err = vector_add(s, all[i].irq, all, n, &nic->vectors, &nic->n_vectors);
	return err;
}

/* One run of letters, in lower case, and the number glued to it or after one separator. */
struct word {
	char text[24];
	bool has_number;
	unsigned number;
};

static const char *next_word(const char *p, struct word *w)
{
	size_t n = 0;

	while (*p && *p != '@' && *p != ',' && !isalpha((unsigned char)*p))
		p++;
	*w = (struct word){.text = ""};
	if (!isalpha((unsigned char)*p))
		return NULL;
	for (; isalpha((unsigned char)*p); p++)
		if (n + 1 < sizeof(w->text))
			w->text[n++] = (char)tolower((unsigned char)*p);
	if ((*p == '-' || *p == '.' || *p == '_' || *p == ' ' || *p == ':') &&
	    isdigit((unsigned char)p[1]))
		p++;
	if (isdigit((unsigned char)*p)) {
		char *end;

		w->number = (unsigned)strtoul(p, &end, 10);
		w->has_number = true;
		p = end;
	}
	return p;
}

bool nic_parse_action(const char *action, bool *rx, bool *tx, unsigned *number)
{
	bool found = false;
	struct word w;

	*rx = *tx = false;
	while ((action = next_word(action, &w))) {
		bool in = strstr(w.text, "rx") || !strcmp(w.text, "input");
		bool out = strstr(w.text, "tx") || !strcmp(w.text, "output");
		bool both =
			!strcmp(w.text, "comp") || !strcmp(w.text, "queue") || !strcmp(w.text, "q");

		if (!in && !out && !both)
			continue;
		*rx |= in || both;
		*tx |= out || both;
		found = w.has_number;
		*number = w.number;
	}
	return found;
}

bool nic_is_event_action(const char *action)
{
	static const char *const words[] = {
		"config", "async",  "ctrl",  "control", "cmd",	 "mgmnt",   "mgmt",
		"admin",  "adminq", "other", "misc",	"mbox",	 "mailbox", "link",
		"lsc",	  "event",  "ptp",   "fdir",	"pages", "aux",
	};
	struct word w;

	while ((action = next_word(action, &w)))
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (!strcmp(w.text, words[i]))
				return true;
	return false;
}
