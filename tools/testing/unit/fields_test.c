// SPDX-License-Identifier: GPL-2.0
/* lib/fields.c, lib/types*.c: settings from text and back, differences, copies. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "model.h"
#include "types.h"

static int set(struct bt_tunnel *t, const char *word, const char *text)
{
	return bt_object_parse(&bt_tunnel_object, t, word, text, NULL);
}

/* The settings as text, the way showconf writes them. */
static void assert_settings(const struct bt_tunnel *t, const char *want)
{
	struct bt_buf text = {};

	bt_object_settings(&bt_tunnel_object, t, &text);
	assert_string_equal(text.data ? text.data : "", want);
	bt_buf_free(&text);
}

static void assert_refused(const char *word, const char *text, const char *why)
{
	struct bt_tunnel t = {};
	struct bt_error e = {};

	assert_int_equal(bt_object_parse(&bt_tunnel_object, &t, word, text, &e), -EINVAL);
	assert_string_equal(e.text, why);
	assert_int_equal(t.set, 0);
	bt_error_free(&e);
	/* Nobody has to ask why. */
	assert_int_equal(bt_object_parse(&bt_tunnel_object, &t, word, text, NULL), -EINVAL);
	bt_object_free(&bt_tunnel_object, &t);
}

static void parse_every_kind(void **state)
{
	struct bt_tunnel t = {};

	assert_int_equal(set(&t, "if-id", "0x10"), 0);
	assert_int_equal(t.if_id, 16);
	assert_int_equal(set(&t, "local", "192.0.2.1"), 0);
	assert_int_equal(set(&t, "remote", "any"), 0);
	assert_int_equal(t.remote.family, AF_UNSPEC);
	assert_int_equal(set(&t, "weight", "256"), 0);
	assert_int_equal(set(&t, "tier", "7"), 0);
	assert_int_equal(set(&t, "esp-mode", "xfrm"), 0);
	assert_int_equal(t.esp_mode, BOWTIE_ESP_XFRM);
	assert_int_equal(set(&t, "mss", "1400"), 0);
	assert_int_equal(set(&t, "df", "clear"), 0);
	assert_int_equal(set(&t, "mark", "255"), 0);
	assert_int_equal(set(&t, "admin", "drain"), 0);
	assert_int_equal(set(&t, "name", "aws-1_a.b"), 0);
	assert_string_equal(t.name, "aws-1_a.b");
	assert_settings(&t, " if-id 16 local 192.0.2.1 remote any admin drain weight 256 tier 7 esp-mode xfrm mss 1400 df clear mark 0xff");
	bt_object_free(&bt_tunnel_object, &t);
}

static void defaults_are_left_out(void **state)
{
	struct bt_tunnel t = {};

	assert_int_equal(set(&t, "weight", "1"), 0);
	assert_int_equal(set(&t, "tier", "0"), 0);
	assert_int_equal(set(&t, "esp-mode", "auto"), 0);
	assert_int_equal(set(&t, "mss", "auto"), 0);
	assert_int_equal(set(&t, "df", "copy"), 0);
	assert_int_equal(set(&t, "mark", "0"), 0);
	assert_int_equal(set(&t, "admin", "up"), 0);
	assert_int_equal(set(&t, "selector", "none"), 0);
	assert_settings(&t, "");
	assert_int_equal(set(&t, "mss", "off"), 0);
	assert_settings(&t, " mss off");
	bt_object_free(&bt_tunnel_object, &t);
}

