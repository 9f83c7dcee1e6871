// SPDX-License-Identifier: GPL-2.0
/*
 * What a configuration must not say, though each of its values is well formed. The
 * messages are for whoever has the file open: where, what, and what to do.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "yaml_tree.h"

#define MAX_FAR_END	15u
#define MAX_SOCKET	107	/* sockaddr_un */
#define MAX_OPTION	64

struct check {
	const struct bt_config *config;
	struct bt_error *e;
};

/* The value of a key, wherever it was said: here, in the defaults, or not at all. */
static const struct bt_yaml *where(const struct bt_yaml *node, const struct bt_yaml *defaults,
				   const char *key)
{
	const struct bt_yaml *value = node ? bt_yaml_get(node, key) : NULL;

	if (!value && defaults)
		value = bt_yaml_get(defaults, key);
	return value ? value : node ? node : defaults;
}

#define REFUSE(_check, _node, ...)	\
	bt_yaml_error((_check)->e, (_check)->config->path, _node, __VA_ARGS__)

/* --- names */

/* What a name may have in it is checked where it is read. */
static int check_name(struct check *c, const struct bt_yaml *node, const char *name,
		      const char *what)
{
	return *name ? 0 : REFUSE(c, node, "name: the %s needs one", what);
}

/*
 * BIRD and charon know a tunnel as LINK_TUNNEL, and BIRD its session over IPv6 as
 * LINK_TUNNEL_6, with "_" for "-" and ".".
 */
#define NAME_LEN	(2 * IFNAMSIZ + 4)

static const char *outside_name(char *buf, const char *link, const char *tunnel, const char *end)
{
	char *c;

	snprintf(buf, NAME_LEN, "%s_%s%s", link, tunnel, end);
	for (c = buf; *c; c++)
		if (strchr("-.", *c))
			*c = '_';
	return buf;
}

static bool same_outside(const char *link_a, const char *a, const char *link_b, const char *b)
{
	static const char *const ends[][2] = { { "", "" }, { "_6", "" }, { "", "_6" } };
	char buf_a[NAME_LEN], buf_b[NAME_LEN];
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(ends); i++)
		if (!strcmp(outside_name(buf_a, link_a, a, ends[i][0]),
			    outside_name(buf_b, link_b, b, ends[i][1])))
			return true;
	return false;
}

/* What bird_render.c calls the protocols of a link that are no sessions */
static bool is_reserved(const char *tunnel)
{
	static const char *const names[] = {
		"announce4", "announce6", "flags", "kernel4", "kernel6", "pipe4", "pipe6",
		"all4", "all6", "all_pipe4", "all_pipe6", "all_kernel4", "all_kernel6",
	};
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(names); i++)
		if (same_outside("", tunnel, "", names[i]))
			return true;
	return false;
}

/* What it calls protocols that go by the names of links: "bt_dead_bow0_…" */
static bool is_reserved_link(const char *link)
{
	static const char *const names[] = { "boost", "dead", "step" };
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(names); i++)
		if (!strncmp(link, names[i], strlen(names[i])) &&
		    strchr("-._", link[strlen(names[i])]))
			return true;
	return false;
}

/* --- addresses */

static bool is_host(const struct bt_prefix *p)
{
	unsigned int bits = bt_addr_bits(&p->addr);
	struct bt_prefix net = *p;
	unsigned int i;

	/* Point-to-point networks and single hosts have no reserved address. */
	if (p->len + 1 >= bits)
		return true;
	bt_prefix_mask(&net);
	if (!bt_addr_cmp(&net.addr, &p->addr))
		return p->addr.family == AF_INET6;
	if (p->addr.family == AF_INET6)
		return true;
	for (i = p->len; i < bits; i++)
		net.addr.bytes[i / 8] |= 0x80 >> i % 8;
	return bt_addr_cmp(&net.addr, &p->addr) != 0;
}

static int check_inside(struct check *c, const struct bt_conf_inside *in)
{
	const struct bt_yaml *local = where(in->node, NULL, "local");
	const struct bt_yaml *peer = where(in->node, NULL, "peer");
	struct bt_prefix both = in->local;
	char buf[BT_ADDR_STRLEN];

	bt_prefix_mask(&both);
	if (!in->local.addr.family)
		return REFUSE(c, in->node, "local: our address inside is missing");
	if (!is_host(&in->local))
		return REFUSE(c, local, "local: %s is the network or its broadcast address",
			      bt_addr_str(&in->local.addr, buf));
	if (!in->peer.family)
		return REFUSE(c, in->node,
			      "peer: the far end is missing (it is clear by itself in a /30, /31, /126 or /127 only)");
	if (in->peer.family != in->local.addr.family)
		return REFUSE(c, peer, "peer: not of the same family as local");
	if (!bt_addr_cmp(&in->peer, &in->local.addr))
		return REFUSE(c, peer, "peer: the same address as local");
	if (!bt_prefix_contains(&both, &in->peer))
		return REFUSE(c, peer, "peer: %s is not in the network of local",
			      bt_addr_str(&in->peer, buf));
	return 0;
}

