// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration file: from YAML to structures by the field tables, then what is
 * inherited and derived. Errors say file:line:column. conf_check.c says what makes
 * no sense.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "types.h"
#include "yaml_tree.h"

#define MAX_SUGGESTION	32

/*
 * What a tunnel has that nothing else is said about: what AWS, Azure, GCP and the
 * routers of the usual makers agree on.
 */
static const char builtin[] =
	"manage: {ike: on, bgp: on}\n"
	"ike:\n"
	"  version: 2\n"
	"  auth: psk\n"
	"  proposals: [aes256gcm16-prfsha384-ecp384, aes128gcm16-prfsha256-ecp256,\n"
	"              aes256-sha256-modp2048, aes128-sha256-modp2048]\n"
	"  lifetime: 8h\n"
	"  dpd: 10s\n"
	"  start: initiate\n"
	"esp:\n"
	"  proposals: [aes128gcm16-ecp256, aes128gcm16-modp2048, aes256gcm16-ecp384,\n"
	"              aes256-sha256-modp2048, aes128-sha256-modp2048]\n"
	"  lifetime: 1h\n"
	"  replay_window: 1024\n"
	"bgp:\n"
	"  hold: 30s\n"
	"  keepalive: 10s\n"
	"  export_limit: 100\n"
	"  import_limit: 1000\n"
	"  return_path: med\n"
	"  graceful_restart: on\n";

/* What Azure's gateways have as a rule: they ignore MED. */
#define AZURE_AS	65515
static const char builtin_azure[] = "bgp: {return_path: prepend}\n";

/* --- YAML to structures --- */

struct fill {
	const char *path;
	struct bt_error *e;
};

static bool key_is(const char *key, const char *name)
{
	for (; *key && *name; key++, name++)
		if (*key != *name && !(*key == '_' && *name == '-'))
			return false;
	return !*key && !*name;
}

/* Can the file have it? Inside addresses have a key of their own. */
static bool is_key(const struct bt_field *f)
{
	return *f->name && (f->flags & (BT_F_SET | BT_F_KEY)) && f->type != &bt_type_inside;
}

/* The field of a key; "base" becomes the object that has it. */
static const struct bt_field *find_field(const struct bt_object *o, void *obj, const char *key,
					 void **base)
{
	const struct bt_field *f, *found;

	bt_for_each_field(f, o) {
		if (is_key(f) && key_is(key, f->name)) {
			*base = obj;
			return f;
		}
	}
	bt_for_each_field(f, o) {
		if (f->type != &bt_type_nested || *f->name)
			continue;
		found = find_field(f->nested, bt_field_value(f, obj), key, base);
		if (found)
			return found;
	}
	return NULL;
}