static void refusals_name_field_and_values(void **state)
{
	assert_refused("if-id", "0", "if-id: \"0\" is not a number from 1 to 4294967295");
	assert_refused("if-id", "4294967296",
		       "if-id: \"4294967296\" is not a number from 1 to 4294967295");
	assert_refused("if-id", "1x", "if-id: \"1x\" is not a number from 1 to 4294967295");
	assert_refused("if-id", "-1", "if-id: \"-1\" is not a number from 1 to 4294967295");
	assert_refused("if-id", "", "if-id: \"\" is not a number from 1 to 4294967295");
	assert_refused("weight", "257", "weight: \"257\" is not a number from 1 to 256");
	assert_refused("tier", "8", "tier: \"8\" is not a number from 0 to 7");
	assert_refused("df", "maybe", "df: \"maybe\" is none of copy, clear, set");
	assert_refused("df", "co", "df: \"co\" is none of copy, clear, set");
	assert_refused("admin", "", "admin: \"\" is none of up, down, drain");
	assert_refused("mss", "47", "mss: \"47\" is neither off, auto nor 48 to 65495");
	assert_refused("mss", "65496", "mss: \"65496\" is neither off, auto nor 48 to 65495");
	assert_refused("local", "10.0.0.0/8",
		       "local: \"10.0.0.0/8\" is neither an IPv4 or IPv6 address nor any");
	assert_refused("inside-peer", "any",
		       "inside-peer: \"any\" is neither an IPv4 or IPv6 address nor none");
	assert_refused("name", "1up", "name: \"1up\" is not up to 15 letters, digits, \"-\", \"_\" and \".\" that begin with a letter");
	assert_refused("name", "sixteen-letters-", "name: \"sixteen-letters-\" is not up to 15 letters, digits, \"-\", \"_\" and \".\" that begin with a letter");
	assert_refused("name", "a b", "name: \"a b\" is not up to 15 letters, digits, \"-\", \"_\" and \".\" that begin with a letter");
	assert_refused("selector", "10.0.0.0/8", "selector: remote is missing");
	assert_refused("selector", "", "selector: local is missing");
	assert_refused("selector", "10.0.0.0/8 10.0.0.0/8 10.0.0.0/8",
		       "selector: \"10.0.0.0/8\" is one too many");
	assert_refused("selector", "10.0.0.1/8 ::/0",
		       "selector: local: \"10.0.0.1/8\" has bits set beyond its length (not so 10.0.0.0/8)");
}

static void unknown_and_read_only(void **state)
{
	struct bt_tunnel t = {};
	struct bt_error e = {};

	assert_int_equal(bt_object_parse(&bt_tunnel_object, &t, "colour", "red", &e), -ENOENT);
	assert_string_equal(e.text, "tunnel has no setting \"colour\"");
	bt_error_free(&e);
	assert_int_equal(set(&t, "oper", "up"), -ENOENT);
	assert_int_equal(set(&t, "stats", "0"), -ENOENT);
	assert_int_equal(set(&t, "weigh", "1"), -ENOENT);
	/* A user writes inside-local, for both families. */
	assert_int_equal(set(&t, "inside-local4", "10.0.0.1"), -ENOENT);
	assert_null(bt_object_field(&bt_tunnel_object, "since"));
	assert_int_equal(t.set, 0);
}

static void inside_goes_by_family(void **state)
{
	struct bt_tunnel t = {};

	assert_int_equal(set(&t, "inside-local", "fd00::1"), 0);
	assert_int_equal(t.set, BT_BIT(BOWTIE_A_TUNNEL_INSIDE_LOCAL6));
	assert_int_equal(set(&t, "inside-local", "10.0.0.1"), 0);
	assert_int_equal(t.set, BT_BIT(BOWTIE_A_TUNNEL_INSIDE_LOCAL4) |
			 BT_BIT(BOWTIE_A_TUNNEL_INSIDE_LOCAL6));
	assert_settings(&t, " inside-local 10.0.0.1 inside-local fd00::1");
	bt_object_free(&bt_tunnel_object, &t);

	/* "none" is for both. */
	assert_int_equal(set(&t, "inside-peer", "none"), 0);
	assert_int_equal(t.set, BT_BIT(BOWTIE_A_TUNNEL_INSIDE_PEER4) |
			 BT_BIT(BOWTIE_A_TUNNEL_INSIDE_PEER6));
	assert_int_equal(t.inside_peer4.family, AF_INET);
	assert_int_equal(t.inside_peer6.family, AF_INET6);
	assert_true(bt_addr_is_any(&t.inside_peer4));
	bt_object_free(&bt_tunnel_object, &t);
}

static void selectors_are_a_list(void **state)
{
	struct bt_tunnel t = {};
	int i;

	assert_int_equal(set(&t, "selector", "10.0.0.0/8 default"), 0);
	assert_int_equal(set(&t, "selector", " ::/0\t2001:db8::/32 "), 0);
	assert_int_equal(t.selectors.n, 2);
	assert_settings(&t, " selector 10.0.0.0/8 0.0.0.0/0 selector ::/0 2001:db8::/32");
	/* One that is wrong changes nothing. */
	assert_int_equal(set(&t, "selector", "x y"), -EINVAL);
	assert_int_equal(t.selectors.n, 2);
	assert_int_equal(set(&t, "selector", "none"), 0);
	assert_int_equal(t.selectors.n, 0);
	assert_true(t.set & BT_BIT(BOWTIE_A_TUNNEL_SELECTORS));

	for (i = 0; i < BOWTIE_SELECTORS_MAX; i++)
		assert_int_equal(set(&t, "selector", "10.0.0.0/8 10.0.0.0/8"), 0);
	assert_int_equal(set(&t, "selector", "10.0.0.0/8 10.0.0.0/8"), -EINVAL);
	assert_int_equal(t.selectors.n, BOWTIE_SELECTORS_MAX);
	bt_object_free(&bt_tunnel_object, &t);
	assert_null(t.selectors.v);
}

