// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: the include file for BIRD 2.
 *
 *	sessions --- table bt4 --- kernel table (all next hops: what bowtied reads)
 *	                 |
 *	               pipe --- master4 --- operator's protocols, kernel's main table
 *
 * The tables of their own are there so that the module learns every next hop of a
 * prefix, whatever the operator's kernel protocol exports and whether it merges paths.
 * In the main table one route into the link is enough. Names begin with bt_.
 */
#include "bird_render.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "util.h"

/**
 * struct family - what differs between IPv4 and IPv6
 * @af: address family
 * @digit: end of our names
 * @channel: BIRD's name
 * @kernel: bit of the operator's kernel protocol
 */
struct family {
	int af;
	char digit;
	const char *channel;
	unsigned int kernel;
};

static const struct family families[] = {
	{ AF_INET, '4', "ipv4", BT_BIRD_KERNEL4 },
	{ AF_INET6, '6', "ipv6", BT_BIRD_KERNEL6 },
};

/* Names of BIRD's have letters, digits and underscores. */
static void put_name(struct bt_buf *b, const char *name)
{
	for (; *name; name++)
		bt_buf_add(b, strchr("-.", *name) ? "_" : name, 1);
}

static void put_session_name(struct bt_buf *b, const struct bt_conf_link *link,
			     const struct bt_conf_tunnel *t, const struct family *f)
{
	bt_buf_puts(b, BT_PREFIX);
	put_name(b, link->name);
	bt_buf_puts(b, "_");
	put_name(b, t->kernel.name);
	if (f->af == AF_INET6)
		bt_buf_puts(b, "_6");
}

/* The inside addresses of a session in a family, or NULL if there is none. */
static const struct bt_conf_inside *session(const struct bt_conf_tunnel *t,
					    const struct family *f)
{
	size_t i;

	if (!t->bgp.as || !t->manage.bgp)
		return NULL;
	for (i = 0; i < t->inside.n; i++)
		if (t->inside.v[i].local.addr.family == f->af)
			return &t->inside.v[i];
	return NULL;
}

static bool link_has_sessions(const struct bt_conf_link *link, const struct family *f)
{
	size_t i;

	for (i = 0; i < link->tunnels.n; i++)
		if (session(&link->tunnels.v[i], f))
			return true;
	return false;
}

static bool has_sessions(const struct bt_config *config, const struct family *f)
{
	size_t i;

	for (i = 0; i < config->links.n; i++)
		if (link_has_sessions(&config->links.v[i], f))
			return true;
	return false;
}

/* --- what a link announces --- */

static void put_announcements(struct bt_buf *b, const struct bt_conf_link *link,
			      const struct family *f)
{
	char buf[BT_PREFIX_STRLEN];
	size_t i;

	bt_buf_puts(b, "protocol static " BT_PREFIX);
	put_name(b, link->name);
	bt_buf_printf(b, "_announce%c {\n\t%s { table " BT_PREFIX, f->digit, f->channel);
	put_name(b, link->name);
	bt_buf_printf(b, "%c; };\n", f->digit);
	for (i = 0; i < link->bgp.announce.n; i++)
		if (link->bgp.announce.v[i].addr.family == f->af)
			bt_buf_printf(b, "\troute %s unreachable;\n",
				      bt_prefix_str(&link->bgp.announce.v[i], buf));
	bt_buf_puts(b, "}\n\n");
}

/* --- tables --- */

static void put_tables(struct bt_buf *b, const struct bt_conf_link *link, const struct family *f)
{
	struct bt_buf name = {};

	bt_buf_puts(&name, BT_PREFIX);
	put_name(&name, link->name);
	bt_buf_printf(b, "%s table %s%c;\n\n", f->channel, name.data, f->digit);
	bt_buf_printf(b,
		      "protocol kernel %s_kernel%c {\n"
		      "\tkernel table %u;\n"
		      "\tmerge paths yes limit 64;\n"
		      "\t%s { table %s%c; import none; export where source = RTS_BGP; };\n"
		      "}\n\n",
		      name.data, f->digit, link->bgp.table, f->channel, name.data, f->digit);
	bt_buf_printf(b,
		      "protocol pipe %s_pipe%c {\n"
		      "\ttable master%c;\n"
		      "\tpeer table %s%c;\n"
		      "\timport where source = RTS_BGP;\n"
		      "\texport none;\n"
		      "}\n\n",
		      name.data, f->digit, f->digit, name.data, f->digit);
	bt_buf_free(&name);
}

/* Only if the operator has none: BIRD allows one for each kernel table. */
static void put_main_kernel(struct bt_buf *b, const struct family *f)
{
	bt_buf_printf(b,
		      "# bird.conf has no kernel protocol of its own for this.\n"
		      "protocol kernel " BT_PREFIX "main%c {\n"
		      "\t%s { import none; export where proto ~ \"" BT_PREFIX "*\"; };\n"
		      "}\n\n", f->digit, f->channel);
}

/* --- sessions --- */

