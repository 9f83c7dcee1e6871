// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: the include file for BIRD 2.
 *
 *	sessions --- table bt4 --- kernel table (all best next hops: what bowtied reads)
 *	              |     |
 *	              |   pipe, which makes all alike --- table all4 --- kernel table (all
 *	              |                                   next hops: those beyond are backups)
 *	            pipe --- master4 --- operator's protocols, kernel's main table
 *
 * The tables of their own are there so that the module learns every next hop of a
 * prefix, whatever the operator's kernel protocol exports and whether it merges paths.
 * In the main table one route into the link is enough. Names begin with bt_.
 *
 * The sessions' filters look at flags, by which they are steered: see bird_flags.c. What
 * the flags are set to is not in this text but in the vars file, which it includes.
 */
#include "bird_render.h"

#include <stdlib.h>
#include <string.h>

#include "bird_flags.h"
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

static const struct family families[2] = {
	{ AF_INET, '4', "ipv4", BT_BIRD_KERNEL4 },
	{ AF_INET6, '6', "ipv6", BT_BIRD_KERNEL6 },
};

static bool link_has_sessions(const struct bt_conf_link *link, const struct family *f)
{
	size_t i;

	for (i = 0; i < link->tunnels.n; i++)
		if (bt_bird_session(&link->tunnels.v[i], f->af))
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
	bt_bird_put_name(b, link->name);
	bt_buf_printf(b, "_announce%c {\n\t%s { table " BT_PREFIX, f->digit, f->channel);
	bt_bird_put_name(b, link->name);
	bt_buf_printf(b, "%c; };\n", f->digit);
	for (i = 0; i < link->bgp.announce.n; i++)
		if (link->bgp.announce.v[i].addr.family == f->af)
			bt_buf_printf(b, "\troute %s unreachable;\n",
				      bt_prefix_str(&link->bgp.announce.v[i], buf));
	bt_buf_puts(b, "}\n\n");
}

/* --- tables --- */

/*
 * A BIRD that ends leaves the routes, and the next one, if it was started to recover
 * (-R), does not touch them before it has learnt what they are.
 */
#define KEEP	"\tpersist yes;\n\tgraceful restart yes;\n"

/* @name: of a protocol and a table, without the digit */
static void put_kernel(struct bt_buf *b, const char *protocol, const char *name, uint32_t table,
		       const struct family *f)
{
	bt_buf_printf(b,
		      "protocol kernel %s_kernel%c {\n"
		      "\tkernel table %u;\n"
		      "\tmerge paths yes limit 64;\n"
		      KEEP
		      "\t%s { table %s%c; import none; export where source = RTS_BGP; };\n"
		      "}\n\n",
		      protocol, f->digit, table, f->channel, name, f->digit);
}

/* What BIRD does not compare but merge, it must find no difference in. */
static void put_all(struct bt_buf *b, const struct bt_conf_link *link, const char *name,
		    const struct family *f)
{
	char *all = bt_asprintf("%s_all", name);

	bt_buf_printf(b, "%s table %s%c;\n\n", f->channel, all, f->digit);
	bt_buf_printf(b,
		      "protocol pipe %s_pipe%c {\n"
		      "\ttable %s%c;\n"
		      "\tpeer table %s%c;\n"
		      "\timport none;\n"
		      "\texport filter {\n"
		      "\t\tif source != RTS_BGP then reject;\n"
		      "\t\tbgp_path.empty;\n"
		      "\t\tbgp_med = 0;\n"
		      "\t\tbgp_local_pref = 100;\n"
		      "\t\tbgp_origin = ORIGIN_IGP;\n"
		      "\t\taccept;\n"
		      "\t};\n"
		      "}\n\n",
		      all, f->digit, name, f->digit, all, f->digit);
	put_kernel(b, all, all, link->bgp.backup_table, f);
	free(all);
}

static void put_tables(struct bt_buf *b, const struct bt_conf_link *link, const struct family *f)
{
	struct bt_buf name = {};

	bt_buf_puts(&name, BT_PREFIX);
	bt_bird_put_name(&name, link->name);
	bt_buf_printf(b, "%s table %s%c;\n\n", f->channel, name.data, f->digit);
	put_kernel(b, name.data, name.data, link->bgp.table, f);
	if (link->bgp.backups)
		put_all(b, link, name.data, f);
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
		      KEEP
		      "\t%s { import none; export where proto ~ \"" BT_PREFIX "*\"; };\n"
		      "}\n\n", f->digit, f->channel);
}

/* --- flags and what they do --- */

#define FLAG	"roa_check(%s, 192.0.2.%u/32, %u) = ROA_VALID"

