// SPDX-License-Identifier: GPL-2.0
/* The configuration file: what is understood, inherited, derived and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "config_text.h"
#include "yaml_tree.h"

static void refused(const char *text, const char *why)
{
	struct bt_error e = {};
	struct bt_config *config = parse(text, &e);

	if (config)
		fail_msg("accepted, but should be refused with \"%s\":\n%s", why, text);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
	bt_error_free(&e);
}

#define TUNNEL	"links:\n- name: bow0\n  tunnels:\n  - name: t1\n    remote: 192.0.2.1\n"
#define PSK	"    ike: {psk_file: @}\n"
#define LINE6	"f.yaml:6:"

static void test_smallest(void **state)
{
	struct bt_config *c = good(TUNNEL PSK);
	const struct bt_conf_tunnel *t = &c->links.v[0].tunnels.v[0];

	assert_string_equal(c->links.v[0].name, "bow0");
	assert_true(c->links.v[0].kernel.mtu_auto);
	assert_true(c->links.v[0].hold_routes);
	assert_int_equal(c->links.v[0].hold_withdrawn, 3600);
	assert_int_equal(t->kernel.weight, 1);
	assert_int_equal(t->kernel.mss, BOWTIE_MSS_AUTO);
	assert_true(bt_addr_is_any(&t->kernel.local));
	assert_int_equal(t->kernel.local.family, AF_INET);
	assert_true(t->kernel.if_id > 0);
	assert_int_equal(t->ike.version, 2);
	assert_int_equal(t->ike.lifetime, 8 * 3600);
	assert_int_equal(t->esp.replay_window, 1024);
	assert_true(t->esp.proposals.n > 1);
	assert_true(t->manage.ike);
	assert_int_equal(t->bgp.return_path, BT_RETURN_MED);
	assert_string_equal(c->bird.socket, BT_BIRD_SOCKET);
	bt_config_free(c);
}

static void test_inheritance(void **state)
{
	struct bt_config *c = good(
		"links:\n"
		"- name: bow0\n"
		"  mtu: 1300\n"
		"  manage: {bgp: no}\n"
		"  defaults:\n"
		"    local: 198.51.100.1\n"
		"    weight: 3\n"
		"    ike: {psk_file: @, dpd: 5s, extra: {send_cert: never}}\n"
		"    esp: {proposals: aes256gcm16}\n"
		"  tunnels:\n"
		"  - {name: a, remote: 192.0.2.1, inside: [{local: 169.254.21.2/30}]}\n"
		"  - name: b\n"
		"    remote: 192.0.2.2\n"
		"    weight: 7\n"
		"    ike: {dpd: 20s}\n"
		"    esp: {proposals: [aes128gcm16, aes128-sha1]}\n"
		"    manage: {bgp: yes}\n"
		"    inside:\n"
		"    - {local: 169.254.21.5/30}\n"
		"    - {local: 'fd00::1/126', peer: 'fd00::2'}\n");
	const struct bt_conf_tunnel *a = &c->links.v[0].tunnels.v[0];
	const struct bt_conf_tunnel *b = &c->links.v[0].tunnels.v[1];
	char buf[BT_ADDR_STRLEN];

	assert_false(c->links.v[0].kernel.mtu_auto);
	assert_int_equal(c->links.v[0].kernel.mtu, 1300);
	assert_string_equal(bt_addr_str(&a->kernel.local, buf), "198.51.100.1");
	assert_int_equal(a->kernel.weight, 3);
	assert_int_equal(a->ike.dpd, 5);
	assert_string_equal(a->ike.extra.v[0].key, "send_cert");
	assert_int_equal(a->esp.proposals.n, 1);
	assert_false(a->manage.bgp);
	assert_true(a->manage.ike);
	assert_string_equal(bt_addr_str(&a->kernel.inside_peer4, buf), "169.254.21.1");
	assert_int_equal(b->kernel.weight, 7);
	assert_int_equal(b->ike.dpd, 20);
	assert_string_equal(b->ike.psk_file, secret);
	assert_int_equal(b->esp.proposals.n, 2);
	assert_true(b->manage.bgp);
	assert_string_equal(bt_addr_str(&b->kernel.inside_peer4, buf), "169.254.21.6");
	assert_string_equal(bt_addr_str(&b->kernel.inside_peer6, buf), "fd00::2");
	assert_true(a->kernel.if_id != b->kernel.if_id);
	bt_config_free(c);
}

static void test_if_id_is_stable(void **state)
{
	struct bt_config *one = good("links: [{name: bow0, defaults: {ike: {psk_file: @}}, tunnels: ["
				     "{name: a, remote: 192.0.2.1}, {name: b, remote: 192.0.2.2}]}]");
	struct bt_config *two = good("links: [{name: bow0, defaults: {ike: {psk_file: @}}, tunnels: ["
				     "{name: b, remote: 192.0.2.2}, {name: a, remote: 192.0.2.1}]}]");

	assert_int_equal(one->links.v[0].tunnels.v[0].kernel.if_id,
			 two->links.v[0].tunnels.v[1].kernel.if_id);
	bt_config_free(one);
	bt_config_free(two);
}

static void test_kernel_settings(void **state)
{
	struct bt_config *c = good(
		TUNNEL PSK
		"    id: 5\n    if_id: 77\n    mss: 1300\n    df: clear\n    mark: 0x10\n"
		"    admin: drain\n    tier: 2\n    esp_mode: xfrm\n    drain_timeout: 10m\n"
		"    selectors: [{local: 10.1.0.0/16, remote: 10.0.0.0/8}]\n"
		"  hash: symmetric\n  fwmark: 0x20\n  hairpin: on\n  strict_source: true\n"
		"  unbalanced_timer: 90s\n"
		"  routes: [{prefixes: [10.0.0.0/8, '2001:db8::/32'], tunnels: t1}]\n"
		"  addresses: 10.9.9.9/32\n");
	const struct bt_conf_link *l = &c->links.v[0];
	const struct bt_tunnel *k = &l->tunnels.v[0].kernel;

	assert_int_equal(k->id, 5);
	assert_int_equal(k->if_id, 77);
	assert_int_equal(k->mss, 1300);
	assert_int_equal(k->df, BOWTIE_DF_CLEAR);
	assert_int_equal(k->mark, 0x10);
	assert_int_equal(k->admin, BOWTIE_ADMIN_DRAIN);
	assert_int_equal(k->selectors.n, 1);
	assert_int_equal(k->drain_timeout, 600000);
	assert_int_equal(l->kernel.hash, BOWTIE_HASH_SYMMETRIC);
	assert_true(l->kernel.hairpin);
	assert_true(l->kernel.strict_source);
	assert_int_equal(l->kernel.unbalanced_timer, 90000);
	assert_int_equal(l->kernel.idle_timer, 120000);
	assert_int_equal(l->routes.v[0].prefixes.n, 2);
	assert_int_equal(l->addresses.n, 1);
	bt_config_free(c);
}

static void test_yaml_refused(void **state)
{
	char *deep, *wide;

	refused("", "f.yaml:1:1: the file is empty");
	refused("links: [", "f.yaml:");
	refused("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document");
	refused("links: &x []\nlinks2: *x\n", "f.yaml:2:9: aliases");
	refused("links: []\nlinks: []\n", "f.yaml:2:1: this key was given before");
	refused("<<: {}\n", "merging of mappings");
	refused("? [a]\n: b\n", "a key must be a word");
	refused("links: \"a\\0b\"\n", "f.yaml:1:8: a zero byte");
	refused("links: \xff\n", "f.yaml:");
	refused("- a\n", "f.yaml:1:1: this: keys with values is expected here");

	deep = bt_alloc(4000);
	memset(deep, '[', 3000);
	refused(deep, "nested too deep");
	free(deep);
	wide = bt_alloc(BT_YAML_MAX_BYTES + 10);
	memset(wide, ' ', BT_YAML_MAX_BYTES + 5);
	refused(wide, "the file is too large");
	free(wide);
}

static void expect_return_path(const char *ours, const char *peer, uint32_t want)
{
	char *text = bt_asprintf("links:\n- name: bow0\n  bgp: {as: %s, announce: 10.1.0.0/16}\n"
				 "  defaults: {ike: {psk_file: @}}\n"
				 "  tunnels:\n  - name: t1\n    remote: 192.0.2.1\n"
				 "    inside: [{local: 169.254.21.2/30}]\n"
				 "    bgp: {%s}\n", ours, peer);
	struct bt_config *c = good(text);

	assert_int_equal(c->links.v[0].tunnels.v[0].bgp.return_path, want);
	bt_config_free(c);
	free(text);
}

/* Azure ignores MED. */
static void test_return_path(void **state)
{
	expect_return_path("65000", "as: 64512", BT_RETURN_MED);
	expect_return_path("65000", "as: 65515", BT_RETURN_PREPEND);
	expect_return_path("65000", "as: 65515, return_path: med", BT_RETURN_MED);
	expect_return_path("65000", "as: 65515, return_path: off", BT_RETURN_OFF);
	/* It would refuse a path with its own number. */
	expect_return_path("65515", "as: 65515", BT_RETURN_MED);
}

