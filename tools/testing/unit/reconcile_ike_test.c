// SPDX-License-Identifier: GPL-2.0
/* IKE SAs by which nothing comes, or that nobody answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#define S		1000
#define MS_NS		1000000

#define TUNNELS		"tunnels: [{name: a, remote: 192.0.2.1, if_id: 1}]"
#define LINK(_ike)	"links: [{name: bow0, defaults: {local: 198.51.100.1,"	\
			" ike: {psk_file: @" _ike "}}, " TUNNELS "}]"

static struct world *begin(const char *config)
{
	struct world *w = fit(config);
	struct bt_fact_ike *ike = w->facts.ikes.v;

	ike->begun = 1 * S;
	ike->since = 2 * S;
	ike->ours = true;
	ike->answered = true;
	return w;
}

/* What the module says from now on, and the daemon remembers: @since moves each time */
static void become(struct world *w, uint32_t oper, uint32_t reason, uint64_t now)
{
	struct bt_tunnel *t = w->facts.links.v[0].tunnels.v;
	struct bt_strings mute = {};

	t->oper = oper;
	t->reason = reason;
	t->since = now * MS_NS;
	bt_facts_follow_tunnels(&w->facts, now, &mute);
	bt_strings_clear(&mute);
}

/* It has worked until now. */
static void down(struct world *w, uint32_t reason, uint64_t now)
{
	become(w, BOWTIE_OPER_UP, BOWTIE_REASON_NONE, now);
	become(w, BOWTIE_OPER_DOWN, reason, now);
}

/* Its SA has gone, and it has another; nobody answers by that one either. */
static void down_again(struct world *w, uint64_t now)
{
	become(w, BOWTIE_OPER_DOWN, BOWTIE_REASON_NO_SA, now);
	become(w, BOWTIE_OPER_PROBING, BOWTIE_REASON_NONE, now + 1 * S);
	become(w, BOWTIE_OPER_DOWN, BOWTIE_REASON_NO_ANSWER, now + 2 * S);
}

static void expect_at(struct world *w, uint64_t seen, const char *want)
{
	char *have;

	w->facts.ikes_seen = seen;
	have = ops_at(w, seen);
	assert_string_equal(have, want);
	free(have);
}

#define TERMINATE	"charon: terminate bt_bow0_a\n"
#define INITIATE	"charon: initiate bt_bow0_a\n"

static void test_silent(void **state)
{
	struct world *w = begin(LINK(""));
	struct bt_fact_ike *ike = w->facts.ikes.v;

	down(w, BOWTIE_REASON_NO_ANSWER, 100 * S);
	expect_at(w, 129 * S, "");
	expect_at(w, 130 * S, TERMINATE);
	/* Something came: the other way may be open, or the peer answers no probes. */
	ike->received = 110 * S;
	expect_at(w, 130 * S, "");
	expect_at(w, 140 * S, TERMINATE);
	/* It has been begun anew, and that did not help: the pauses grow. */
	ike->received = 0;
	ike->since = 135 * S;
	down_again(w, 134 * S);
	expect_at(w, 164 * S, "");
	expect_at(w, 165 * S, TERMINATE);
	ike->since = 600 * S;
	down_again(w, 599 * S);
	expect_at(w, 700 * S, "");
	expect_at(w, 767 * S, TERMINATE);
	ike->since = 100000 * S;
	down_again(w, 99999 * S);
	expect_at(w, 100299 * S, "");
	expect_at(w, 100300 * S, TERMINATE);
	done(w);
}

