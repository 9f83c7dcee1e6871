// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: a tunnel as a connection of charon's, with one CHILD SA and one secret, all of
 * the same name. Policies are none of ours (policies = no): what goes into a tunnel is
 * decided by the module.
 */
#include "vici_render.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"

/* Room for a secret of any sensible size: the buffer must not move. */
#define SECRET_MESSAGE	(BT_VICI_MAX_VALUE + 4096)

/**
 * bt_vici_name() - what a tunnel is called by charon
 * @link: its link
 * @t: tunnel
 *
 * Return: for the caller to free.
 */
char *bt_vici_name(const struct bt_conf_link *link, const struct bt_conf_tunnel *t)
{
	return bt_asprintf(BT_PREFIX "%s_%s", link->name, t->kernel.name);
}

static void put_list(struct bt_vici_msg *m, const char *key, const struct bt_strings *values)
{
	size_t i;

	bt_vici_list(m, key);
	for (i = 0; i < values->n; i++)
		bt_vici_list_item_str(m, values->v[i]);
	bt_vici_list_end(m);
}

static void put_one(struct bt_vici_msg *m, const char *key, const char *value)
{
	bt_vici_list(m, key);
	bt_vici_list_item_str(m, value);
	bt_vici_list_end(m);
}

static void put_addr(struct bt_vici_msg *m, const char *key, const struct bt_addr *addr)
{
	char buf[BT_ADDR_STRLEN];

	put_one(m, key, bt_addr_is_any(addr) ? "%any" : bt_addr_str(addr, buf));
}

static void put_extra(struct bt_vici_msg *m, const struct bt_map *extra)
{
	size_t i;

	for (i = 0; i < extra->n; i++)
		bt_vici_put_str(m, extra->v[i].key, extra->v[i].value);
}

static bool is_extra(const struct bt_map *extra, const char *key)
{
	size_t i;

	for (i = 0; i < extra->n; i++)
		if (!strcmp(extra->v[i].key, key))
			return true;
	return false;
}

/*
 * What charon calls over_time and rand_time: the SA is to be replaced before its
 * lifetime is over, and both ends must not begin at the same moment.
 */
static void put_rekey(struct bt_vici_msg *m, uint32_t lifetime, const char *hard,
		      bool hard_is_total, const struct bt_map *extra)
{
	uint32_t margin = lifetime / 10 ? lifetime / 10 : 1;

	if (!is_extra(extra, "rekey_time"))
		bt_vici_put_fmt(m, "rekey_time", "%us", lifetime - margin);
	if (!is_extra(extra, hard))
		bt_vici_put_fmt(m, hard, "%us", hard_is_total ? lifetime : margin);
	if (!is_extra(extra, "rand_time"))
		bt_vici_put_fmt(m, "rand_time", "%us", margin);
}

static void put_ends(struct bt_vici_msg *m, const struct bt_conf_tunnel *t)
{
	const struct bt_addr *remote = &t->kernel.remote;
	char buf[BT_ADDR_STRLEN];

	bt_vici_section(m, "local-1");
	bt_vici_put_str(m, "auth", "psk");
	if (t->ike.local_id)
		bt_vici_put_str(m, "id", t->ike.local_id);
	bt_vici_section_end(m);

	bt_vici_section(m, "remote-1");
	bt_vici_put_str(m, "auth", "psk");
	if (t->ike.remote_id)
		bt_vici_put_str(m, "id", t->ike.remote_id);
	else if (!bt_addr_is_any(remote))
		bt_vici_put_str(m, "id", bt_addr_str(remote, buf));
	bt_vici_section_end(m);
}

/* Traffic selectors: one side's prefixes, or everything. */
static void put_selectors(struct bt_vici_msg *m, const char *key, const struct bt_tunnel *k,
			  bool local)
{
	char buf[BT_PREFIX_STRLEN];
	size_t i;

	bt_vici_list(m, key);
	for (i = 0; i < k->selectors.n; i++) {
		const struct bt_selector *s = &k->selectors.v[i];

		bt_vici_list_item_str(m, bt_prefix_str(local ? &s->local : &s->remote, buf));
	}
	if (!k->selectors.n) {
		bt_vici_list_item_str(m, "0.0.0.0/0");
		bt_vici_list_item_str(m, "::/0");
	}
	bt_vici_list_end(m);
}

