/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reproduce.sh: what a run did, as commands that anybody has: files of sysfs, ethtool, fio. For
 * reading, and for whoever does not have iomodes; nothing of ours ever runs it.
 */
#pragma once

struct diag;

/* The script of a run's cells, each as its first trial with numbers was made. Freed by the caller.
 * -errno as record_read_run(). */
int commands_of_run(const char *run_dir, char **text, struct diag *d);
