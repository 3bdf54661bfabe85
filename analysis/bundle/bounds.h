/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much a stranger's bundle may ask of the memory of who reads it. A JSON value takes some
 * twenty times its text, and archives shrink text a hundredfold: so what will be parsed is counted
 * first, byte by byte and without parsing. The bounds are several times what a run of 10,000 trials
 * needs.
 */
#pragma once

struct diag;

#define BOUNDS_DOCUMENT	       (16u << 20)  /* bytes of a JSON file */
#define BOUNDS_YAML	       (1u << 20)   /* of a YAML file */
#define BOUNDS_DOCUMENT_VALUES 1000000	    /* in it: members and elements */
#define BOUNDS_LINE	       (4u << 20)   /* bytes of a line of JSON lines */
#define BOUNDS_LINE_VALUES     200000	    /* in it */
#define BOUNDS_DEPTH	       64	    /* brackets within brackets */
#define BOUNDS_RECORDS	       50000	    /* lines of JSON lines, all files together */
#define BOUNDS_BYTES	       (512u << 20) /* all of these files together */

/* Every file below `dirfd` that a reader of bundles parses (raw/ is not). -EFBIG with the file, its
 * line and the bound. */
int bounds_check(int dirfd, struct diag *d);