/* Letters that have to be changed, added or removed to make one word of another. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[MAX_SUGGESTION + 1], i, j, last, here;
	size_t len = strlen(b);

	if (len > MAX_SUGGESTION || strlen(a) > MAX_SUGGESTION)
		return MAX_SUGGESTION;
	for (j = 0; j <= len; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		last = row[0];
		row[0] = i + 1;
		for (j = 0; j < len; j++) {
			here = row[j + 1];
			row[j + 1] = last + (a[i] != b[j] && !(a[i] == '_' && b[j] == '-'));
			if (row[j + 1] > row[j] + 1)
				row[j + 1] = row[j] + 1;
			if (row[j + 1] > here + 1)
				row[j + 1] = here + 1;
			last = here;
		}
	}
	return row[len];
}

static void suggest(const struct bt_object *o, const char *key, const char **best,
		    unsigned int *best_distance)
{
	const struct bt_field *f;
	unsigned int d;

	bt_for_each_field(f, o) {
		if (f->type == &bt_type_nested && !*f->name)
			suggest(f->nested, key, best, best_distance);
		if (!is_key(f))
			continue;
		d = distance(key, f->name);
		if (d < *best_distance) {
			*best_distance = d;
			*best = f->name;
		}
	}
}

static int unknown_key(struct fill *fill, const struct bt_object *o, const struct bt_yaml *node)
{
	const char *best = NULL;
	unsigned int best_distance = 3;
	char *name, *c;

	suggest(o, node->key, &best, &best_distance);
	if (!best)
		return bt_yaml_error(fill->e, fill->path, node, "%s: there is no such key in %s",
				     node->key, o->name);
	name = bt_strdup(best);
	for (c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	bt_yaml_error(fill->e, fill->path, node, "%s: there is no such key in %s; is it %s?",
		      node->key, o->name, name);
	free(name);
	return -EINVAL;
}

static int want_kind(struct fill *fill, const struct bt_yaml *node, enum bt_yaml_kind kind)
{
	static const char *const kinds[] = { "a single value", "a list", "keys with values" };

	if (node->kind == kind)
		return 0;
	return bt_yaml_error(fill->e, fill->path, node, "%s: %s is expected here",
			     node->key ? node->key : "this", kinds[kind]);
}

static int fill_object(struct fill *fill, const struct bt_object *o, void *obj,
		       const struct bt_yaml *node);

static int fill_scalar(struct fill *fill, const struct bt_field *f, void *value, const char *key,
		       const struct bt_yaml *node)
{
	const char *text = node->text;
	struct bt_error why = {};

	if (want_kind(fill, node, BT_YAML_SCALAR))
		return -EINVAL;
	if (bt_yaml_is_null(node))
		return bt_yaml_error(fill->e, fill->path, node, "%s: the value is missing", key);
	if (f->type == &bt_type_onoff && !node->quoted) {
		if (!strcmp(text, "true") || !strcmp(text, "yes"))
			text = "on";
		else if (!strcmp(text, "false") || !strcmp(text, "no"))
			text = "off";
	}
	if (f->type->parse(f, text, value, &why)) {
		bt_yaml_error(fill->e, fill->path, node, "%s: %s", key, why.text);
		bt_error_free(&why);
		return -EINVAL;
	}
	return 0;
}

static int fill_sequence(struct fill *fill, const struct bt_field *f, void *value,
			 const struct bt_yaml *node)
{
	size_t i;

	if (node->kind == BT_YAML_SCALAR)
		return fill_scalar(fill, f, value, node->key, node);
	if (want_kind(fill, node, BT_YAML_SEQUENCE))
		return -EINVAL;
	for (i = 0; i < node->n; i++)
		if (fill_scalar(fill, f, value, node->key, node->child[i]))
			return -EINVAL;
	return 0;
}

static int fill_list(struct fill *fill, const struct bt_field *f, void *value,
		     const struct bt_yaml *node)
{
	size_t i;

	if (want_kind(fill, node, BT_YAML_SEQUENCE))
		return -EINVAL;
	if (f->max && node->n > f->max)
		return bt_yaml_error(fill->e, fill->path, node->child[f->max],
				     "%s: there may be %u at most", node->key, f->max);
	for (i = 0; i < node->n; i++)
		if (fill_object(fill, f->nested, bt_list_add(f, value), node->child[i]))
			return -EINVAL;
	return 0;
}

static int fill_map(struct fill *fill, struct bt_map *map, const struct bt_yaml *node)
{
	size_t i;

	if (want_kind(fill, node, BT_YAML_MAPPING))
		return -EINVAL;
	for (i = 0; i < node->n; i++) {
		if (want_kind(fill, node->child[i], BT_YAML_SCALAR))
			return -EINVAL;
		bt_map_add(map, node->child[i]->key, node->child[i]->text);
	}
	return 0;
}

static int fill_value(struct fill *fill, const struct bt_field *f, void *obj,
		      const struct bt_yaml *node)
{
	void *value = bt_field_value(f, obj);
	int err;

	if (f->type == &bt_type_nested)
		err = fill_object(fill, f->nested, value, node);
	else if (f->type == &bt_type_list)
		err = fill_list(fill, f, value, node);
	else if (f->type == &bt_type_map)
		err = fill_map(fill, value, node);
	else if (bt_type_is_sequence(f->type))
		err = fill_sequence(fill, f, value, node);
	else
		err = fill_scalar(fill, f, value, node->key, node);
	if (!err)
		*(uint64_t *)obj |= BT_BIT(f->bit);
	return err;
}

/* A link's MTU may be "auto", which is another field: model.c knows. */
static int fill_mtu(struct fill *fill, struct bt_link *link, const struct bt_yaml *node)
{
	struct bt_error why = {};

	if (want_kind(fill, node, BT_YAML_SCALAR))
		return -EINVAL;
	if (bt_link_parse(link, "mtu", node->text, &why)) {
		bt_yaml_error(fill->e, fill->path, node, "%s", why.text);
		bt_error_free(&why);
		return -EINVAL;
	}
	return 0;
}

