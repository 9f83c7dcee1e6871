// SPDX-License-Identifier: GPL-2.0
/*
 * BIRD's control protocol. The files of ../fuzz/seeds/bird_wire are replies of a real
 * BIRD 2.0.12.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bird_show.h"
#include "daemon/bird_wire.h"

#define SEEDS	"../fuzz/seeds/bird_wire/"

/* Feeds all of it; the last thing it got. */
static int feed(struct bt_bird_rx *rx, const char *data, size_t len)
{
	/* A copy of exactly this size: the sanitizer sees a read behind its end */
	char *copy = bt_memdup(data, len);
	const char *at = copy;
	int last = BT_BIRD_MORE;
	int ret;

	while ((ret = bt_bird_rx_next(rx, &at, &len)) > 0)
		last = ret;
	if (!ret)
		assert_int_equal(len, 0);
	free(copy);
	return ret < 0 ? ret : last;
}

static int feed_str(struct bt_bird_rx *rx, const char *text)
{
	return feed(rx, text, strlen(text));
}

/* One complete reply. */
static const struct bt_bird_reply *reply_of(struct bt_bird_rx *rx, const char *text)
{
	assert_int_equal(feed_str(rx, text), BT_BIRD_REPLY);
	return bt_bird_rx_reply(rx);
}

static const struct bt_bird_reply *seed(struct bt_bird_rx *rx, const char *name)
{
	char *path = bt_asprintf(SEEDS "%s", name);
	struct bt_buf text = {};

	assert_int_equal(bt_read_file(path, 65536, &text), 0);
	assert_int_equal(feed(rx, text.data, text.len), BT_BIRD_REPLY);
	bt_buf_free(&text);
	free(path);
	return bt_bird_rx_reply(rx);
}

/* --- lines --- */

static void classes(void **state)
{
	assert_int_equal(bt_bird_classify(0), BT_BIRD_CLASS_OK);
	assert_int_equal(bt_bird_classify(999), BT_BIRD_CLASS_OK);
	assert_int_equal(bt_bird_classify(1000), BT_BIRD_CLASS_DATA);
	assert_int_equal(bt_bird_classify(2002), BT_BIRD_CLASS_DATA);
	assert_int_equal(bt_bird_classify(7999), BT_BIRD_CLASS_DATA);
	assert_int_equal(bt_bird_classify(8000), BT_BIRD_CLASS_RUNTIME_ERROR);
	assert_int_equal(bt_bird_classify(9001), BT_BIRD_CLASS_PARSE_ERROR);
	assert_int_equal(bt_bird_classify(9999), BT_BIRD_CLASS_PARSE_ERROR);
}

static void codes_and_continuations(void **state)
{
	struct bt_bird_rx rx = {};
	const struct bt_bird_reply *reply;

	reply = reply_of(&rx, "1002-a\n  b\n1006-\n \n0000 \n");
	assert_int_equal(reply->n, 5);
	assert_int_equal(reply->lines[0].code, 1002);
	assert_string_equal(reply->lines[0].text, "a");
	assert_int_equal(reply->lines[1].code, 1002);
	assert_string_equal(reply->lines[1].text, " b");
	assert_int_equal(reply->lines[2].code, 1006);
	assert_string_equal(reply->lines[2].text, "");
	assert_int_equal(reply->lines[3].code, 1006);
	assert_int_equal(reply->lines[4].code, 0);
	assert_null(reply->error);
	/* The next one begins anew */
	reply = reply_of(&rx, "0013 up\n");
	assert_int_equal(reply->n, 1);
	assert_string_equal(reply->lines[0].text, "up");
	bt_bird_rx_free(&rx);
}

static void errors_are_found(void **state)
{
	struct bt_bird_rx rx = {};
	const struct bt_bird_reply *reply;

	reply = reply_of(&rx, "9001 syntax error\n");
	assert_ptr_equal(reply->error, &reply->lines[0]);
	/* It goes on after one that failed, and ends with 0000 */
	reply = reply_of(&rx, "0015-a: reloading\n8006-b: reload failed\n c: reload failed\n"
			 "0015-d: reloading\n0000 \n");
	assert_ptr_equal(reply->error, &reply->lines[1]);
	assert_string_equal(reply->error->text, "b: reload failed");
	assert_null(reply_of(&rx, "0000 \n")->error);
	bt_bird_rx_free(&rx);
}