static void put_channel(struct bt_buf *b, const struct bt_conf_link *link,
			const struct bt_conf_tunnel *t, const struct family *f)
{
	struct bt_buf name = {};

	bt_buf_puts(&name, BT_PREFIX);
	put_name(&name, link->name);
	bt_buf_printf(b, "\t%s {\n\t\ttable %s%c;\n", f->channel, name.data, f->digit);
	/*
	 * The next hop is the session's peer, whatever it says (Azure announces the other
	 * instance); an off-link one would die before the filter unless it is recursive.
	 */
	bt_buf_puts(b, "\t\timport table yes;\n\t\tgateway recursive;\n"
		       "\t\timport filter { gw = from; accept; };\n");
	bt_buf_printf(b, "\t\timport limit %u action block;\n", t->bgp.import_limit);
	bt_buf_printf(b, "\t\texport where proto = \"%s_announce%c\";\n", name.data, f->digit);
	bt_buf_printf(b, "\t\texport limit %u action block;\n", t->bgp.export_limit);
	bt_buf_puts(b, "\t\tnext hop self;\n\t};\n");
	bt_buf_free(&name);
}

static void put_session(struct bt_buf *b, const struct bt_conf_link *link,
			const struct bt_conf_tunnel *t, const struct family *f)
{
	const struct bt_conf_inside *in = session(t, f);
	char local[BT_ADDR_STRLEN], peer[BT_ADDR_STRLEN];

	if (!in)
		return;
	bt_buf_puts(b, "protocol bgp ");
	put_session_name(b, link, t, f);
	/* Or BIRD takes a peer with our own AS for one that is hops away. */
	bt_buf_printf(b, " {\n\tlocal as %u;\n\tdirect;\n\tinterface \"%s\";\n", link->bgp.as,
		      link->name);
	bt_buf_printf(b, "\tsource address %s;\n\tneighbor %s as %u;\n",
		      bt_addr_str(&in->local.addr, local), bt_addr_str(&in->peer, peer),
		      t->bgp.as);
	if (link->bgp.router_id.family)
		bt_buf_printf(b, "\trouter id %s;\n", bt_addr_str(&link->bgp.router_id, local));
	bt_buf_printf(b, "\thold time %u;\n\tkeepalive time %u;\n", t->bgp.hold,
		      t->bgp.keepalive);
	/* BIRD waits minutes by default, between tries and after an error. */
	bt_buf_puts(b, "\tconnect delay time 1;\n\tconnect retry time 5;\n"
		       "\terror wait time 2, 10;\n");
	put_channel(b, link, t, f);
	bt_buf_puts(b, "}\n\n");
}

/* --- the whole --- */

static void put_link(struct bt_buf *b, const struct bt_conf_link *link, const struct family *f)
{
	size_t i;

	if (!link_has_sessions(link, f))
		return;
	put_tables(b, link, f);
	put_announcements(b, link, f);
	for (i = 0; i < link->tunnels.n; i++)
		put_session(b, link, &link->tunnels.v[i], f);
}

/* FNV-1a */
static uint64_t text_hash(const struct bt_buf *b)
{
	uint64_t hash = 14695981039346656037ULL;
	size_t i;

	for (i = 0; i < b->len; i++)
		hash = (hash ^ (unsigned char)b->data[i]) * 1099511628211ULL;
	return hash;
}

/**
 * bt_bird_render() - BIRD's include file
 * @config: configuration
 * @operators_kernel: BT_BIRD_KERNEL4 and 6, where bird.conf has a kernel protocol
 *
 * Which text BIRD has taken can be told from the name of a protocol that does nothing:
 * see bt_bird_revision(). Return: text for the caller to free; a comment alone if there
 * is no BGP.
 */
char *bt_bird_render(const struct bt_config *config, unsigned int operators_kernel)
{
	struct bt_buf b = {};
	size_t i, j, head;

	bt_buf_puts(&b, BT_BIRD_HEAD " from its own configuration; changes are lost.\n\n");
	head = b.len;
	for (i = 0; i < BT_ARRAY_SIZE(families); i++) {
		const struct family *f = &families[i];

		if (has_sessions(config, f) && !(operators_kernel & f->kernel))
			put_main_kernel(&b, f);
		for (j = 0; j < config->links.n; j++)
			put_link(&b, &config->links.v[j], f);
	}
	if (b.len > head)
		bt_buf_printf(&b, "protocol static " BT_BIRD_REVISION "%016llx { ipv4; }\n",
			      (unsigned long long)text_hash(&b));
	return b.data;
}

/**
 * bt_bird_revision() - the protocol by which a text is known
 * @text: made by bt_bird_render(), or whatever is in its place
 *
 * Return: its name for the caller to free, or NULL if the text has none.
 */
char *bt_bird_revision(const char *text)
{
	const char *name = strstr(text, BT_BIRD_REVISION);

	return name ? bt_asprintf("%.*s", (int)strcspn(name, " "), name) : NULL;
}

/**
 * bt_bird_names() - sessions that BIRD has once it has taken the file
 * @config: configuration
 * @out: their names are added
 */
void bt_bird_names(const struct bt_config *config, struct bt_strings *out)
{
	size_t i, j, k;

	for (i = 0; i < BT_ARRAY_SIZE(families); i++) {
		for (j = 0; j < config->links.n; j++) {
			const struct bt_conf_link *link = &config->links.v[j];

			for (k = 0; k < link->tunnels.n; k++) {
				struct bt_buf name = {};

				if (!session(&link->tunnels.v[k], &families[i]))
					continue;
				put_session_name(&name, link, &link->tunnels.v[k], &families[i]);
				*bt_array_add(out) = name.data;
			}
		}
	}
}
