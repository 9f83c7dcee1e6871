// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: connections, secrets and IKE SAs, as they should be and as they are. A
 * connection that has changed is loaded anew and its SAs stay: the change counts from
 * the next time that they are set up. Only SAs that lead to somebody else are ended.
 */
#include <stdlib.h>
#include <string.h>

#include "name_index.h"
#include "names.h"
#include "reconcile.h"
#include "vici_render.h"

#define INITIATE	"initiate"
/* How long an IKE SA may have others beside it: while it is rekeyed, for example. */
#define DUPLICATE_MS	10000
/* How long an IKE SA by which packets come counts for more than one without. */
#define PROVEN_MS	30000
/* Of a tunnel by which nothing comes the IKE SA is begun anew after so many DPD times. */
#define SILENT_DPDS	3
/* And again if that did not help, with pauses that grow as it lasts */
#define SILENT_SHARE	4
#define SILENT_MAX_MS	300000
/* So long may one be half open without an answer; charon itself would try ever more rarely. */
#define HALF_OPEN_MS	5000
#define HALF_OPEN_SHARE	8
#define HALF_OPEN_MAX_MS	15000
/* The peer that has answered once may take its time. */
#define ANSWERED_MS	20000

/**
 * struct item - a tunnel whose IKE is ours to manage
 * @link: its link
 * @t: tunnel
 * @name: what it is called by charon
 * @conn: charon has a connection of this name
 * @shared: charon has a secret of this name
 * @memory: what is remembered of it, or NULL
 * @ikes: its IKE SAs that are not about to go
 * @end: of @ikes
 */
struct item {
	const struct bt_conf_link *link;
	const struct bt_conf_tunnel *t;
	char *name;
	bool conn;
	bool shared;
	const struct bt_fact_tunnel *memory;
	struct ike *ikes;
	struct ike **end;
};

/**
 * struct ike - an IKE SA of an item
 * @sa: what is observed
 * @sound: how many of its children the peer has, too, as far as is known
 * @next: one of the same item
 */
struct ike {
	const struct bt_fact_ike *sa;
	unsigned int sound;
	struct ike *next;
};

/**
 * struct job - a comparison
 * @facts: what is observed
 * @now: bt_now_ms()
 * @initiating: one is: that is enough. charon counts half-open SAs, and asks for cookies
 *	beyond a few
 * @next: whose turn it is
 * @v: items
 * @n: how many
 * @names: items by their names
 * @ikes: IKE SAs of items
 * @out: operations are added
 */
struct job {
	const struct bt_facts *facts;
	uint64_t now;
	bool initiating;
	const struct item *next;
	struct item *v;
	size_t n;
	struct bt_name_index names;
	struct ike *ikes;
	struct bt_ops *out;
};

static bool same_content(const struct bt_buf *have, const void *want, size_t len)
{
	return have && have->len == len && !memcmp(have->data, want, len);
}

/* Returns true if charon has it as it should be. */
static bool shared(const struct job *job, const struct item *item)
{
	const struct bt_facts *facts = job->facts;
	const struct bt_buf *file = bt_facts_is_loaded(&facts->secrets, item->t->ike.psk_file);
	struct bt_op *op;
	char *content;

	/* Not known: it has just come into the configuration, and is about to be. */
	if (!file)
		return false;
	content = bt_vici_shared_content(item->t, file->data);
	if (item->shared && same_content(bt_facts_is_loaded(&facts->shared_loaded, item->name),
					 content, strlen(content))) {
		free(content);
		return true;
	}
	op = bt_op_add(job->out, BT_OP_SHARED_LOAD, "shared %s", item->name);
	op->name = bt_strdup(item->name);
	op->conf_link = item->link;
	op->conf = item->t;
	op->content = content;
	return false;
}