static void two_replies_at_once(void **state)
{
	struct bt_bird_rx rx = {};
	const char *text = "0000 one\n0001-two\n0000 three\n00";
	size_t len = strlen(text);

	assert_int_equal(bt_bird_rx_next(&rx, &text, &len), BT_BIRD_REPLY);
	assert_string_equal(bt_bird_rx_reply(&rx)->lines[0].text, "one");
	assert_int_equal(bt_bird_rx_next(&rx, &text, &len), BT_BIRD_REPLY);
	assert_int_equal(bt_bird_rx_reply(&rx)->n, 2);
	assert_int_equal(bt_bird_rx_next(&rx, &text, &len), BT_BIRD_MORE);
	assert_string_equal(reply_of(&rx, "00 four\n")->lines[0].text, "four");
	bt_bird_rx_free(&rx);
}

static void async_in_between(void **state)
{
	struct bt_bird_rx rx = {};

	assert_int_equal(feed_str(&rx, "+hello\n"), BT_BIRD_ASYNC);
	assert_string_equal(bt_bird_rx_async(&rx), "hello");
	assert_int_equal(feed_str(&rx, "1002-a\n+\n"), BT_BIRD_ASYNC);
	assert_string_equal(bt_bird_rx_async(&rx), "");
	/* Continuations go on behind it */
	assert_int_equal(feed_str(&rx, " b\n0000 \n"), BT_BIRD_REPLY);
	assert_int_equal(bt_bird_rx_reply(&rx)->n, 3);
	assert_int_equal(bt_bird_rx_reply(&rx)->lines[1].code, 1002);
	bt_bird_rx_free(&rx);
}

static void not_the_protocol(void **state)
{
	static const char *const bad[] = {
		"\n", "x\n", "0000\n", "000 \n", "00x0 \n", "0000_\n", "0000+\n", "-000 \n",
		" continues nothing\n", "0000 \n continues a finished one\n", "<3 messages lost>\n",
		"HTTP/1.1 400 Bad Request\r\n",
	};
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(bad); i++) {
		struct bt_bird_rx rx = {};

		assert_int_equal(feed_str(&rx, bad[i]), -EPROTO);
		bt_bird_rx_free(&rx);
	}
}

static void control_characters(void **state)
{
	static const char text[] = "1000-a\0b\033[2Jc\td\r\n0000 \xc3\xa4\x7f\n";
	struct bt_bird_rx rx = {};

	assert_int_equal(feed(&rx, text, sizeof(text) - 1), BT_BIRD_REPLY);
	assert_string_equal(bt_bird_rx_reply(&rx)->lines[0].text, "a?b?[2Jc\td?");
	assert_string_equal(bt_bird_rx_reply(&rx)->lines[1].text, "\xc3\xa4?");
	bt_bird_rx_free(&rx);
}

static void long_lines(void **state)
{
	char *text = bt_alloc(BT_BIRD_MAX_LINE + 3);
	struct bt_bird_rx rx = {};

	memset(text, 'x', BT_BIRD_MAX_LINE + 1);
	memcpy(text, "0000 ", 5);
	text[BT_BIRD_MAX_LINE] = '\n';
	assert_int_equal(strlen(reply_of(&rx, text)->lines[0].text), BT_BIRD_MAX_LINE - 5);
	text[BT_BIRD_MAX_LINE] = 'x';
	/* Refused without waiting for its end */
	assert_int_equal(feed_str(&rx, text), -EMSGSIZE);
	bt_bird_rx_free(&rx);
	free(text);
}

static void endless_reply(void **state)
{
	struct bt_bird_rx rx = {};
	size_t n = 0;
	int ret;

	assert_int_equal(feed_str(&rx, "1000-\n"), BT_BIRD_MORE);
	while (!(ret = feed_str(&rx, " \n")))
		assert_true(++n < BT_BIRD_MAX_REPLY);
	assert_int_equal(ret, -EMSGSIZE);
	assert_true(rx.text.size + rx.room * sizeof(*rx.lines) < 2 * BT_BIRD_MAX_REPLY);
	/* Many lines are no harm as such */
	assert_true(n > 100000);
	bt_bird_rx_free(&rx);
}

