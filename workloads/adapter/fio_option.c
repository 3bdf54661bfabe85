// SPDX-License-Identifier: Apache-2.0
#include "adapter/fio_option.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"

#define L(n)                             \
	{                                \
		n, NULL, FIO_OPTION_LOAD \
	}
#define L2(n, a)                      \
	{                             \
		n, a, FIO_OPTION_LOAD \
	}
#define K(k, n)                         \
	{                               \
		n, NULL, FIO_OPTION_##k \
	}
#define K2(k, n, a)                  \
	{                            \
		n, a, FIO_OPTION_##k \
	}

/* An allow list: what it does not hold is refused. Every file that fio could open, command it could
 * run and setting it could change has to be named by an option, so the list keeps them out. */
static const struct fio_option table[] = {
	L2("rw", "readwrite"),
	L2("bs", "blocksize"),
	L2("bsrange", "blocksize_range"),
	L2("ba", "blockalign"),
	L("bssplit"),
	L2("bs_unaligned", "blocksize_unaligned"),
	L("bs_is_seq_rand"),
	L("size"),
	L2("io_size", "io_limit"),
	L("number_ios"),
	L("offset"),
	L("offset_increment"),
	L("offset_align"),
	L("iodepth"),
	L2("iodepth_batch", "iodepth_batch_submit"),
	L2("iodepth_batch_complete_min", "iodepth_batch_complete"),
	L("iodepth_batch_complete_max"),
	L("iodepth_low"),
	L("serialize_overlap"),
	L("numjobs"),
	L("thread"),
	L("direct"),
	L("buffered"),
	L("sync"),
	L("fsync"),
	L("fdatasync"),
	L("end_fsync"),
	L("overwrite"),
	L("invalidate"),
	L("norandommap"),
	L("softrandommap"),
	L("randrepeat"),
	L("allrandrepeat"),
	L("randseed"),
	L("random_generator"),
	L("random_distribution"),
	L("percentage_random"),
	L("rwmixread"),
	L("rwmixwrite"),
	L("rate"),
	L2("rate_min", "ratemin"),
	L("rate_iops"),
	L("rate_iops_min"),
	L("rate_process"),
	L("rate_cycle"),
	L("rate_ignore_thinktime"),
	L("io_submit_mode"),
	L("thinktime"),
	L("thinktime_spin"),
	L("thinktime_blocks"),
	L("thinktime_blocks_type"),
	L("thinktime_iotime"),
	L("latency_target"),
	L("latency_window"),
	L("latency_percentile"),
	L("latency_run"),
	L("max_latency"),
	L("zero_buffers"),
	L("refill_buffers"),
	L("scramble_buffers"),
	L("buffer_compress_percentage"),
	L("buffer_compress_chunk"),
	L("dedupe_percentage"),
	L("unified_rw_reporting"),
	L("group_reporting"),
	L("new_group"),
	L("name"),
	L("description"),
	L("nice"),
	L("prio"),
	L("prioclass"),
	L("rw_sequencer"),
	L("gtod_reduce"),
	L("disable_lat"),
	L("disable_clat"),
	L("disable_slat"),
	L2("disable_bw", "disable_bw_measurement"),
	L("continue_on_error"),
	L2("iomem_align", "mem_align"),
	L("clocksource"),
	L("exitall"),
	L("exitall_on_error"),
	K(MODE, "ioengine"),
	K(MODE, "hipri"),
	K(MODE, "hipri_percentage"),
	K(MODE, "fixedbufs"),
	K(MODE, "registerfiles"),
	K(MODE, "sqthread_poll"),
	K(MODE, "sqthread_poll_cpu"),
	K(MODE, "nonvectored"),
	K(MODE, "uncached"),
	K(MODE, "nowait"),
	K(MODE, "force_async"),
	K(MODE, "cmd_type"),
	K(MODE, "userspace_reap"),
	K(MODE, "cmdprio_percentage"),
	K(MODE, "cmdprio_class"),
	K(MODE, "cmdprio"),
	K2(TIME, "runtime", "timeout"),
	K(TIME, "time_based"),
	K(TIME, "ramp_time"),
	K(TIME, "loops"),
	K2(ORDER, "startdelay", "start_delay"),
	K(TIME, "ramp_size"),
	K2(TIME, "steadystate", "ss"),
	K2(TIME, "steadystate_duration", "ss_dur"),
	K2(TIME, "steadystate_ramp_time", "ss_ramp"),
	K2(ORDER, "stonewall", "wait_for_previous"),
	K(ORDER, "wait_for"),
	K(CPU, "cpus_allowed"),
	K(CPU, "cpumask"),
	K(CPU, "cpus_allowed_policy"),
	K(CPU, "numa_cpu_nodes"),
	K(CPU, "numa_mem_policy"),
	K(TARGET, "filename"),
	K(TARGET, "directory"),
	K(TARGET, "filename_format"),
	K(TARGET, "opendir"),
	K(TARGET, "nrfiles"),
	K(TARGET, "openfiles"),
	K(TARGET, "file_service_type"),
	K(TARGET, "filesize"),
	K(TARGET, "unlink"),
	K(TARGET, "create_only"),
	K(TARGET, "create_on_open"),
	K(TARGET, "create_serialize"),
	K(TARGET, "create_fsync"),
	K(TARGET, "fallocate"),
	K(TARGET, "fill_device"),
	K(TARGET, "allow_file_create"),
	K(TARGET, "allow_mounted_write"),
	K(REPORT, "lat_percentiles"),
	K(REPORT, "clat_percentiles"),
	K(REPORT, "slat_percentiles"),
	K(REPORT, "percentile_list"),
	K(REPORT, "significant_figures"),
	K(REPORT, "stats"),
	K(REPORT, "unit_base"),
	K(REPORT, "kb_base"),
	K(REPORT, "disk_util"),
	K(REPORT, "bwavgtime"),
	K(REPORT, "iopsavgtime"),
	K(RUNS, "exec_prerun"),
	K(RUNS, "exec_postrun"),
	K(RUNS, "profile"),
	K(FILES, "include"),
	K(FILES, "output"),
	K(FILES, "aux-path"),
	K(FILES, "read_iolog"),
	K(FILES, "write_iolog"),
	K(FILES, "replay_redirect"),
	K(FILES, "write_bw_log"),
	K(FILES, "write_lat_log"),
	K(FILES, "write_iops_log"),
	K(FILES, "write_hist_log"),
	K(FILES, "per_job_logs"),
	K(FILES, "verify_state_save"),
	K(FILES, "verify_state_load"),
	K(FILES, "verify"),
	K(FILES, "verify_pattern"),
	K(FILES, "buffer_pattern"),
	K(FILES, "lockfile"),
	K(FILES, "dedupe_global"),
	K2(FILES, "mem", "iomem"),
	K(FILES, "merge_blktrace_file"),
	K(HOST, "ioscheduler"),
	K(HOST, "cgroup"),
	K(HOST, "cgroup_weight"),
	K(HOST, "cgroup_nodelete"),
	K(HOST, "uid"),
	K(HOST, "gid"),
	K(HOST, "lockmem"),
};