static void test_keys_refused(void **state)
{
	refused("linkz: []\n", "f.yaml:1:8: linkz: there is no such key in configuration; is it links?");
	refused("links: {}\n", "links: a list is expected here");
	refused("links:\n- mame: x\n", "f.yaml:2:9: mame: there is no such key in link; is it name?");
	refused(TUNNEL "    peer_adress: 1\n", LINE6 "18: peer_adress: there is no such key in tunnel");
	refused("links: [{name: dead_0}]", "name: dead_0 is what a part of BIRD");
	refused("links:\n- name: bow0\n  bgp: {as: 65000}\n  defaults: {ike: {psk_file: @}}\n"
		"  tunnels:\n  - name: t1\n    remote: 192.0.2.1\n"
		"    inside: [{local: 169.254.21.2/30}]\n"
		"    bgp: {as: 64512, far_end: 1-west}\n",
		"far_end: 1-west: a letter, then");
	refused(TUNNEL "    bgp: {return_path: med5}\n", "return_path: ");
	refused(TUNNEL "    bgp: {graceful_restart: perhaps}\n", "graceful_restart: ");
	refused("bird: {restart_time: 1h}\n" TUNNEL, "f.yaml:1:22: restart_time: ");
	refused("links: [{name: bow0, bgp: {backup_table: 254}}]",
		"backup_table: the kernel's own are no place for this");
	refused("links: [{name: bow0, bgp: {table: 7, backup_table: 7}}]",
		"f.yaml:1:52: backup_table: must be another one than table");
	refused("links: [{name: bow0, bgp: {backup_table: 7}}, {name: bow1, bgp: {table: 7}}]",
		"bgp.table: 7 is that of bow0 already");
	/* By their remainder routes are told apart that hold prefixes. */
	refused("links: [{name: bow0, bgp: {table: 7}}, {name: bow1, bgp: {table: 16777221}}]",
		"bgp.table: 16777221 is too much like that of bow0 (7)");
	refused("links:\n- name: bow0\n  bgp: {as: 65000}\n  defaults: {ike: {psk_file: @}}\n"
		"  tunnels:\n  - name: t1\n    remote: 192.0.2.1\n"
		"    inside: [{local: 169.254.21.2/30}]\n"
		"    bgp: {as: 65000, return-path: prepend}\n",
		"return_path: a peer in our own AS");
	refused(TUNNEL "    esp-mod: auto\n", "is it esp_mode?");
	refused(TUNNEL "    inside_local: 10.0.0.1\n", "there is no such key");
	refused(TUNNEL "    oper: up\n", "there is no such key");
	refused(TUNNEL "    weight: [1]\n", LINE6 "13: weight: a single value is expected here");
	refused(TUNNEL "    weight:\n", "weight: the value is missing");
	refused(TUNNEL "    weight: 0\n", "weight: \"0\" is not a number from 1 to 256");
	refused(TUNNEL "    weight: 257\n", LINE6 "13:");
	refused(TUNNEL "    df: none\n", "df: ");
	refused(TUNNEL "    ike: {lifetime: 10}\n", "lifetime: \"10\" is not a time from 60s");
	refused(TUNNEL "    ike: {lifetime: 1w}\n", "lifetime: ");
	refused(TUNNEL "    ike: {psk_file: secret}\n", "psk_file: not an absolute path");
	refused(TUNNEL "    ike: {version: 3}\n", "version: ");
	refused(TUNNEL "    ike: {encap: maybe}\n", "encap: \"maybe\" is neither on nor off");
	refused(TUNNEL "    ike: {extra: [a]}\n", "extra: keys with values is expected here");
	refused(TUNNEL "    inside: [{local: 169.254.21.2}]\n", "not an address with its prefix length");
	refused("links: [{name: bow0, hold_withdrawn: 30s}]\n", "hold_withdrawn: \"30s\" is not");
	refused("links: [{name: bow0, mtu: 60}]\n", "mtu: \"60\" is neither auto nor");
	refused("links: [{name: bow0, routes: [{prefixes: 10.0.0.1/8}]}]\n",
		"bits set beyond its length");
	refused("links: [{name: averyverylongname}]\n", "name: ");
	refused("charon: {socket: relative}\n", "f.yaml:1:18: socket: ");
}