/* What is no fault of the SA's */
static void test_not_silent(void **state)
{
	static const uint32_t reasons[] = {
		BOWTIE_REASON_NONE, BOWTIE_REASON_ADMIN, BOWTIE_REASON_NO_SA,
		BOWTIE_REASON_HOLD_DOWN,
	};
	struct world *w = begin(LINK(""));
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(reasons); i++) {
		down(w, reasons[i], 100 * S);
		expect_at(w, 1000 * S, "");
	}
	down(w, BOWTIE_REASON_NO_ANSWER, 100 * S);
	w->facts.links.v[0].tunnels.v[0].oper = BOWTIE_OPER_UP;
	expect_at(w, 1000 * S, "");
	done(w);

	w = begin(LINK(", start: respond"));
	down(w, BOWTIE_REASON_NO_ANSWER, 100 * S);
	expect_at(w, 1000 * S, "");
	done(w);

	w = begin(LINK(", dpd: 0"));
	down(w, BOWTIE_REASON_NO_ANSWER, 100 * S);
	expect_at(w, 1000 * S, "");
	done(w);

	w = begin(LINK(", dpd: 20"));
	down(w, BOWTIE_REASON_NO_ANSWER, 100 * S);
	expect_at(w, 159 * S, "");
	expect_at(w, 160 * S, TERMINATE);
	done(w);
}

static void test_half_open(void **state)
{
	struct world *w = begin(LINK(""));
	struct bt_fact_ike *ike = w->facts.ikes.v;

	ike->established = false;
	ike->children = 0;
	ike->since = 0;
	ike->begun = 100 * S;
	ike->answered = false;
	expect_at(w, 104 * S, "");
	expect_at(w, 105 * S, TERMINATE);
	/* The longer it lasts the less often, and it has no SA while it lasts. */
	down(w, BOWTIE_REASON_NO_ANSWER, 20 * S);
	become(w, BOWTIE_OPER_DOWN, BOWTIE_REASON_NO_SA, 99 * S);
	expect_at(w, 105 * S, "");
	expect_at(w, 112 * S, TERMINATE);
	ike->begun = 10000 * S;
	expect_at(w, 10014 * S, "");
	expect_at(w, 10015 * S, TERMINATE);
	/* A peer that has answered is slow, or the rest got lost. */
	ike->answered = true;
	expect_at(w, 10019 * S, "");
	expect_at(w, 10020 * S, TERMINATE);
	/* The peer's own try is the peer's. */
	ike->ours = false;
	expect_at(w, 10100 * S, "");
	ike->ours = true;
	/* Being ended already: the next one begins, and just once. */
	ike->dying = true;
	expect_at(w, 10100 * S, INITIATE);
	bt_facts_begin(&w->facts, "initiate");
	expect_at(w, 10100 * S, "");
	done(w);
}

/* Peers that are dead must not keep the one that lives from being tried. */
static void test_turns(void **state)
{
	static const char *const turns[] = { "a", "b", "c", "d", "e", "a", "b" };
	struct world *w = begin("links: [{name: bow0, defaults: {local: 198.51.100.1,"
				" ike: {psk_file: @}}, tunnels: ["
				"{name: a, remote: 192.0.2.1, if_id: 1},"
				"{name: b, remote: 192.0.2.2, if_id: 2},"
				"{name: c, remote: 192.0.2.3, if_id: 3},"
				"{name: d, remote: 192.0.2.4, if_id: 4},"
				"{name: e, remote: 192.0.2.5, if_id: 5}]}]");
	char *want;
	size_t i;

	bt_fact_ikes_clear(&w->facts.ikes);
	for (i = 0; i < BT_ARRAY_SIZE(turns); i++) {
		want = bt_asprintf("charon: initiate bt_bow0_%s\n", turns[i]);
		expect_at(w, (10 + i) * S, want);
		bt_facts_tried(&w->facts, "bow0", turns[i], (10 + i) * S);
		free(want);
	}
	/* Whose turn it would be has to wait. */
	bt_facts_failed(&w->facts, "initiate bt_bow0_c", 20 * S, 1 * S);
	expect_at(w, 20 * S, "charon: initiate bt_bow0_d\n");
	done(w);
}

static void expect_mute(struct world *w, uint32_t oper, uint32_t reason, size_t n)
{
	struct bt_tunnel *t = w->facts.links.v[0].tunnels.v;
	struct bt_strings mute = {};

	t->oper = oper;
	t->reason = reason;
	bt_facts_follow_tunnels(&w->facts, 10 * S, &mute);
	assert_int_equal(mute.n, n);
	if (n)
		assert_string_equal(mute.v[0], "bow0 a");
	bt_strings_clear(&mute);
}