const struct fio_option *fio_option_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].name, name) ||
		    (table[i].alias && !strcmp(table[i].alias, name)))
			return &table[i];
	return NULL;
}

/* fio looks for an engine that it does not know as a library: "external:/x.so", but "/x.so" as
 * well, and "x.so" on the loader's path. "exec" runs a program. */
static bool is_plain_engine(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			return false;
	return *name && strcmp(name, "exec");
}

enum fio_option_kind fio_option_kind(const char *name, const char *value)
{
	const struct fio_option *known = fio_option_find(name);

	if (!known)
		return FIO_OPTION_UNKNOWN;
	if (!strcmp(known->name, "ioengine") && value && !is_plain_engine(value))
		return FIO_OPTION_RUNS;
	return known->kind;
}

const char *fio_option_refusal(enum fio_option_kind kind)
{
	static const char *const refusals[] = {
		[FIO_OPTION_UNKNOWN] = "is not on the list of options known to be harmless",
		[FIO_OPTION_RUNS] = "runs a command or loads code",
		[FIO_OPTION_FILES] = "reads or writes other files than the target",
		[FIO_OPTION_ORDER] =
			"makes jobs run one after another: there is no window in "
			"which all of them run, and the kernel's counters do not tell "
			"one's I/O from another's; measure each by itself (fio_section: "
			"its name)",
		[FIO_OPTION_HOST] = "changes the machine without the restore contract (use a knob)",
	};

	return (size_t)kind < ARRAY_SIZE(refusals) ? refusals[kind] : NULL;
}

const char *fio_option_hint(const char *name, char *out, unsigned size)
{
	const char *names[ARRAY_SIZE(table)];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		names[i] = table[i].name;
	return suggest_text(name, names, ARRAY_SIZE(table), out, size);
}
