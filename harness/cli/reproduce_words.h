/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a stranger's bundle may reach the command line of a run: numbers, flags and names of
 * modes. Paths, devices and whatever destroys or reconfigures only with --trust, after showing it;
 * programs and the identity of a device never.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

struct diag;

/*
 * The options for 'iomodes run', as an array of words. `trusted` gets a sentence for each thing
 * that --trust lets through. -EPERM with what needs --trust, or to be given behind "--" (`given`,
 * NULL-terminated); -EINVAL for a run that cannot be repeated. `experiment` is the bundle's file.
 */
int reproduce_words(const json_t *run, const char *experiment, bool trust, char **given,
		    json_t **words, json_t *trusted, struct diag *d);
