// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: BIRD's include file. BIRD is told to read it when it has changed, or when
 * sessions are missing that it has; never otherwise, since "configure" also takes in
 * what the operator has half finished elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "bird_render.h"
#include "reconcile.h"

static bool same_sessions(const struct bt_strings *want, const struct bt_strings *have)
{
	size_t i;

	if (want->n != have->n)
		return false;
	for (i = 0; i < want->n; i++)
		if (!bt_strings_have(have, want->v[i]))
			return false;
	return true;
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
	/*
	 * Which kernel protocols the operator has, only BIRD can tell. Until it runs, a
	 * file must be there for bird.conf to include, but one that is there may be right.
	 */
	text = bt_bird_render(want, facts->bird ? facts->bird_kernel :
				    BT_BIRD_KERNEL4 | BT_BIRD_KERNEL6);
	if (!facts->bird_file || (facts->bird && strcmp(facts->bird_file, text) != 0)) {
		op = bt_op_add(out, BT_OP_BIRD_FILE, "bird file");
		op->name = bt_strdup(want->bird.include);
		op->content = text;
		text = NULL;
	} else if (facts->bird && (!facts->bird_configured ||
				   !same_sessions(&sessions, &facts->bird_protocols))) {
		bt_op_add(out, BT_OP_BIRD_CONFIGURE, "bird configure");
	}
	free(text);
	bt_strings_clear(&sessions);
}
