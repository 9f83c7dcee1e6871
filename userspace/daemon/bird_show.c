// SPDX-License-Identifier: GPL-2.0
/*
 * What BIRD's replies say: status, protocols, configure.
 *
 * PURE: no sockets, no event loop. The texts are those of BIRD 2.0.12: nest/proto.c,
 * proto/bgp/bgp.c, nest/cmds.c, sysdep/unix/main.c. A line that is not understood is
 * passed over: BIRD adds some with every version.
 */
#include "bird_show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
	[BT_BIRD_STATE_UNKNOWN] = "unknown",
	[BT_BIRD_STATE_DOWN] = "down",
	[BT_BIRD_STATE_FLUSH] = "flush",
	[BT_BIRD_STATE_START] = "start",
	[BT_BIRD_STATE_UP] = "up",
	[BT_BIRD_STATE_STOP] = "stop",
};

static const char *const bgp_names[] = {
	[BT_BIRD_BGP_UNKNOWN] = "Unknown",
	[BT_BIRD_BGP_DOWN] = "Down",
	[BT_BIRD_BGP_IDLE] = "Idle",
	[BT_BIRD_BGP_CONNECT] = "Connect",
	[BT_BIRD_BGP_ACTIVE] = "Active",
	[BT_BIRD_BGP_PASSIVE] = "Passive",
	[BT_BIRD_BGP_OPENSENT] = "OpenSent",
	[BT_BIRD_BGP_OPENCONFIRM] = "OpenConfirm",
	[BT_BIRD_BGP_ESTABLISHED] = "Established",
	[BT_BIRD_BGP_CLOSE] = "Close",
};

/* --- pieces of text --- */

/* Bytes of a line; not terminated. */
struct span {
	const char *s;
	size_t len;
};

static const char *skip_spaces(const char *s)
{
	return s + strspn(s, " ");
}

static char *span_dup(struct span span)
{
	return bt_strndup(span.s, span.len);
}

static struct span trimmed(const char *s)
{
	struct span span = { skip_spaces(s), 0 };

	span.len = strlen(span.s);
	while (span.len && span.s[span.len - 1] == ' ')
		span.len--;
	return span;
}

static void set(char **field, const char *text)
{
	free(*field);
	*field = bt_strdup(text);
}

/* The next word, up to a space. */
static struct span take_word(const char **s)
{
	struct span word;

	word.s = skip_spaces(*s);
	word.len = strcspn(word.s, " ");
	*s = word.s + word.len;
	return word;
}

/* Up to two spaces in a row: a date may have a single one in it. */
static struct span take_column(const char **s)
{
	struct span column;
	const char *end;

	column.s = skip_spaces(*s);
	end = strstr(column.s, "  ");
	column.len = end ? (size_t)(end - column.s) : strlen(column.s);
	*s = column.s + column.len;
	return column;
}

/* A number at the beginning; *s is moved behind it. Too large ones become the largest. */
static bool take_u32(const char **s, uint32_t *out)
{
	uint64_t value = 0;
	const char *digit = *s;

	for (; *digit >= '0' && *digit <= '9'; digit++)
		if (value <= UINT32_MAX)
			value = value * 10 + (*digit - '0');
	if (digit == *s)
		return false;
	*out = value > UINT32_MAX ? UINT32_MAX : value;
	*s = digit;
	return true;
}

/* If text begins with key: what follows, without spaces; otherwise NULL. */
static const char *after(const char *text, const char *key)
{
	size_t len = strlen(key);

	return strncmp(text, key, len) ? NULL : skip_spaces(text + len);
}

static unsigned int lookup(const char *const *names, size_t n, struct span word)
{
	unsigned int i;

	for (i = 1; i < n; i++)
		if (strlen(names[i]) == word.len && !memcmp(names[i], word.s, word.len))
			return i;
	return 0;
}

/* --- show status --- */

static void status_line(const char *text, struct bt_bird_status *out)
{
	const struct {
		const char *key;
		char **field;
	} fields[] = {
		{ "Router ID is ", &out->router_id },
		{ "Hostname is ", &out->hostname },
		{ "Current server time is ", &out->server_time },
		{ "Last reboot on ", &out->last_reboot },
		{ "Last reconfiguration on ", &out->last_reconfiguration },
	};
	const char *value;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(fields); i++) {
		value = after(text, fields[i].key);
		if (value)
			set(fields[i].field, value);
	}
}