static char *flags_table(const struct bt_conf_link *link)
{
	struct bt_buf b = {};

	bt_buf_puts(&b, BT_PREFIX);
	bt_bird_put_name(&b, link->name);
	bt_buf_puts(&b, "_flags");
	return b.data;
}

/* Is a flag a step of the group whose first step is given? One name may begin as another. */
static bool same_group(const struct bt_bird_flag *f, const struct bt_bird_flag *first, int len)
{
	return f->kind == first->kind && f->link == first->link && f->number == first->number &&
	       f->byte == first->byte + (f - first) &&
	       !strncmp(f->name, first->name, (size_t)len) && f->name[len] == '_';
}

/* At which level a tunnel is to be announced. BT_BIRD_STEP "x_1" to "x_n" stand together. */
static void put_level(struct bt_buf *b, const struct bt_bird_flags *flags, size_t index,
		      const char *table)
{
	const struct bt_bird_flag *first = &flags->v[index];
	int len = (int)strlen(first->name) - 2;
	unsigned int n = 1;

	while (index + n < flags->n && same_group(&first[n], first, len))
		n++;
	bt_buf_printf(b, "function %.*s(int tunnel) {\n"
		      "\tif roa_check(%s, 192.0.2.1/32, tunnel) != ROA_VALID then return 0;\n",
		      len, first->name, table);
	for (; n; n--)
		bt_buf_printf(b, "\tif " FLAG " then return %u;\n", table, first[n - 1].byte,
			      first->number, n);
	bt_buf_puts(b, "\treturn 0;\n}\n\n");
}

static void put_flags(struct bt_buf *b, const struct bt_conf_link *link,
		      const struct bt_bird_flags *flags)
{
	char *table = flags_table(link);
	size_t i;

	bt_buf_printf(b, "roa4 table %s;\n\n", table);
	for (i = 0; i < flags->n; i++) {
		const struct bt_bird_flag *f = &flags->v[i];

		if (f->link != link)
			continue;
		bt_buf_printf(b,
			      "protocol static %s {\n"
			      "\tdisabled %s;\n"
			      "\troa4 { table %s; };\n"
			      "\troute 192.0.2.%u/32 max 32 as %u;\n"
			      "}\n\n", f->name, f->define, table, f->byte, f->number);
	}
	for (i = 0; i < flags->n; i++) {
		const char *name = flags->v[i].name;

		if (flags->v[i].link == link && flags->v[i].kind == BT_BIRD_FLAG_STEP &&
		    !strcmp(name + strlen(name) - 2, "_1"))
			put_level(b, flags, i, table);
	}
	free(table);
}

static void put_import(struct bt_buf *b, const struct bt_conf_link *link,
		       const struct bt_conf_tunnel *t)
{
	char *table = flags_table(link);

	/*
	 * The next hop is the session's peer, whatever it says (Azure announces the other
	 * instance); an off-link one would die before the filter unless it is recursive.
	 * With a table of its own, the filter can be run again without asking a peer that
	 * does not hear; by itself BIRD must not do that for all when a flag changes.
	 */
	bt_buf_puts(b, "\t\timport table yes;\n\t\trpki reload no;\n\t\tgateway recursive;\n");
	bt_buf_printf(b, "\t\timport filter {\n"
		      "\t\t\tif " FLAG " then reject;\n"
		      "\t\t\tgw = from;\n\t\t\taccept;\n\t\t};\n", table, 0, t->kernel.if_id);
	bt_buf_printf(b, "\t\timport limit %u action block;\n", t->bgp.import_limit);
	free(table);
}

#define PREPEND	"\t\t\tif " BT_BIRD_STEP "%s(%u) < %u then bgp_path.prepend(%u);\n"

static void put_attribute(struct bt_buf *b, const struct bt_conf_link *link,
			  const struct bt_conf_tunnel *t)
{
	char *group = bt_bird_group(link, t);
	unsigned int n;

	if (t->bgp.return_path == BT_RETURN_MED)
		bt_buf_printf(b, "\t\t\tbgp_med = %u - %u * " BT_BIRD_STEP "%s(%u);\n",
			      BT_BIRD_MED, BT_BIRD_MED_STEP, group, t->kernel.if_id);
	for (n = 1; t->bgp.return_path == BT_RETURN_PREPEND && n <= BT_BIRD_PREPENDS; n++)
		bt_buf_printf(b, PREPEND, group, t->kernel.if_id, n, link->bgp.as);
	free(group);
}

/* --- sessions --- */

