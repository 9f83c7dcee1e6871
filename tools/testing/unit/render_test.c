// SPDX-License-Identifier: GPL-2.0
/* A configuration in charon's words and in BIRD's; BIRD itself reads the latter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config_text.h"
#include "daemon/bird_flags.h"
#include "daemon/bird_render.h"
#include "daemon/vici_render.h"
#include "daemon/vici_tree.h"

/* --- charon */

static void put_node(struct bt_buf *out, const struct bt_vici_node *parent)
{
	const struct bt_vici_node *node;

	bt_vici_for_each(node, parent) {
		if (node->kind == BT_VICI_ITEM) {
			bt_buf_printf(out, " %s", node->value);
		} else if (node->kind == BT_VICI_VALUE) {
			bt_buf_printf(out, " %s=%s", node->name, node->value);
		} else {
			bt_buf_printf(out, " %s%c", node->name,
				      node->kind == BT_VICI_LIST ? '[' : '{');
			put_node(out, node);
			bt_buf_puts(out, node->kind == BT_VICI_LIST ? " ]" : " }");
		}
	}
}

/* As text; the message is wiped. */
static char *as_text(struct bt_vici_msg *msg)
{
	struct bt_vici_node *root = NULL;
	struct bt_buf out = {};

	assert_int_equal(bt_vici_msg_check(msg), 0);
	assert_int_equal(bt_vici_tree_parse(msg->buf.data, msg->buf.len, &root), 0);
	put_node(&out, root);
	bt_vici_tree_free(root);
	bt_vici_msg_wipe(msg);
	return out.data;
}

static void expect_conn(const char *config, const char *expected)
{
	struct bt_config *c = good(config);
	struct bt_vici_msg msg = {};
	char *text;

	bt_vici_render_conn(&c->links.v[0], &c->links.v[0].tunnels.v[0], &msg);
	text = as_text(&msg);
	assert_string_equal(text, expected);
	free(text);
	bt_config_free(c);
}

#define TUNNEL	"links:\n- name: bow0\n  tunnels:\n  - name: t1\n    remote: 192.0.2.1\n"	\
		"    if_id: 7\n"

static void test_conn(void **state)
{
	expect_conn(TUNNEL "    local: 198.51.100.1\n"
		    "    ike: {psk_file: @, proposals: [a, b], lifetime: 1000}\n"
		    "    esp: {proposals: c, lifetime: 100, replay_window: 64}\n",
		    " bt_bow0_t1{ version=2 local_addrs[ 198.51.100.1 ] remote_addrs[ 192.0.2.1 ]"
		    " proposals[ a b ] rekey_time=900s over_time=100s rand_time=100s dpd_delay=10s"
		    " encap=no keyingtries=1 mobike=no"
		    " local-1{ auth=psk }"
		    " remote-1{ auth=psk id=192.0.2.1 }"
		    " children{ bt_bow0_t1{ mode=tunnel policies=no if_id_in=7 if_id_out=7"
		    " local_ts[ 0.0.0.0/0 ::/0 ] remote_ts[ 0.0.0.0/0 ::/0 ] esp_proposals[ c ]"
		    " rekey_time=90s life_time=100s rand_time=10s replay_window=64 copy_df=yes"
		    " start_action=none dpd_action=clear close_action=none } } }");
}

static void test_conn_otherwise(void **state)
{
	expect_conn("links:\n- name: bow0\n  tunnels:\n  - name: t1\n    remote: any\n"
		    "    if_id: 8\n    df: clear\n"
		    "    local: 2001:db8::1\n"
		    "    ike: {psk_file: @, proposals: a, version: 1, encap: on, start: respond,\n"
		    "          local_id: us, remote_id: them, lifetime: 1000, dpd: 30,\n"
		    "          extra: {rand_time: 7s, mobike: yes, keyingtries: 5, aggressive: no}}\n"
		    "    esp: {proposals: c, lifetime: 100, extra: {dpd_action: restart}}\n"
		    "    selectors: [{local: 10.1.0.0/16, remote: 10.2.0.0/16}]\n",
		    " bt_bow0_t1{ version=1 local_addrs[ 2001:db8::1 ] remote_addrs[ %any ]"
		    " proposals[ a ] rekey_time=900s over_time=100s dpd_delay=30s"
		    " encap=yes rand_time=7s mobike=yes keyingtries=5 aggressive=no"
		    " local-1{ auth=psk id=us } remote-1{ auth=psk id=them }"
		    " children{ bt_bow0_t1{ mode=tunnel policies=no if_id_in=8 if_id_out=8"
		    " local_ts[ 10.1.0.0/16 ] remote_ts[ 10.2.0.0/16 ] esp_proposals[ c ]"
		    " rekey_time=90s life_time=100s rand_time=10s replay_window=1024 copy_df=no"
		    " start_action=none close_action=none dpd_action=restart } } }");
}

