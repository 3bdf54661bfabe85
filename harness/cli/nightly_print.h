/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>

/* A night's report as text. */
void nightly_print(const json_t *report);
/* Its exit status. */
int nightly_status(const json_t *report);
/* Write one export to `path`, whole or not at all ("-": standard output). 0 or -errno. */
struct exporter;
struct diag;
int export_to(const struct exporter *e, const json_t *input, const char *path, struct diag *d);