/* The memory of one large reply does not stay for ever. */
static void large_reply_is_given_back(void **state)
{
	struct bt_bird_rx rx = {};
	int i;

	for (i = 0; i < 3000; i++)
		assert_int_equal(feed_str(&rx, "1007-a route and what there is to say about it\n"),
				 BT_BIRD_MORE);
	assert_int_equal(reply_of(&rx, "0000 \n")->n, 3001);
	assert_int_equal(reply_of(&rx, "0000 \n")->n, 1);
	assert_true(rx.text.size < 4096);
	bt_bird_rx_free(&rx);
}

/* Every real reply, cut at every byte and in two pieces there. */
static void pieces(void **state)
{
	static const char *const names[] = { "status", "reload", "configure_bad", "protocols_all" };
	size_t i, cut;

	for (i = 0; i < BT_ARRAY_SIZE(names); i++) {
		char *path = bt_asprintf(SEEDS "%s", names[i]);
		struct bt_bird_rx whole = {}, rx = {};
		struct bt_buf text = {};
		size_t lines = seed(&whole, names[i])->n;

		assert_int_equal(bt_read_file(path, 65536, &text), 0);
		for (cut = 0; cut < text.len; cut++) {
			assert_int_equal(feed(&rx, text.data, cut), BT_BIRD_MORE);
			assert_int_equal(feed(&rx, text.data + cut, text.len - cut), BT_BIRD_REPLY);
			assert_int_equal(bt_bird_rx_reply(&rx)->n, lines);
			assert_string_equal(bt_bird_rx_reply(&rx)->lines[lines - 1].text,
					    bt_bird_rx_reply(&whole)->lines[lines - 1].text);
		}
		bt_buf_free(&text);
		bt_bird_rx_free(&rx);
		bt_bird_rx_free(&whole);
		free(path);
	}
}

static void commands(void **state)
{
	struct bt_buf out = {};
	char *text = bt_alloc(BT_BIRD_MAX_COMMAND + 2);

	assert_int_equal(bt_bird_command(&out, "show status"), 0);
	assert_string_equal(out.data, "show status\n");
	bt_buf_free(&out);
	assert_int_equal(bt_bird_command(&out, ""), -EINVAL);
	assert_int_equal(bt_bird_command(&out, "show status\ndown"), -EINVAL);
	assert_int_equal(bt_bird_command(&out, "show\rstatus"), -EINVAL);
	assert_int_equal(bt_bird_command(&out, "show\x7f"), -EINVAL);
	memset(text, 'x', BT_BIRD_MAX_COMMAND + 1);
	assert_int_equal(bt_bird_command(&out, text), -EMSGSIZE);
	assert_int_equal(out.len, 0);
	text[BT_BIRD_MAX_COMMAND] = '\0';
	assert_int_equal(bt_bird_command(&out, text), 0);
	bt_buf_free(&out);
	free(text);
}

/* --- show status --- */

static void status(void **state)
{
	struct bt_bird_status st;
	struct bt_bird_rx rx = {};

	assert_int_equal(bt_bird_parse_status(seed(&rx, "status"), &st), 0);
	assert_string_equal(st.version, "2.0.12");
	assert_string_equal(st.router_id, "10.0.0.1");
	assert_string_equal(st.hostname, "vm");
	assert_string_equal(st.server_time, "2026-11-21 05:34:22.566");
	assert_string_equal(st.last_reboot, "2026-11-21 05:34:06.653");
	assert_string_equal(st.last_reconfiguration, "2026-11-21 05:34:06.653");
	assert_int_equal(st.daemon, BT_BIRD_DAEMON_UP);
	bt_bird_status_free(&st);
	assert_int_equal(bt_bird_parse_status(reply_of(&rx, "0013 Shutdown in progress\n"), &st),
			 0);
	assert_int_equal(st.daemon, BT_BIRD_DAEMON_STOPPING);
	assert_null(st.version);
	bt_bird_status_free(&st);
	assert_int_equal(bt_bird_parse_status(reply_of(&rx, "0013 Reconfiguration in progress\n"),
					      &st), 0);
	assert_int_equal(st.daemon, BT_BIRD_DAEMON_RECONFIGURING);
	bt_bird_status_free(&st);
	assert_int_equal(bt_bird_parse_status(reply_of(&rx, "1011-Router ID is 1\n"
						       " Router ID is 2\n0000 \n"), &st),
			 -EPROTO);
	bt_bird_status_free(&st);
	bt_bird_rx_free(&rx);
}

/* --- show protocols --- */

