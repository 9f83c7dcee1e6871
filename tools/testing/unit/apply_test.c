// SPDX-License-Identifier: GPL-2.0
/* Operations on charon, as many as there may be: with the watch, and a charon of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/rtnetlink.h>

#include "daemon/apply.h"
#include "daemon/cmdq.h"
#include "fake_charon.h"
#include "log.h"
#include "world.h"

#define LINKS	40
#define TUNNELS	16
#define MANY	(LINKS * TUNNELS)

/**
 * struct run - a daemon that has charon only
 * @t: charon; first
 * @w: what is wanted and known
 * @apply: what is tested
 * @soon: to compare
 * @conns: what charon has been told
 * @shared: likewise
 * @comparisons: so far
 * @asked: list-sas that charon was asked before it had everything
 * @unloaded: commands to unload
 */
struct run {
	struct test t;
	struct world *w;
	struct bt_apply apply;
	struct bt_timer *soon;
	struct bt_strings conns;
	struct bt_strings shared;
	unsigned int comparisons;
	unsigned int asked;
	unsigned int unloaded;
};

static void put_names(struct bt_vici_msg *msg, const char *key, const struct bt_strings *names)
{
	size_t i;

	bt_vici_list(msg, key);
	for (i = 0; i < names->n; i++)
		bt_vici_list_item_str(msg, names->v[i]);
	bt_vici_list_end(msg);
}

static bool has_all(const struct run *r)
{
	return r->conns.n == MANY && r->shared.n == MANY;
}

static void unload(struct run *r, struct bt_strings *list, const char *name)
{
	r->unloaded++;
	bt_strings_remove(list, name);
}

static bool charon(struct test *t, const struct bt_vici_packet *packet)
{
	struct run *r = bt_container_of(t, struct run, t);
	struct bt_vici_msg msg = {};
	struct bt_vici_node *args;

	if (packet->op != BT_VICI_CMD_REQUEST)
		return false;
	assert_int_equal(bt_vici_tree_parse(packet->msg, packet->msg_len, &args), 0);
	if (bt_vici_packet_is(packet, "load-shared"))
		bt_strings_put(&r->shared, bt_vici_get_str(args, "id"));
	else if (bt_vici_packet_is(packet, "load-conn"))
		bt_strings_put(&r->conns, args->child->name);
	else if (bt_vici_packet_is(packet, "unload-conn"))
		unload(r, &r->conns, bt_vici_get_str(args, "name"));
	else if (bt_vici_packet_is(packet, "unload-shared"))
		unload(r, &r->shared, bt_vici_get_str(args, "id"));
	else if (bt_vici_packet_is(packet, "get-conns"))
		put_names(&msg, "conns", &r->conns);
	else if (bt_vici_packet_is(packet, "get-shared"))
		put_names(&msg, "keys", &r->shared);
	else if (bt_vici_packet_is(packet, "list-sas"))
		r->asked += !has_all(r);
	else
		fail_msg("not to be asked");
	bt_vici_tree_free(args);
	say(t, BT_VICI_CMD_RESPONSE, NULL, &msg);
	return true;
}

static void changed(void *arg)
{
	struct run *r = arg;

	if (!bt_timer_pending(r->soon))
		bt_timer_start(r->soon, 1);
}

static void compare(void *arg)
{
	struct run *r = arg;
	struct bt_facts *f = &r->w->facts;
	struct bt_ops ops = {};
	size_t i;

	r->comparisons++;
	bt_reconcile(r->w->config, f, bt_now_ms(), &ops);
	if (bt_apply(&r->apply, &ops))
		changed(r);
	else if (!ops.n && f->vici && f->conns_loaded.n == MANY && f->shared_loaded.n == MANY)
		note(&r->t.fake, "done");
	bt_ops_free(&ops);
	for (i = 0; i < f->holds.n; i++)
		assert_int_equal(f->holds.v[i].failures, 0);
}

static char *many_tunnels(void)
{
	struct bt_buf text = {};
	int i, j;

	bt_buf_puts(&text, "links:\n");
	for (i = 0; i < LINKS; i++) {
		bt_buf_printf(&text, "- {name: bow%d, manage: {bgp: no}, defaults: "
			      "{ike: {psk_file: @, start: respond}}, tunnels: [\n", i);
		for (j = 0; j < TUNNELS; j++)
			bt_buf_printf(&text, "{name: t%d, local: 192.0.2.9, remote: 10.0.%d.%d},\n",
				      j, i, j);
		bt_buf_puts(&text, "]}\n");
	}
	return text.data;
}