static int fill_object(struct fill *fill, const struct bt_object *o, void *obj,
		       const struct bt_yaml *node)
{
	const struct bt_field *f;
	void *base;
	size_t i;
	int err;

	if (want_kind(fill, node, BT_YAML_MAPPING))
		return -EINVAL;
	bt_for_each_field(f, o)
		if (f->type == &bt_type_node)
			memcpy(bt_field_value(f, obj), &node, sizeof(node));
	for (i = 0; i < node->n; i++) {
		f = find_field(o, obj, node->child[i]->key, &base);
		if (!f)
			return unknown_key(fill, o, node->child[i]);
		if (o == &bt_conf_link_object && !strcmp(f->name, "mtu"))
			err = fill_mtu(fill, base, node->child[i]);
		else
			err = fill_value(fill, f, base, node->child[i]);
		if (err)
			return err;
	}
	return 0;
}

/**
 * bt_config_fill() - put what a mapping says into a structure
 * @o: kind of object
 * @obj: object, empty
 * @path: of the file, for messages
 * @node: mapping; @obj keeps pointers to what is in it
 * @e: says what is wrong
 *
 * Return: 0 or -EINVAL; the caller frees @obj in either case.
 */
int bt_config_fill(const struct bt_object *o, void *obj, const char *path,
		   const struct bt_yaml *node, struct bt_error *e)
{
	struct fill fill = { .path = path, .e = e };

	return fill_object(&fill, o, obj, node);
}

/* --- what is inherited and derived --- */

/* Take over what is not said, deep down. Lists are said as a whole or not at all. */
static void inherit(const struct bt_object *o, void *into, const void *from)
{
	const struct bt_field *f;

	bt_for_each_field(f, o) {
		void *to = bt_field_value(f, into);
		const void *value = bt_field_cvalue(f, from);

		if (f->type == &bt_type_nested) {
			inherit(f->nested, to, value);
			continue;
		}
		if (f->type == &bt_type_node || bt_field_is_set(f, into) ||
		    !bt_field_is_set(f, from))
			continue;
		if (f->type->copy)
			f->type->copy(f, to, value);
		else
			memcpy(to, value, f->type->size);
		*(uint64_t *)into |= BT_BIT(f->bit);
	}
}

static void inherit_builtin(struct bt_conf_tunnel *t, const char *text)
{
	struct bt_error e = {};
	struct bt_yaml *tree = bt_yaml_parse("builtin", text, strlen(text), &e);
	struct bt_conf_tunnel defaults = {};

	if (!tree || bt_config_fill(&bt_conf_tunnel_object, &defaults, "builtin", tree, &e))
		abort();	/* a test sees to it */
	inherit(&bt_conf_tunnel_object, t, &defaults);
	bt_object_free(&bt_conf_tunnel_object, &defaults);
	bt_yaml_free(tree);
}

/* FNV-1a over the names of a link and of what it has. */
static uint32_t name_hash(const char *link, const char *name)
{
	const char *const parts[] = { link, "/", name };
	uint32_t hash = 2166136261U;
	const char *c;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(parts); i++)
		for (c = parts[i]; *c; c++)
			hash = (hash ^ (unsigned char)*c) * 16777619U;
	return hash;
}

/*
 * Numbers that stay the same wherever the link and the tunnel stand in the file: SAs
 * that live are bound by the one, BIRD keeps routes by the other. Two that collide are
 * refused later.
 */
static uint32_t derive_if_id(const struct bt_conf_link *link, const struct bt_conf_tunnel *t)
{
	uint32_t hash = name_hash(link->name, t->kernel.name) & 0x7fffffff;

	return hash ? hash : 1;
}

