/* SPDX-License-Identifier: Apache-2.0 */
/* Where our own programs and files are: installed, or in a build tree. */
#pragma once
#include <stddef.h>

struct diag;

/* Directory of the running program, where ioloop and spinner lie too: build/bin, or lib/iomodes, to
 * which the link in bin leads (cmake/package.cmake). */
int paths_bin(char *out, size_t size, struct diag *d);
/* configs/: $IOMODES_CONFIG, of an installed program (share/iomodes), or of the source tree that
 * the program was built in. */
int paths_config(char *out, size_t size, struct diag *d);
/* A file as given, or configs/experiments/<name>.yaml or configs/presets/<name>.yaml for a bare
 * name ("default"). The error of an
 * unknown name lists what there is. */
int paths_experiment(const char *name, char *out, size_t size, struct diag *d);
/* results/runs of a source tree, else ./iomodes-results. */
void paths_results(char *out, size_t size);
