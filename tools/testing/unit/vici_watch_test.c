// SPDX-License-Identifier: GPL-2.0
/* What charon tells of an IKE SA, and what is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "daemon/facts.h"
#include "daemon/vici_watch.h"
#include "daemon/vici_wire.h"
#include "util.h"

static void put_child(struct bt_vici_msg *m, const char *name, const char *state,
		      const char *if_id, const char *packets)
{
	bt_vici_section(m, name);
	bt_vici_put_str(m, "state", state);
	bt_vici_put_str(m, "if-id-out", if_id);
	bt_vici_put_str(m, "packets-in", packets);
	bt_vici_put_str(m, "uniqueid", strchr(name, '-') + 1);
	bt_vici_put_fmt(m, "spi-out", "c0ffee0%s", strchr(name, '-') + 1);
	bt_vici_section_end(m);
}

/* One IKE SA with two children, of which one has been replaced. */
static struct bt_fact_ike parsed(const char *state)
{
	struct bt_vici_msg m = {};
	struct bt_vici_node *root;
	struct bt_fact_ikes ikes = {};
	struct bt_fact_ike ike;

	bt_vici_section(&m, "bt_bow0_a");
	bt_vici_put_str(&m, "uniqueid", "10");
	bt_vici_put_str(&m, "state", state);
	bt_vici_put_str(&m, "remote-host", "192.0.2.1");
	bt_vici_section(&m, "child-sas");
	put_child(&m, "bt_bow0_a-1", "REKEYED", "0000000b", "1000");
	put_child(&m, "bt_bow0_a-2", "INSTALLED", "0000000c", "12");
	put_child(&m, "bt_bow0_a-3", "REKEYING", "0000000c", "30");
	bt_vici_section_end(&m);
	bt_vici_section_end(&m);
	assert_int_equal(bt_vici_msg_check(&m), 0);
	assert_int_equal(bt_vici_tree_parse(m.buf.data, m.buf.len, &root), 0);
	bt_vici_parse_sa(root, &ikes);
	bt_vici_tree_free(root);
	bt_vici_msg_wipe(&m);
	assert_int_equal(ikes.n, 1);
	assert_string_equal(ikes.v[0].name, "bt_bow0_a");
	assert_int_equal(ikes.v[0].sas.n, 2);
	assert_int_equal(ikes.v[0].sas.v[0].id, 2);
	assert_int_equal(ikes.v[0].sas.v[1].spi_out, 0xc0ffee03);
	ike = ikes.v[0];
	ike.name = NULL;
	bt_fact_ikes_clear(&ikes);
	return ike;
}

static void test_parse(void **state)
{
	struct bt_fact_ike ike = parsed("ESTABLISHED");

	assert_int_equal(ike.id, 10);
	assert_true(ike.established && !ike.dying);
	assert_int_equal(ike.children, 2);
	assert_int_equal(ike.if_id, 12);
	assert_int_equal(ike.packets, 42);
	assert_int_equal(ike.remote.family, AF_INET);
	/* That is for who knows the list before. */
	assert_int_equal(ike.since, 0);
	assert_int_equal(ike.received, 0);
}

static void test_states(void **state)
{
	assert_true(parsed("REKEYING").established && !parsed("REKEYING").dying);
	assert_true(!parsed("CONNECTING").established && !parsed("CONNECTING").dying);
	assert_true(!parsed("REKEYED").established && parsed("REKEYED").dying);
	assert_true(!parsed("DELETING").established && parsed("DELETING").dying);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
