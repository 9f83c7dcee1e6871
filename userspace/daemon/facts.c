// SPDX-License-Identifier: GPL-2.0
/* PURE: what has been observed, and what must not be tried just now. */
#include "facts.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define FIRST_RETRY_MS	500
#define SETTLE_MS	300

/* --- links --- */

static void link_free(struct bt_fact_link *l)
{
	bt_object_free(&bt_link_object, &l->link);
	bt_tunnels_free(&l->tunnels);
	bt_routes_free(&l->routes);
	free(l->addrs.v);
	*l = (struct bt_fact_link){};
}

/**
 * bt_facts_link() - find a link
 * @f: facts
 * @ifindex: of its device
 */
struct bt_fact_link *bt_facts_link(struct bt_facts *f, int ifindex)
{
	size_t i;

	for (i = 0; i < f->links.n; i++)
		if (f->links.v[i].link.dev.ifindex == ifindex)
			return &f->links.v[i];
	return NULL;
}

/**
 * bt_facts_link_by_name() - find a link
 * @f: facts
 * @name: of its device
 */
const struct bt_fact_link *bt_facts_link_by_name(const struct bt_facts *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->links.n; i++)
		if (!strcmp(f->links.v[i].link.dev.name, name))
			return &f->links.v[i];
	return NULL;
}

/**
 * bt_facts_link_add() - one more link
 * @f: facts; pointers to its links become invalid
 */
struct bt_fact_link *bt_facts_link_add(struct bt_facts *f)
{
	return bt_array_add(&f->links);
}

/**
 * bt_facts_link_remove() - a link is gone
 * @f: facts; pointers to its links become invalid
 * @ifindex: of its device, which need not be known
 */
void bt_facts_link_remove(struct bt_facts *f, int ifindex)
{
	struct bt_fact_link *l = bt_facts_link(f, ifindex);

	if (!l)
		return;
	link_free(l);
	*l = f->links.v[--f->links.n];
}

/**
 * bt_facts_links_clear() - all links are gone, or to be looked at anew
 * @f: facts
 */
void bt_facts_links_clear(struct bt_facts *f)
{
	size_t i;

	for (i = 0; i < f->links.n; i++)
		link_free(&f->links.v[i]);
	free(f->links.v);
	f->links.v = NULL;
	f->links.n = 0;
}

/**
 * bt_fact_link_set_routes() - take what the module has
 * @l: link
 * @routes: taken over, becomes empty; pinned peers are left out
 */
void bt_fact_link_set_routes(struct bt_fact_link *l, struct bt_routes *routes)
{
	size_t i, n = 0;

	for (i = 0; i < routes->n; i++) {
		struct bt_route *r = &routes->v[i];

		if (!r->nexthops.n) {
			bt_object_free(&bt_route_object, r);
			continue;
		}
		/* By device they are anyway; let prefixes alone decide. */
		r->dev.ifindex = 0;
		routes->v[n++] = *r;
	}
	routes->n = n;
	if (n)
		qsort(routes->v, n, sizeof(*routes->v), bt_route_cmp);
	bt_routes_free(&l->routes);
	l->routes = *routes;
	*routes = (struct bt_routes){};
}

static bool have_route(const struct bt_routes *list, const struct bt_prefix *dst)
{
	struct bt_route key = { .dst = *dst };

	return list->n && bsearch(&key, list->v, list->n, sizeof(key), bt_route_cmp);
}

/**
 * bt_fact_link_patch_routes() - the module has taken these
 * @l: link
 * @set: routes that are new or have changed, in order of their prefixes
 * @del: routes that are gone, likewise
 */
void bt_fact_link_patch_routes(struct bt_fact_link *l, const struct bt_routes *set,
			       const struct bt_routes *del)
{
	struct bt_routes old = l->routes, new = {};
	size_t i;

	for (i = 0; i < old.n; i++) {
		if (have_route(set, &old.v[i].dst) || have_route(del, &old.v[i].dst))
			bt_object_free(&bt_route_object, &old.v[i]);
		else
			*bt_array_add(&new) = old.v[i];
	}
	free(old.v);
	for (i = 0; i < set->n; i++)
		bt_object_copy(&bt_route_object, bt_array_add(&new), &set->v[i]);
	if (new.n)
		qsort(new.v, new.n, sizeof(*new.v), bt_route_cmp);
	l->routes = new;
}