static uint32_t derive_table(const struct bt_conf_link *link, const char *what)
{
	return BT_ROUTE_TABLE | (name_hash(link->name, what) & (BT_ROUTE_TABLE - 1));
}

/* The other address of a network that has two. */
static void derive_peer(struct bt_conf_inside *in)
{
	unsigned int bits = bt_addr_bits(&in->local.addr), spare = bits - in->local.len;

	if (in->peer.family || (spare != 1 && spare != 2))
		return;
	/* .0 and .3 of a /30 are no hosts; the check will say that of ours. */
	in->peer = in->local.addr;
	in->peer.bytes[bits / 8 - 1] ^= spare == 1 ? 1 : 3;
}

static void set_inside(struct bt_tunnel *k, const struct bt_conf_inside *in)
{
	if (in->local.addr.family == AF_INET6) {
		k->inside_local6 = in->local.addr;
		k->inside_peer6 = in->peer;
	} else {
		k->inside_local4 = in->local.addr;
		k->inside_peer4 = in->peer;
	}
}

/* Are there addresses to probe with? */
static bool has_pair(const struct bt_tunnel *k)
{
	return (k->inside_local4.family && k->inside_peer4.family) ||
	       (k->inside_local6.family && k->inside_peer6.family);
}

/* The module is told everything, so that what the file leaves out is reset. */
static void resolve_kernel(struct bt_conf_link *link, struct bt_conf_tunnel *t)
{
	struct bt_tunnel *k = &t->kernel;
	const struct bt_field *f;
	size_t i;

	if (!(k->set & BT_BIT(BOWTIE_A_TUNNEL_IF_ID)))
		k->if_id = derive_if_id(link, t);
	for (i = 0; i < t->inside.n; i++) {
		derive_peer(&t->inside.v[i]);
		set_inside(k, &t->inside.v[i]);
	}
	if (!(k->set & BT_BIT(BOWTIE_A_TUNNEL_PROBE)) && has_pair(k)) {
		k->probe = BOWTIE_PROBE_TYPE_ICMP;
		k->set |= BT_BIT(BOWTIE_A_TUNNEL_PROBE);
	}
	bt_for_each_field(f, &bt_tunnel_object) {
		/* A drain that somebody has ordered by hand is not to be undone at once. */
		if (!(f->flags & BT_F_SET) || bt_field_is_set(f, k) ||
		    f->bit == BOWTIE_A_TUNNEL_ADMIN)
			continue;
		bt_field_set_default(f, k);
	}
	k->inside_local4.family = AF_INET;
	k->inside_peer4.family = AF_INET;
	k->inside_local6.family = AF_INET6;
	k->inside_peer6.family = AF_INET6;
	bt_tunnel_fix_families(k, AF_UNSPEC);
}

static void resolve_link(struct bt_conf_link *link)
{
	struct bt_link *k = &link->kernel;
	const struct bt_field *f;
	size_t i;

	if (!link->bgp.table)
		link->bgp.table = derive_table(link, "");
	if (!link->bgp.backup_table)
		link->bgp.backup_table = derive_table(link, "/backups");
	if (!(link->bgp.set & BT_BIT(BT_CONF_BGP_BACKUPS)))
		link->bgp.backups = true;
	if (!link->on_change_timeout)
		link->on_change_timeout = BT_ON_CHANGE_S;
	for (i = 0; i < link->tunnels.n; i++) {
		struct bt_conf_tunnel *t = &link->tunnels.v[i];

		inherit(&bt_conf_tunnel_object, t, &link->defaults);
		inherit(&bt_conf_manage_object, &t->manage, &link->manage);
		if (t->bgp.as == AZURE_AS && link->bgp.as != AZURE_AS)
			inherit_builtin(t, builtin_azure);
		inherit_builtin(t, builtin);
		resolve_kernel(link, t);
	}
	bt_for_each_field(f, &bt_link_object) {
		if (!(f->flags & BT_F_SET) || (f->flags & BT_F_RTNL) || bt_field_is_set(f, k))
			continue;
		bt_field_set_default(f, k);
	}
	bt_for_each_field(f, &bt_conf_link_object)
		if (f->def && !bt_field_is_set(f, link))
			bt_field_set_default(f, link);
}

