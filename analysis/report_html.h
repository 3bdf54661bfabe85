/* SPDX-License-Identifier: Apache-2.0 */
/* Writing HTML: markup by format, everything that came from a record or a machine only through
 * html_text(), which escapes it. */
#pragma once
#include <stdio.h>

#define HTML_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Text content or attribute value: & < > " ' and control characters are escaped. */
void html_text(FILE *out, const char *text);
/* <TAG>text</TAG> */
void html_element(FILE *out, const char *tag, const char *text);
/* The same with the text made by format. */
HTML_PRINTF(3, 4) void html_elementf(FILE *out, const char *tag, const char *fmt, ...);
/* A table in a box that scrolls by itself, by keyboard too; `caption` says what it holds. */
void html_table(FILE *out, const char *caption);
void html_table_end(FILE *out);
/* <thead> with one <th scope=col> a column. */
void html_head(FILE *out, const char *const *columns, size_t n);
/* A number: what a person reads, and in data-value all of it. NAN: "-". */
void html_number(FILE *out, const char *metric, double value, const char *text);
/* One of the four words with a sign before it: nothing hangs on colour. */
void html_verdict(FILE *out, const char *word);
void html_style(FILE *out);
void html_base64(FILE *out, const void *data, size_t len);