/**
 * bt_fact_link_route() - find a route that the module has
 * @l: link
 * @dst: prefix
 */
const struct bt_route *bt_fact_link_route(const struct bt_fact_link *l,
					  const struct bt_prefix *dst)
{
	struct bt_route key = { .dst = *dst };

	if (!l->routes.n)
		return NULL;
	return bsearch(&key, l->routes.v, l->routes.n, sizeof(key), bt_route_cmp);
}

/* --- lists --- */

/*
 * Lists in the order of their names, a name being the first member of each element: they
 * are searched for every tunnel at every comparison.
 */
static size_t place(const void *v, size_t n, size_t size, const char *name, bool *found)
{
	size_t low = 0, high = n, middle;
	int order;

	*found = false;
	while (low < high && !*found) {
		middle = low + (high - low) / 2;
		order = strcmp(*(const char *const *)((const char *)v + middle * size), name);
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
			*found = !order;
		}
	}
	return high;
}

#define list_place(list, name, found) \
	place((list)->v, (list)->n, sizeof(*(list)->v), name, found)

/* Makes room; evaluates to a pointer to the new zeroed element. */
#define list_insert(list, at) ({						\
	bt_array_add(list);							\
	memmove(&(list)->v[(at) + 1], &(list)->v[at],				\
		((list)->n - 1 - (at)) * sizeof(*(list)->v));			\
	memset(&(list)->v[at], 0, sizeof(*(list)->v));				\
	&(list)->v[at];								\
})

#define list_remove(list, at) ({						\
	(list)->n--;								\
	memmove(&(list)->v[at], &(list)->v[(at) + 1],				\
		((list)->n - (at)) * sizeof(*(list)->v));			\
})

/**
 * bt_strings_clear() - empty a list of strings
 * @s: list
 */
void bt_strings_clear(struct bt_strings *s)
{
	bt_type_strings.free(NULL, s);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/**
 * bt_strings_sort() - bring a list into order
 * @s: list
 */
void bt_strings_sort(struct bt_strings *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_text);
}

/**
 * bt_strings_have() - is a string in a list?
 * @s: list in order
 * @text: string
 */
bool bt_strings_have(const struct bt_strings *s, const char *text)
{
	bool found;

	list_place(s, text, &found);
	return found;
}

/**
 * bt_strings_put() - add a string to a list, unless it is there
 * @s: list in order
 * @text: string
 */
void bt_strings_put(struct bt_strings *s, const char *text)
{
	bool found;
	size_t at = list_place(s, text, &found);

	if (!found)
		*list_insert(s, at) = bt_strdup(text);
}

/**
 * bt_strings_remove() - take a string out of a list
 * @s: list in order
 * @text: string, which need not be there
 */
void bt_strings_remove(struct bt_strings *s, const char *text)
{
	bool found;
	size_t at = list_place(s, text, &found);

	if (!found)
		return;
	free(s->v[at]);
	list_remove(s, at);
}

/**
 * bt_facts_loaded() - charon has taken something from us
 * @list: connections or secrets
 * @name: of it
 * @content: what was told
 * @len: in bytes
 */
void bt_facts_loaded(struct bt_fact_loadeds *list, const char *name, const void *content,
		     size_t len)
{
	struct bt_fact_loaded *l;
	bool found;
	size_t at = list_place(list, name, &found);

	if (found) {
		l = &list->v[at];
	} else {
		l = list_insert(list, at);
		l->name = bt_strdup(name);
	}
	bt_buf_free(&l->content);
	bt_buf_add(&l->content, content, len);
}

/**
 * bt_facts_unloaded() - charon does not have it any more
 * @list: connections or secrets
 * @name: of it, which need not be known
 */
void bt_facts_unloaded(struct bt_fact_loadeds *list, const char *name)
{
	bool found;
	size_t at = list_place(list, name, &found);

	if (!found)
		return;
	free(list->v[at].name);
	bt_buf_free(&list->v[at].content);
	list_remove(list, at);
}