#define LONG	"0123456789012345678901234567890123456789012345678901234567890"

static void test_sense_refused(void **state)
{
	refused("daemon: {log: info}\n", "links: there is none");
	refused("links: [{tunnels: []}]\n", "name: the link needs one");
	refused("links: [{name: 'a/b'}]\n", "name: \"a/b\" is not");
	refused("links: [{name: a}, {name: a}]\n", "f.yaml:1:27: name: another link is called a");
	refused("links: [{name: a, tunnels: [{remote: 192.0.2.1}]}]\n", "the tunnel needs one");
	refused("links: [{name: a, tunnels: [{name: 1x}]}]\n", "that begin with a letter");
	refused("links: [{name: a, tunnels: [{name: x}]}]\n", "remote: the address of the peer");
	refused("charon: {socket: /" LONG LONG "}\n" TUNNEL PSK, "f.yaml:1:18: socket: longer than");
	refused("bird: {socket: /" LONG LONG "}\n" TUNNEL PSK, "f.yaml:1:16: socket: longer than");
	refused("links: [{name: lo}]\n", "name: lo is the kernel's");
	refused("links: [{name: a, bgp: {table: 254}}]\n", "table: the kernel's own");
	refused("links: [{name: a, tunnels: [{name: x, remote: 127.0.0.1}]}]\n",
		"remote: nobody else");
	refused("links: [{name: a, tunnels: [{name: x, remote: 'ff02::1'}]}]\n", "remote: nobody else");
	refused(TUNNEL "    local: 224.0.0.1\n", "local: not an address of an interface");
	refused(TUNNEL "    ike: {psk_file: @, extra: {версия: 1}}\n", "no option of strongSwan's");
	refused(TUNNEL "    ike: {psk_file: @, extra: {local_addrs: 1}}\n",
		"f.yaml:6:58: extra: local_addrs follows from other keys");
	refused(TUNNEL PSK "    esp: {extra: {policies: yes}}\n", "extra: policies follows");
	refused(TUNNEL "    local: 192.0.2.1\n", "remote: the same address as local");
	refused(TUNNEL "    local: 2001:db8::1\n", "not of the same family");
	refused(TUNNEL, "psk_file: which file has the pre-shared key of t1?");
	refused(TUNNEL "    ike: {psk_file: /nonexistent}\n", LINE6 "21: psk_file: /nonexistent: No such");
	refused(TUNNEL "    ike: {psk_file: /etc/passwd}\n", "others may read /etc/passwd: chmod 600");
	refused(TUNNEL "    ike: {psk_file: /tmp}\n", "is not a file");
	refused(TUNNEL "    ike: {psk_file: @, lifetime: 1h}\n    esp: {lifetime: 1h}\n",
		"f.yaml:7:21: esp.lifetime must be less");
	refused(TUNNEL PSK "    inside: [{local: 169.254.21.0/30}]\n", "is the network or its broadcast");
	refused(TUNNEL PSK "    inside: [{local: 169.254.21.3/30}]\n", "is the network or its broadcast");
	refused(TUNNEL PSK "    inside: [{local: 169.254.21.2/29}]\n", "peer: the far end is missing");
	refused(TUNNEL PSK "    inside: [{local: 169.254.21.2/30, peer: 169.254.21.5}]\n",
		"is not in the network of local");
	refused(TUNNEL PSK "    inside: [{local: 169.254.21.2/30, peer: 169.254.21.2}]\n",
		"the same address as local");
	refused(TUNNEL PSK "    inside: [{local: 169.254.21.2/30}, {local: 169.254.21.6/30}]\n",
		"one pair of addresses of each family");
	refused(TUNNEL PSK "    inside: [{}]\n", "f.yaml:7:14: local: ");
	refused(TUNNEL PSK "    bgp: {as: 64512}\n", "bgp.as: our own AS number is missing");
	refused(TUNNEL PSK "    bgp: {as: 64512}\n  bgp: {as: 65000}\n", "BGP needs addresses inside");
	refused(TUNNEL PSK "    selectors: [{local: 10.0.0.0/8}]\n", "each needs local and remote");
	refused(TUNNEL PSK "  routes: [{tunnels: [t1]}]\n", "prefixes: where to");
	refused(TUNNEL PSK "  routes: [{prefixes: 10.0.0.0/8, tunnels: [t2]}]\n", "has no tunnel t2");
}