static void link_settings(void **state)
{
	struct bt_error e = {};
	struct bt_link l = {};

	assert_int_equal(bt_link_parse(&l, "hairpin", "on", &e), 0);
	assert_true(l.hairpin);
	assert_int_equal(bt_link_parse(&l, "hairpin", "yes", &e), -EINVAL);
	assert_string_equal(e.text, "hairpin: \"yes\" is neither on nor off");
	assert_int_equal(bt_link_parse(&l, "mtu", "auto", &e), 0);
	assert_int_equal(l.set, BT_BIT(BOWTIE_A_LINK_HAIRPIN) | BT_BIT(BOWTIE_A_LINK_MTU_AUTO));
	assert_true(l.mtu_auto);
	assert_int_equal(bt_link_parse(&l, "mtu", "1400", &e), 0);
	assert_false(l.mtu_auto);
	assert_int_equal(l.mtu, 1400);
	assert_int_equal(bt_link_parse(&l, "mtu", "67", &e), -EINVAL);
	assert_string_equal(e.text, "mtu: \"67\" is neither auto nor 68 to 65535");
	assert_int_equal(bt_link_parse(&l, "hash", "l5", &e), -EINVAL);
	assert_string_equal(e.text, "hash: \"l5\" is none of skb, l3, l4, symmetric");
	bt_error_free(&e);
}

static void link_diff(void **state)
{
	struct bt_link want = {}, have = {}, out = {};

	/* An MTU that follows the tunnels may be any. */
	bt_link_parse(&want, "mtu", "auto", NULL);
	bt_link_parse(&have, "mtu", "auto", NULL);
	have.mtu = 1446;
	have.set |= BT_BIT(BOWTIE_A_LINK_MTU);
	assert_false(bt_object_diff(&bt_link_object, &want, &have, NULL));
	bt_link_parse(&want, "mtu", "1400", NULL);
	assert_true(bt_object_diff(&bt_link_object, &want, &have, &out));
	assert_int_equal(out.set, BT_BIT(BOWTIE_A_LINK_MTU) | BT_BIT(BOWTIE_A_LINK_MTU_AUTO));
	assert_int_equal(out.mtu, 1400);
}

static void tunnel_diff(void **state)
{
	struct bt_tunnel want = {}, have = {}, out = {};

	set(&want, "id", "3");
	set(&want, "if-id", "1");
	set(&want, "weight", "2");
	set(&want, "selector", "10.0.0.0/8 10.0.0.0/8");
	assert_false(bt_object_diff(&bt_tunnel_object, &want, &want, &out));
	assert_int_equal(out.set, 0);

	/* Of two objects that have nothing in common everything differs, but the key. */
	assert_true(bt_object_diff(&bt_tunnel_object, &want, &have, &out));
	assert_settings(&out, " if-id 1 weight 2 selector 10.0.0.0/8 10.0.0.0/8");
	bt_object_free(&bt_tunnel_object, &out);

	/* What nobody wants does not count. */
	bt_object_copy(&bt_tunnel_object, &have, &want);
	set(&have, "mark", "7");
	assert_false(bt_object_diff(&bt_tunnel_object, &want, &have, &out));

	set(&have, "weight", "5");
	set(&have, "selector", "10.0.0.0/8 10.0.0.0/8");
	assert_true(bt_object_diff(&bt_tunnel_object, &want, &have, &out));
	assert_settings(&out, " weight 2 selector 10.0.0.0/8 10.0.0.0/8");
	/* To merge the difference is to fulfil the wish. */
	bt_object_merge(&bt_tunnel_object, &have, &out);
	assert_false(bt_object_diff(&bt_tunnel_object, &want, &have, NULL));
	bt_object_free(&bt_tunnel_object, &out);
	bt_object_free(&bt_tunnel_object, &want);
	bt_object_free(&bt_tunnel_object, &have);
}