static bool is_loopback(const struct bt_addr *a)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	return a->family == AF_INET ? a->bytes[0] == 127 :
	       !memcmp(a->bytes, loopback6, sizeof(loopback6));
}

static bool is_multicast(const struct bt_addr *a)
{
	return a->family == AF_INET ? a->bytes[0] >= 224 : a->bytes[0] == 0xff;
}

static int check_outer(struct check *c, const struct bt_conf_link *link,
		       const struct bt_conf_tunnel *t)
{
	const struct bt_yaml *defaults = link->defaults.node;
	const struct bt_tunnel *k = &t->kernel;

	if (bt_addr_is_any(&k->local) && bt_addr_is_any(&k->remote))
		return REFUSE(c, where(t->node, defaults, "remote"),
			      "remote: the address of the peer is missing, and local too");
	if (k->local.family != k->remote.family)
		return REFUSE(c, where(t->node, defaults, "remote"),
			      "remote: not of the same family as local");
	if (is_loopback(&k->remote) || is_multicast(&k->remote))
		return REFUSE(c, where(t->node, defaults, "remote"),
			      "remote: nobody else can have this address");
	if (is_loopback(&k->local) || is_multicast(&k->local))
		return REFUSE(c, where(t->node, defaults, "local"),
			      "local: not an address of an interface");
	if (!bt_addr_cmp(&k->local, &k->remote))
		return REFUSE(c, where(t->node, defaults, "remote"),
			      "remote: the same address as local");
	return 0;
}

/* --- secrets */