static void protocols(void **state)
{
	struct bt_bird_protocols list;
	const struct bt_bird_protocol *p;
	struct bt_bird_rx rx = {};

	assert_int_equal(bt_bird_parse_protocols(seed(&rx, "protocols"), &list), 0);
	assert_int_equal(list.n, 5);
	p = &list.v[0];
	assert_string_equal(p->name, "device1");
	assert_string_equal(p->proto, "Device");
	assert_string_equal(p->table, "---");
	assert_int_equal(p->state, BT_BIRD_STATE_UP);
	assert_string_equal(p->since, "2026-11-21 05:34:06");
	assert_string_equal(p->info, "");
	assert_int_equal(p->bgp, BT_BIRD_BGP_UNKNOWN);
	assert_string_equal(list.v[1].table, "master4");
	p = &list.v[2];
	assert_int_equal(p->bgp, BT_BIRD_BGP_ESTABLISHED);
	assert_string_equal(p->info, "Established");
	p = &list.v[4];
	assert_string_equal(p->name, "aws3");
	assert_int_equal(p->state, BT_BIRD_STATE_START);
	assert_int_equal(p->bgp, BT_BIRD_BGP_ACTIVE);
	assert_string_equal(p->info, "Active        Socket: Connection reset by peer");
	assert_null(p->neighbor);
	assert_int_equal(p->channels.n, 0);
	bt_bird_protocols_free(&list);
	bt_bird_rx_free(&rx);
}

static void protocols_in_detail(void **state)
{
	const struct bt_bird_channel *channel;
	struct bt_bird_protocols list;
	const struct bt_bird_protocol *p;
	struct bt_bird_rx rx = {};

	assert_int_equal(bt_bird_parse_protocols(seed(&rx, "protocols_all"), &list), 0);
	assert_int_equal(list.n, 5);
	assert_int_equal(list.v[0].channels.n, 0);
	assert_int_equal(list.v[1].channels.n, 1);
	assert_int_equal(list.v[1].channels.v[0].imported, 2);

	p = &list.v[2];
	assert_string_equal(p->neighbor, "169.254.21.1");
	assert_string_equal(p->iface, "va");
	assert_string_equal(p->source, "169.254.21.2");
	assert_int_equal(p->neighbor_as, 64512);
	assert_int_equal(p->local_as, 65000);
	assert_int_equal(p->hold_time, 30);
	assert_int_equal(p->hold_left_ms, 19926);
	assert_int_equal(p->keepalive_time, 10);
	assert_null(p->last_error);
	assert_int_equal(p->channels.n, 2);
	channel = &p->channels.v[0];
	assert_string_equal(channel->name, "ipv4");
	assert_string_equal(channel->state, "UP");
	assert_string_equal(channel->table, "master4");
	assert_true(channel->has_routes);
	assert_int_equal(channel->imported, 2);
	assert_int_equal(channel->filtered, 1);
	assert_int_equal(channel->exported, 1);
	assert_int_equal(channel->preferred, 2);
	assert_true(channel->import.set && !channel->import.hit);
	assert_int_equal(channel->import.value, 100);
	assert_string_equal(channel->import.action, "warn");
	assert_true(channel->export.set && channel->export.hit);
	assert_int_equal(channel->export.value, 1);
	assert_string_equal(channel->export.action, "block");
	assert_false(channel->receive.set);
	assert_string_equal(p->channels.v[1].name, "ipv6");
	assert_string_equal(p->channels.v[1].table, "master6");

	p = &list.v[3];
	assert_int_equal(p->bgp, BT_BIRD_BGP_IDLE);
	assert_string_equal(p->neighbor, "169.254.22.1");
	assert_null(p->iface);
	assert_int_equal(p->hold_time, 0);
	assert_false(p->channels.v[0].has_routes);
	assert_string_equal(p->channels.v[0].state, "DOWN");

	p = &list.v[4];
	assert_string_equal(p->message, "maintenance: see 1002-x");
	assert_string_equal(p->last_error, "Socket: Connection reset by peer");
	bt_bird_protocols_free(&list);
	bt_bird_rx_free(&rx);
}