static bool conn(const struct job *job, const struct item *item)
{
	const struct bt_fact_loadeds *loaded = &job->facts->conns_loaded;
	struct bt_vici_msg message = {};
	struct bt_op *op;

	bt_vici_render_conn(item->link, item->t, &message);
	if (item->conn && same_content(bt_facts_is_loaded(loaded, item->name), message.buf.data,
				       message.buf.len)) {
		bt_vici_msg_wipe(&message);
		return true;
	}
	op = bt_op_add(job->out, BT_OP_CONN_LOAD, "conn %s", item->name);
	op->name = bt_strdup(item->name);
	op->message = message;
	return false;
}

static void terminate(const struct bt_fact_ike *ike, struct bt_ops *out)
{
	struct bt_op *op = bt_op_add(out, BT_OP_TERMINATE, "terminate %u", ike->id);

	op->name = bt_strdup(ike->name);
	op->id = ike->id;
}

static void terminate_child(const struct bt_fact_ike *ike, const struct bt_fact_child *child,
			    struct bt_ops *out)
{
	struct bt_op *op = bt_op_add(out, BT_OP_TERMINATE, "terminate child %u", child->id);

	op->name = bt_asprintf("%s{%u}", ike->name, child->id);
	op->id = child->id;
	op->child = true;
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
static bool alive(const struct job *job, const struct item *item)
{
	const struct ike *ike;
	bool found = false;

	for (ike = item->ikes; ike; ike = ike->next) {
		if (!fits(item->t, ike->sa))
			terminate(ike->sa, job->out);
		/* An IKE SA that has lost its child is to get another. */
		else if (!ike->sa->established || ike->sa->children)
			found = true;
	}
	return found;
}

/* --- more than one IKE SA where one is enough --- */

/*
 * Has it stood for long enough? By what charon said last, and not by now: how far it has
 * come since then is not known.
 */
static bool settled(const struct job *job, const struct item *item,
		    const struct bt_fact_ike *sa)
{
	return sa->since && job->facts->ikes_seen >= sa->since + DUPLICATE_MS &&
	       fits(item->t, sa);
}

static bool proven(const struct job *job, const struct bt_fact_ike *sa)
{
	return sa->children && sa->received &&
	       job->facts->ikes_seen <= sa->received + PROVEN_MS;
}

static bool better(const struct job *job, const struct ike *a, const struct ike *b)
{
	/* What we send counts for more than what comes, which the peer may send by any. */
	if (!a->sound != !b->sound)
		return a->sound;
	if (proven(job, a->sa) != proven(job, b->sa))
		return proven(job, a->sa);
	/* Both ends send by the newest. */
	return a->sa->id > b->sa->id;
}

/*
 * Both ends may have begun at once, or one of them anew without having ended the old one.
 * Of the settled ones one that works stays; if none does, none has to go.
 */
static void end_duplicates(const struct job *job, const struct item *item)
{
	const struct ike *best = NULL, *ike;

	for (ike = item->ikes; ike; ike = ike->next)
		if (settled(job, item, ike->sa) && (!best || better(job, ike, best)))
			best = ike;
	if (!best || !best->sound)
		return;
	for (ike = item->ikes; ike; ike = ike->next)
		if (ike != best && settled(job, item, ike->sa))
			terminate(ike->sa, job->out);
}

/* Both ends may have set up a child at once, and one of them has lost one of these. */
static void end_one_sided(const struct job *job, const struct item *item)
{
	const struct bt_fact_suspect *s;
	const struct ike *ike;
	size_t i;

	for (ike = item->ikes; ike; ike = ike->next) {
		for (i = 0; ike->sound && i < ike->sa->sas.n; i++) {
			const struct bt_fact_child *child = &ike->sa->sas.v[i];

			s = bt_facts_is_suspect(job->facts, item->t->kernel.if_id,
						child->spi_out);
			if (s && job->facts->ikes_seen >= s->since + DUPLICATE_MS)
				terminate_child(ike->sa, child, job->out);
		}
	}
}

/* --- those by which nothing comes --- */

/* Do probes say that it is down? Anything else is not the fault of an IKE SA that stands. */
static bool silent_tunnel(const struct job *job, const struct item *item)
{
	const struct bt_fact_link *l = bt_facts_link_by_name(job->facts, item->link->name);
	size_t i;

	for (i = 0; l && i < l->tunnels.n; i++) {
		const struct bt_tunnel *t = &l->tunnels.v[i];

		if (!strcmp(t->name, item->t->kernel.name))
			return t->oper == BOWTIE_OPER_DOWN &&
			       t->reason == BOWTIE_REASON_NO_ANSWER;
	}
	return false;
}

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* For how long a tunnel has not worked, for whatever reason, as of what charon said last */
static uint64_t outage(const struct job *job, const struct item *item)
{
	const struct bt_fact_tunnel *m = item->memory;
	uint64_t seen = job->facts->ikes_seen;

	return m && !m->works && seen > m->worked ? seen - m->worked : 0;
}

/*
 * Its SAs have carried the probes until now. Who has lost them without a word, as an
 * endpoint that was replaced, cannot answer, and does not begin either.
 */
static void end_silent(const struct job *job, const struct item *item)
{
	uint64_t dpd = (uint64_t)item->t->ike.dpd * 1000 * SILENT_DPDS, down, age;
	const struct ike *ike;

	if (!dpd || item->t->ike.start != BT_START_INITIATE || !silent_tunnel(job, item))
		return;
	down = outage(job, item);
	for (ike = item->ikes; ike; ike = ike->next) {
		const struct bt_fact_ike *sa = ike->sa;

		if (!sa->established || !fits(item->t, sa))
			continue;
		age = job->facts->ikes_seen - sa->since;
		if (down >= dpd && job->facts->ikes_seen >= sa->received + dpd &&
		    age >= clamp(down / SILENT_SHARE, dpd, SILENT_MAX_MS))
			terminate(sa, job->out);
	}
}

/* One that we have begun, and nobody answers: begin anew, the path may be there again. */
static void end_half_open(const struct job *job, const struct item *item)
{
	uint64_t most = clamp(outage(job, item) / HALF_OPEN_SHARE, HALF_OPEN_MS,
			      HALF_OPEN_MAX_MS);
	const struct ike *ike;

	if (item->t->ike.start != BT_START_INITIATE)
		return;
	for (ike = item->ikes; ike; ike = ike->next) {
		const struct bt_fact_ike *sa = ike->sa;

		if (sa->ours && !sa->established && fits(item->t, sa) &&
		    job->facts->ikes_seen >= sa->begun + (sa->answered ? ANSWERED_MS : most))
			terminate(sa, job->out);
	}
}

/* --- */

static uint64_t tried(const struct item *item)
{
	return item->memory ? item->memory->tried : 0;
}

/* One at a time, who was tried longest ago first: those that are dead must not starve others. */
static void want_to_initiate(struct job *job, const struct item *item)
{
	char *key = bt_asprintf(INITIATE " %s", item->name);

	if (!bt_facts_held(job->facts, key, job->now) &&
	    (!job->next || tried(item) < tried(job->next)))
		job->next = item;
	free(key);
}

static void initiate(struct job *job)
{
	const struct item *item = job->next;
	struct bt_op *op;

	if (!item || job->initiating)
		return;
	op = bt_op_add(job->out, BT_OP_INITIATE, INITIATE " %s", item->name);
	op->name = bt_strdup(item->name);
	op->conf_link = item->link;
	op->conf = item->t;
}

static void tunnel(struct job *job, const struct item *item)
{
	bool ready = shared(job, item);

	ready &= conn(job, item);
	end_duplicates(job, item);
	end_one_sided(job, item);
	end_silent(job, item);
	end_half_open(job, item);
	if (!alive(job, item) && ready && item->t->ike.start == BT_START_INITIATE &&
	    item->t->kernel.admin != BOWTIE_ADMIN_DOWN)
		want_to_initiate(job, item);
}

/* --- what is there, by whose it is --- */

static void collect(struct job *job, const struct bt_config *want)
{
	size_t i, j;

	for (i = 0; i < want->links.n; i++) {
		const struct bt_conf_link *link = &want->links.v[i];

		for (j = 0; j < link->tunnels.n; j++) {
			const struct bt_conf_tunnel *t = &link->tunnels.v[j];

			if (t->manage.ike)
				*bt_array_add(job) = (struct item){
					.link = link, .t = t, .name = bt_vici_name(link, t),
					.memory = bt_facts_remembered(job->facts, link->name,
								      t->kernel.name),
				};
		}
	}
	for (i = 0; i < job->n; i++) {
		job->v[i].end = &job->v[i].ikes;
		bt_name_index_add(&job->names, job->v[i].name, &job->v[i]);
	}
	bt_name_index_sort(&job->names);
}

static struct item *find(const struct job *job, const char *name)
{
	const struct item *item = bt_name_index_find(&job->names, name);

