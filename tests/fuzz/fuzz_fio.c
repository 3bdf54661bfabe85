// SPDX-License-Identifier: Apache-2.0
/* fio's output, anything at all. */
#include "fuzz.h"
#include "record/hist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool open_loop = size && data[size - 1] % 2;
	_json_ json_t *record = json_pack("{s:{}, s:[], s:{s:b}}", "metrics", "labels", "load",
					  "open_loop", open_loop);
	_json_ json_t *notes = json_array();
	_free_ struct hist *h = malloc(sizeof(*h));
	json_t *latency;

	workload_notes((const char *)data, size, notes);
	PROMISE(json_array_size(notes) || !workload_reason(notes));
	if (fuzz_parse("fio", data, size, record))
		return 0;
	/* what was read can be read again, and is whole */
	PROMISE(jsonio_number(record, "evidence.counts.io") >= jsonio_number(record, "counts.io"));
	latency = json_object_get(record, open_loop ? "service" : "latency");
	if (h && latency) {
		PROMISE(!hist_from_json(latency, h, NULL));
		PROMISE(h->count == (uint64_t)json_integer_value(json_object_get(latency, "count")));
	}
	return 0;
}
