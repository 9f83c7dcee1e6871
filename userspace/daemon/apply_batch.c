// SPDX-License-Identifier: GPL-2.0
/*
 * Operations that are done route by route, so many at a time. One that fails is tried again
 * later, with pauses that grow, and is none of the others' business.
 */
#include <stdlib.h>

#include "apply.h"
#include "log.h"

#define MAX_PAUSE_MS	30000
/* So many are named in the log, instead of their number. */
#define NAMED		16

/* Returns why it has failed, for the caller to free, or NULL. */
static char *one(struct bt_apply *a, const struct bt_op *op, const struct bt_prefix *dst,
		 bt_apply_route_fn fn)
{
	char *key = bt_op_route_key(op, dst), *text = NULL, buf[BT_PREFIX_STRLEN];
	struct bt_error e = {};

	if (fn(a, op, dst, &e)) {
		bt_facts_failed(a->facts, key, bt_now_ms(), MAX_PAUSE_MS);
		text = bt_asprintf("%s: %s", bt_prefix_str(dst, buf), e.text);
	} else {
		bt_facts_done(a->facts, key);
	}
	bt_error_free(&e);
	free(key);
	return text;
}

static void tell(const struct bt_op *op, size_t tried, size_t failed, const char *first)
{
	struct bt_buf what = {};

	if (op->routes.n > NAMED || failed)
		bt_buf_printf(&what, "%s: %zu", op->key, tried - failed);
	else
		bt_op_text(op, &what);
	if (tried < op->routes.n || failed)
		bt_buf_printf(&what, " of %zu", op->routes.n);
	if (failed)
		bt_err("%s; %zu failed, such as %s", what.data, failed, first);
	else
		bt_info("%s", what.data);
	bt_buf_free(&what);
}

/**
 * bt_apply_batch() - do the first routes of an operation
 * @a: context
 * @op: operation; the next comparison finds what is left of it
 * @fn: does one
 */
void bt_apply_batch(struct bt_apply *a, const struct bt_op *op, bt_apply_route_fn fn)
{
	size_t i, failed = 0;
	char *first = NULL, *text;

	for (i = 0; i < op->routes.n && i < BT_APPLY_BATCH; i++) {
		text = one(a, op, &op->routes.v[i].dst, fn);
		failed += !!text;
		if (text && !first)
			first = text;
		else
			free(text);
	}
	tell(op, i, failed, first);
	free(first);
}