/* Up, and has never answered: said once, until it has. */
static void test_mute(void **state)
{
	struct world *w = begin(LINK(""));

	expect_mute(w, BOWTIE_OPER_DOWN, BOWTIE_REASON_NO_ANSWER, 0);
	expect_mute(w, BOWTIE_OPER_UP, BOWTIE_REASON_NO_ANSWER, 1);
	expect_mute(w, BOWTIE_OPER_UP, BOWTIE_REASON_NO_ANSWER, 0);
	expect_mute(w, BOWTIE_OPER_DOWN, BOWTIE_REASON_NO_SA, 0);
	expect_mute(w, BOWTIE_OPER_UP, BOWTIE_REASON_NO_ANSWER, 0);
	expect_mute(w, BOWTIE_OPER_UP, BOWTIE_REASON_NONE, 0);
	expect_mute(w, BOWTIE_OPER_UP, BOWTIE_REASON_NO_ANSWER, 1);
	done(w);
}

/*
 * charon's unique ids count for nothing: an SA that went, or one that is on its way out,
 * neither makes a second one nor harms the live one, in whatever order they are told.
 */
static void test_stale_beside_live(void **state)
{
	struct world *w = begin(LINK(""));
	struct bt_fact_ike *stale;
	uint32_t id;

	for (id = 1; id < 100; id += 98) {
		stale = bt_array_add(&w->facts.ikes);
		*stale = (struct bt_fact_ike){
			.name = bt_strdup("bt_bow0_a"), .id = id, .established = true,
			.dying = true, .children = 1, .remote = addr("192.0.2.1"),
		};
		bt_fact_ikes_sort(&w->facts.ikes);
		expect_at(w, 50 * S, "");
	}
	done(w);
}

static void add_child(struct bt_fact_ike *ike, uint32_t id, uint32_t spi)
{
	*bt_array_add(&ike->sas) = (struct bt_fact_child){ id, spi };
	ike->children = (unsigned int)ike->sas.n;
}

/* Two IKE SAs: the peer sends by the newer one, but does not have what we send by. */
static void test_suspect_ike(void **state)
{
	struct world *w = begin(LINK(""));
	struct bt_fact_ike *new = bt_array_add(&w->facts.ikes), *old = w->facts.ikes.v;
	struct bt_ops ops = {};

	*new = *old;
	new->name = bt_strdup(old->name);
	new->id = 99;
	new->since = 20 * S;
	new->received = 31 * S;
	add_child(old, 1, 0x11);
	add_child(new, 2, 0x22);
	bt_facts_suspect(&w->facts, 1, 0x22, true, 21 * S);
	expect_at(w, 29 * S, "");
	expect_at(w, 31 * S, TERMINATE);
	bt_reconcile(w->config, &w->facts, 31 * S, &ops);
	assert_int_equal(ops.v[0].id, 99);
	assert_false(ops.v[0].child);
	bt_ops_free(&ops);
	/* It is being ended, and charon's list is from before: the other one must not be. */
	bt_facts_forget_suspects(&w->facts, 90 * S);
	expect_at(w, 90 * S, TERMINATE);
	bt_reconcile(w->config, &w->facts, 90 * S, &ops);
	assert_int_equal(ops.v[0].id, 99);
	bt_ops_free(&ops);
	/* If there is no doubt, it is the one by which something comes. */
	bt_facts_suspect(&w->facts, 1, 0x22, false, 0);
	new->received = 89 * S;
	w->facts.ikes_seen = 90 * S;
	bt_reconcile(w->config, &w->facts, 31 * S, &ops);
	assert_int_not_equal(ops.v[0].id, 99);
	bt_ops_free(&ops);
	done(w);
}

