// SPDX-License-Identifier: Apache-2.0
/*
 * A fio job file from anybody. What is promised: once it has passed the check, the job that runs
 * holds no option off the list, names no file but the target, and reads back as what it is.
 */
#include "adapter/fio_command.h"
#include "fuzz.h"

static void check_output(const char *text)
{
	struct fio_job again;
	struct diag d = {""};

	PROMISE(!fio_job_parse("again", text, strlen(text), &again, &d));
	PROMISE(!fio_job_check(&again, NULL, true, &d));
	for (size_t i = 0; i < again.n; i++)
		for (size_t k = 0; k < again.section[i].n; k++) {
			const struct fio_line *o = &again.section[i].option[k];

			PROMISE(!fio_option_refusal(o->kind));
			PROMISE(strcmp(o->name, "filename") || !strcmp(o->value, "/data/t"));
			PROMISE(o->kind != FIO_OPTION_TARGET || !strcmp(o->name, "filename") ||
				!strcmp(o->name, "allow_file_create"));
		}
	fio_job_free(&again);
}

static void run(struct fio_job *j, bool trust)
{
	static const struct workload_option mode[] = {{"ioengine", "io_uring"}, {"hipri", "1"}};
	struct workload_job job = {.program = "fio",
				   .target = "/data/t",
				   .rw = "randread",
				   .bs = 4096,
				   .iodepth = 1,
				   .numjobs = 1,
				   .cpus = "1",
				   .runtime_ns = 1000000000,
				   .options = mode,
				   .n_options = 2,
				   .fio_job = j};
	struct fio_job_load load;
	struct diag d = {""};
	_free_ char *text = NULL;
	_json_ json_t *imposed = NULL, *untrusted = fio_job_untrusted(j);
	int err = fio_job_load_of(j, &load, &d);

	/* what only trust lets through is shown, always */
	PROMISE(trust == (json_array_size(untrusted) > 0));
	PROMISE(!err || *d.text);
	if (!err)
		PROMISE(load.jobs && (!load.writes || *load.write_at));
	err = fio_job_fits(j, 1 << 20, &d);
	PROMISE(!err || *d.text);
	PROMISE(!fio_command_text(&job, &text, &d));
	imposed = fio_command_imposed(&job, &d);
	PROMISE(json_array_size(imposed));
	if (!trust)
		check_output(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fio_job j;
	struct diag d = {""};
	bool passed;

	if (fio_job_parse("x.fio", (const char *)data, size, &j, &d)) {
		PROMISE(*d.text);
		return 0;
	}
	if (size && data[size - 1] % 4 == 1 && fio_job_select(&j, "a", &d)) {
		fio_job_free(&j);
		return 0;
	}
	passed = !fio_job_check(&j, "/data/t", false, &d);
	PROMISE(passed || *d.text);
	if (passed || !fio_job_check(&j, "/data/t", true, &d))
		run(&j, !passed);
	fio_job_free(&j);
	return 0;
}