static void test_pairs_refused(void **state)
{
#define TWO(_a, _b)	"links: [{name: bow0, defaults: {ike: {psk_file: @}}, tunnels: ["	\
			"{name: a, remote: 192.0.2.1, " _a "}, {name: b, remote: 192.0.2.2, " _b "}]}]"
	refused("links: [{name: bow0, defaults: {ike: {psk_file: @}}, tunnels: ["
		"{name: a, remote: 192.0.2.1}, {name: a, remote: 192.0.2.2}]}]", "is called a");
	refused(TWO("id: 1", "id: 1"), "id: a has it already");
	refused(TWO("if_id: 9", "if_id: 9"), "if_id: a of bow0 has 9 already");
	refused(TWO("inside: [{local: 169.254.21.2/30}]", "inside: [{local: 169.254.21.2/30}]"),
		"a has the same peer address");
	refused(TWO("inside: [{local: 169.254.21.2/30}]", "inside: [{local: 169.254.21.1/30}]"),
		"an address is at the other end of a");
	bt_config_free(good(TWO("inside: [{local: 169.254.21.2/30}]",
				"inside: [{local: 169.254.21.6/30}]")));
}

static void test_names_outside(void **state)
{
#define NAMED(_a, _b)	"links: [{name: bow0, defaults: {ike: {psk_file: @}}, tunnels: ["	\
			"{name: " _a ", remote: 192.0.2.1}, {name: " _b ", remote: 192.0.2.2}]}]"
#define LINKS(_x, _a, _y, _b)								\
	"links: [{name: " _x ", defaults: {ike: {psk_file: @}}, tunnels: ["			\
	"{name: " _a ", remote: 192.0.2.1}]}, {name: " _y ", defaults: {ike: {psk_file: @}},"	\
	"tunnels: [{name: " _b ", remote: 192.0.2.2}]}]"
	refused(NAMED("a-b", "a.b"), "too much like a-b");
	refused(NAMED("a", "a_6"), "too much like a");
	refused(NAMED("a.6", "a"), "too much like a.6");
	refused(NAMED("a", "announce4"), "announce4 is what a part of BIRD's");
	refused(LINKS("w0", "a", "w0", "b"), "f.yaml:1:");
	refused(LINKS("w-0", "a", "w.0", "b"), "too much like w-0");
	refused(LINKS("w", "a_b", "w_a", "b"),
		"a_b of w and b of w_a would have the same name in charon and BIRD");
	refused(LINKS("w-a", "b", "w", "a.b"), "the same name");
	bt_config_free(good(LINKS("w", "a", "w_a", "b")));
	bt_config_free(good(LINKS("w0", "a", "w1", "a")));
	bt_config_free(good(NAMED("a", "b_6")));
}

