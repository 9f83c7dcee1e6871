// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: BIRD's include file. BIRD is told to read it when the text that it has taken is
 * another one; never otherwise, since "configure" also takes in what the operator has
 * half finished elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "bird_render.h"
#include "reconcile.h"

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

/**
 * bt_reconcile_bird() - BIRD's part
 * @want: configuration
 * @facts: what is observed
 * @out: operations are added
 */
void bt_reconcile_bird(const struct bt_config *want, const struct bt_facts *facts,
		       struct bt_ops *out)
{
	struct bt_strings sessions = {};
	struct bt_op *op;
	char *text;

	bt_bird_names(want, &sessions);
	/* Whoever has no BGP never hears of this. */
	if (!sessions.n && !facts->bird_file)
		return;
	text = bt_bird_render(want, operators_kernel(facts));
	/* A file that is there stays until it is known whether BIRD is. */
	if (!facts->bird_file || ((facts->bird || facts->bird_gone) &&
				  strcmp(facts->bird_file, text) != 0)) {
		op = bt_op_add(out, BT_OP_BIRD_FILE, "bird file");
		op->name = bt_strdup(want->bird.include);
		op->content = text;
		text = NULL;
	} else if (facts->bird && !taken(facts, text)) {
		bt_op_add(out, BT_OP_BIRD_CONFIGURE, "bird configure");
	}
	free(text);
	bt_strings_clear(&sessions);
}