static void expect_shared(const char *config, const char *owners)
{
	struct bt_config *c = good(config);
	struct bt_vici_node *root = NULL;
	struct bt_vici_msg msg = {};
	struct bt_buf out = {};

	/* Secrets are bytes, not text */
	bt_vici_render_shared(&c->links.v[0], &c->links.v[0].tunnels.v[0], "a\0\xff", 3, &msg);
	assert_int_equal(bt_vici_msg_check(&msg), 0);
	assert_int_equal(bt_vici_tree_parse(msg.buf.data, msg.buf.len, &root), 0);
	assert_string_equal(bt_vici_get_str(root, "id"), "bt_bow0_t1");
	assert_string_equal(bt_vici_get_str(root, "type"), "IKE");
	assert_int_equal(bt_vici_find(root, "data", NULL)->len, 3);
	assert_memory_equal(bt_vici_find(root, "data", NULL)->value, "a\0\xff", 3);
	put_node(&out, bt_vici_find(root, "owners", NULL));
	assert_string_equal(out.data ? out.data : "", owners);
	bt_buf_free(&out);
	bt_vici_tree_free(root);
	bt_vici_msg_wipe(&msg);
	bt_config_free(c);
}

static void test_shared(void **state)
{
	expect_shared(TUNNEL "    ike: {psk_file: @}\n", " 192.0.2.1");
	expect_shared(TUNNEL "    local: 198.51.100.1\n    ike: {psk_file: @}\n",
		      " 198.51.100.1 192.0.2.1");
	expect_shared(TUNNEL "    ike: {psk_file: @, local_id: us, remote_id: them}\n", " us them");
}

/* --- BIRD */

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in:\n%s", part, text);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static char include_file[] = "/tmp/bowtie-render.XXXXXX";

/* Where this test may write */
static struct bt_config *good_bird(const char *text)
{
	struct bt_config *c = good(text);

	strcpy(strchr(include_file, '.'), ".XXXXXX");
	assert_int_equal(close(mkstemp(include_file)), 0);
	free(c->bird.include);
	c->bird.include = bt_strdup(include_file);
	return c;
}

static void remove_bird(struct bt_config *c)
{
	unlink(include_file);
	bt_config_free(c);
}

/* Does BIRD take it, in a bird.conf that has @around, too? */
static void bird_takes(const struct bt_config *c, const char *text, const char *around)
{
	char *conf, *command, *body, *vars = bt_bird_vars_path(c->bird.include), *defines;
	const struct bt_steer nothing = {};
	struct bt_bird_flags flags = {};

	if (system("command -v bird >/dev/null"))
		skip();
	conf = bt_asprintf("%s.bird.conf", include_file);
	body = bt_asprintf("router id 192.0.2.1;\nprotocol device { }\n%sinclude \"%s\";\n",
			   around, include_file);
	bt_bird_flags(c, &nothing, &flags);
	defines = bt_bird_vars(&flags, NULL);
	bt_bird_flags_free(&flags);
	write_file(include_file, text);
	write_file(conf, body);
	write_file(vars, defines);
	command = bt_asprintf("bird -p -c %s", conf);
	if (system(command))
		fail_msg("BIRD refuses:\n%s", text);
	unlink(vars);
	unlink(conf);
	free(command);
	free(body);
	free(conf);
	free(vars);
	free(defines);
}

#define BGP	"  bgp: {as: 65000, announce: [10.1.0.0/16, 'fd01::/48'], table: 100}\n"	\
		"  defaults: {ike: {psk_file: @}, bgp: {as: 64512, hold: 30, keepalive: 10}}\n"