/**
 * bt_config_resolve() - fill in what the file leaves out
 * @config: as the file has it
 */
void bt_config_resolve(struct bt_config *config)
{
	size_t i;

	for (i = 0; i < config->links.n; i++)
		resolve_link(&config->links.v[i]);
	if (!config->daemon.log)
		config->daemon.log = BT_LOG_INFO;
	if (!config->charon.socket)
		config->charon.socket = bt_strdup(BT_VICI_SOCKET);
	if (!config->bird.socket)
		config->bird.socket = bt_strdup(BT_BIRD_SOCKET);
	if (!config->bird.include)
		config->bird.include = bt_strdup(BT_BIRD_INCLUDE);
	if (!config->bird.restart_time)
		config->bird.restart_time = BT_BIRD_RESTART_S;
	if (!config->bird.recovery_time)
		config->bird.recovery_time = BT_BIRD_RECOVERY_S;
}

/* --- the whole --- */

/**
 * bt_config_parse() - understand a configuration
 * @path: where it comes from, for messages
 * @text: YAML
 * @len: in bytes
 * @e: on failure says "path:line:column: what"
 *
 * Looks at the files with secrets that it names, too.
 * Return: the configuration for the caller to bt_config_free(), or NULL.
 */
struct bt_config *bt_config_parse(const char *path, const char *text, size_t len,
				  struct bt_error *e)
{
	struct bt_config *config = bt_alloc(sizeof(*config));

	config->path = bt_strdup(path);
	config->tree = bt_yaml_parse(path, text, len, e);
	if (!config->tree ||
	    bt_config_fill(&bt_config_object, config, path, config->tree, e))
		goto fail;
	bt_config_resolve(config);
	if (bt_config_check(config, e))
		goto fail;
	return config;

fail:
	bt_config_free(config);
	return NULL;
}

/**
 * bt_config_load() - read a configuration file
 * @path: its name
 * @e: on failure says what is wrong, and where
 *
 * Return: as bt_config_parse().
 */
struct bt_config *bt_config_load(const char *path, struct bt_error *e)
{
	struct bt_config *config;
	struct bt_buf text = {};
	int err;

	err = bt_read_file(path, BT_YAML_MAX_BYTES, &text);
	if (err) {
		bt_error_set(e, err, "%s: %s", path, strerror(-err));
		bt_buf_free(&text);
		return NULL;
	}
	config = bt_config_parse(path, text.data, text.len, e);
	bt_buf_free(&text);
	return config;
}

/**
 * bt_config_free() - free a configuration
 * @config: or NULL
 */
void bt_config_free(struct bt_config *config)
{
	if (!config)
		return;
	bt_yaml_free(config->tree);
	free(config->path);
	bt_object_free(&bt_config_object, config);
	free(config);
}

/**
 * bt_config_link() - find a link
 * @config: configuration
 * @name: of the link
 *
 * Return: the link, or NULL.
 */
const struct bt_conf_link *bt_config_link(const struct bt_config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->links.n; i++)
		if (!strcmp(config->links.v[i].name, name))
			return &config->links.v[i];
	return NULL;
}

/**
 * bt_conf_link_mark() - a number of a link that is no other's of the configuration
 * @link: link
 *
 * Return: 24 bits, made from the number of the link's own table, and not all of them set.
 */
uint32_t bt_conf_link_mark(const struct bt_conf_link *link)
{
	/* Administrators use metrics that are the highest, or next to it, for themselves. */
	return link->bgp.table % 0xfffffe;
}

/**
 * bt_conf_link_tunnel() - find a tunnel
 * @link: its link
 * @name: of the tunnel
 *
 * Return: the tunnel, or NULL.
 */
const struct bt_conf_tunnel *bt_conf_link_tunnel(const struct bt_conf_link *link,
						 const char *name)
{
	size_t i;

	for (i = 0; i < link->tunnels.n; i++)
		if (!strcmp(link->tunnels.v[i].kernel.name, name))
			return &link->tunnels.v[i];
	return NULL;
}
