// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: settings of ours that differ between two configurations, and of which no operation
 * tells: they are about what bowtied itself does later.
 */
#include <string.h>

#include "conf_changes.h"
#include "conf_types.h"
#include "types.h"

static const char *const link_settings[] = {
	"on-change", "on-change-timeout", "hold-withdrawn",
};

static const char *const bird_settings[] = { "restart-time" };

static const struct bt_field *field_of(const struct bt_object *o, const char *name)
{
	const struct bt_field *f;

	bt_for_each_field(f, o)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

static void put_value(const struct bt_field *f, const void *obj, struct bt_buf *out)
{
	if (!obj || (f->type == &bt_type_path && !*(char *const *)bt_field_cvalue(f, obj)))
		bt_buf_puts(out, "none");
	else
		bt_field_text(f, obj, out);
}

static void compare(const char *where, const struct bt_field *f, const void *old,
		    const void *new, struct bt_strings *out)
{
	struct bt_buf from = {}, to = {};
	char *line, *c;

	put_value(f, old, &from);
	put_value(f, new, &to);
	if (strcmp(from.data, to.data) != 0) {
		line = bt_asprintf("%s: %s: %s, was %s", where, f->name, to.data, from.data);
		/* As in the file */
		for (c = line + strlen(where) + 2; *c != ':'; c++)
			*c = *c == '-' ? '_' : *c;
		*bt_array_add(out) = line;
	}
	bt_buf_free(&from);
	bt_buf_free(&to);
}

/**
 * bt_conf_changes() - what another configuration changes beside operations
 * @old: configuration
 * @new: the other one
 * @out: a line for each setting is added
 */
void bt_conf_changes(const struct bt_config *old, const struct bt_config *new,
		     struct bt_strings *out)
{
	size_t i, j;

	for (i = 0; i < BT_ARRAY_SIZE(bird_settings); i++)
		compare("bird", field_of(&bt_conf_bird_object, bird_settings[i]), &old->bird,
			&new->bird, out);
	for (i = 0; i < new->links.n; i++) {
		const struct bt_conf_link *link = &new->links.v[i];
		const struct bt_conf_link *was = bt_config_link(old, link->name);

		/* A link that is new is shown to be; of its settings, what is going to be run. */
		for (j = 0; j < (was ? BT_ARRAY_SIZE(link_settings) : 1); j++)
			compare(link->name, field_of(&bt_conf_link_object, link_settings[j]),
				was, link, out);
	}
}