/* A secret that others can read, or put in place, is none. */
static int check_secret(struct check *c, const struct bt_yaml *node, const char *key,
			const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err = fd < 0 || fstat(fd, &st) ? errno : 0;

	if (fd >= 0)
		close(fd);
	if (err)
		return REFUSE(c, node, "%s: %s: %s", key, path, strerror(err));
	if (!S_ISREG(st.st_mode))
		return REFUSE(c, node, "%s: %s is not a file", key, path);
	if (st.st_mode & 077)
		return REFUSE(c, node, "%s: others may read %s: chmod 600 it", key, path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return REFUSE(c, node, "%s: %s belongs to somebody else", key, path);
	if (!st.st_size)
		return REFUSE(c, node, "%s: %s is empty", key, path);
	return 0;
}

/* --- a tunnel */

/* Options that are handed on must not speak against what the rest of the file says. */
static int check_extra(struct check *c, const struct bt_yaml *node, const struct bt_map *extra,
		       const char *const *ours)
{
	size_t i, j;

	for (i = 0; i < extra->n; i++) {
		const char *key = extra->v[i].key, *p;

		for (p = key; *p; p++)
			if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", *p))
				return REFUSE(c, node,
					      "extra: %s is no option of strongSwan's", key);
		if (strlen(key) > MAX_OPTION)
			return REFUSE(c, node, "extra: an option of %zu letters", strlen(key));
		for (j = 0; ours[j]; j++)
			if (!strcmp(key, ours[j]))
				return REFUSE(c, node,
					      "extra: %s follows from other keys of this file",
					      key);
	}
	return 0;
}

static const char *const ike_ours[] = {
	"version", "local_addrs", "remote_addrs", "proposals", "dpd_delay", "encap", "children",
	"local", "remote", "if_id_in", "if_id_out", NULL
};

static const char *const esp_ours[] = {
	"mode", "policies", "if_id_in", "if_id_out", "local_ts", "remote_ts", "esp_proposals",
	"ah_proposals", "replay_window", "copy_df", "start_action", "mark_in", "mark_out",
	"set_mark_in", "set_mark_out", NULL
};

static int check_ike(struct check *c, const struct bt_conf_link *link,
		     const struct bt_conf_tunnel *t)
{
	const struct bt_yaml *defaults = link->defaults.ike.node;
	const struct bt_yaml *node = t->ike.node ? t->ike.node : t->node;
	const struct bt_yaml *esp = t->esp.node ? t->esp.node : node;

	if (!t->manage.ike)
		return 0;
	if (!t->ike.psk_file)
		return REFUSE(c, node, "psk_file: which file has the pre-shared key of %s?",
			      t->kernel.name);
	if (check_secret(c, where(node, defaults, "psk_file"), "psk_file", t->ike.psk_file))
		return -EINVAL;
	if (check_extra(c, where(node, defaults, "extra"), &t->ike.extra, ike_ours) ||
	    check_extra(c, where(esp, link->defaults.esp.node, "extra"), &t->esp.extra,
			esp_ours))
		return -EINVAL;
	if (t->ike.start == BT_START_INITIATE && bt_addr_is_any(&t->kernel.remote))
		return REFUSE(c, where(node, defaults, "start"),
			      "start: initiate needs a remote address to go to");
	if (t->esp.lifetime >= t->ike.lifetime)
		return REFUSE(c, where(esp, link->defaults.esp.node, "lifetime"),
			      "esp.lifetime must be less than ike.lifetime (%us)",
			      t->ike.lifetime);
	return 0;
}

/* It becomes part of names of BIRD's, and must not be mistaken for other parts of them. */
static bool is_far_end(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (!isascii(name[i]) || !(i ? isalnum(name[i]) : isalpha(name[i])))
			return false;
	return i && i <= MAX_FAR_END;
}

static int check_peer(struct check *c, const struct bt_conf_link *link,
		      const struct bt_conf_tunnel *t)
{
	const struct bt_yaml *defaults = link->defaults.bgp.node;
	const struct bt_yaml *node = t->bgp.node ? t->bgp.node : t->node;

	if (!t->bgp.as || !t->manage.bgp)
		return 0;
	if (!link->bgp.as)
		return REFUSE(c, link->bgp.node ? link->bgp.node : link->node,
			      "bgp.as: our own AS number is missing, while %s has a peer's",
			      t->kernel.name);
	if (!t->inside.n)
		return REFUSE(c, t->node, "inside: BGP needs addresses inside the tunnel");
	if (t->bgp.keepalive * 2 > t->bgp.hold)
		return REFUSE(c, where(node, defaults, "keepalive"),
			      "keepalive: more than half of the hold time (%us)", t->bgp.hold);
	if (t->bgp.return_path == BT_RETURN_PREPEND && t->bgp.as == link->bgp.as)
		return REFUSE(c, where(node, defaults, "return_path"),
			      "return_path: a peer in our own AS refuses paths with its number: med or off");
	if (t->bgp.far_end && !is_far_end(t->bgp.far_end))
		return REFUSE(c, where(node, defaults, "far_end"),
			      "far_end: %s: a letter, then letters and digits, %u in all at most",
			      t->bgp.far_end, MAX_FAR_END);
	return 0;
}

/**
 * bt_config_check_tunnel() - is a tunnel by itself in order?
 * @config: configuration
 * @link: its link
 * @t: tunnel
 * @e: says what is wrong
 *
 * Return: 0 or -EINVAL.
 */
int bt_config_check_tunnel(const struct bt_config *config, const struct bt_conf_link *link,
			   const struct bt_conf_tunnel *t, struct bt_error *e)
{
	struct check c = { .config = config, .e = e };
	size_t i;

	if (check_name(&c, t->node, t->kernel.name, "tunnel") || check_outer(&c, link, t))
		return -EINVAL;
	if (is_reserved(t->kernel.name))
		return REFUSE(&c, where(t->node, NULL, "name"),
			      "name: %s is what a part of BIRD's configuration is called",
			      t->kernel.name);
	for (i = 0; i < t->inside.n; i++) {
		if (check_inside(&c, &t->inside.v[i]))
			return -EINVAL;
		if (i && t->inside.v[i].local.addr.family == t->inside.v[0].local.addr.family)
			return REFUSE(&c, t->inside.v[i].node,
				      "inside: one pair of addresses of each family");
	}
	for (i = 0; i < t->kernel.selectors.n; i++) {
		const struct bt_selector *s = &t->kernel.selectors.v[i];

		if (s->set != (BT_BIT(BOWTIE_A_SELECTOR_LOCAL) | BT_BIT(BOWTIE_A_SELECTOR_REMOTE)))
			return REFUSE(&c, where(t->node, link->defaults.node, "selectors"),
				      "selectors: each needs local and remote");
		if (s->local.addr.family != s->remote.addr.family)
			return REFUSE(&c, where(t->node, link->defaults.node, "selectors"),
				      "selectors: local and remote are of different families");
	}
	return check_ike(&c, link, t) || check_peer(&c, link, t) ? -EINVAL : 0;
}

/* --- tunnels together */

static bool same_inside(const struct bt_addr *a, const struct bt_addr *b)
{
	return !bt_addr_is_any(a) && !bt_addr_cmp(a, b);
}

static int check_pair(struct check *c, const struct bt_conf_link *link,
		      const struct bt_conf_tunnel *a, const struct bt_conf_tunnel *b)
{
	const struct bt_tunnel *j = &a->kernel, *k = &b->kernel;
	const uint64_t id = BT_BIT(BOWTIE_A_TUNNEL_ID);

	if (!strcmp(j->name, k->name))
		return REFUSE(c, where(b->node, NULL, "name"),
			      "name: another tunnel of the link is called %s", k->name);
	if (same_outside(link->name, j->name, link->name, k->name))
		return REFUSE(c, where(b->node, NULL, "name"),
			      "name: too much like %s: BIRD could not tell their sessions apart",
			      j->name);
	if ((j->set & k->set & id) && j->id == k->id)
		return REFUSE(c, where(b->node, NULL, "id"), "id: %s has it already", j->name);
	if (same_inside(&j->inside_peer4, &k->inside_peer4) ||
	    same_inside(&j->inside_peer6, &k->inside_peer6))
		return REFUSE(c, where(b->node, NULL, "inside"),
			      "inside: %s has the same peer address", j->name);
	if (same_inside(&j->inside_peer4, &k->inside_local4) ||
	    same_inside(&j->inside_local4, &k->inside_peer4) ||
	    same_inside(&j->inside_peer6, &k->inside_local6) ||
	    same_inside(&j->inside_local6, &k->inside_peer6))
		return REFUSE(c, where(b->node, NULL, "inside"),
			      "inside: an address is at the other end of %s", j->name);
	return 0;
}

static int check_if_id(struct check *c, const struct bt_conf_tunnel *t,
		       const struct bt_conf_tunnel *until)
{
	size_t i, j;

	for (i = 0; i < c->config->links.n; i++) {
		const struct bt_conf_link *link = &c->config->links.v[i];

		for (j = 0; j < link->tunnels.n; j++) {
			const struct bt_conf_tunnel *other = &link->tunnels.v[j];

			if (other == until)
				return 0;
			if (other->kernel.if_id == t->kernel.if_id)
				return REFUSE(c, where(t->node, NULL, "if_id"),
					      "if_id: %s of %s has %u already; give one of them another",
					      other->kernel.name, link->name, t->kernel.if_id);
		}
	}
	return 0;
}

static int check_route(struct check *c, const struct bt_conf_link *link,
		       const struct bt_conf_route *r)
{
	size_t i;

	if (!r->prefixes.n)
		return REFUSE(c, r->node, "prefixes: where to does this route lead?");
	for (i = 0; i < r->tunnels.n; i++)
		if (!bt_conf_link_tunnel(link, r->tunnels.v[i]))
			return REFUSE(c, where(r->node, NULL, "tunnels"),
				      "tunnels: %s has no tunnel %s", link->name,
				      r->tunnels.v[i]);
	return 0;
}

/* A table of one link must not be of another one, too. */
static int check_tables(struct check *c, const struct bt_conf_link *a, uint32_t table,
			const char *key, const struct bt_conf_link *b)
{
	if (table != a->bgp.table && table != a->bgp.backup_table)
		return 0;
	return REFUSE(c, b->node, "bgp.%s: %u is that of %s already; give one of them another",
		      key, table, a->name);
}

static int check_table(struct check *c, const struct bt_conf_link *link, uint32_t table,
		       const char *key)
{
	if (table < RT_TABLE_DEFAULT || table > RT_TABLE_LOCAL)
		return 0;
	return REFUSE(c, where(link->bgp.node, NULL, key),
		      "%s: the kernel's own are no place for this", key);
}

/* Two links: only where one's name begins as the other's, tunnels can be alike. */
static int check_links(struct check *c, const struct bt_conf_link *a,
		       const struct bt_conf_link *b)
{
	char buf_a[NAME_LEN], buf_b[NAME_LEN];
	size_t i, j, len_a, len_b;

	if (!strcmp(a->name, b->name))
		return REFUSE(c, where(b->node, NULL, "name"),
			      "name: another link is called %s", a->name);
	outside_name(buf_a, a->name, "", "");
	outside_name(buf_b, b->name, "", "");
	if (!strcmp(buf_a, buf_b))
		return REFUSE(c, where(b->node, NULL, "name"),
			      "name: too much like %s: BIRD does not tell - . and _ apart",
			      a->name);
	if (check_tables(c, a, b->bgp.table, "table", b) ||
	    check_tables(c, a, b->bgp.backup_table, "backup_table", b))
		return -EINVAL;
	if (bt_conf_link_mark(a) == bt_conf_link_mark(b))
		return REFUSE(c, b->node,
			      "bgp.table: %u is too much like that of %s (%u); give one of them another",
			      b->bgp.table, a->name, a->bgp.table);
	len_a = strlen(buf_a);
	len_b = strlen(buf_b);
	if (strncmp(buf_a, buf_b, len_a < len_b ? len_a : len_b) != 0)
		return 0;
	for (i = 0; i < a->tunnels.n; i++) {
		for (j = 0; j < b->tunnels.n; j++) {
			const struct bt_conf_tunnel *s = &a->tunnels.v[i];
			const struct bt_conf_tunnel *t = &b->tunnels.v[j];

			if (same_outside(a->name, s->kernel.name, b->name, t->kernel.name))
				return REFUSE(c, where(t->node, NULL, "name"),
					      "name: %s of %s and %s of %s would have the same name in charon and BIRD",
					      s->kernel.name, a->name, t->kernel.name, b->name);
		}
	}
	return 0;
}

/* It is run as what we are: whoever can change it may do all that we may. */
static int check_program(struct check *c, const struct bt_conf_link *link)
{
	struct bt_error e = {};

	if (!link->on_change || !bt_conf_program_check(link->on_change, NULL, &e))
		return 0;
	REFUSE(c, where(link->node, NULL, "on_change"), "on_change: %s", e.text);
	bt_error_free(&e);
	return -EINVAL;
}

static int check_link(struct check *c, const struct bt_conf_link *link)
{
	size_t i, j;

	if (check_name(c, link->node, link->name, "link"))
		return -EINVAL;
	if (!strcmp(link->name, "lo") || !strcmp(link->name, "all") ||
	    !strcmp(link->name, "default"))
		return REFUSE(c, where(link->node, NULL, "name"), "name: %s is the kernel's",
			      link->name);
	if (is_reserved_link(link->name))
		return REFUSE(c, where(link->node, NULL, "name"),
			      "name: %s is what a part of BIRD's configuration is called",
			      link->name);
	for (i = 0; i < link->tunnels.n; i++) {
		if (bt_config_check_tunnel(c->config, link, &link->tunnels.v[i], c->e))
			return -EINVAL;
		for (j = 0; j < i; j++)
			if (check_pair(c, link, &link->tunnels.v[j], &link->tunnels.v[i]))
				return -EINVAL;
		if (check_if_id(c, &link->tunnels.v[i], &link->tunnels.v[i]))
			return -EINVAL;
	}
	for (i = 0; i < link->routes.n; i++)
		if (check_route(c, link, &link->routes.v[i]))
			return -EINVAL;
	if (check_program(c, link))
		return -EINVAL;
	if (check_table(c, link, link->bgp.table, "table") ||
	    check_table(c, link, link->bgp.backup_table, "backup_table"))
		return -EINVAL;
	if (link->bgp.backup_table == link->bgp.table)
		return REFUSE(c, where(link->bgp.node, NULL, "backup_table"),
			      "backup_table: must be another one than table");
	if (link->bgp.router_id.family == AF_INET6)
		return REFUSE(c, where(link->bgp.node, NULL, "router_id"),
			      "router_id: written as an IPv4 address");
	return 0;
}

/**
 * bt_config_check() - does a configuration make sense?
 * @config: resolved configuration
 * @e: says what is wrong, and where
 *
 * Return: 0 or -EINVAL.
 */
int bt_config_check(const struct bt_config *config, struct bt_error *e)
{
	struct check c = { .config = config, .e = e };
	size_t i, j;

	if (!config->links.n)
		return REFUSE(&c, config->node, "links: there is none");
	if (strlen(config->charon.socket) > MAX_SOCKET)
		return REFUSE(&c, where(config->charon.node, NULL, "socket"),
			      "socket: longer than %d letters", MAX_SOCKET);
	if (strlen(config->bird.socket) > MAX_SOCKET)
		return REFUSE(&c, where(config->bird.node, NULL, "socket"),
			      "socket: longer than %d letters", MAX_SOCKET);
	for (i = 0; i < config->links.n; i++) {
		for (j = 0; j < i; j++)
			if (check_links(&c, &config->links.v[j], &config->links.v[i]))
				return -EINVAL;
		if (check_link(&c, &config->links.v[i]))
			return -EINVAL;
	}
	return 0;
}