/**
 * bt_bird_parse_status() - read a reply to "show status"
 * @reply: reply
 * @out: result; to be freed with bt_bird_status_free(), also on failure
 *
 * Return: 0, or -EPROTO if it is no such reply.
 */
int bt_bird_parse_status(const struct bt_bird_reply *reply, struct bt_bird_status *out)
{
	const struct bt_bird_line *line = reply->lines;
	const struct bt_bird_line *end = reply->lines + reply->n;
	const char *version;
	int err = -EPROTO;

	*out = (struct bt_bird_status){};
	for (; line < end; line++) {
		switch (line->code) {
		case BT_BIRD_VERSION:
			version = after(line->text, "BIRD ");
			if (version)
				set(&out->version, version);
			break;
		case BT_BIRD_UPTIME:
			status_line(line->text, out);
			break;
		case BT_BIRD_STATUS:
			/* The one place where BIRD has no codes of its own */
			out->daemon = after(line->text, "Shutdown") ? BT_BIRD_DAEMON_STOPPING :
				      after(line->text, "Reconfiguration") ?
				      BT_BIRD_DAEMON_RECONFIGURING : BT_BIRD_DAEMON_UP;
			err = 0;
			break;
		}
	}
	return err;
}

/**
 * bt_bird_status_free() - free what is in a status
 * @status: itself stays the caller's
 */
void bt_bird_status_free(struct bt_bird_status *status)
{
	free(status->version);
	free(status->router_id);
	free(status->hostname);
	free(status->server_time);
	free(status->last_reboot);
	free(status->last_reconfiguration);
	*status = (struct bt_bird_status){};
}

/* --- show protocols --- */

/* name proto table state since  info */
static int protocol_line(const char *text, struct bt_bird_protocol *p)
{
	struct span name = take_word(&text);
	struct span proto = take_word(&text);
	struct span table = take_word(&text);
	struct span state = take_word(&text);
	struct span since = take_column(&text);
	struct span first;

	p->name = span_dup(name);
	p->proto = span_dup(proto);
	p->table = span_dup(table);
	p->state = lookup(state_names, BT_ARRAY_SIZE(state_names), state);
	p->since = span_dup(since);
	p->info = span_dup(trimmed(text));
	if (!state.len)
		return -EPROTO;
	if (!strcmp(p->proto, "BGP")) {
		first = take_word(&text);
		p->bgp = lookup(bgp_names, BT_ARRAY_SIZE(bgp_names), first);
	}
	return 0;
}

/* "25.123/30": what is left, and of how much */
static void timer_value(const char *value, uint32_t *left_ms, uint32_t *total)
{
	uint32_t left = 0, fraction = 0;

	if (!take_u32(&value, &left))
		return;
	if (*value == '.') {
		value++;
		take_u32(&value, &fraction);
	}
	if (*value++ != '/' || !take_u32(&value, total))
		return;
	/* Hold times are 16 bits wide; more is nonsense */
	if (left_ms)
		*left_ms = (left & 0xffff) * 1000 + fraction % 1000;
}

/* "10 imported, 2 filtered, 3 exported, 4 preferred" */
static void routes_value(const char *value, struct bt_bird_channel *channel)
{
	const struct {
		const char *word;
		uint32_t *field;
	} counts[] = {
		{ "imported", &channel->imported },
		{ "filtered", &channel->filtered },
		{ "exported", &channel->exported },
		{ "preferred", &channel->preferred },
	};
	uint32_t count;
	size_t i;

	while (take_u32(&value, &count)) {
		value = skip_spaces(value);
		for (i = 0; i < BT_ARRAY_SIZE(counts); i++)
			if (after(value, counts[i].word))
				*counts[i].field = count;
		channel->has_routes = true;
		value += strcspn(value, ",");
		value = skip_spaces(value + (*value == ','));
	}
}

static void limit_value(const char *value, struct bt_bird_limit *limit)
{
	limit->set = take_u32(&value, &limit->value);
	limit->hit = strstr(value, "[HIT]");
}

