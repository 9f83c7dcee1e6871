// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: the kernel's routes, found by what the kernel tells them apart by. There may be very
 * many, each with events of its own: so a hash table beside the array, of indices plus one,
 * with linear probing.
 */
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "util.h"

static bool same_key(const struct bt_fact_route *a, const struct bt_fact_route *b)
{
	return a->table == b->table && a->metric == b->metric && !bt_prefix_cmp(&a->dst, &b->dst);
}

/* FNV-1a. */
static uint32_t mix(uint32_t hash, const void *data, size_t len)
{
	const uint8_t *byte = data;

	while (len--)
		hash = (hash ^ *byte++) * 16777619;
	return hash;
}

static size_t home(const struct bt_fact_routes *routes, const struct bt_fact_route *r)
{
	uint32_t hash = mix(2166136261, &r->table, sizeof(r->table));

	hash = mix(hash, &r->metric, sizeof(r->metric));
	hash = mix(hash, &r->dst.len, sizeof(r->dst.len));
	hash = mix(hash, r->dst.addr.bytes, bt_addr_size(&r->dst.addr));
	return (hash ^ hash >> 16) & (routes->size - 1);
}

static size_t next(const struct bt_fact_routes *routes, size_t slot)
{
	return (slot + 1) & (routes->size - 1);
}

static void put(struct bt_fact_routes *routes, size_t i)
{
	size_t slot = home(routes, &routes->v[i]);

	while (routes->slots[slot])
		slot = next(routes, slot);
	routes->slots[slot] = (uint32_t)i + 1;
}

static size_t slot_of(const struct bt_fact_routes *routes, size_t i)
{
	size_t slot = home(routes, &routes->v[i]);

	while (routes->slots[slot] != i + 1)
		slot = next(routes, slot);
	return slot;
}

/* At most half of the slots are taken, so that each search ends soon. */
static void grow(struct bt_fact_routes *routes)
{
	size_t i;

	if (2 * (routes->n + 1) <= routes->size)
		return;
	routes->size = routes->size ? 2 * routes->size : 64;
	free(routes->slots);
	routes->slots = bt_alloc(routes->size * sizeof(*routes->slots));
	for (i = 0; i < routes->n; i++)
		put(routes, i);
}

/* Those that come after it must still be found from their homes: they move up. */
static void empty(struct bt_fact_routes *routes, size_t slot)
{
	size_t mask = routes->size - 1, at, from;

	for (at = next(routes, slot); routes->slots[at]; at = next(routes, at)) {
		from = home(routes, &routes->v[routes->slots[at] - 1]);
		if (((at - from) & mask) < ((at - slot) & mask))
			continue;
		routes->slots[slot] = routes->slots[at];
		slot = at;
	}
	routes->slots[slot] = 0;
}

/**
 * bt_fact_routes_find() - find a route
 * @routes: list
 * @key: table, metric and prefix count
 *
 * Return: the route, until the list changes, or NULL.
 */
struct bt_fact_route *bt_fact_routes_find(const struct bt_fact_routes *routes,
					  const struct bt_fact_route *key)
{
	struct bt_fact_route *r;
	size_t slot;

	if (!routes->size)
		return NULL;
	for (slot = home(routes, key); routes->slots[slot]; slot = next(routes, slot)) {
		r = &routes->v[routes->slots[slot] - 1];
		if (same_key(r, key))
			return r;
	}
	return NULL;
}

/**
 * bt_fact_routes_add() - one more route
 * @routes: list; pointers to its routes become invalid
 * @route: taken over. Of IPv6 there may be several that differ by their next hops only
 */
void bt_fact_routes_add(struct bt_fact_routes *routes, const struct bt_fact_route *route)
{
	grow(routes);
	*bt_array_add(routes) = *route;
	put(routes, routes->n - 1);
}

/**
 * bt_fact_routes_remove() - a route is gone
 * @routes: list; pointers to its routes become invalid
 * @route: of the list
 */
void bt_fact_routes_remove(struct bt_fact_routes *routes, struct bt_fact_route *route)
{
	size_t i = (size_t)(route - routes->v), last = routes->n - 1;

	empty(routes, slot_of(routes, i));
	free(route->hops.v);
	if (i != last) {
		routes->slots[slot_of(routes, last)] = (uint32_t)i + 1;
		*route = routes->v[last];
	}
	routes->n = last;
}

/**
 * bt_fact_routes_clear() - empty a list of kernel routes
 * @routes: list
 */
void bt_fact_routes_clear(struct bt_fact_routes *routes)
{
	size_t i;

	for (i = 0; i < routes->n; i++)
		free(routes->v[i].hops.v);
	free(routes->v);
	free(routes->slots);
	*routes = (struct bt_fact_routes){};
}