/* The module forwards without BIRD, so the far end may go on using what it was told. */
static void put_graceful(struct bt_buf *b, const struct bt_config *config,
			 const struct bt_conf_tunnel *t)
{
	static const char *const words[] = {
		[BT_GRACEFUL_OFF] = "no", [BT_GRACEFUL_AWARE] = "aware", [BT_GRACEFUL_ON] = "yes",
	};

	bt_buf_printf(b, "\tgraceful restart %s;\n", words[t->bgp.graceful]);
	if (t->bgp.graceful == BT_GRACEFUL_ON)
		bt_buf_printf(b, "\tgraceful restart time %u;\n", config->bird.restart_time);
}

static void put_channel(struct bt_buf *b, const struct bt_conf_link *link,
			const struct bt_conf_tunnel *t, const struct family *f)
{
	struct bt_buf name = {};

	bt_buf_puts(&name, BT_PREFIX);
	bt_bird_put_name(&name, link->name);
	bt_buf_printf(b, "\t%s {\n\t\ttable %s%c;\n", f->channel, name.data, f->digit);
	put_import(b, link, t);
	bt_buf_printf(b, "\t\texport filter {\n\t\t\tif proto != \"%s_announce%c\" then reject;\n",
		      name.data, f->digit);
	put_attribute(b, link, t);
	bt_buf_puts(b, "\t\t\taccept;\n\t\t};\n");
	bt_buf_printf(b, "\t\texport limit %u action block;\n", t->bgp.export_limit);
	bt_buf_puts(b, "\t\tnext hop self;\n\t};\n");
	bt_buf_free(&name);
}

static void put_session(struct bt_buf *b, const struct bt_config *config,
			const struct bt_conf_link *link, const struct bt_conf_tunnel *t,
			const struct family *f)
{
	const struct bt_conf_inside *in = bt_bird_session(t, f->af);
	char local[BT_ADDR_STRLEN], peer[BT_ADDR_STRLEN];

	if (!in)
		return;
	bt_buf_puts(b, "protocol bgp ");
	bt_bird_put_session(b, link, t, f->af);
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
	put_graceful(b, config, t);
	put_channel(b, link, t, f);
	bt_buf_puts(b, "}\n\n");
}

/* --- the whole --- */

static void put_link(struct bt_buf *b, const struct bt_config *config,
		     const struct bt_conf_link *link, const struct family *f)
{
	size_t i;

	if (!link_has_sessions(link, f))
		return;
	put_tables(b, link, f);
	put_announcements(b, link, f);
	for (i = 0; i < link->tunnels.n; i++)
		put_session(b, config, link, &link->tunnels.v[i], f);
}

static bool has_graceful(const struct bt_config *config)
{
	size_t i, j;

	for (i = 0; i < config->links.n; i++) {
		const struct bt_conf_link *link = &config->links.v[i];

		for (j = 0; j < link->tunnels.n; j++) {
			const struct bt_conf_tunnel *t = &link->tunnels.v[j];

			if (t->bgp.graceful == BT_GRACEFUL_ON &&
			    (bt_bird_session(t, AF_INET) || bt_bird_session(t, AF_INET6)))
				return true;
		}
	}
	return false;
}

static void put_all_flags(struct bt_buf *b, const struct bt_config *config,
			  const struct bt_bird_flags *flags)
{
	char *vars = bt_bird_vars_path(config->bird.include);
	size_t i;

	if (flags->n)
		bt_buf_printf(b, "include \"%s\";\n\n", vars);
	free(vars);
	for (i = 0; i < config->links.n; i++)
		if (link_has_sessions(&config->links.v[i], &families[0]) ||
		    link_has_sessions(&config->links.v[i], &families[1]))
			put_flags(b, &config->links.v[i], flags);
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
	const struct bt_steer nothing = {};
	struct bt_bird_flags flags = {};
	struct bt_buf b = {};
	size_t i, j, head;

	bt_buf_puts(&b, BT_BIRD_HEAD " from its own configuration; changes are lost.\n\n");
	head = b.len;
	/* Or a peer that is dead would keep a BIRD that recovers waiting for 240 s. */
	if (has_graceful(config))
		bt_buf_printf(&b, "graceful restart wait %u;\n\n", config->bird.recovery_time);
	bt_bird_flags(config, &nothing, &flags);
	put_all_flags(&b, config, &flags);
	bt_bird_flags_free(&flags);
	for (i = 0; i < BT_ARRAY_SIZE(families); i++) {
		const struct family *f = &families[i];

		if (has_sessions(config, f) && !(operators_kernel & f->kernel))
			put_main_kernel(&b, f);
		for (j = 0; j < config->links.n; j++)
			put_link(&b, config, &config->links.v[j], f);
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

				if (!bt_bird_session(&link->tunnels.v[k], families[i].af))
					continue;
				bt_bird_put_session(&name, link, &link->tunnels.v[k],
						    families[i].af);
				*bt_array_add(out) = name.data;
			}
		}
	}
}
