/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A configuration, and facts that fit it, so that nothing is to be done: for the tests of
 * the comparison. To be included once, after cmocka.h.
 */
#ifndef BT_WORLD_H
#define BT_WORLD_H

#include "config_text.h"
#include "daemon/bird_flags.h"
#include "daemon/bird_render.h"
#include "daemon/reconcile.h"
#include "daemon/vici_render.h"
#include "util.h"

#define IFINDEX	7

struct world {
	struct bt_config *config;
	struct bt_facts facts;
};

static inline struct bt_addr addr(const char *text)
{
	struct bt_addr a;

	assert_true(bt_addr_parse(text, &a));
	return a;
}

static inline struct bt_prefix prefix(const char *text)
{
	struct bt_prefix p;
	struct bt_error e = {};

	assert_int_equal(bt_ifaddr_parse(text, &p, &e), 0);
	return p;
}

static inline void fit_charon(struct world *w, const struct bt_conf_link *link,
			      const struct bt_conf_tunnel *t)
{
	struct bt_facts *f = &w->facts;
	char *name = bt_vici_name(link, t), *shared = bt_vici_shared_content(t, "which");
	struct bt_vici_msg message = {};
	struct bt_fact_ike *ike;

	bt_vici_render_conn(link, t, &message);
	assert_int_equal(bt_vici_msg_check(&message), 0);
	bt_facts_loaded(&f->secrets, t->ike.psk_file, "which", 5);
	bt_facts_loaded(&f->shared_loaded, name, shared, strlen(shared));
	free(shared);
	bt_facts_loaded(&f->conns_loaded, name, message.buf.data, message.buf.len);
	bt_vici_msg_wipe(&message);
	*bt_array_add(&f->conns) = bt_strdup(name);
	*bt_array_add(&f->shared) = bt_strdup(name);
	ike = bt_array_add(&f->ikes);
	ike->id = 40 + t->kernel.if_id;
	ike->name = name;
	ike->established = true;
	ike->children = 1;
	ike->remote = t->kernel.remote;
	ike->if_id = t->kernel.if_id;
}

static inline void fit_link(struct world *w, const struct bt_conf_link *conf, int ifindex)
{
	struct bt_fact_link *l = bt_facts_link_add(&w->facts);
	size_t i, j;

	bt_object_copy(&bt_link_object, &l->link, &conf->kernel);
	strcpy(l->link.dev.name, conf->name);
	l->link.dev.ifindex = ifindex;
	l->link.up = true;
	l->ours = true;
	for (i = 0; i < conf->tunnels.n; i++) {
		const struct bt_conf_tunnel *t = &conf->tunnels.v[i];
		struct bt_tunnel *k = bt_array_add(&l->tunnels);

		bt_object_copy(&bt_tunnel_object, k, &t->kernel);
		k->id = (uint32_t)i;
		k->oper = BOWTIE_OPER_UP;
		for (j = 0; j < t->inside.n; j++)
			*bt_array_add(&l->addrs) = (struct bt_fact_addr){
				t->inside.v[j].local, true };
		if (t->manage.ike)
			fit_charon(w, conf, t);
	}
}

/* BIRD has taken what there is. */
static inline void fit_bird(struct world *w)
{
	struct bt_facts *f = &w->facts;
	struct bt_bird_flags flags = {};
	size_t i;

	free(f->bird_file);
	free(f->bird_revision);
	free(f->bird_vars);
	bt_strings_clear(&f->bird_on);
	bt_strings_clear(&f->bird_off);
	bt_strings_clear(&f->bird_sessions);
	f->bird_file = bt_bird_render(w->config, 0);
	f->bird_revision = bt_bird_revision(f->bird_file);
	bt_bird_flags(w->config, &f->steer, &flags);
	f->bird_vars = bt_bird_vars(&flags, NULL);
	for (i = 0; i < flags.n; i++)
		bt_strings_put(flags.v[i].on ? &f->bird_on : &f->bird_off, flags.v[i].name);
	bt_bird_flags_free(&flags);
	bt_bird_names(w->config, &f->bird_sessions);
	bt_strings_sort(&f->bird_sessions);
}

/* What prefixes are held has a test of its own, whose configurations speak of it. */
static inline struct bt_config *world_config(const char *text)
{
	struct bt_config *config = good(text);
	size_t i;

	for (i = 0; !strstr(text, "hold_routes") && i < config->links.n; i++)
		config->links.v[i].hold_routes = false;
	return config;
}

static inline struct world *fit(const char *text)
{
	struct world *w = bt_alloc(sizeof(*w));
	size_t i;

	w->config = world_config(text);
	w->facts.kmod = true;
	w->facts.fib = true;
	w->facts.vici = true;
	w->facts.bird = true;
	for (i = 0; i < w->config->links.n; i++)
		fit_link(w, &w->config->links.v[i], IFINDEX + (int)i);
	fit_bird(w);
	return w;
}

static inline void done(struct world *w)
{
	bt_facts_free(&w->facts);
	bt_config_free(w->config);
	free(w);
}

static inline void reconfigure(struct world *w, const char *text)
{
	bt_config_free(w->config);
	w->config = world_config(text);
}

/* The operations in words, a line each; BIRD's file by its name only. */
static inline char *ops_at(struct world *w, uint64_t now)
{
	struct bt_buf out = {};
	struct bt_ops ops = {};
	size_t i;

	bt_buf_reserve(&out, 0);
	bt_reconcile(w->config, &w->facts, now, &ops);
	for (i = 0; i < ops.n; i++) {
		bt_op_text(&ops.v[i], &out);
		bt_buf_puts(&out, "\n");
		assert_null(strstr(out.data, "not shown"));
	}
	bt_ops_free(&ops);
	return out.data;
}

static inline void expect_ops(struct world *w, const char *want)
{
	char *have = ops_at(w, 1000);

	assert_string_equal(have, want);
	free(have);
}

static inline void add_fib(struct world *w, const char *dst, uint32_t table, uint8_t protocol,
			   uint32_t metric, const char *gateways)
{
	struct bt_fact_route *r = bt_array_add(&w->facts.routes);
	char *copy = bt_strdup(gateways), *save = NULL, *one;

	r->dst = prefix(dst);
	r->table = table;
	r->protocol = protocol;
	r->metric = metric;
	for (one = strtok_r(copy, " ", &save); one; one = strtok_r(NULL, " ", &save)) {
		struct bt_fact_hop *hop = bt_array_add(&r->hops);

		hop->ifindex = IFINDEX;
		hop->weight = 1;
		if (strcmp(one, "-") != 0)
			hop->gateway = addr(one);
	}
	free(copy);
}

static inline void add_module(struct world *w, const char *dst, uint32_t tunnel)
{
	struct bt_routes set = {}, none = {};
	struct bt_route *r = bt_array_add(&set);
	struct bt_nexthop *hop = bt_array_add(&r->nexthops);

	r->dst = prefix(dst);
	hop->tunnel = tunnel;
	hop->set = BT_BIT(BOWTIE_A_NEXTHOP_TUNNEL);
	bt_fact_link_patch_routes(&w->facts.links.v[0], &set, &none);
	bt_routes_free(&set);
}

#endif /* BT_WORLD_H */