static void test_bird(void **state)
{
	struct bt_config *c = good_bird("links:\n- name: bow-0\n" BGP "  tunnels:\n"
				   "  - {name: a.1, remote: 192.0.2.1, inside: ["
				   "{local: 169.254.21.2/30}, {local: 'fd00::2/126'}]}\n"
				   "  - {name: b, remote: 192.0.2.2,"
				   " inside: [{local: 169.254.21.6/30}],"
				   " bgp: {import_limit: 7, export_limit: 8}}\n"
				   "  - {name: quiet, remote: 192.0.2.3, manage: {bgp: no}}\n");
	struct bt_strings names = {};
	char *text = bt_bird_render(c, 0), *revision;

	has(text, "ipv4 table bt_bow_04;");
	has(text, "ipv6 table bt_bow_06;");
	has(text, "kernel table 100;");
	has(text, "protocol kernel bt_main4 {");
	has(text, "protocol bgp bt_bow_0_a_1 {\n\tlocal as 65000;\n\tdirect;\n\tinterface \"bow-0\";\n"
		  "\tsource address 169.254.21.2;\n\tneighbor 169.254.21.1 as 64512;\n"
		  "\thold time 30;\n\tkeepalive time 10;\n");
	has(text, "protocol bgp bt_bow_0_a_1_6 {");
	has(text, "graceful restart wait 20;\n");
	has(text, "ipv4 table bt_bow_0_all4;");
	has(text, "protocol kernel bt_bow_0_all_kernel6 {\n\tkernel table ");
	has(text, "\tgraceful restart yes;\n\tgraceful restart time 60;\n");
	has(text, "\tmerge paths yes limit 64;\n\tpersist yes;\n\tgraceful restart yes;\n");
	has(text, "import limit 7 action block;");
	has(text, "export limit 8 action block;");
	has(text, "roa4 table bt_bow_0_flags;");
	has(text, "protocol static bt_dead_bow_0_a_1 {\n\tdisabled BT_ALIVE_bow_0_a_1;\n");
	has(text, "protocol static bt_boost_bow_0_b {\n\tdisabled BT_NOBOOST_bow_0_b;\n");
	has(text, "protocol static bt_step_bow_0_64512_9 {\n\tdisabled BT_NOSTEP_bow_0_64512_9;\n");
	has_not(text, "64512_10");
	has(text, "bgp_med = 100 - 10 * bt_step_bow_0_64512(");
	has(text, "\t\timport table yes;\n\t\trpki reload no;\n\t\tgateway recursive;\n");
	has(text, "route 10.1.0.0/16 unreachable;");
	has(text, "route fd01::/48 unreachable;");
	has_not(text, "quiet");
	bird_takes(c, text, "");
	revision = bt_bird_revision(text);
	assert_int_equal(strlen(revision), strlen(BT_BIRD_REVISION) + 16);
	free(text);

	text = bt_bird_render(c, BT_BIRD_KERNEL4 | BT_BIRD_KERNEL6);
	has_not(text, "bt_main");
	has_not(text, revision);
	free(revision);
	bird_takes(c, text, "protocol kernel { ipv4 { export all; }; }\n"
			 "protocol kernel { ipv6 { export all; }; }\n");
	free(text);

	bt_bird_names(c, &names);
	assert_int_equal(names.n, 3);
	assert_string_equal(names.v[0], "bt_bow_0_a_1");
	assert_string_equal(names.v[1], "bt_bow_0_b");
	assert_string_equal(names.v[2], "bt_bow_0_a_1_6");
	while (names.n)
		free(names.v[--names.n]);
	free(names.v);
	remove_bird(c);
}

static void test_bird_links(void **state)
{
	struct bt_config *c = good_bird("links:\n- name: x\n" BGP "  tunnels:\n"
				   "  - {name: a, remote: 192.0.2.1,"
				   " inside: [{local: 169.254.21.2/30}]}\n"
				   "- name: averylongname_4\n"
				   "  bgp: {as: 4200000000, router_id: 192.0.2.9, table: 101}\n"
				   "  tunnels:\n"
				   "  - {name: a23456789012345, remote: 192.0.2.2,"
				   " ike: {psk_file: @}, bgp: {as: 64512},"
				   " inside: [{local: 'fd00::2/126'}]}\n"
				   "- name: y\n"
				   "  bgp: {as: 64512, table: 102}\n"
				   "  tunnels:\n"
				   "  - {name: ibgp, remote: 192.0.2.3, ike: {psk_file: @},"
				   " bgp: {as: 64512}, inside: [{local: 169.254.23.2/30}]}\n");
	char *text = bt_bird_render(c, 0);

	has(text, "router id 192.0.2.9;");
	has(text, "local as 4200000000;");
	bird_takes(c, text, "");
	free(text);
	remove_bird(c);
}

