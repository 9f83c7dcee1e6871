// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: what is worth telling of bowtied's status (daemon/ctl.c), in which words. What is
 * zero, or as it should be, is not there.
 */
#include "daemon_status.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

static int64_t number(struct json_object *o, const char *key)
{
	struct json_object *value = json_object_object_get(o, key);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
}

static const char *word(struct json_object *o, const char *key)
{
	struct json_object *value = json_object_object_get(o, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

static void take_number(struct json_object *to, const char *key, int64_t n)
{
	if (n > 0)
		json_object_object_add(to, key, json_object_new_int64(n));
}

/**
 * bt_daemon_news() - what is worth telling
 * @status: bowtied's answer to "status"; stays the caller's
 *
 * Return: an object, for the caller to json_object_put(), or NULL if there is nothing.
 */
struct json_object *bt_daemon_news(struct json_object *status)
{
	struct json_object *news = json_object_new_object();
	const char *bird = word(status, "bird-state");

	take_number(news, "held", number(status, "held"));
	take_number(news, "held_withdrawn", number(status, "held-withdrawn"));
	if (!strcmp(bird, "away") || !strcmp(bird, "back") || !strcmp(bird, "stale"))
		json_object_object_add(news, "bird", json_object_new_string(bird));
	take_number(news, "suspect_sas", number(status, "suspects"));
	if (json_object_object_length(news))
		return news;
	json_object_put(news);
	return NULL;
}

static const char *bird_text(const char *state)
{
	if (!strcmp(state, "away"))
		return "away, its routes are kept";
	if (!strcmp(state, "back"))
		return "back, its routes are kept until it has learned them again";
	return "stale: it is away for too long, its routes do not count";
}

/**
 * bt_daemon_news_text() - the same as a line
 * @news: of bt_daemon_news(), or NULL
 * @out: gets "bowtied: ..." and a newline, or nothing
 */
void bt_daemon_news_text(struct json_object *news, struct bt_buf *out)
{
	int64_t held = number(news, "held"), withdrawn = number(news, "held_withdrawn");
	int64_t suspects = number(news, "suspect_sas");
	const char *bird = word(news, "bird"), *between = "bowtied: ";

	if (held || withdrawn) {
		bt_buf_printf(out, "%s%" PRId64 " held", between, held);
		if (withdrawn)
			bt_buf_printf(out, " (%" PRId64 " withdrawn)", withdrawn);
		between = ", ";
	}
	if (suspects) {
		bt_buf_printf(out, "%s%" PRId64 " suspect SA%s", between, suspects,
			      suspects == 1 ? "" : "s");
		between = ", ";
	}
	if (*bird) {
		bt_buf_printf(out, "%sBIRD is %s", between, bird_text(bird));
		between = ", ";
	}
	if (news)
		bt_buf_puts(out, "\n");
}