/**
 * bt_facts_is_loaded() - has charon taken it from us?
 * @list: connections or secrets
 * @name: of it
 *
 * Return: what was told, or NULL.
 */
const struct bt_buf *bt_facts_is_loaded(const struct bt_fact_loadeds *list, const char *name)
{
	bool found;
	size_t at = list_place(list, name, &found);

	return found ? &list->v[at].content : NULL;
}

/**
 * bt_facts_loaded_clear() - charon has forgotten everything
 * @list: connections or secrets
 */
void bt_facts_loaded_clear(struct bt_fact_loadeds *list)
{
	while (list->n)
		bt_facts_unloaded(list, list->v[list->n - 1].name);
	free(list->v);
	list->v = NULL;
}

/* --- tunnels --- */

/**
 * bt_facts_tunnel() - what is remembered of a tunnel
 * @f: facts
 * @key: "LINK TUNNEL"
 *
 * Return: NULL if nothing is.
 */
const struct bt_fact_tunnel *bt_facts_tunnel(const struct bt_facts *f, const char *key)
{
	bool found;
	size_t at = list_place(&f->tunnels, key, &found);

	return found ? &f->tunnels.v[at] : NULL;
}

/**
 * bt_facts_tunnel_make() - what is remembered of a tunnel, or is to be
 * @f: facts; pointers to tunnels become invalid
 * @key: "LINK TUNNEL"
 * @is_new: returns true if nothing was
 */
struct bt_fact_tunnel *bt_facts_tunnel_make(struct bt_facts *f, const char *key, bool *is_new)
{
	bool found;
	size_t at = list_place(&f->tunnels, key, &found);

	*is_new = !found;
	if (!found)
		list_insert(&f->tunnels, at)->key = bt_strdup(key);
	return &f->tunnels.v[at];
}

/* --- what BIRD is to look at anew --- */

/**
 * bt_facts_reload() - there is a reason to look at a session's routes anew
 * @f: facts
 * @what: "in NAME" or "out NAME"
 */
void bt_facts_reload(struct bt_facts *f, const char *what)
{
	bool found;
	size_t at = list_place(&f->bird_reloads, what, &found);

	if (!found)
		list_insert(&f->bird_reloads, at)->what = bt_strdup(what);
	f->bird_reloads.v[at].sent = false;
}

/**
 * bt_facts_reload_sent() - BIRD is told to
 * @f: facts
 * @what: as of bt_facts_reload()
 */
void bt_facts_reload_sent(struct bt_facts *f, const char *what)
{
	bool found;
	size_t at = list_place(&f->bird_reloads, what, &found);

	if (found)
		f->bird_reloads.v[at].sent = true;
}

/**
 * bt_facts_reload_done() - BIRD has done so
 * @f: facts
 * @what: as of bt_facts_reload()
 *
 * Should there be another reason since it was told, it is still to be done.
 */
void bt_facts_reload_done(struct bt_facts *f, const char *what)
{
	bool found;
	size_t at = list_place(&f->bird_reloads, what, &found);

	if (!found || !f->bird_reloads.v[at].sent)
		return;
	free(f->bird_reloads.v[at].what);
	list_remove(&f->bird_reloads, at);
}

/* --- what is under way, and what has failed --- */

static struct bt_fact_hold *make_hold(struct bt_facts *f, const char *key)
{
	struct bt_fact_hold *h;
	bool found;
	size_t at = list_place(&f->holds, key, &found);

	if (found)
		return &f->holds.v[at];
	h = list_insert(&f->holds, at);
	h->key = bt_strdup(key);
	return h;
}

/**
 * bt_facts_begin() - an operation is under way
 * @f: facts
 * @key: of the operation
 */
void bt_facts_begin(struct bt_facts *f, const char *key)
{
	make_hold(f, key)->until = UINT64_MAX;
}

/**
 * bt_facts_failed() - an operation has failed
 * @f: facts
 * @key: of the operation
 * @now: bt_now_ms()
 * @max_ms: longest time until the next try; it doubles from half a second
 */
void bt_facts_failed(struct bt_facts *f, const char *key, uint64_t now, uint64_t max_ms)
{
	struct bt_fact_hold *h = make_hold(f, key);
	uint64_t wait = FIRST_RETRY_MS << (h->failures < 16 ? h->failures : 16);

	h->failures++;
	h->until = now + (wait < max_ms ? wait : max_ms);
}

