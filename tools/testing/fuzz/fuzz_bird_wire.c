// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes the reading of BIRD's replies, whole and in two pieces: both must give the same.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/bird_show.h"
#include "daemon/bird_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Every reader sees every reply: BIRD may answer anything. */
static void read_reply(const struct bt_bird_reply *reply)
{
	struct bt_bird_protocols protocols;
	struct bt_bird_configure configure;
	struct bt_bird_status status;
	size_t i;

	must(reply->n && reply->lines[reply->n - 1].text);
	for (i = 0; i < reply->n; i++)
		must(reply->lines[i].code <= 9999);
	bt_bird_parse_status(reply, &status);
	bt_bird_status_free(&status);
	if (!bt_bird_parse_protocols(reply, &protocols))
		for (i = 0; i < protocols.n; i++)
			must(protocols.v[i].name && protocols.v[i].since && protocols.v[i].info &&
			     bt_bird_bgp_name(protocols.v[i].bgp));
	bt_bird_protocols_free(&protocols);
	if (!bt_bird_parse_configure(reply, &configure))
		must(configure.message);
	bt_bird_configure_free(&configure);
}

/* Appends what it got to a log. Returns the last result. */
static int feed(struct bt_bird_rx *rx, const char *data, size_t len, struct bt_buf *seen)
{
	const struct bt_bird_reply *reply;
	size_t i;
	int ret;

	while ((ret = bt_bird_rx_next(rx, &data, &len)) > 0) {
		if (ret == BT_BIRD_ASYNC) {
			bt_buf_printf(seen, "+%s\n", bt_bird_rx_async(rx));
			continue;
		}
		reply = bt_bird_rx_reply(rx);
		read_reply(reply);
		for (i = 0; i < reply->n; i++)
			bt_buf_printf(seen, "%u %s\n", reply->lines[i].code, reply->lines[i].text);
	}
	if (ret)
		bt_buf_printf(seen, "=%d\n", ret);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bt_bird_rx whole = {}, pieces = {};
	struct bt_buf a = {}, b = {};
	const char *text = (const char *)data;
	size_t cut;

	if (size < 2)
		return 0;
	/* Any place will do; so the seeds are plain replies */
	cut = (data[size / 2] << 8 | data[size / 3]) % size;
	feed(&whole, text, size, &a);
	if (!feed(&pieces, text, cut, &b))
		feed(&pieces, text + cut, size - cut, &b);
	must(a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len)));
	bt_buf_free(&a);
	bt_buf_free(&b);
	bt_bird_rx_free(&whole);
	bt_bird_rx_free(&pieces);
	return 0;
}
