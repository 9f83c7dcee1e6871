// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: BIRD's include file, and the flags by which it is steered. BIRD is told to read
 * the file when the text that it has taken is another one; never otherwise, since
 * "configure" also takes in what the operator has half finished elsewhere. Flags are
 * written to the vars file, set one by one in those that BIRD has, and then the sessions
 * that look at them are reloaded.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "bird_flags.h"
#include "bird_render.h"
#include "reconcile.h"
#include "util.h"

/*
 * Which kernel protocols the operator has, only BIRD can tell. One that is not running
 * must find a file that it can start with, whatever bird.conf has by now.
 */
static unsigned int operators_kernel(const struct bt_facts *facts)
{
	if (!facts->bird || facts->bird_clash)
		return BT_BIRD_KERNEL4 | BT_BIRD_KERNEL6;
	return facts->bird_kernel;
}

static bool taken(const struct bt_facts *facts, const char *text)
{
	char *revision = bt_bird_revision(text);
	bool same = revision && facts->bird_revision ?
		    !strcmp(revision, facts->bird_revision) : revision == facts->bird_revision;

	free(revision);
	return same;
}

static bool leaves_routes(const struct bt_facts *facts)
{
	size_t i;

	for (i = 0; i < facts->routes.n; i++)
		if (facts->routes.v[i].protocol == RTPROT_BIRD &&
		    facts->routes.v[i].table == RT_TABLE_MAIN)
			return true;
	return false;
}

/*
 * A BIRD that is restarted begins with the text for one that is not running. While it learns
 * its routes a kernel protocol of ours would only take away what the one before has left
 * in the main table: it can wait.
 */
static char *text_for(const struct bt_config *want, const struct bt_facts *facts)
{
	const unsigned int both = BT_BIRD_KERNEL4 | BT_BIRD_KERNEL6;
	unsigned int kernel = operators_kernel(facts);
	char *text = bt_bird_render(want, kernel), *cautious;

	if (kernel == both || !facts->hold.keep || !leaves_routes(facts))
		return text;
	cautious = bt_bird_render(want, both);
	if (taken(facts, cautious)) {
		free(text);
		return cautious;
	}
	free(cautious);
	return text;
}

/* --- steering --- */

/* BIRD includes it, so that it must be there, and complete, before the file that does. */
static void vars(const struct bt_config *want, const struct bt_facts *facts,
		 const struct bt_bird_flags *flags, bool current, struct bt_ops *out)
{
	char *text = bt_bird_vars(flags, current ? NULL : facts->bird_vars);
	struct bt_op *op;

	if (facts->bird_vars && !strcmp(facts->bird_vars, text)) {
		free(text);
		return;
	}
	op = bt_op_add(out, BT_OP_BIRD_VARS, "bird vars");
	op->name = bt_bird_vars_path(want->bird.include);
	op->content = text;
}

static void set_flag(const struct bt_facts *facts, const struct bt_bird_flag *flag,
		     uint64_t now, struct bt_strings *reloads, struct bt_ops *out)
{
	const char *way = flag->kind == BT_BIRD_FLAG_DEAD ? "in" : "out";
	struct bt_op *op;
	size_t i;

	/* One that BIRD does not have comes with the right value when it takes the file. */
	if (!bt_strings_have(flag->on ? &facts->bird_off : &facts->bird_on, flag->name))
		return;
	op = bt_op_add(out, BT_OP_BIRD_FLAG, "bird flag %s", flag->name);
	op->name = bt_strdup(flag->name);
	op->on = flag->on;
	/* After it has failed it is not tried now: there is nothing to look at anew either. */
	if (bt_facts_held(facts, op->key, now))
		return;
	for (i = 0; i < flag->sessions.n; i++) {
		char *what = bt_asprintf("%s %s", way, flag->sessions.v[i]);

		if (bt_strings_have(&facts->bird_sessions, flag->sessions.v[i])) {
			bt_strings_put(&op->reloads, what);
			bt_strings_put(reloads, what);
		}
		free(what);
	}
}

static bool has_session(const struct bt_facts *facts, const char *what)
{
	return bt_strings_have(&facts->bird_sessions, strchr(what, ' ') + 1);
}

static void steer(const struct bt_facts *facts, const struct bt_bird_flags *flags,
		  uint64_t now, struct bt_ops *out)
{
	struct bt_strings reloads = {};
	size_t i;

	for (i = 0; i < flags->n; i++)
		set_flag(facts, &flags->v[i], now, &reloads, out);
	for (i = 0; i < facts->bird_reloads.n; i++)
		if (!facts->bird_reloads.v[i].sent &&
		    has_session(facts, facts->bird_reloads.v[i].what))
			bt_strings_put(&reloads, facts->bird_reloads.v[i].what);
	/* What the far end is told comes first: in order of the names, "in" would. */
	for (i = reloads.n; i--;)
		bt_op_add(out, BT_OP_BIRD_RELOAD, "bird reload %s", reloads.v[i])->name =
			bt_strdup(reloads.v[i]);
	bt_strings_clear(&reloads);
}

/* --- the file --- */

/* Takes over the text if it is to be written. */
static void file(const struct bt_config *want, const struct bt_facts *facts, char **text,
		 struct bt_ops *out)
{
	struct bt_op *op;

	/* A file that is there stays until it is known whether BIRD is. */
	if (!facts->bird_file || ((facts->bird || facts->bird_gone) &&
				  strcmp(facts->bird_file, *text) != 0)) {
		op = bt_op_add(out, BT_OP_BIRD_FILE, "bird file");
		op->name = bt_strdup(want->bird.include);
		op->content = *text;
		*text = NULL;
	} else if (facts->bird && !taken(facts, *text)) {
		bt_op_add(out, BT_OP_BIRD_CONFIGURE, "bird configure");
	}
}

/**
 * bt_reconcile_bird() - BIRD's part
 * @want: configuration
 * @facts: what is observed
 * @now: bt_now_ms()
 * @out: operations are added
 */
void bt_reconcile_bird(const struct bt_config *want, const struct bt_facts *facts,
		       uint64_t now, struct bt_ops *out)
{
	struct bt_strings sessions = {};
	struct bt_bird_flags flags = {};
	bool current, vars_fail;
	char *text;

	bt_bird_names(want, &sessions);
	/* Whoever has no BGP never hears of this. */
	if (!sessions.n && !facts->bird_file)
		return;
	text = text_for(want, facts);
	current = facts->bird_file && !strcmp(facts->bird_file, text) &&
		  (!facts->bird || taken(facts, text));
	bt_bird_flags(want, &facts->steer, &flags);
	/* BIRD would not start with a file that looks for what the vars file does not have. */
	vars_fail = flags.n && bt_facts_held(facts, "bird vars", now);
	if (flags.n)
		vars(want, facts, &flags, current, out);
	if (facts->bird)
		steer(facts, &flags, now, out);
	bt_bird_flags_free(&flags);
	if (!vars_fail)
		file(want, facts, &text, out);
	free(text);
	bt_strings_clear(&sessions);
}