static void put_child(struct bt_vici_msg *m, const char *name, const struct bt_conf_tunnel *t)
{
	const struct bt_conf_esp *esp = &t->esp;

	bt_vici_section(m, "children");
	bt_vici_section(m, name);
	bt_vici_put_str(m, "mode", "tunnel");
	bt_vici_put_str(m, "policies", "no");
	bt_vici_put_fmt(m, "if_id_in", "%u", t->kernel.if_id);
	bt_vici_put_fmt(m, "if_id_out", "%u", t->kernel.if_id);
	put_selectors(m, "local_ts", &t->kernel, true);
	put_selectors(m, "remote_ts", &t->kernel, false);
	put_list(m, "esp_proposals", &esp->proposals);
	put_rekey(m, esp->lifetime, "life_time", true, &esp->extra);
	bt_vici_put_fmt(m, "replay_window", "%u", esp->replay_window);
	bt_vici_put_str(m, "copy_df", t->kernel.df == BOWTIE_DF_CLEAR ? "no" : "yes");
	/* bowtied begins, begins again, and follows what becomes of it. */
	bt_vici_put_str(m, "start_action", "none");
	if (!is_extra(&esp->extra, "dpd_action"))
		bt_vici_put_str(m, "dpd_action", "clear");
	if (!is_extra(&esp->extra, "close_action"))
		bt_vici_put_str(m, "close_action", "none");
	put_extra(m, &esp->extra);
	bt_vici_section_end(m);
	bt_vici_section_end(m);
}

/**
 * bt_vici_render_conn() - arguments of load-conn
 * @link: the tunnel's link
 * @t: tunnel
 * @out: empty message
 *
 * No secret is in it, so that it may be kept and compared.
 */
void bt_vici_render_conn(const struct bt_conf_link *link, const struct bt_conf_tunnel *t,
			 struct bt_vici_msg *out)
{
	const struct bt_conf_ike *ike = &t->ike;
	char *name = bt_vici_name(link, t);

	bt_vici_section(out, name);
	bt_vici_put_fmt(out, "version", "%u", ike->version);
	put_addr(out, "local_addrs", &t->kernel.local);
	put_addr(out, "remote_addrs", &t->kernel.remote);
	put_list(out, "proposals", &ike->proposals);
	put_rekey(out, ike->lifetime, "over_time", false, &ike->extra);
	bt_vici_put_fmt(out, "dpd_delay", "%us", ike->dpd);
	bt_vici_put_str(out, "encap", ike->encap ? "yes" : "no");
	/* Tries are counted, and their pauses chosen, by bowtied. */
	if (!is_extra(&ike->extra, "keyingtries"))
		bt_vici_put_str(out, "keyingtries", "1");
	if (!is_extra(&ike->extra, "mobike"))
		bt_vici_put_str(out, "mobike", "no");
	put_extra(out, &ike->extra);
	put_ends(out, t);
	put_child(out, name, t);
	bt_vici_section_end(out);
	free(name);
}

/* Whose secret it is: an identity, an address, or NULL for anybody's. */
static const char *owner(const char *id, const struct bt_addr *addr, char *buf)
{
	return id ? id : bt_addr_is_any(addr) ? NULL : bt_addr_str(addr, buf);
}

static const char *local_owner(const struct bt_conf_tunnel *t, char *buf)
{
	return owner(t->ike.local_id, &t->kernel.local, buf);
}

static const char *remote_owner(const struct bt_conf_tunnel *t, char *buf)
{
	return owner(t->ike.remote_id, &t->kernel.remote, buf);
}

/**
 * bt_vici_shared_content() - what a secret is, but for the secret itself
 * @t: tunnel
 * @file: which file it is in
 *
 * Different if charon has to be told anew. Return: for the caller to free.
 */
char *bt_vici_shared_content(const struct bt_conf_tunnel *t, const char *file)
{
	char local[BT_ADDR_STRLEN], remote[BT_ADDR_STRLEN];
	const char *a = local_owner(t, local), *b = remote_owner(t, remote);

	return bt_asprintf("%s of %s and %s", file, a ? a : "any", b ? b : "any");
}

/**
 * bt_vici_render_shared() - arguments of load-shared
 * @link: the tunnel's link
 * @t: tunnel
 * @secret: its pre-shared key
 * @len: in bytes
 * @out: empty message; the caller wipes it
 */
void bt_vici_render_shared(const struct bt_conf_link *link, const struct bt_conf_tunnel *t,
			   const void *secret, size_t len, struct bt_vici_msg *out)
{
	char *name = bt_vici_name(link, t), buf[BT_ADDR_STRLEN];
	const char *id;

	bt_buf_reserve(&out->buf, SECRET_MESSAGE);
	bt_vici_put_str(out, "id", name);
	bt_vici_put_str(out, "type", "IKE");
	bt_vici_put(out, "data", secret, len);
	/* Both ends: charon takes the secret whose owners match best. */
	bt_vici_list(out, "owners");
	id = local_owner(t, buf);
	if (id)
		bt_vici_list_item_str(out, id);
	id = remote_owner(t, buf);
	if (id)
		bt_vici_list_item_str(out, id);
	bt_vici_list_end(out);
	free(name);
}