/**
 * bt_facts_settle() - an operation has succeeded, and its effect is about to be seen
 * @f: facts
 * @key: of the operation
 * @now: bt_now_ms()
 *
 * Should it never be seen, the operation is not repeated in a tight circle.
 */
void bt_facts_settle(struct bt_facts *f, const char *key, uint64_t now)
{
	struct bt_fact_hold *h = make_hold(f, key);

	h->failures = 0;
	h->until = now + SETTLE_MS;
}

/**
 * bt_facts_wait() - an operation may not be needed: see first
 * @f: facts
 * @key: of the operation
 * @until: time, bt_now_ms()
 */
void bt_facts_wait(struct bt_facts *f, const char *key, uint64_t until)
{
	make_hold(f, key)->until = until;
}

/**
 * bt_facts_done() - an operation has succeeded, or has become pointless
 * @f: facts
 * @key: of the operation
 */
void bt_facts_done(struct bt_facts *f, const char *key)
{
	bool found;
	size_t at = list_place(&f->holds, key, &found);

	if (!found)
		return;
	free(f->holds.v[at].key);
	list_remove(&f->holds, at);
}

/**
 * bt_facts_retry() - what made operations fail is over: let them be tried at once
 * @f: facts
 * @prefix: of their keys
 */
void bt_facts_retry(struct bt_facts *f, const char *prefix)
{
	size_t i, n = 0;

	for (i = 0; i < f->holds.n; i++) {
		struct bt_fact_hold *h = &f->holds.v[i];

		/* One that is under way has its end still to come. */
		if (h->until == UINT64_MAX || strncmp(h->key, prefix, strlen(prefix)) != 0)
			f->holds.v[n++] = *h;
		else
			free(h->key);
	}
	f->holds.n = n;
}

/**
 * bt_facts_held() - must an operation wait?
 * @f: facts
 * @key: of the operation
 * @now: bt_now_ms()
 */
bool bt_facts_held(const struct bt_facts *f, const char *key, uint64_t now)
{
	bool found;
	size_t at = list_place(&f->holds, key, &found);

	return found && f->holds.v[at].until > now;
}

/**
 * bt_facts_next_try() - when the first operation that failed may be tried again
 * @f: facts
 * @now: bt_now_ms(); what may be tried by now has had its chance
 *
 * Return: a time as bt_now_ms(), or UINT64_MAX.
 */
uint64_t bt_facts_next_try(const struct bt_facts *f, uint64_t now)
{
	uint64_t first = UINT64_MAX;
	size_t i;

	for (i = 0; i < f->holds.n; i++)
		if (f->holds.v[i].until > now && f->holds.v[i].until < first)
			first = f->holds.v[i].until;
	return first;
}

/**
 * bt_facts_free() - forget everything
 * @f: facts
 */
void bt_facts_free(struct bt_facts *f)
{
	bt_facts_links_clear(f);
	while (f->tunnels.n)
		free(f->tunnels.v[--f->tunnels.n].key);
	free(f->tunnels.v);
	bt_fact_routes_clear(&f->routes);
	free(f->withdrawn.v);
	bt_strings_clear(&f->conns);
	bt_strings_clear(&f->shared);
	bt_fact_ikes_clear(&f->ikes);
	free(f->suspects.v);
	bt_facts_loaded_clear(&f->secrets);
	bt_facts_loaded_clear(&f->conns_loaded);
	bt_facts_loaded_clear(&f->shared_loaded);
	free(f->bird_revision);
	free(f->bird_file);
	free(f->bird_vars);
	bt_strings_clear(&f->bird_on);
	bt_strings_clear(&f->bird_off);
	bt_strings_clear(&f->bird_sessions);
	bt_strings_clear(&f->bird_established);
	while (f->bird_reloads.n)
		free(f->bird_reloads.v[--f->bird_reloads.n].what);
	free(f->bird_reloads.v);
	bt_steer_free(&f->steer);
	while (f->holds.n)
		bt_facts_done(f, f->holds.v[f->holds.n - 1].key);
	free(f->holds.v);
	*f = (struct bt_facts){};
}