/* Two children of one IKE SA */
static void test_suspect_child(void **state)
{
	struct world *w = begin(LINK(""));
	struct bt_fact_ike *ike = w->facts.ikes.v;

	add_child(ike, 1, 0x11);
	add_child(ike, 2, 0x22);
	bt_facts_suspect(&w->facts, 1, 0x22, true, 20 * S);
	/* Another tunnel's is another one. */
	bt_facts_suspect(&w->facts, 2, 0x11, true, 20 * S);
	expect_at(w, 29 * S, "");
	expect_at(w, 30 * S, "charon: terminate bt_bow0_a{2}\n");
	/* Not for ever new */
	bt_facts_suspect(&w->facts, 1, 0x22, true, 30 * S);
	expect_at(w, 30 * S, "charon: terminate bt_bow0_a{2}\n");
	/* All there is stays. */
	bt_facts_suspect(&w->facts, 1, 0x11, true, 20 * S);
	expect_at(w, 40 * S, "");
	bt_facts_suspect(&w->facts, 1, 0x22, false, 40 * S);
	expect_at(w, 40 * S, "charon: terminate bt_bow0_a{1}\n");
	done(w);
}

/* The module tells of no SA that goes with its tunnel. */
static void test_suspects_gone(void **state)
{
	struct bt_facts f = {};
	struct bt_fact_link *l;
	struct bt_tunnel *t;
	uint32_t i;

	for (i = 0; i < 2; i++) {
		l = bt_facts_link_add(&f);
		l->link.dev.ifindex = (int)i + 1;
		t = bt_array_add(&l->tunnels);
		t->if_id = 10 * i + 1;
		t = bt_array_add(&l->tunnels);
		t->if_id = 10 * i + 2;
		bt_facts_suspect(&f, 10 * i + 1, 0x11, true, 5);
		bt_facts_suspect(&f, 10 * i + 2, 0x22, true, 5);
		bt_facts_suspect(&f, 10 * i + 2, 0x23, true, 5);
	}
	bt_facts_forget_orphans(&f);
	assert_int_equal(f.suspects.n, 6);
	bt_facts_link(&f, 2)->tunnels.n = 1;
	bt_facts_forget_orphans(&f);
	assert_int_equal(f.suspects.n, 4);
	assert_non_null(bt_facts_is_suspect(&f, 11, 0x11));
	assert_null(bt_facts_is_suspect(&f, 12, 0x22));
	assert_null(bt_facts_is_suspect(&f, 12, 0x23));

	bt_facts_link_remove(&f, 1);
	bt_facts_forget_orphans(&f);
	assert_int_equal(f.suspects.n, 1);
	assert_non_null(bt_facts_is_suspect(&f, 11, 0x11));

	bt_facts_links_clear(&f);
	bt_facts_forget_orphans(&f);
	assert_int_equal(f.suspects.n, 0);
	bt_facts_free(&f);
}

static void add_sa(struct bt_sas *sas, uint32_t tunnel, uint32_t spi, bool suspect, bool current)
{
	struct bt_sa *sa = bt_array_add(sas);

	sa->tunnel = tunnel;
	sa->dir = BOWTIE_SA_OUT;
	sa->spi = spi;
	sa->suspect = suspect;
	sa->current = current;
}

static int found;

static void count_found(const struct bt_fact_link *l, const struct bt_sa *sa, void *arg)
{
	assert_ptr_equal(arg, l);
	found++;
}

