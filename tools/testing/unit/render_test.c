// SPDX-License-Identifier: GPL-2.0
/* A configuration in charon's words and in BIRD's; BIRD itself reads the latter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config_text.h"
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

/* Does BIRD take it, in a bird.conf that has @around, too? */
static void bird_takes(const char *text, const char *around)
{
	char dir[] = "/tmp/bowtie-render.XXXXXX";
	char *include, *conf, *command, *body;

	if (system("command -v bird >/dev/null"))
		skip();
	assert_non_null(mkdtemp(dir));
	include = bt_asprintf("%s/include", dir);
	conf = bt_asprintf("%s/bird.conf", dir);
	body = bt_asprintf("router id 192.0.2.1;\nprotocol device { }\n%sinclude \"%s\";\n",
			   around, include);
	write_file(include, text);
	write_file(conf, body);
	command = bt_asprintf("bird -p -c %s", conf);
	if (system(command))
		fail_msg("BIRD refuses:\n%s", text);
	unlink(include);
	unlink(conf);
	rmdir(dir);
	free(command);
	free(body);
	free(conf);
	free(include);
}

#define BGP	"  bgp: {as: 65000, announce: [10.1.0.0/16, 'fd01::/48'], table: 100}\n"	\
		"  defaults: {ike: {psk_file: @}, bgp: {as: 64512, hold: 30, keepalive: 10}}\n"

static void test_bird(void **state)
{
	struct bt_config *c = good("links:\n- name: bow-0\n" BGP "  tunnels:\n"
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
	has(text, "import limit 7 action block;");
	has(text, "export limit 8 action block;");
	has(text, "route 10.1.0.0/16 unreachable;");
	has(text, "route fd01::/48 unreachable;");
	has_not(text, "quiet");
	bird_takes(text, "");
	revision = bt_bird_revision(text);
	assert_int_equal(strlen(revision), strlen(BT_BIRD_REVISION) + 16);
	free(text);

	text = bt_bird_render(c, BT_BIRD_KERNEL4 | BT_BIRD_KERNEL6);
	has_not(text, "bt_main");
	has_not(text, revision);
	free(revision);
	bird_takes(text, "protocol kernel { ipv4 { export all; }; }\n"
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
	bt_config_free(c);
}

static void test_bird_links(void **state)
{
	struct bt_config *c = good("links:\n- name: x\n" BGP "  tunnels:\n"
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
	bird_takes(text, "");
	free(text);
	bt_config_free(c);
}

/* Whatever there is: no BGP, no announcement, and still a file that BIRD takes */
static void test_bird_nothing(void **state)
{
	struct bt_config *c = good(TUNNEL "    ike: {psk_file: @}\n");
	char *text = bt_bird_render(c, 0);

	assert_string_equal(text, "# Made by bowtied from its own configuration; changes are lost.\n\n");
	assert_null(bt_bird_revision(text));
	bird_takes(text, "");
	free(text);
	bt_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conn),
		cmocka_unit_test(test_conn_otherwise),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_bird),
		cmocka_unit_test(test_bird_links),
		cmocka_unit_test(test_bird_nothing),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