/* Returns the limit whose action may follow, or NULL. */
static struct bt_bird_limit *channel_line(const char *text, struct bt_bird_channel *channel)
{
	const struct {
		const char *key;
		struct bt_bird_limit *limit;
	} limits[] = {
		{ "    Receive limit:", &channel->receive },
		{ "    Import limit:", &channel->import },
		{ "    Export limit:", &channel->export },
	};
	const char *value;
	size_t i;

	value = after(text, "    State:");
	if (value)
		set(&channel->state, value);
	value = after(text, "    Table:");
	if (value)
		set(&channel->table, value);
	value = after(text, "    Routes:");
	if (value)
		routes_value(value, channel);
	for (i = 0; i < BT_ARRAY_SIZE(limits); i++) {
		value = after(text, limits[i].key);
		if (value) {
			limit_value(value, limits[i].limit);
			return limits[i].limit;
		}
	}
	return NULL;
}

static void neighbor_value(const char *value, struct bt_bird_protocol *p)
{
	const char *percent = strchr(value, '%');

	free(p->neighbor);
	p->neighbor = bt_strndup(value, percent ? (size_t)(percent - value) : strlen(value));
	set(&p->iface, percent ? percent + 1 : NULL);
}

/* Details of the protocol itself, in front of its channels. */
static void detail_line(const char *text, struct bt_bird_protocol *p)
{
	const char *value;

	value = after(text, "  Message:");
	if (value)
		set(&p->message, value);
	value = after(text, "  BGP state:");
	if (value)
		p->bgp = lookup(bgp_names, BT_ARRAY_SIZE(bgp_names), take_word(&value));
	value = after(text, "    Neighbor address:");
	if (value)
		neighbor_value(value, p);
	value = after(text, "    Neighbor AS:");
	if (value)
		take_u32(&value, &p->neighbor_as);
	value = after(text, "    Local AS:");
	if (value)
		take_u32(&value, &p->local_as);
	value = after(text, "    Source address:");
	if (value)
		set(&p->source, value);
	value = after(text, "    Hold timer:");
	if (value)
		timer_value(value, &p->hold_left_ms, &p->hold_time);
	value = after(text, "    Keepalive timer:");
	if (value)
		timer_value(value, NULL, &p->keepalive_time);
	value = after(text, "    Last error:");
	if (value)
		set(&p->last_error, value);
}

/* Where the reading of "show protocols all" stands. */
struct place {
	struct bt_bird_protocol *protocol;
	struct bt_bird_limit *limit;
};

static void protocol_detail(const char *text, struct place *at)
{
	struct bt_bird_protocol *p = at->protocol;
	struct bt_bird_limit *limit = at->limit;
	const char *value;

	at->limit = NULL;
	value = after(text, "  Channel ");
	if (value) {
		bt_array_add(&p->channels)->name = bt_strdup(value);
		return;
	}
	value = after(text, "      Action:");
	if (value && limit)
		set(&limit->action, value);
	else if (p->channels.n)
		at->limit = channel_line(text, &p->channels.v[p->channels.n - 1]);
	else
		detail_line(text, p);
}

/**
 * bt_bird_parse_protocols() - read a reply to "show protocols" or "show protocols all"
 * @reply: reply
 * @out: result; to be freed with bt_bird_protocols_free(), also on failure
 *
 * "show protocols NAME" for one that does not exist is an error of BIRD's, with @reply
 * to show for it (BT_BIRD_ERR_NO_PROTOCOL or _SYNTAX).
 * Return: 0, or -EPROTO if it is no such reply.
 */
int bt_bird_parse_protocols(const struct bt_bird_reply *reply, struct bt_bird_protocols *out)
{
	struct place at = {};
	size_t i;

	*out = (struct bt_bird_protocols){};
	if (reply->error)
		return -EPROTO;
	for (i = 0; i < reply->n; i++) {
		const struct bt_bird_line *line = &reply->lines[i];

		if (line->code == BT_BIRD_PROTOCOL) {
			at = (struct place){ .protocol = bt_array_add(out) };
			if (protocol_line(line->text, at.protocol))
				return -EPROTO;
		} else if (line->code == BT_BIRD_PROTOCOL_DETAIL) {
			if (!at.protocol)
				return -EPROTO;
			protocol_detail(line->text, &at);
		}
	}
	return 0;
}