/* What is dumped counts, whatever events have told or have not. */
static void test_suspects_dumped(void **state)
{
	struct bt_facts f = {};
	struct bt_fact_link *l = bt_facts_link_add(&f);
	struct bt_sas sas = {};
	uint32_t i;

	l->link.dev.ifindex = 1;
	for (i = 0; i < 2; i++) {
		struct bt_tunnel *t = bt_array_add(&l->tunnels);

		t->id = i;
		t->if_id = i + 1;
	}
	bt_facts_suspect(&f, 1, 0x11, true, 5);
	bt_facts_suspect(&f, 1, 0x12, true, 5);
	bt_facts_suspect(&f, 9, 0x91, true, 5);
	add_sa(&sas, 0, 0x11, true, false);
	add_sa(&sas, 0, 0x13, false, true);
	add_sa(&sas, 1, 0x21, true, false);
	add_sa(&sas, 1, 0x22, true, true);
	add_sa(&sas, 7, 0x71, true, false);
	add_sa(&sas, 1, 0x31, true, false);
	sas.v[sas.n - 1].dir = BOWTIE_SA_IN;
	found = 0;
	bt_facts_link_suspects(&f, l, &sas, 50, count_found, l);
	assert_int_equal(f.suspects.n, 3);
	/* New, and worth a word: also the one that is all there is. */
	assert_int_equal(found, 2);
	/* One that was known is as old as it was. */
	assert_int_equal(bt_facts_is_suspect(&f, 1, 0x11)->since, 5);
	assert_null(bt_facts_is_suspect(&f, 1, 0x12));
	assert_int_equal(bt_facts_is_suspect(&f, 2, 0x21)->since, 50);
	assert_null(bt_facts_is_suspect(&f, 2, 0x22));
	/* Those of another link are not its business. */
	assert_non_null(bt_facts_is_suspect(&f, 9, 0x91));
	/* One that is gone here, but not yet from charon's list, is not good again. */
	add_child(bt_array_add(&f.ikes), 4, 0x11);
	sas.n = 0;
	bt_facts_link_suspects(&f, l, &sas, 100, count_found, l);
	assert_non_null(bt_facts_is_suspect(&f, 1, 0x11));
	assert_null(bt_facts_is_suspect(&f, 2, 0x21));
	/* But not for ever. */
	bt_facts_link_suspects(&f, l, &sas, 5 + BT_FACT_SUSPECT_MS, count_found, l);
	assert_null(bt_facts_is_suspect(&f, 1, 0x11));
	bt_sas_free(&sas);
	bt_facts_free(&f);
}

/* Nobody is promised what bowtied is not to do. */
static void test_suspect_text(void **state)
{
	struct world *w = begin(LINK(""));
	const char *text;

	text = bt_suspect_text(w->config, "bow0", "a", false);
	assert_string_equal(text, "another one is used, and this one will be ended");
	assert_string_equal(bt_suspect_text(w->config, "bow0", "a", true), "there is no other");
	w->config->links.v[0].tunnels.v[0].manage.ike = false;
	text = bt_suspect_text(w->config, "bow0", "a", false);
	assert_string_equal(text, "another one is used; to end this one is up to whoever manages IKE");
	assert_string_equal(bt_suspect_text(w->config, "bow0", "a", true), "there is no other");
	/* Somebody else's tunnel, or link */
	assert_string_equal(bt_suspect_text(w->config, "bow0", "x", false), text);
	assert_string_equal(bt_suspect_text(w->config, "bow9", "a", false), text);
	done(w);
}

static void test_suspects_bounded(void **state)
{
	struct bt_facts f = {};
	uint32_t spi;

	for (spi = 1; spi <= 2 * BT_FACT_SUSPECTS; spi++)
		bt_facts_suspect(&f, 1, spi, true, spi);
	assert_int_equal(f.suspects.n, BT_FACT_SUSPECTS);
	assert_null(bt_facts_is_suspect(&f, 1, BT_FACT_SUSPECTS));
	assert_non_null(bt_facts_is_suspect(&f, 1, BT_FACT_SUSPECTS + 1));
	bt_facts_forget_suspects(&f, BT_FACT_SUSPECT_MS);
	assert_int_equal(f.suspects.n, BT_FACT_SUSPECTS);
	bt_facts_forget_suspects(&f, BT_FACT_SUSPECT_MS + 2 * BT_FACT_SUSPECTS);
	assert_int_equal(f.suspects.n, 0);
	bt_facts_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_not_silent),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_mute),
		cmocka_unit_test(test_stale_beside_live),
		cmocka_unit_test(test_suspect_ike),
		cmocka_unit_test(test_suspect_child),
		cmocka_unit_test(test_suspect_text),
		cmocka_unit_test(test_suspects_gone),
		cmocka_unit_test(test_suspects_dumped),
		cmocka_unit_test(test_suspects_bounded),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
