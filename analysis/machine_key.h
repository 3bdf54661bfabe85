/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which machine a run was made on, in three parts (method.md §4.6): identity (this very machine),
 * capability (what it is made of), configuration (how it was set up). Runs of one identity and
 * configuration compare freely; across configurations the difference is the candidate explanation;
 * across identities a result is one between machines and is labelled so. Readings that are
 * calibrated or counted (bogomips, MHz, uptime) are in none of them.
 */
#pragma once
#include <jansson.h>

/* {"identity": {what: value}, "capability": {…}, "configuration": {…}, "program": {…}, "digest":
 * {"identity": hex or null, …}} of a run.json. Identity is null when the run recorded nothing that
 * names the machine. New reference. */
json_t *machine_key(const json_t *run);
/* What differs: [{"part", "what", "first", "second"}], parts in the order above. New reference. */
json_t *machine_key_difference(const json_t *first, const json_t *second);
/* By what the firmware or the system calls them, where both recorded it; else by what both recorded
 * of their devices, so that a drive more or less is no other machine. */
enum machine_same { MACHINE_SAME, MACHINE_OTHER, MACHINE_UNKNOWN };
enum machine_same machine_key_same(const json_t *first, const json_t *second);
/* "same machine, same configuration" …: how far two runs may be compared. Static. */
const char *machine_key_relation(const json_t *first, const json_t *second);
