// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: connections, secrets and IKE SAs, as they should be and as they are. A
 * connection that has changed is loaded anew and its SAs stay: the change counts from
 * the next time that they are set up. Only SAs that lead to somebody else are ended.
 */
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "reconcile.h"
#include "vici_render.h"

#define INITIATE	"initiate"

static bool same_content(const struct bt_buf *have, const void *want, size_t len)
{
	return have && have->len == len && !memcmp(have->data, want, len);
}

/* Returns true if charon has it as it should be. */
static bool shared(const struct bt_conf_link *link, const struct bt_conf_tunnel *t,
		   const char *name, const struct bt_facts *facts, struct bt_ops *out)
{
	const struct bt_buf *file = bt_facts_is_loaded(&facts->secrets, t->ike.psk_file);
	struct bt_op *op;

	/* Not known: it has just come into the configuration, and is about to be. */
	if (!file)
		return false;
	if (bt_strings_have(&facts->shared, name) &&
	    same_content(bt_facts_is_loaded(&facts->shared_loaded, name), file->data, file->len))
		return true;
	op = bt_op_add(out, BT_OP_SHARED_LOAD, "shared %s", name);
	op->name = bt_strdup(name);
	op->conf_link = link;
	op->conf = t;
	op->content = bt_strdup(file->data);
	return false;
}

static bool conn(const struct bt_conf_link *link, const struct bt_conf_tunnel *t,
		 const char *name, const struct bt_facts *facts, struct bt_ops *out)
{
	struct bt_vici_msg message = {};
	struct bt_op *op;

	bt_vici_render_conn(link, t, &message);
	if (bt_strings_have(&facts->conns, name) &&
	    same_content(bt_facts_is_loaded(&facts->conns_loaded, name), message.buf.data,
			 message.buf.len)) {
		bt_vici_msg_wipe(&message);
		return true;
	}
	op = bt_op_add(out, BT_OP_CONN_LOAD, "conn %s", name);
	op->name = bt_strdup(name);
	op->message = message;
	return false;
}

static void terminate(const struct bt_fact_ike *ike, struct bt_ops *out)
{
	struct bt_op *op = bt_op_add(out, BT_OP_TERMINATE, "terminate %u", ike->id);

	op->name = bt_strdup(ike->name);
	op->id = ike->id;
}

/* Does an IKE SA lead to where the configuration says? */
static bool fits(const struct bt_conf_tunnel *t, const struct bt_fact_ike *ike)
{
	const struct bt_addr *remote = &t->kernel.remote;

	if (!bt_addr_is_any(remote) && ike->remote.family && bt_addr_cmp(remote, &ike->remote))
		return false;
	return !ike->if_id || ike->if_id == t->kernel.if_id;
}

/* Is there an SA, or one in the making? Those that lead elsewhere are ended. */
static bool alive(const struct bt_conf_tunnel *t, const char *name,
		  const struct bt_facts *facts, struct bt_ops *out)
{
	bool found = false;
	size_t i;

	for (i = 0; i < facts->ikes.n; i++) {
		const struct bt_fact_ike *ike = &facts->ikes.v[i];

		if (ike->dying || strcmp(ike->name, name) != 0)
			continue;
		if (!fits(t, ike)) {
			terminate(ike, out);
			continue;
		}
		/* An IKE SA that has lost its child is to get another. */
		if (!ike->established || ike->children)
			found = true;
	}
	return found;
}

static void initiate(const char *name, struct bt_ops *out)
{
	bt_op_add(out, BT_OP_INITIATE, INITIATE " %s", name)->name = bt_strdup(name);
}

/* One at a time: charon counts half-open SAs, and asks for cookies beyond a few. */
static bool initiating(const struct bt_ops *ops)
{
	size_t i;

	for (i = 0; i < ops->n; i++)
		if (ops->v[i].type == BT_OP_INITIATE)
			return true;
	return false;
}

static void tunnel(const struct bt_conf_link *link, const struct bt_conf_tunnel *t,
		   const struct bt_facts *facts, uint64_t now, struct bt_ops *out)
{
	char *name = bt_vici_name(link, t), *key = bt_asprintf(INITIATE " %s", name);
	bool ready;

	ready = shared(link, t, name, facts, out);
	ready &= conn(link, t, name, facts, out);
	if (!alive(t, name, facts, out) && ready && t->ike.start == BT_START_INITIATE &&
	    t->kernel.admin != BOWTIE_ADMIN_DOWN && !initiating(out) &&
	    !bt_facts_held(facts, INITIATE, now) && !bt_facts_held(facts, key, now))
		initiate(name, out);
	free(key);
	free(name);
}

static bool wanted(const struct bt_config *want, const char *name)
{
	bool found = false;
	size_t i, j;

	for (i = 0; i < want->links.n; i++) {
		const struct bt_conf_link *link = &want->links.v[i];

		for (j = 0; j < link->tunnels.n && !found; j++) {
			char *is = bt_vici_name(link, &link->tunnels.v[j]);

			found = link->tunnels.v[j].manage.ike && !strcmp(is, name);
			free(is);
		}
	}
	return found;
}

static bool is_ours(const char *name)
{
	return !strncmp(name, BT_PREFIX, strlen(BT_PREFIX));
}

static void unload(const struct bt_config *want, const struct bt_strings *names,
		   enum bt_op_type type, const char *key, struct bt_ops *out)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (is_ours(names->v[i]) && !wanted(want, names->v[i]))
			bt_op_add(out, type, "%s %s", key, names->v[i])->name =
				bt_strdup(names->v[i]);
}

/**
 * bt_reconcile_charon() - charon's part
 * @want: configuration
 * @facts: what is observed
 * @now: bt_now_ms()
 * @out: operations are added
 */
void bt_reconcile_charon(const struct bt_config *want, const struct bt_facts *facts,
			 uint64_t now, struct bt_ops *out)
{
	size_t i, j;

	if (!facts->vici)
		return;
	unload(want, &facts->conns, BT_OP_CONN_UNLOAD, "conn", out);
	unload(want, &facts->shared, BT_OP_SHARED_UNLOAD, "shared", out);
	for (i = 0; i < facts->ikes.n; i++)
		if (is_ours(facts->ikes.v[i].name) && !facts->ikes.v[i].dying &&
		    !wanted(want, facts->ikes.v[i].name))
			terminate(&facts->ikes.v[i], out);
	for (i = 0; i < want->links.n; i++)
		for (j = 0; j < want->links.v[i].tunnels.n; j++)
			if (want->links.v[i].tunnels.v[j].manage.ike)
				tunnel(&want->links.v[i], &want->links.v[i].tunnels.v[j], facts,
				       now, out);
}