static void protocol_fini(struct bt_bird_protocol *p)
{
	size_t i;

	for (i = 0; i < p->channels.n; i++) {
		struct bt_bird_channel *channel = &p->channels.v[i];

		free(channel->name);
		free(channel->state);
		free(channel->table);
		free(channel->receive.action);
		free(channel->import.action);
		free(channel->export.action);
	}
	free(p->channels.v);
	free(p->name);
	free(p->proto);
	free(p->table);
	free(p->since);
	free(p->info);
	free(p->neighbor);
	free(p->iface);
	free(p->source);
	free(p->message);
	free(p->last_error);
}

/**
 * bt_bird_protocols_free() - free what is in a list of protocols
 * @protocols: itself stays the caller's
 */
void bt_bird_protocols_free(struct bt_bird_protocols *protocols)
{
	size_t i;

	for (i = 0; i < protocols->n; i++)
		protocol_fini(&protocols->v[i]);
	free(protocols->v);
	*protocols = (struct bt_bird_protocols){};
}

/**
 * bt_bird_bgp_name() - a session's state as BIRD writes it
 * @state: state
 */
const char *bt_bird_bgp_name(enum bt_bird_bgp state)
{
	return state < BT_ARRAY_SIZE(bgp_names) ? bgp_names[state] : bgp_names[0];
}

/**
 * bt_bird_state_name() - a protocol's state as BIRD writes it
 * @state: state
 */
const char *bt_bird_state_name(enum bt_bird_state state)
{
	return state < BT_ARRAY_SIZE(state_names) ? state_names[state] : state_names[0];
}

/* --- configure --- */

/*
 * "FILE:LINE:COLUMN MESSAGE". Colons may be in all of them, so the first place where two
 * numbers and a space fit is taken.
 */
static void error_place(const char *text, struct bt_bird_configure *out)
{
	const char *colon = text;
	const char *s;
	uint32_t line, column;

	for (; (colon = strchr(colon, ':')); colon++) {
		s = colon + 1;
		if (!take_u32(&s, &line) || *s++ != ':' || !take_u32(&s, &column) || *s != ' ')
			continue;
		out->file = bt_strndup(text, colon - text);
		out->line = line;
		out->column = column;
		out->message = bt_strdup(s + 1);
		return;
	}
	out->message = bt_strdup(text);
}

/**
 * bt_bird_parse_configure() - read a reply to "configure", with whatever arguments
 * @reply: reply
 * @out: result; to be freed with bt_bird_configure_free(), also on failure
 *
 * Return: 0 if BIRD has given a verdict, also a bad one; -EPROTO if it is no such reply.
 */
int bt_bird_parse_configure(const struct bt_bird_reply *reply, struct bt_bird_configure *out)
{
	const struct bt_bird_line *last = &reply->lines[reply->n - 1];

	*out = (struct bt_bird_configure){ .code = last->code };
	switch (last->code) {
	case BT_BIRD_RECONFIGURED:
	case BT_BIRD_RECONFIG_STARTED:
	case BT_BIRD_RECONFIG_QUEUED:
	case BT_BIRD_RECONFIG_UNQUEUED:
	case BT_BIRD_RECONFIG_CONFIRMED:
	case BT_BIRD_RECONFIG_NOTHING:
	case BT_BIRD_CONFIG_OK:
		out->accepted = true;
		break;
	case BT_BIRD_ERR_CONFIG:
		error_place(last->text, out);
		return 0;
	case BT_BIRD_RECONFIG_SHUTDOWN:
		break;
	default:
		if (bt_bird_classify(last->code) < BT_BIRD_CLASS_RUNTIME_ERROR)
			return -EPROTO;
	}
	out->message = bt_strdup(last->text);
	return 0;
}

/**
 * bt_bird_configure_free() - free what is in a result
 * @result: itself stays the caller's
 */
void bt_bird_configure_free(struct bt_bird_configure *result)
{
	free(result->file);
	free(result->message);
	*result = (struct bt_bird_configure){};
}
