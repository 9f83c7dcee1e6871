// SPDX-License-Identifier: GPL-2.0
/*
 * What the tool can ask of the daemon. A request is an object {"method": NAME, ...},
 * the answer {"result": ...} or {"error": TEXT}. Knows nothing of sockets.
 */
#include "ctl.h"
#include "ctl_status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bird_flags.h"
#include "conf_changes.h"
#include "log.h"
#include "reconcile.h"
#include "route_hold.h"
#include "util.h"
#include "vici_render.h"

#define MAX_DEPTH	4

static struct json_object *answer(const char *key, struct json_object *value)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, key, value);
	return o;
}

static struct json_object *refusal(const char *text)
{
	return answer("error", json_object_new_string(text));
}

/* --- reload and diff --- */

static struct json_object *do_reload(struct bt_daemon *d, struct json_object *args)
{
	struct bt_error e = {};
	struct json_object *o;

	if (bt_daemon_reload(d, &e)) {
		o = refusal(e.text);
		bt_error_free(&e);
		return o;
	}
	return answer("result", json_object_new_object());
}

/* What a reload would do: an array of settings and operations in words. */
static struct json_object *do_diff(struct bt_daemon *d, struct json_object *args)
{
	struct json_object *list, *file = json_object_object_get(args, "file");
	const char *path = file ? json_object_get_string(file) : d->path;
	struct bt_facts facts = d->facts;
	struct bt_config *config;
	struct bt_strings changes = {};
	struct bt_error e = {};
	struct bt_ops ops = {};
	size_t i;

	config = bt_config_load(path, &e);
	if (!config) {
		list = refusal(e.text);
		bt_error_free(&e);
		return list;
	}
	/* The daemon's own view of the secrets stays: nothing is applied by being asked. */
	facts.secrets = (struct bt_fact_loadeds){};
	bt_conf_secrets(config, &facts);
	/* At the end of time nothing is held any more. */
	bt_reconcile(config, &facts, UINT64_MAX, &ops);
	bt_facts_loaded_clear(&facts.secrets);
	list = json_object_new_array();
	bt_conf_changes(d->config, config, &changes);
	for (i = 0; i < changes.n; i++)
		json_object_array_add(list, json_object_new_string(changes.v[i]));
	bt_strings_clear(&changes);
	for (i = 0; i < ops.n; i++) {
		struct bt_buf text = {};

		bt_op_text(&ops.v[i], &text);
		json_object_array_add(list, json_object_new_string(text.data));
		bt_buf_free(&text);
	}
	bt_ops_free(&ops);
	bt_config_free(config);
	return answer("result", list);
}

/* --- status --- */

static const char *ike_state(const struct bt_facts *f, const char *name)
{
	const char *state = "none";
	size_t i;

	for (i = 0; i < f->ikes.n; i++) {
		const struct bt_fact_ike *ike = &f->ikes.v[i];

		if (ike->dying || strcmp(ike->name, name) != 0)
			continue;
		if (ike->established)
			return "established";
		state = "connecting";
	}
	return f->vici ? state : "unknown";
}

static void put_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

/* How BGP is steered: see steer.c. */
static void steer_status(const struct bt_facts *f, const struct bt_conf_link *link,
			 const struct bt_conf_tunnel *t, struct json_object *o)
{
	static const char *const ways[] = {
		[BT_RETURN_MED] = "med", [BT_RETURN_PREPEND] = "prepend", [BT_RETURN_OFF] = "off",
	};
	char *name = bt_bird_tunnel(link, t);
	const struct bt_steer_tunnel *s = bt_steer_tunnel(&f->steer, name, 0);
	unsigned int level;

	free(name);
	if (!s)
		return;
	level = bt_steer_boosted(s) ? f->steer.groups.v[s->group].level : 0;
	put_text(o, "routes", s->dead ? "rejected" : "accepted");
	put_text(o, "return-path", ways[t->bgp.return_path]);
	json_object_object_add(o, "return-level", json_object_new_int64(level));
}

static struct json_object *tunnel_status(const struct bt_facts *f, const struct bt_conf_link *link,
					 const struct bt_conf_tunnel *t)
{
	struct json_object *o = json_object_new_object();
	char *name = bt_vici_name(link, t);

	json_object_object_add(o, "dev", json_object_new_string(link->name));
	json_object_object_add(o, "name", json_object_new_string(t->kernel.name));
	if (t->manage.ike)
		json_object_object_add(o, "ike", json_object_new_string(ike_state(f, name)));
	free(name);
	steer_status(f, link, t, o);
	return o;
}

/* Routes that hold prefixes, and how many of these are learned no more. */
static void hold_status(const struct bt_facts *f, struct json_object *o)
{
	size_t i, n = 0;

	for (i = 0; i < f->routes.n; i++)
		n += bt_hold_is(&f->routes.v[i]);
	json_object_object_add(o, "held", json_object_new_int64((int64_t)n));
	json_object_object_add(o, "held-withdrawn", json_object_new_int64((int64_t)f->withdrawn.n));
}

static struct json_object *do_status(struct bt_daemon *d, struct json_object *args)
{
	struct json_object *o = json_object_new_object(), *tunnels = json_object_new_array();
	const struct bt_facts *f = &d->facts;
	size_t i, j;

	json_object_object_add(o, "version", json_object_new_string(BOWTIE_VERSION));
	json_object_object_add(o, "config", json_object_new_string(d->path));
	json_object_object_add(o, "module", json_object_new_boolean(f->kmod));
	json_object_object_add(o, "charon", json_object_new_boolean(f->vici));
	json_object_object_add(o, "bird", json_object_new_boolean(f->bird));
	hold_status(f, o);
	bt_ctl_status_put(f, o);
	for (i = 0; i < d->config->links.n; i++) {
		const struct bt_conf_link *link = &d->config->links.v[i];

		for (j = 0; j < link->tunnels.n; j++)
			json_object_array_add(tunnels,
					      tunnel_status(f, link, &link->tunnels.v[j]));
	}
	json_object_object_add(o, "tunnels", tunnels);
	return answer("result", o);
}

static const struct {
	const char *name;
	struct json_object *(*call)(struct bt_daemon *d, struct json_object *args);
} methods[] = {
	{ "status", do_status },
	{ "reload", do_reload },
	{ "diff", do_diff },
};

/**
 * bt_ctl_call() - answer a request
 * @d: daemon
 * @request: JSON
 * @len: in bytes
 *
 * Return: the answer, for the caller to json_object_put().
 */
struct json_object *bt_ctl_call(struct bt_daemon *d, const char *request, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(MAX_DEPTH);
	struct json_object *args, *method, *reply = NULL;
	size_t i;

	if (!tok)
		return refusal("out of memory");
	args = json_tokener_parse_ex(tok, request, (int)len);
	method = json_object_is_type(args, json_type_object) ?
		 json_object_object_get(args, "method") : NULL;
	if (!json_object_is_type(method, json_type_string))
		reply = refusal("not a request");
	for (i = 0; !reply && i < BT_ARRAY_SIZE(methods); i++)
		if (!strcmp(json_object_get_string(method), methods[i].name))
			reply = methods[i].call(d, args);
	if (!reply)
		reply = refusal("no such method");
	json_object_put(args);
	json_tokener_free(tok);
	return reply;
}
