/* SPDX-License-Identifier: Apache-2.0 */
/* Results of comparisons on standard output: compare_run() and across_runs(). 0 or -errno. */
#pragma once
#include <jansson.h>
#include <stddef.h>

int compare_print_text(const json_t *result);
int compare_print_csv(const json_t *result);
int compare_print_markdown(const json_t *result);
int across_print_text(const json_t *result);
int across_print_csv(const json_t *result);
int across_print_markdown(const json_t *result);

/* A field of CSV and what ends it. */
void compare_csv_text(const char *text, char end);
void compare_csv_number(const json_t *j, const char *path, char end);