/* As many groups as there are peers' systems and ways to speak to them */
static void test_bird_return_path(void **state)
{
	struct bt_config *c = good_bird("links:\n- name: bow0\n" BGP "  tunnels:\n"
		"  - {name: a, remote: 192.0.2.1, if_id: 7, inside: [{local: 169.254.21.2/30}]}\n"
		"  - {name: b, remote: 192.0.2.2, if_id: 8, inside: [{local: 169.254.21.6/30},"
		" {local: 'fd00::2/126'}], bgp: {as: 65515, return_path: prepend}}\n"
		"  - {name: c, remote: 192.0.2.3, if_id: 9, inside: [{local: 169.254.22.2/30}],"
		" bgp: {return-path: off, graceful_restart: aware}}\n"
		"  - {name: d, remote: 192.0.2.4, if_id: 10, inside: [{local: 169.254.22.6/30}],"
		" bgp: {graceful_restart: off}}\n");
	char *text = bt_bird_render(c, 0), *before = bt_bird_revision(text);

	has(text, "bgp_med = 100 - 10 * bt_step_bow0_64512(7);");
	has(text, "if bt_step_bow0_65515p(8) < 1 then bgp_path.prepend(65000);");
	has(text, "if bt_step_bow0_65515p(8) < 3 then bgp_path.prepend(65000);");
	has(text, "if roa_check(bt_bow0_flags, 192.0.2.33/32, 65515) = ROA_VALID then return 3;");
	has(text, "if roa_check(bt_bow0_flags, 192.0.2.0/32, 9) = ROA_VALID then reject;");
	has(text, "protocol static bt_dead_bow0_c {");
	has(text, "\tgraceful restart aware;\n\tipv4 {");
	has(text, "\tgraceful restart no;\n\tipv4 {");
	has_not(text, "bt_boost_bow0_c");
	has_not(text, "64512o");
	bird_takes(c, text, "");
	free(before);
	free(text);
	remove_bird(c);
}

/* Two clouds that have the same AS number */
static void test_bird_far_end(void **state)
{
	struct bt_config *c = good_bird("links:\n- name: bow0\n" BGP "  tunnels:\n"
		"  - {name: a, remote: 192.0.2.1, if_id: 64512, inside: [{local: 169.254.21.2/30}]}\n"
		"  - {name: b, remote: 192.0.2.2, if_id: 8, inside: [{local: 169.254.21.6/30}],"
		" bgp: {far_end: west2}}\n"
		"  - {name: c, remote: 192.0.2.3, if_id: 9, inside: [{local: 169.254.22.2/30}],"
		" bgp: {far_end: west2}}\n"
		"  - {name: d, remote: 192.0.2.4, if_id: 10, inside: [{local: 169.254.22.6/30}],"
		" bgp: {far_end: east}}\n");
	char *text = bt_bird_render(c, 0);

	has(text, "bgp_med = 100 - 10 * bt_step_bow0_64512(64512);");
	has(text, "bgp_med = 100 - 10 * bt_step_bow0_64512_west2(8);");
	has(text, "bgp_med = 100 - 10 * bt_step_bow0_64512_west2(9);");
	has(text, "bgp_med = 100 - 10 * bt_step_bow0_64512_east(10);");
	has(text, "if roa_check(bt_bow0_flags, 192.0.2.19/32, 64512) = ROA_VALID then return 9;");
	has(text, "if roa_check(bt_bow0_flags, 192.0.2.119/32, 8) = ROA_VALID then return 9;");
	has(text, "if roa_check(bt_bow0_flags, 192.0.2.119/32, 10) = ROA_VALID then return 9;");
	has_not(text, " then return 10;");
	bird_takes(c, text, "");
	free(text);
	remove_bird(c);
}