/*
 * More than the queue holds: it is filled again when it drains, and nothing fails. What was
 * there before goes, and is told to go once.
 */
static void test_more_than_the_queue_takes(void **state)
{
	struct run *r = bt_alloc(sizeof(*r));
	char *text = many_tunnels();

	fake_init(&r->t.fake);
	r->t.fake.greet = charon_meets;
	r->t.fake.input = charon_hears;
	r->t.charon = charon;
	fake_listen(&r->t.fake);
	bt_strings_put(&r->conns, "bt_old");
	bt_strings_put(&r->shared, "bt_old");
	r->w = fit(text);
	free(text);
	r->w->facts.vici = false;
	bt_strings_clear(&r->w->facts.conns);
	bt_strings_clear(&r->w->facts.shared);
	bt_facts_loaded_clear(&r->w->facts.conns_loaded);
	bt_facts_loaded_clear(&r->w->facts.shared_loaded);
	bt_fact_ikes_clear(&r->w->facts.ikes);
	r->soon = bt_timer_new(r->t.fake.loop, compare, r);
	r->apply = (struct bt_apply){ .facts = &r->w->facts, .changed = changed, .arg = r };
	r->apply.vici = bt_vici_watch_new(r->t.fake.loop, &r->w->facts,
					  r->t.fake.address.sun_path, changed, r);

	assert_true(2 * MANY > 4 * BT_CMDQ_MAX);
	bt_log_set_level(BT_LOG_ERR);
	expect(&r->t.fake, "done\n");
	assert_true(has_all(r));
	assert_int_equal(r->unloaded, 2);
	/* Questions have had their turn, and there was not one comparison for each answer. */
	assert_true(r->asked >= 2);
	print_message("# %u comparisons, asked %u times\n", r->comparisons, r->asked);
	assert_true(r->comparisons - r->asked < 2 * MANY / 20);

	bt_vici_watch_free(r->apply.vici);
	bt_timer_free(r->soon);
	bt_strings_clear(&r->conns);
	bt_strings_clear(&r->shared);
	bt_vici_rx_free(&r->t.rx);
	fake_fini(&r->t.fake);
	done(r->w);
	free(r);
}

/* --- routes, one by one --- */

static unsigned int tried;

/* Of 600 the first 300 are refused, whatever the time. */
static int refuse(struct bt_apply *a, const struct bt_op *op, const struct bt_prefix *dst,
		  struct bt_error *e)
{
	tried++;
	if (dst->addr.bytes[1] * 256 + dst->addr.bytes[2] < 300)
		return bt_error_set(e, -EINVAL, "refused");
	add_fib(bt_container_of(a->facts, struct world, facts), "10.0.0.0/24", RT_TABLE_MAIN,
		op->protocol, op->metric, "");
	a->facts->routes.v[a->facts->routes.n - 1].dst = *dst;
	return 0;
}

static size_t left_to_do(struct world *w, struct bt_ops *ops, uint64_t now)
{
	bt_reconcile(w->config, &w->facts, now, ops);
	assert_in_range(ops->n, 0, 1);
	return ops->n ? ops->v[0].routes.n : 0;
}

static void test_bad_routes(void **state)
{
	struct world *w = fit("links: [{name: bow0, hold_routes: on, manage: {ike: no, bgp: no}, "
			      "tunnels: [{name: a, remote: 192.0.2.1}]}]\n");
	struct bt_apply a = { .facts = &w->facts };
	uint64_t start = bt_now_ms();
	struct bt_ops ops = {};
	unsigned int i;
	char dst[32];

	bt_log_set_level(BT_LOG_ERR);
	for (i = 0; i < 600; i++) {
		snprintf(dst, sizeof(dst), "10.%u.%u.0/24", i / 256, i % 256);
		add_fib(w, dst, RT_TABLE_MAIN, RTPROT_STATIC, 0, "-");
		add_module(w, dst, 0);
	}
	for (i = 0; left_to_do(w, &ops, start); i++) {
		assert_in_range(i, 0, 2);
		bt_apply_batch(&a, &ops.v[0], refuse);
		bt_ops_free(&ops);
	}
	assert_int_equal(i, 3);
	assert_int_equal(tried, 600);
	assert_int_equal(w->facts.holds.n, 300);
	/* Again when it is time, and not for ever. */
	assert_in_range(bt_facts_next_try(&w->facts, start), start + 500, bt_now_ms() + 500);
	assert_int_equal(left_to_do(w, &ops, bt_now_ms() + 1000), 300);
	bt_ops_free(&ops);
	done(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_more_than_the_queue_takes),
		cmocka_unit_test(test_bad_routes),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
