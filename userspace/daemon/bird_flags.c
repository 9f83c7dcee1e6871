// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: flags by which BIRD is steered without being configured anew. A flag is a static
 * protocol of ours with one entry for a ROA table, which the filters of the sessions look
 * at: "enable", and it is on. Configuring would commit what the operator has half done in
 * bird.conf, or fail on it.
 *
 *	bt_dead_LINK_TUNNEL	routes of this tunnel are rejected
 *	bt_boost_LINK_TUNNEL	it is announced as its group is
 *	bt_step_LINK_AS_n	its group is at level n, or beyond
 *
 * So that BIRD has the same flags when it is configured by others, or started anew, they
 * are also in the vars file, as constants by which the protocols begin disabled:
 * BT_ALIVE_…, BT_NOBOOST_… and BT_NOSTEP_…. It is written before BIRD is told.
 *
 * What a group is, and when which flag is on, is in steer.c.
 */
#include "bird_flags.h"

#include <stdlib.h>
#include <string.h>

#include "bird_render.h"
#include "names.h"
#include "util.h"

/* Ends of prefixes in the table */
#define BYTE_DEAD	0
#define BYTE_BOOST	1
#define BYTE_MED	10
#define BYTE_PREPEND	30
/* And beyond, for a group that is told by a tunnel's if_id since others have its AS number */
#define BYTE_FAR_END	100

/* --- names --- */

/**
 * bt_bird_put_name() - a name as BIRD takes it: letters, digits and underscores
 * @b: where to
 * @name: of a link or a tunnel
 */
void bt_bird_put_name(struct bt_buf *b, const char *name)
{
	for (; *name; name++)
		bt_buf_add(b, strchr("-.", *name) ? "_" : name, 1);
}

static void put_tunnel(struct bt_buf *b, const struct bt_conf_link *link,
		       const struct bt_conf_tunnel *t)
{
	bt_bird_put_name(b, link->name);
	bt_buf_puts(b, "_");
	bt_bird_put_name(b, t->kernel.name);
}

/**
 * bt_bird_tunnel() - the name of a tunnel
 * @link: link
 * @t: tunnel
 *
 * Return: for the caller to free.
 */
char *bt_bird_tunnel(const struct bt_conf_link *link, const struct bt_conf_tunnel *t)
{
	struct bt_buf b = {};

	put_tunnel(&b, link, t);
	return b.data;
}

/**
 * bt_bird_put_session() - the name of a session
 * @b: where to
 * @link: link
 * @t: tunnel
 * @af: address family
 */
void bt_bird_put_session(struct bt_buf *b, const struct bt_conf_link *link,
			 const struct bt_conf_tunnel *t, int af)
{
	bt_buf_puts(b, BT_PREFIX);
	put_tunnel(b, link, t);
	if (af == AF_INET6)
		bt_buf_puts(b, "_6");
}

/**
 * bt_bird_session() - the inside addresses of a session
 * @t: tunnel
 * @af: address family
 *
 * Return: NULL if there is no session of ours.
 */
const struct bt_conf_inside *bt_bird_session(const struct bt_conf_tunnel *t, int af)
{
	size_t i;

	if (!t->bgp.as || !t->manage.bgp)
		return NULL;
	for (i = 0; i < t->inside.n; i++)
		if (t->inside.v[i].local.addr.family == af)
			return &t->inside.v[i];
	return NULL;
}

static bool has_session(const struct bt_conf_tunnel *t)
{
	return bt_bird_session(t, AF_INET) || bt_bird_session(t, AF_INET6);
}

/**
 * bt_bird_group() - of which tunnels the far end compares the announcements
 * @link: link
 * @t: tunnel
 *
 * Those to the same AS, unless they are said to lead to different far ends, which are
 * announced by the same attribute. Return: the group's
 * name, for the caller to free.
 */
char *bt_bird_group(const struct bt_conf_link *link, const struct bt_conf_tunnel *t)
{
	static const char *const marks[] = {
		[BT_RETURN_MED] = "", [BT_RETURN_PREPEND] = "p", [BT_RETURN_OFF] = "o",
	};
	struct bt_buf b = {};

	bt_bird_put_name(&b, link->name);
	bt_buf_printf(&b, "_%u%s", t->bgp.as, marks[t->bgp.return_path]);
	if (t->bgp.far_end)
		bt_buf_printf(&b, "_%s", t->bgp.far_end);
	return b.data;
}

