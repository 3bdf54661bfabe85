// SPDX-License-Identifier: Apache-2.0
#include "experiment/published.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"
#include "base/yaml.h"
#include "record/metric.h"

static int unknown_metric(const struct yaml_node *key, struct diag *d)
{
	const char *names[256];
	char hint[160];
	size_t n;
	const struct metric *all = metric_all(&n);

	n = n < ARRAY_SIZE(names) ? n : ARRAY_SIZE(names);
	for (size_t i = 0; i < n; i++)
		names[i] = all[i].name;
	return yaml_error(key, d, -EINVAL, "unknown metric \"%s\"%s", key->text,
			  suggest_text(key->text, names, n, hint, sizeof(hint)));
}

static int in_group(const struct yaml_node *name, const struct yaml_node *modes, struct diag *d)
{
	const char *names[256];
	char hint[160];
	size_t n = 0;

	for (size_t i = 0; i < modes->n && n < ARRAY_SIZE(names); i++) {
		if (modes->item[i]->kind != YAML_SCALAR)
			continue;
		if (!strcmp(modes->item[i]->text, name->text))
			return 0;
		names[n++] = modes->item[i]->text;
	}
	return yaml_error(name, d, -EINVAL, "mode \"%s\" is not in this group%s", name->text,
			  suggest_text(name->text, names, n, hint, sizeof(hint)));
}

static int read_values(const struct yaml_node *map, json_t **out, struct diag *d)
{
	int err = yaml_expect(map, YAML_MAP, d);

	*out = err ? NULL : json_object();
	for (size_t i = 0; !err && i < map->n; i++) {
		double value;

		if (!metric_find(map->key[i]->text))
			return unknown_metric(map->key[i], d);
		err = yaml_f64(map->item[i], &value, d);
		if (!err)
			json_object_set_new(*out, map->key[i]->text, json_real(value));
	}
	return err;
}

static json_t *ratios(const json_t *values, const json_t *baseline)
{
	json_t *out = json_object(), *value;
	const char *name;

	json_object_foreach ((json_t *)values, name, value) {
		double by = json_number_value(json_object_get(baseline, name));

		if (by > 0)
			json_object_set_new(out, name, json_real(json_number_value(value) / by));
	}
	return out;
}

/* Rows of theirs that are none of ours, each with its reason. */
static int read_elsewhere(const struct yaml_node *map, const json_t *base, json_t **out,
			  struct diag *d)
{
	int err = yaml_expect(map, YAML_MAP, d);

	*out = err ? NULL : json_object();
	for (size_t i = 0; !err && i < map->n; i++) {
		const struct yaml_node *row = map->item[i], *why;
		json_t *values = json_object();

		err = yaml_expect(row, YAML_MAP, d);
		why = err ? NULL : yaml_get(row, "why");
		if (!err && !why)
			err = yaml_error(row, d, -EINVAL, "\"%s\" needs why: it is no row of ours",
					 map->key[i]->text);
		for (size_t k = 0; !err && k < row->n; k++) {
			double value;

			if (row->item[k] == why)
				continue;
			if (!metric_find(row->key[k]->text))
				err = unknown_metric(row->key[k], d);
			if (!err)
				err = yaml_f64(row->item[k], &value, d);
			if (!err)
				json_object_set_new(values, row->key[k]->text, json_real(value));
		}
		if (!err)
			json_object_set_new(*out, map->key[i]->text,
					    json_pack("{s:s, s:O, s:o}", "why", why->text, "values",
						      values, "ratios", ratios(values, base)));
		json_decref(values);
	}
	return err;
}

int published_load(const struct yaml_node *published, const struct yaml_node *modes,
		   const char *mode, json_t **out, struct diag *d)
{
	static const char *const keys[] = {"source",  "baseline",  "values",
					   "differs", "elsewhere", "says"};
	const struct yaml_node *source, *baseline, *values, *differs, *elsewhere, *says;
	_json_ json_t *own = NULL, *base = NULL, *others = NULL;
	int err = yaml_check_keys(published, keys, ARRAY_SIZE(keys), d);

	*out = NULL;
	if (err)
		return err;
	source = yaml_get(published, "source");
	baseline = yaml_get(published, "baseline");
	values = yaml_get(published, "values");
	differs = yaml_get(published, "differs");
	elsewhere = yaml_get(published, "elsewhere");
	says = yaml_get(published, "says");
	if (source && (values || says) && !differs)
		return yaml_error(published, d, -EINVAL,
				  "published needs differs: in what our set-up is another than "
				  "theirs");
	if (!source || (!values && !says))
		return yaml_error(published, d, -EINVAL,
				  "published needs source: where the figures are from, and values: "
				  "(or says:, "
				  "where there is none of a row)");
	err = yaml_expect(source, YAML_SCALAR, d);
	if (!err && values)
		err = yaml_expect(values, YAML_MAP, d);
	if (!err && says)
		err = yaml_expect(says, YAML_SCALAR, d);
	if (!err)
		err = yaml_expect(differs, YAML_SCALAR, d);
	if (!err && baseline)
		err = yaml_expect(baseline, YAML_SCALAR, d);
	if (!err && baseline)
		err = in_group(baseline, modes, d);
	for (size_t i = 0; !err && values && i < values->n; i++) {
		_json_ json_t *read = NULL;

		err = in_group(values->key[i], modes, d);
		if (!err)
			err = read_values(values->item[i], &read, d);
		if (!err && !strcmp(values->key[i]->text, mode))
			own = json_incref(read);
		if (!err && baseline && !strcmp(values->key[i]->text, baseline->text))
			base = json_incref(read);
	}
	if (!err && elsewhere)
		err = read_elsewhere(elsewhere, base, &others, d);
	if (!err && !own && says) /* of all rows together */
		own = json_object();
	if (err || !own)
		return err;
	*out = json_pack("{s:s, s:s*, s:O, s:o}", "source", source->text, "baseline",
			 baseline ? baseline->text : NULL, "values", own, "ratios",
			 ratios(own, base));
	if (*out && says)
		json_object_set_new(*out, "says", json_string(says->text));
	if (*out)
		json_object_set_new(*out, "differs", json_string(differs->text));
	if (*out && others)
		json_object_set(*out, "elsewhere", others);
	return *out ? 0 : -ENOMEM;
}