/* A group whose name begins as that of the one before, which is another link's */
static void test_bird_prefix(void **state)
{
	struct bt_config *c = good_bird("links:\n"
		"- {name: bow0, bgp: {as: 65000, announce: 10.1.0.0/16},"
		" defaults: {local: 198.51.100.1, ike: {psk_file: @}, bgp: {as: 1}},"
		" tunnels: [{name: a, remote: 192.0.2.1, if_id: 7,"
		" inside: [{local: 169.254.21.2/30}]}]}\n"
		"- {name: bow0.1, bgp: {as: 65000, announce: 10.1.0.0/16},"
		" defaults: {local: 198.51.100.1, ike: {psk_file: @}, bgp: {as: 2}},"
		" tunnels: [{name: b, remote: 192.0.2.2, if_id: 8,"
		" inside: [{local: 169.254.21.6/30}]}]}\n");
	char *text = bt_bird_render(c, 0);

	has(text, "function bt_step_bow0_1(int tunnel)");
	has(text, " then return 9;");
	has_not(text, " then return 10;");
	free(text);
	remove_bird(c);
}

static void test_vars(void **state)
{
	struct bt_config *c = good_bird("links:\n- name: bow-0\n" BGP "  tunnels:\n"
		"  - {name: a, remote: 192.0.2.1, inside: [{local: 169.254.21.2/30}],"
		" bgp: {return_path: prepend}}\n"
		"  - {name: none, remote: 192.0.2.2, bgp: {as: 0x0a}, manage: {bgp: no}}\n");
	struct bt_steer nothing = {};
	struct bt_bird_flags flags = {};
	bool value = false;
	char *text, *more;

	bt_bird_flags(c, &nothing, &flags);
	text = bt_bird_vars(&flags, NULL);
	assert_string_equal(text, "# Made by bowtied: which tunnels are steered around just now.\n"
			    "define BT_NOSTEP_bow_0_64512p_1 = 1;\n"
			    "define BT_NOSTEP_bow_0_64512p_2 = 1;\n"
			    "define BT_NOSTEP_bow_0_64512p_3 = 1;\n"
			    "define BT_NOBOOST_bow_0_a = 0;\n"
			    "define BT_ALIVE_bow_0_a = 1;\n");
	assert_true(bt_bird_vars_get(text, "BT_ALIVE_bow_0_a", &value));
	assert_true(value);
	assert_true(bt_bird_vars_get(text, "BT_NOBOOST_bow_0_a", &value));
	assert_false(value);
	assert_false(bt_bird_vars_get(text, "BT_ALIVE_bow_0_", &value));
	/* Those of another file that BIRD may still read stay, once. */
	more = bt_bird_vars(&flags, "#\ndefine BT_ALIVE_bow_0_a = 0;\ndefine BT_ALIVE_x = 0;\n"
				    "define BT_HALF");
	assert_non_null(strstr(more, "define BT_ALIVE_bow_0_a = 1;\ndefine BT_ALIVE_x = 0;\n"));
	assert_null(strstr(more, "HALF"));
	assert_ptr_equal(strstr(more, "BT_ALIVE_bow_0_a"), strstr(more, "BT_ALIVE_bow_0_a = 1"));
	free(more);
	free(text);
	bt_bird_flags_free(&flags);
	remove_bird(c);
}

/* Whatever there is: no BGP, no announcement, and still a file that BIRD takes */
static void test_bird_nothing(void **state)
{
	struct bt_config *c = good_bird(TUNNEL "    ike: {psk_file: @}\n");
	char *text = bt_bird_render(c, 0);

	assert_string_equal(text, "# Made by bowtied from its own configuration; changes are lost.\n\n");
	assert_null(bt_bird_revision(text));
	bird_takes(c, text, "");
	free(text);
	remove_bird(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conn),
		cmocka_unit_test(test_conn_otherwise),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_bird),
		cmocka_unit_test(test_bird_links),
		cmocka_unit_test(test_bird_return_path),
		cmocka_unit_test(test_bird_far_end),
		cmocka_unit_test(test_bird_prefix),
		cmocka_unit_test(test_vars),
		cmocka_unit_test(test_bird_nothing),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