/**
 * bt_bird_steps() - how many levels above the first there are
 * @t: tunnel
 */
unsigned int bt_bird_steps(const struct bt_conf_tunnel *t)
{
	return t->bgp.return_path == BT_RETURN_MED ? BT_BIRD_MED_STEPS :
	       t->bgp.return_path == BT_RETURN_PREPEND ? BT_BIRD_PREPENDS : 0;
}

/**
 * bt_bird_is_flag() - is a protocol one of these?
 * @name: of the protocol
 */
bool bt_bird_is_flag(const char *name)
{
	static const char *const heads[] = { BT_BIRD_DEAD, BT_BIRD_BOOST, BT_BIRD_STEP };
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(heads); i++)
		if (!strncmp(name, heads[i], strlen(heads[i])))
			return true;
	return false;
}

static bool together(const struct bt_conf_tunnel *a, const struct bt_conf_tunnel *b)
{
	if (!a->bgp.far_end != !b->bgp.far_end)
		return false;
	return a->bgp.as == b->bgp.as && a->bgp.return_path == b->bgp.return_path &&
	       (!a->bgp.far_end || !strcmp(a->bgp.far_end, b->bgp.far_end));
}

/* --- flags --- */

static void add_sessions(struct bt_bird_flag *flag, const struct bt_conf_link *link,
			 const struct bt_conf_tunnel *t)
{
	static const int families[] = { AF_INET, AF_INET6 };
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(families); i++) {
		struct bt_buf name = {};

		if (!bt_bird_session(t, families[i]))
			continue;
		bt_bird_put_session(&name, link, t, families[i]);
		*bt_array_add(&flag->sessions) = name.data;
	}
}

static void add_tunnel(struct bt_bird_flags *out, enum bt_bird_flag_kind kind,
		       const struct bt_conf_link *link, const struct bt_conf_tunnel *t, bool on)
{
	struct bt_bird_flag *flag = bt_array_add(out);
	bool dead = kind == BT_BIRD_FLAG_DEAD;
	struct bt_buf name = {};

	put_tunnel(&name, link, t);
	flag->name = bt_asprintf("%s%s", dead ? BT_BIRD_DEAD : BT_BIRD_BOOST, name.data);
	flag->define = bt_asprintf("%s%s", dead ? "BT_ALIVE_" : "BT_NOBOOST_", name.data);
	flag->kind = kind;
	flag->link = link;
	flag->byte = dead ? BYTE_DEAD : BYTE_BOOST;
	flag->number = t->kernel.if_id;
	flag->on = on;
	add_sessions(flag, link, t);
	bt_buf_free(&name);
}

static void add_step(struct bt_bird_flags *out, const struct bt_conf_link *link,
		     const struct bt_conf_tunnel *first, const char *group, unsigned int level,
		     bool on)
{
	bool med = first->bgp.return_path == BT_RETURN_MED;
	struct bt_bird_flag *flag = bt_array_add(out);
	size_t i;

	flag->name = bt_asprintf(BT_BIRD_STEP "%s_%u", group, level);
	flag->define = bt_asprintf("BT_NOSTEP_%s_%u", group, level);
	flag->kind = BT_BIRD_FLAG_STEP;
	flag->link = link;
	flag->byte = (med ? BYTE_MED : BYTE_PREPEND) + level;
	flag->number = first->bgp.as;
	if (first->bgp.far_end) {
		flag->byte += BYTE_FAR_END;
		flag->number = first->kernel.if_id;
	}
	flag->on = on;
	for (i = 0; i < link->tunnels.n; i++) {
		const struct bt_conf_tunnel *t = &link->tunnels.v[i];

		if (together(t, first))
			add_sessions(flag, link, t);
	}
}

/* Is a tunnel the first one of its group? */
static bool is_first(const struct bt_conf_link *link, const struct bt_conf_tunnel *t)
{
	const struct bt_conf_tunnel *other;

	for (other = link->tunnels.v; other < t; other++)
		if (has_session(other) && together(other, t))
			return false;
	return true;
}

static void add_steps(struct bt_bird_flags *out, const struct bt_steer *steer,
		      const struct bt_conf_link *link, const struct bt_conf_tunnel *t)
{
	const struct bt_steer_group *g;
	unsigned int level;
	char *group;

	if (!bt_bird_steps(t) || !is_first(link, t))
		return;
	group = bt_bird_group(link, t);
	g = bt_steer_group(steer, group);
	for (level = 1; level <= bt_bird_steps(t); level++)
		add_step(out, link, t, group, level, g && g->level >= level);
	free(group);
}