	return item ? &job->v[item - job->v] : NULL;
}

static bool is_ours(const char *name)
{
	return !strncmp(name, BT_PREFIX, strlen(BT_PREFIX));
}

static void unload(struct job *job, enum bt_op_type type, const char *key, const char *name)
{
	if (is_ours(name))
		bt_op_add(job->out, type, "%s %s", key, name)->name = bt_strdup(name);
}

static void look_at_names(struct job *job)
{
	const struct bt_facts *f = job->facts;
	struct item *item;
	size_t i;

	for (i = 0; i < f->conns.n; i++) {
		item = find(job, f->conns.v[i]);
		if (item)
			item->conn = true;
		else
			unload(job, BT_OP_CONN_UNLOAD, "conn", f->conns.v[i]);
	}
	for (i = 0; i < f->shared.n; i++) {
		item = find(job, f->shared.v[i]);
		if (item)
			item->shared = true;
		else
			unload(job, BT_OP_SHARED_UNLOAD, "shared", f->shared.v[i]);
	}
}

/*
 * Of a tunnel that is in the configuration, but left to the operator? Then the SA stays,
 * and with it the traffic.
 */
static bool left_alone(const struct bt_config *want, const char *name)
{
	size_t i, j;
	char *ours;
	bool same;

	for (i = 0; i < want->links.n; i++) {
		const struct bt_conf_link *link = &want->links.v[i];

		for (j = 0; j < link->tunnels.n; j++) {
			if (link->tunnels.v[j].manage.ike)
				continue;
			ours = bt_vici_name(link, &link->tunnels.v[j]);
			same = !strcmp(ours, name);
			free(ours);
			if (same)
				return true;
		}
	}
	return false;
}

static unsigned int sound(const struct job *job, const struct item *item,
			  const struct bt_fact_ike *sa)
{
	unsigned int n = sa->children;
	size_t i;

	for (i = 0; i < sa->sas.n; i++)
		if (bt_facts_is_suspect(job->facts, item->t->kernel.if_id, sa->sas.v[i].spi_out))
			n--;
	return n;
}

static void look_at_ikes(const struct bt_config *want, struct job *job)
{
	const struct bt_fact_ikes *ikes = &job->facts->ikes;
	struct item *item;
	size_t i;

	job->ikes = bt_realloc(NULL, ikes->n, sizeof(*job->ikes));
	for (i = 0; i < ikes->n; i++) {
		const struct bt_fact_ike *sa = &ikes->v[i];

		if (sa->dying)
			continue;
		item = find(job, sa->name);
		if (item) {
			job->ikes[i] = (struct ike){ .sa = sa, .sound = sound(job, item, sa) };
			*item->end = &job->ikes[i];
			item->end = &job->ikes[i].next;
		} else if (is_ours(sa->name) && !left_alone(want, sa->name)) {
			terminate(sa, job->out);
		}
	}
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
	struct job job = {
		.facts = facts,
		.now = now,
		.initiating = bt_facts_held(facts, INITIATE, now),
		.out = out,
	};
	size_t i;

	if (!facts->vici)
		return;
	collect(&job, want);
	look_at_names(&job);
	look_at_ikes(want, &job);
	for (i = 0; i < job.n; i++)
		tunnel(&job, &job.v[i]);
	initiate(&job);
	for (i = 0; i < job.n; i++)
		free(job.v[i].name);
	free(job.v);
	free(job.ikes);
	bt_name_index_free(&job.names);
}