static void test_secret_mode(void **state)
{
	assert_int_equal(chmod(secret, 0640), 0);
	refused(TUNNEL PSK, "others may read");
	assert_int_equal(chmod(secret, 0600), 0);
	bt_config_free(good(TUNNEL PSK));
}

static void test_load(void **state)
{
	struct bt_error e = {};

	assert_null(bt_config_load("/nonexistent.yaml", &e));
	assert_string_equal(e.text, "/nonexistent.yaml: No such file or directory");
	bt_error_free(&e);
}

/* Each table's bits are different, or a value would hide another. */
static void check_bits(const struct bt_object *o)
{
	const struct bt_field *f;
	uint64_t seen = 0;

	bt_for_each_field(f, o) {
		if (seen & BT_BIT(f->bit))
			fail_msg("%s: %s has the bit of another field", o->name, f->name);
		seen |= BT_BIT(f->bit);
		if (f->nested && f->nested != &bt_tunnel_object && f->nested != &bt_link_object)
			check_bits(f->nested);
	}
}

static void test_tables(void **state)
{
	check_bits(&bt_config_object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_inheritance),
		cmocka_unit_test(test_if_id_is_stable),
		cmocka_unit_test(test_kernel_settings),
		cmocka_unit_test(test_yaml_refused),
		cmocka_unit_test(test_return_path),
		cmocka_unit_test(test_keys_refused),
		cmocka_unit_test(test_sense_refused),
		cmocka_unit_test(test_pairs_refused),
		cmocka_unit_test(test_names_outside),
		cmocka_unit_test(test_secret_mode),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