static void diff_of_addresses(void **state)
{
	struct bt_tunnel want = {}, have = {};

	/* The kernel tells no inside address that there is not. */
	set(&want, "inside-local", "none");
	assert_false(bt_object_diff(&bt_tunnel_object, &want, &have, NULL));
	set(&have, "inside-local", "10.0.0.1");
	assert_true(bt_object_diff(&bt_tunnel_object, &want, &have, NULL));
	bt_object_free(&bt_tunnel_object, &want);
	bt_object_free(&bt_tunnel_object, &have);

	/* Any address is any address, but one that is not told is not known. */
	set(&want, "remote", "any");
	assert_true(bt_object_diff(&bt_tunnel_object, &want, &have, NULL));
	set(&have, "remote", "::");
	assert_false(bt_object_diff(&bt_tunnel_object, &want, &have, NULL));
	set(&have, "remote", "::1");
	assert_true(bt_object_diff(&bt_tunnel_object, &want, &have, NULL));
}

static void copies_are_their_own(void **state)
{
	struct bt_sa sa = {}, copy;
	struct bt_tunnel t = {}, t2;

	set(&t, "selector", "10.0.0.0/8 10.0.0.0/8");
	bt_object_copy(&bt_tunnel_object, &t2, &t);
	assert_ptr_not_equal(t.selectors.v, t2.selectors.v);
	bt_object_free(&bt_tunnel_object, &t);
	assert_int_equal(t2.selectors.n, 1);
	assert_settings(&t2, " selector 10.0.0.0/8 10.0.0.0/8");
	bt_object_merge(&bt_tunnel_object, &t, &t2);
	bt_object_merge(&bt_tunnel_object, &t, &t2);
	assert_int_equal(t.selectors.n, 1);
	bt_object_free(&bt_tunnel_object, &t);
	bt_object_free(&bt_tunnel_object, &t2);

	sa.algorithm = bt_strdup("cbc(aes) hmac(sha1)");
	sa.set = BT_BIT(BOWTIE_A_SA_ALGORITHM);
	bt_object_copy(&bt_sa_object, &copy, &sa);
	bt_object_free(&bt_sa_object, &sa);
	assert_string_equal(copy.algorithm, "cbc(aes) hmac(sha1)");
	bt_object_free(&bt_sa_object, &copy);
}

static void text_of_a_value(void **state)
{
	struct bt_tunnel t = { .set = BT_BIT(BOWTIE_A_TUNNEL_OPER), .oper = 77 };
	struct bt_buf text = {};

	/* What a newer kernel may say. */
	assert_true(bt_object_text(&bt_tunnel_object, &t, "oper", &text));
	assert_string_equal(text.data, "77");
	assert_false(bt_object_text(&bt_tunnel_object, &t, "weight", &text));
	assert_false(bt_object_text(&bt_tunnel_object, &t, "nonsense", &text));
	bt_buf_free(&text);
}

/* What holds for all tables: bits are unique, and names too. */
static void tables_are_sound(void **state)
{
	static const struct bt_object *const objects[] = {
		&bt_stats_object, &bt_link_object, &bt_selector_object, &bt_tunnel_object,
		&bt_nexthop_object, &bt_route_object, &bt_sa_object,
	};
	const struct bt_field *f, *g;
	uint64_t bits;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(objects); i++) {
		bits = 0;
		bt_for_each_field(f, objects[i]) {
			assert_true(f->bit <= BT_ATTR_MAX && f->attr <= BT_ATTR_MAX);
			assert_int_equal(bits & BT_BIT(f->bit), 0);
			bits |= BT_BIT(f->bit);
			assert_true(f->offset + f->type->size <= objects[i]->size);
			assert_true(f->type->text || f->type->json);
			if ((f->flags & (BT_F_SET | BT_F_KEY)) && !(f->flags & BT_F_RTNL))
				assert_non_null(f->type->put);
			if (f->type == &bt_type_enum)
				assert_non_null(f->names);
			for (g = objects[i]->fields; g < f; g++)
				assert_string_not_equal(f->name, g->name);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_every_kind),
		cmocka_unit_test(defaults_are_left_out),
		cmocka_unit_test(refusals_name_field_and_values),
		cmocka_unit_test(unknown_and_read_only),
		cmocka_unit_test(inside_goes_by_family),
		cmocka_unit_test(selectors_are_a_list),
		cmocka_unit_test(link_settings),
		cmocka_unit_test(link_diff),
		cmocka_unit_test(tunnel_diff),
		cmocka_unit_test(diff_of_addresses),
		cmocka_unit_test(copies_are_their_own),
		cmocka_unit_test(text_of_a_value),
		cmocka_unit_test(tables_are_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