/* Lines that pretend to be others, numbers out of range, halves of lines. */
static void protocols_oddly(void **state)
{
	static const char odd[] =
		"2002-Name       Proto      Table      State  Since         Info\n"
		"1002-a_name_longer_than_the_column BGP ipv4_table_of_some_length start 05:20  \n"
		"1006-  Description:      BGP state:          Established\n"
		"   Message:          Channel ipv4\n"
		"   BGP state:          Nonsense\n"
		"     Neighbor address: %\n"
		"     Neighbor AS:      99999999999999999999\n"
		"     Local AS:         x\n"
		"     Hold timer:       7/\n"
		"     Keepalive timer:  1.5/3\n"
		"     Neighbor address: fe80::1%bow0\n"
		"       Action:       none of a limit\n"
		"   Channel \n"
		"     Routes:         1 imported 2, , 3 exported, 5 unheard of,\n"
		"     Routes:\n"
		"     Receive limit:  \n"
		"       Action:       block\n"
		"       Action:       again\n"
		"1002-b Pipe --- flush 2026  a  b \n"
		"1002-c Pipe --- odd 2026\n"
		"0000 \n";
	struct bt_bird_protocols list;
	const struct bt_bird_protocol *p;
	struct bt_bird_rx rx = {};

	assert_int_equal(bt_bird_parse_protocols(reply_of(&rx, odd), &list), 0);
	assert_int_equal(list.n, 3);
	p = &list.v[0];
	assert_string_equal(p->name, "a_name_longer_than_the_column");
	assert_string_equal(p->table, "ipv4_table_of_some_length");
	assert_string_equal(p->since, "05:20");
	assert_string_equal(p->message, "Channel ipv4");
	assert_int_equal(p->bgp, BT_BIRD_BGP_UNKNOWN);
	assert_string_equal(p->neighbor, "fe80::1");
	assert_string_equal(p->iface, "bow0");
	assert_true(p->neighbor_as == UINT32_MAX);
	assert_int_equal(p->local_as, 0);
	assert_int_equal(p->hold_time, 0);
	assert_int_equal(p->keepalive_time, 3);
	assert_int_equal(p->channels.n, 1);
	assert_string_equal(p->channels.v[0].name, "");
	assert_int_equal(p->channels.v[0].imported, 1);
	assert_int_equal(p->channels.v[0].exported, 0);
	assert_false(p->channels.v[0].receive.set);
	assert_string_equal(p->channels.v[0].receive.action, "block");
	assert_int_equal(list.v[1].state, BT_BIRD_STATE_FLUSH);
	assert_string_equal(list.v[1].info, "a  b");
	assert_int_equal(list.v[2].state, BT_BIRD_STATE_UNKNOWN);
	bt_bird_protocols_free(&list);
	bt_bird_rx_free(&rx);
}

static void protocols_not(void **state)
{
	static const char *const bad[] = {
		"1006-  BGP state: Idle\n0000 \n",	/* of which protocol? */
		"1002-a b c\n0000 \n",
		"1002-\n0000 \n",
		"8003 No protocols match\n",
		"1002-a BGP --- up 05:20  \n8000 Reply too long\n",
	};
	struct bt_bird_protocols list;
	struct bt_bird_rx rx = {};
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(bad); i++) {
		assert_int_equal(bt_bird_parse_protocols(reply_of(&rx, bad[i]), &list), -EPROTO);
		bt_bird_protocols_free(&list);
	}
	assert_int_equal(bt_bird_parse_protocols(seed(&rx, "nomatch"), &list), -EPROTO);
	bt_bird_protocols_free(&list);
	assert_int_equal(bt_bird_parse_protocols(reply_of(&rx, "0000 \n"), &list), 0);
	assert_int_equal(list.n, 0);
	bt_bird_protocols_free(&list);
	bt_bird_rx_free(&rx);
}

static void state_names(void **state)
{
	assert_string_equal(bt_bird_bgp_name(BT_BIRD_BGP_OPENCONFIRM), "OpenConfirm");
	assert_string_equal(bt_bird_bgp_name((enum bt_bird_bgp)99), "Unknown");
	assert_string_equal(bt_bird_state_name(BT_BIRD_STATE_UP), "up");
	assert_string_equal(bt_bird_state_name((enum bt_bird_state)99), "unknown");
}

/* --- configure --- */