/**
 * bt_bird_flags() - all flags, as they should be
 * @config: configuration
 * @steer: what is wanted; of a tunnel that is not known there, nothing unusual
 * @out: flags are added, in the order in which they are to be changed: the return path
 *	cannot wait, while the module does not use a dead tunnel anyway
 */
void bt_bird_flags(const struct bt_config *config, const struct bt_steer *steer,
		   struct bt_bird_flags *out)
{
	const struct bt_conf_tunnel *t;
	const struct bt_steer_tunnel *s;
	enum bt_bird_flag_kind kind;
	struct bt_buf name = {};
	size_t i, j, index;

	for (kind = BT_BIRD_FLAG_STEP; kind <= BT_BIRD_FLAG_DEAD; kind++) {
		index = 0;
		for (i = 0; i < config->links.n; i++) {
			const struct bt_conf_link *link = &config->links.v[i];

			for (j = 0; j < link->tunnels.n; j++) {
				t = &link->tunnels.v[j];
				if (!has_session(t))
					continue;
				name.len = 0;
				put_tunnel(&name, link, t);
				s = bt_steer_tunnel(steer, name.data, index++);
				if (kind == BT_BIRD_FLAG_STEP)
					add_steps(out, steer, link, t);
				else if (kind == BT_BIRD_FLAG_DEAD)
					add_tunnel(out, kind, link, t, s && s->dead);
				else if (bt_bird_steps(t))
					add_tunnel(out, kind, link, t, !s || bt_steer_boosted(s));
			}
		}
	}
	bt_buf_free(&name);
}

/**
 * bt_bird_flags_free() - free a list of flags
 * @flags: becomes empty
 */
void bt_bird_flags_free(struct bt_bird_flags *flags)
{
	size_t i, j;

	for (i = 0; i < flags->n; i++) {
		struct bt_bird_flag *flag = &flags->v[i];

		for (j = 0; j < flag->sessions.n; j++)
			free(flag->sessions.v[j]);
		free(flag->sessions.v);
		free(flag->name);
		free(flag->define);
	}
	free(flags->v);
	*flags = (struct bt_bird_flags){};
}

/* --- vars file --- */

/**
 * bt_bird_vars_path() - where the vars file is
 * @include: our include file
 *
 * Return: for the caller to free.
 */
char *bt_bird_vars_path(const char *include)
{
	return bt_asprintf("%s.vars", include);
}

/**
 * bt_bird_vars_get() - read a constant
 * @text: vars file
 * @define: name of the constant
 * @value: result
 *
 * Return: true if it is there.
 */
bool bt_bird_vars_get(const char *text, const char *define, bool *value)
{
	char *line = bt_asprintf("\ndefine %s = ", define);
	const char *at = strstr(text, line);

	if (at)
		*value = at[strlen(line)] == '1';
	free(line);
	return at;
}

/* Constants that another text of ours, which BIRD may still read, needs. */
static void put_others(struct bt_buf *b, const char *old)
{
	const char *line, *name, *space, *end;
	bool value;
	char *copy;

	for (line = strstr(old, "\ndefine "); line; line = strstr(line + 1, "\ndefine ")) {
		name = line + strlen("\ndefine ");
		space = strchr(name, ' ');
		end = strchr(name, '\n');
		/* What somebody else has cut short is no loss. */
		if (!space || !end || space > end)
			continue;
		copy = bt_asprintf("%.*s", (int)(space - name), name);
		if (!bt_bird_vars_get(b->data, copy, &value))
			bt_buf_add(b, line + 1, (size_t)(end - line));
		free(copy);
	}
}

/**
 * bt_bird_vars() - the vars file
 * @flags: as they should be
 * @keep: text of the last one, whose other constants stay; or NULL
 *
 * Return: text for the caller to free.
 */
char *bt_bird_vars(const struct bt_bird_flags *flags, const char *keep)
{
	struct bt_buf b = {};
	size_t i;

	bt_buf_puts(&b, BT_BIRD_HEAD ": which tunnels are steered around just now.\n");
	for (i = 0; i < flags->n; i++)
		bt_buf_printf(&b, "define %s = %d;\n", flags->v[i].define, !flags->v[i].on);
	if (keep)
		put_others(&b, keep);
	return b.data;
}