static void configure(void **state)
{
	static const struct {
		const char *reply;
		int ret;
		unsigned int code;
		bool accepted;
		const char *file;
		unsigned int line;
		unsigned int column;
		const char *message;
	} cases[] = {
		{ "0002-Reading\n0003 Reconfigured\n", 0, 3, true, NULL, 0, 0, "Reconfigured" },
		{ "0002-Reading\n0004 In progress\n", 0, 4, true, NULL, 0, 0, "In progress" },
		{ "0002-Reading\n0005 Queueing\n", 0, 5, true, NULL, 0, 0, "Queueing" },
		{ "0002-Reading\n0006 Ignored\n", 0, 6, false, NULL, 0, 0, "Ignored" },
		{ "0002-Reading\n0022-Undo in 5 s\n0003 Ok\n", 0, 3, true, NULL, 0, 0, "Ok" },
		{ "0018 Confirmed\n", 0, 18, true, NULL, 0, 0, "Confirmed" },
		{ "0019 Nothing to do\n", 0, 19, true, NULL, 0, 0, "Nothing to do" },
		{ "0002-Reading\n0020 Configuration OK\n", 0, 20, true, NULL, 0, 0,
		  "Configuration OK" },
		{ "0002-Reading\n8002 /etc/b:1:2 odd/bird.conf:12:3 x: y\n", 0, 8002, false,
		  "/etc/b", 1, 2, "odd/bird.conf:12:3 x: y" },
		{ "8002 a:b:7:0 c\n", 0, 8002, false, "a:b", 7, 0, "c" },
		{ "8002 /x: No such file\n", 0, 8002, false, NULL, 0, 0, "/x: No such file" },
		{ "8002 :::1:2\n", 0, 8002, false, NULL, 0, 0, ":::1:2" },
		{ "8002 :1:2 \n", 0, 8002, false, "", 1, 2, "" },
		{ "8007 Access denied\n", 0, 8007, false, NULL, 0, 0, "Access denied" },
		{ "9001 syntax error\n", 0, 9001, false, NULL, 0, 0, "syntax error" },
		{ "0000 \n", -EPROTO, 0, false, NULL, 0, 0, NULL },
		{ "0013 Daemon is up and running\n", -EPROTO, 13, false, NULL, 0, 0, NULL },
	};
	struct bt_bird_configure result;
	struct bt_bird_rx rx = {};
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(cases); i++) {
		assert_int_equal(bt_bird_parse_configure(reply_of(&rx, cases[i].reply), &result),
				 cases[i].ret);
		assert_int_equal(result.code, cases[i].code);
		assert_int_equal(result.accepted, cases[i].accepted);
		assert_int_equal(!result.file, !cases[i].file);
		if (result.file)
			assert_string_equal(result.file, cases[i].file);
		assert_int_equal(result.line, cases[i].line);
		assert_int_equal(result.column, cases[i].column);
		assert_int_equal(!result.message, !cases[i].message);
		if (result.message)
			assert_string_equal(result.message, cases[i].message);
		bt_bird_configure_free(&result);
	}
	bt_bird_rx_free(&rx);
}

static void configure_of_a_real_bird(void **state)
{
	struct bt_bird_configure result;
	struct bt_bird_rx rx = {};

	assert_int_equal(bt_bird_parse_configure(seed(&rx, "configure_bad"), &result), 0);
	assert_string_equal(result.file, "/etc/bird/bad.conf");
	assert_int_equal(result.line, 1);
	assert_int_equal(result.column, 15);
	assert_string_equal(result.message, "syntax error, unexpected '{'");
	bt_bird_configure_free(&result);
	assert_int_equal(bt_bird_parse_configure(seed(&rx, "configure_ok"), &result), 0);
	assert_true(result.accepted);
	bt_bird_configure_free(&result);
	assert_int_equal(bt_bird_parse_configure(seed(&rx, "configure_none"), &result), 0);
	assert_false(result.accepted);
	bt_bird_configure_free(&result);
	bt_bird_rx_free(&rx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes),
		cmocka_unit_test(codes_and_continuations),
		cmocka_unit_test(errors_are_found),
		cmocka_unit_test(two_replies_at_once),
		cmocka_unit_test(async_in_between),
		cmocka_unit_test(not_the_protocol),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(endless_reply),
		cmocka_unit_test(large_reply_is_given_back),
		cmocka_unit_test(pieces),
		cmocka_unit_test(commands),
		cmocka_unit_test(status),
		cmocka_unit_test(protocols),
		cmocka_unit_test(protocols_in_detail),
		cmocka_unit_test(protocols_oddly),
		cmocka_unit_test(protocols_not),
		cmocka_unit_test(state_names),
		cmocka_unit_test(configure),
		cmocka_unit_test(configure_of_a_real_bird),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
