// SPDX-License-Identifier: GPL-2.0
/* Objects as netlink attributes: one function each, for get, dump and notify. */
#include <net/genetlink.h>
#include <net/xfrm.h>

#include "group.h"
#include "link.h"
#include "netlink.h"
#include "netns.h"
#include "route.h"
#include "sa.h"
#include "tunnel.h"

/**
 * bowtie_nl_begin() - begin a message about a link
 * @skb: where to
 * @link: link
 * @cmd: enum bowtie_cmd
 * @portid: of the reader, or 0
 * @seq: of its request, or 0
 * @flags: NLM_F_*
 *
 * Context: link->lock. Return: to be given to genlmsg_end(), or NULL if it is full.
 */
void *bowtie_nl_begin(struct sk_buff *skb, const struct bowtie_link *link, u8 cmd, u32 portid,
		      u32 seq, int flags)
{
	void *hdr = genlmsg_put(skb, portid, seq, &bowtie_genl_family, flags, cmd);

	if (!hdr)
		return NULL;
	if (nla_put_s32(skb, BOWTIE_A_IFINDEX, link->dev->ifindex) ||
	    nla_put_string(skb, BOWTIE_A_IFNAME, link->dev->name) ||
	    nla_put_u32(skb, BOWTIE_A_GENERATION, link->generation)) {
		genlmsg_cancel(skb, hdr);
		return NULL;
	}
	return hdr;
}

static int fill_stats(struct sk_buff *skb, int attr, const struct bowtie_stats *sum)
{
	struct nlattr *nest = nla_nest_start(skb, attr);
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < BOWTIE_STATS_COUNT; i++)
		if (nla_put_u64_64bit(skb, i + 1, sum->c[i], BOWTIE_A_STATS_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What a link is set to; the same in IFLA_INFO_DATA. */
static int fill_link_settings(struct sk_buff *skb, const struct bowtie_link *link)
{
	if (nla_put_u32(skb, BOWTIE_A_LINK_FWMARK, READ_ONCE(link->fwmark)) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_HASH, READ_ONCE(link->hash)) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_HAIRPIN, READ_ONCE(link->hairpin)) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_STRICT_SOURCE, READ_ONCE(link->strict_source)) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_MTU_AUTO, READ_ONCE(link->mtu_auto)) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_IDLE_TIMER, READ_ONCE(link->idle_timer)) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_UNBALANCED_TIMER, READ_ONCE(link->unbalanced_timer)))
		return -EMSGSIZE;
	return 0;
}

/**
 * bowtie_link_info_size() - rtnl_link_ops.get_size
 * @dev: our device
 */
size_t bowtie_link_info_size(const struct net_device *dev)
{
	return 7 * nla_total_size(sizeof(u32));
}

/**
 * bowtie_link_fill_info() - rtnl_link_ops.fill_info
 * @skb: where to
 * @dev: our device
 *
 * Context: RTNL. Return: 0 or -EMSGSIZE.
 */
int bowtie_link_fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	return fill_link_settings(skb, netdev_priv(dev));
}

/**
 * bowtie_nl_fill_link() - BOWTIE_A_LINK
 * @skb: where to; what a failure leaves behind is for the caller to cancel
 * @object: the link
 *
 * Context: link->lock. Return: 0 or -EMSGSIZE.
 */
int bowtie_nl_fill_link(struct sk_buff *skb, const void *object)
{
	struct bowtie_link *link = (struct bowtie_link *)object;
	struct net *net = dev_net(link->dev);
	struct bowtie_stats sum = {};
	struct nlattr *nest;

	nest = nla_nest_start(skb, BOWTIE_A_LINK);
	if (!nest)
		return -EMSGSIZE;
	if (fill_link_settings(skb, link) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_MTU, link->dev->mtu) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_BUCKETS, BOWTIE_BUCKETS) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_TUNNELS, link->n_tunnels) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_TUNNELS_UP, link->n_up) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_ROUTES, link->routes.count) ||
	    nla_put_u32(skb, BOWTIE_A_LINK_GROUPS, link->n_groups))
		return -EMSGSIZE;
	if (!net_eq(net, link->net) &&
	    nla_put_s32(skb, BOWTIE_A_LINK_UNDERLAY_NETNSID, peernet2id(net, link->net)))
		return -EMSGSIZE;
	bowtie_link_stats(link, &sum);
	if (fill_stats(skb, BOWTIE_A_LINK_STATS, &sum))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_addr(struct sk_buff *skb, int attr, const xfrm_address_t *addr, u8 family)
{
	return nla_put(skb, attr, family == AF_INET ? sizeof(addr->a4) : sizeof(addr->in6), addr);
}

static int fill_selectors(struct sk_buff *skb, const struct bowtie_tunnel_conf *conf)
{
	struct nlattr *list, *one;
	unsigned int i;

	list = nla_nest_start(skb, BOWTIE_A_TUNNEL_SELECTORS);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < conf->n_selectors; i++) {
		const struct bowtie_selector *s = &conf->selectors[i];

		one = nla_nest_start(skb, BOWTIE_A_SELECTORS_SELECTOR);
		if (!one || put_addr(skb, BOWTIE_A_SELECTOR_LOCAL, &s->local, s->family) ||
		    nla_put_u32(skb, BOWTIE_A_SELECTOR_LOCAL_LEN, s->local_len) ||
		    put_addr(skb, BOWTIE_A_SELECTOR_REMOTE, &s->remote, s->family) ||
		    nla_put_u32(skb, BOWTIE_A_SELECTOR_REMOTE_LEN, s->remote_len))
			return -EMSGSIZE;
		nla_nest_end(skb, one);
	}
	nla_nest_end(skb, list);
	return 0;
}

static int fill_inside(struct sk_buff *skb, const struct bowtie_tunnel_conf *conf)
{
	if (conf->inside_local4 &&
	    nla_put_in_addr(skb, BOWTIE_A_TUNNEL_INSIDE_LOCAL4, conf->inside_local4))
		return -EMSGSIZE;
	if (conf->inside_peer4 &&
	    nla_put_in_addr(skb, BOWTIE_A_TUNNEL_INSIDE_PEER4, conf->inside_peer4))
		return -EMSGSIZE;
	if (!ipv6_addr_any(&conf->inside_local6) &&
	    nla_put_in6_addr(skb, BOWTIE_A_TUNNEL_INSIDE_LOCAL6, &conf->inside_local6))
		return -EMSGSIZE;
	if (!ipv6_addr_any(&conf->inside_peer6) &&
	    nla_put_in6_addr(skb, BOWTIE_A_TUNNEL_INSIDE_PEER6, &conf->inside_peer6))
		return -EMSGSIZE;
	return 0;
}

static int fill_tunnel_conf(struct sk_buff *skb, const struct bowtie_tunnel_conf *conf)
{
	if (nla_put_u32(skb, BOWTIE_A_TUNNEL_IF_ID, conf->if_id) ||
	    put_addr(skb, BOWTIE_A_TUNNEL_LOCAL, &conf->local, conf->family) ||
	    put_addr(skb, BOWTIE_A_TUNNEL_REMOTE, &conf->remote, conf->family) ||
	    fill_inside(skb, conf) || fill_selectors(skb, conf) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_WEIGHT, conf->weight) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_TIER, conf->tier) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_ESP_MODE, conf->esp_mode) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_MSS, conf->mss) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_DF, conf->df) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_MARK, conf->mark) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_DRAIN_TIMEOUT, conf->drain_timeout) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_ADMIN, conf->admin) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_PROBE, conf->probe) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_PROBE_INTERVAL, conf->probe_interval) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_PROBE_MULTIPLIER, conf->probe_multiplier) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_PROBE_PORT, conf->probe_port))
		return -EMSGSIZE;
	return 0;
}

/* In microseconds, rounded up: 0 would be no time at all. */
static int put_us(struct sk_buff *skb, int attr, u32 ns)
{
	return nla_put_u32(skb, attr, DIV_ROUND_UP(ns, NSEC_PER_USEC));
}

/* What the probes have measured; nothing while there was no answer. */
static int fill_probe(struct sk_buff *skb, const struct bowtie_probe_summary *s, u64 hold)
{
	if (hold && nla_put_u32(skb, BOWTIE_A_TUNNEL_HOLD_DOWN,
				div_u64(hold + NSEC_PER_MSEC - 1, NSEC_PER_MSEC)))
		return -EMSGSIZE;
	if (!s->sent)
		return 0;
	if (nla_put_u32(skb, BOWTIE_A_TUNNEL_LOSS, s->loss))
		return -EMSGSIZE;
	if (!s->rtt)
		return 0;
	if (put_us(skb, BOWTIE_A_TUNNEL_RTT, s->rtt) ||
	    put_us(skb, BOWTIE_A_TUNNEL_RTT_MIN, s->min) ||
	    put_us(skb, BOWTIE_A_TUNNEL_RTT_AVG, s->avg) ||
	    put_us(skb, BOWTIE_A_TUNNEL_JITTER, s->jitter))
		return -EMSGSIZE;
	return 0;
}

static int fill_tunnel_state(struct sk_buff *skb, struct bowtie_tunnel *t)
{
	struct bowtie_probe_summary probe = {};
	struct bowtie_stats sum = {};
	u64 now = ktime_get_ns(), hold = 0, since;
	const struct bowtie_sa *sa;
	u32 in = 0, out = 0, transitions;
	u8 oper, reason;

	spin_lock_bh(&t->lock);
	oper = t->fsm.oper;
	reason = t->fsm.reason;
	since = t->since;
	transitions = t->transitions;
	if (t->probe.on)
		bowtie_probe_track_summary(&t->probe.track, now, &probe);
	if (reason == BOWTIE_REASON_HOLD_DOWN && t->fsm.hold_until > now)
		hold = t->fsm.hold_until - now;
	spin_unlock_bh(&t->lock);

	rcu_read_lock();
	list_for_each_entry_rcu(sa, &t->sas, list) {
		if (sa->dir == BOWTIE_SA_IN)
			in++;
		else
			out++;
	}
	rcu_read_unlock();
	if (nla_put_u32(skb, BOWTIE_A_TUNNEL_OPER, oper) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_REASON, reason) ||
	    nla_put_u64_64bit(skb, BOWTIE_A_TUNNEL_SINCE, since, BOWTIE_A_TUNNEL_PAD) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_TRANSITIONS, transitions) ||
	    fill_probe(skb, &probe, hold) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_MTU, READ_ONCE(t->mtu)) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_SAS_IN, in) ||
	    nla_put_u32(skb, BOWTIE_A_TUNNEL_SAS_OUT, out))
		return -EMSGSIZE;
	bowtie_tunnel_stats(t, &sum);
	return fill_stats(skb, BOWTIE_A_TUNNEL_STATS, &sum);
}

/**
 * bowtie_nl_fill_tunnel() - BOWTIE_A_TUNNEL
 * @skb: where to; what a failure leaves behind is for the caller to cancel
 * @object: the tunnel
 *
 * Context: link->lock. Return: 0 or -EMSGSIZE.
 */
int bowtie_nl_fill_tunnel(struct sk_buff *skb, const void *object)
{
	struct bowtie_tunnel *t = (struct bowtie_tunnel *)object;
	const struct bowtie_tunnel_conf *conf =
		rcu_dereference_protected(t->conf, lockdep_is_held(&t->link->lock));
	struct nlattr *nest = nla_nest_start(skb, BOWTIE_A_TUNNEL);

	if (!nest || nla_put_u32(skb, BOWTIE_A_TUNNEL_ID, t->id) ||
	    nla_put_string(skb, BOWTIE_A_TUNNEL_NAME, conf->name) ||
	    fill_tunnel_conf(skb, conf) || fill_tunnel_state(skb, t))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * bowtie_nl_fill_tunnel_key() - BOWTIE_A_TUNNEL of one that is deleted
 * @skb: where to
 * @object: the tunnel
 *
 * Context: link->lock. Return: 0 or -EMSGSIZE.
 */
int bowtie_nl_fill_tunnel_key(struct sk_buff *skb, const void *object)
{
	const struct bowtie_tunnel *t = object;
	const struct bowtie_tunnel_conf *conf =
		rcu_dereference_protected(t->conf, lockdep_is_held(&t->link->lock));
	struct nlattr *nest = nla_nest_start(skb, BOWTIE_A_TUNNEL);

	if (!nest || nla_put_u32(skb, BOWTIE_A_TUNNEL_ID, t->id) ||
	    nla_put_string(skb, BOWTIE_A_TUNNEL_NAME, conf->name))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_sa_key(struct sk_buff *skb, const struct bowtie_sa *sa)
{
	if (nla_put_u32(skb, BOWTIE_A_SA_TUNNEL, sa->tunnel_id) ||
	    nla_put_u32(skb, BOWTIE_A_SA_DIR, sa->dir) ||
	    nla_put_u32(skb, BOWTIE_A_SA_SPI, be32_to_cpu(sa->spi)) ||
	    put_addr(skb, BOWTIE_A_SA_DST, &sa->daddr, sa->family))
		return -EMSGSIZE;
	return 0;
}

/**
 * bowtie_nl_fill_sa_key() - BOWTIE_A_SA of one that is deleted
 * @skb: where to
 * @object: the SA
 *
 * Return: 0 or -EMSGSIZE.
 */
int bowtie_nl_fill_sa_key(struct sk_buff *skb, const void *object)
{
	struct nlattr *nest = nla_nest_start(skb, BOWTIE_A_SA);

	if (!nest || fill_sa_key(skb, object))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Names and sizes only: keys never leave the kernel by this way. */
static int fill_sa_algorithm(struct sk_buff *skb, const struct xfrm_state *x)
{
	char name[2 * sizeof(x->ealg->alg_name) + 2] = "";
	u32 key_bits = 0, icv_bits = 0;

	if (x->aead) {
		strscpy(name, x->aead->alg_name, sizeof(name));
		key_bits = x->aead->alg_key_len;
		icv_bits = x->aead->alg_icv_len;
	} else if (x->ealg) {
		snprintf(name, sizeof(name), "%s%s%s", x->ealg->alg_name, x->aalg ? " " : "",
			 x->aalg ? x->aalg->alg_name : "");
		key_bits = x->ealg->alg_key_len;
		icv_bits = x->aalg ? x->aalg->alg_trunc_len : 0;
	}
	if (nla_put_string(skb, BOWTIE_A_SA_ALGORITHM, name) ||
	    nla_put_u32(skb, BOWTIE_A_SA_KEY_BITS, key_bits) ||
	    nla_put_u32(skb, BOWTIE_A_SA_ICV_BITS, icv_bits))
		return -EMSGSIZE;
	return 0;
}

static int fill_sa_usage(struct sk_buff *skb, const struct xfrm_state *x)
{
	if (nla_put_u64_64bit(skb, BOWTIE_A_SA_BYTES, x->curlft.bytes, BOWTIE_A_SA_PAD) ||
	    nla_put_u64_64bit(skb, BOWTIE_A_SA_PACKETS, x->curlft.packets, BOWTIE_A_SA_PAD) ||
	    nla_put_u64_64bit(skb, BOWTIE_A_SA_ADD_TIME, x->curlft.add_time, BOWTIE_A_SA_PAD) ||
	    nla_put_u64_64bit(skb, BOWTIE_A_SA_USE_TIME, x->curlft.use_time, BOWTIE_A_SA_PAD) ||
	    nla_put_u32(skb, BOWTIE_A_SA_ERR_REPLAY, x->stats.replay) ||
	    nla_put_u32(skb, BOWTIE_A_SA_ERR_WINDOW, x->stats.replay_window) ||
	    nla_put_u32(skb, BOWTIE_A_SA_ERR_INTEGRITY, x->stats.integrity_failed))
		return -EMSGSIZE;
	return 0;
}

static u32 sa_esp_mode(const struct bowtie_sa *sa)
{
	return READ_ONCE(sa->fast) &&
	       rcu_dereference(sa->tunnel->conf)->esp_mode != BOWTIE_ESP_XFRM ?
		BOWTIE_ESP_FAST : BOWTIE_ESP_XFRM;
}

static int fill_sa_state(struct sk_buff *skb, const struct bowtie_sa *sa)
{
	const struct xfrm_state *x = sa->x;
	const struct xfrm_encap_tmpl *encap = x->encap;
	u32 window = x->replay_esn ? x->replay_esn->replay_window : x->props.replay_window;

	if (put_addr(skb, BOWTIE_A_SA_SRC, &x->props.saddr, sa->family) ||
	    nla_put_u32(skb, BOWTIE_A_SA_CURRENT, rcu_access_pointer(sa->tunnel->sa_out) == sa) ||
	    nla_put_u32(skb, BOWTIE_A_SA_VALID, bowtie_sa_valid(sa)) ||
	    nla_put_u32(skb, BOWTIE_A_SA_SUSPECT,
			test_bit(BOWTIE_SA_F_SUSPECT, &sa->flags)) ||
	    nla_put_u32(skb, BOWTIE_A_SA_ESN, !!(x->props.flags & XFRM_STATE_ESN)) ||
	    nla_put_u32(skb, BOWTIE_A_SA_REPLAY_WINDOW, window) ||
	    nla_put_u32(skb, BOWTIE_A_SA_OFFLOAD, !!x->xso.dev) ||
	    nla_put_u32(skb, BOWTIE_A_SA_ESP_MODE, sa_esp_mode(sa)))
		return -EMSGSIZE;
	if (encap && (nla_put_u32(skb, BOWTIE_A_SA_ENCAP_SPORT, ntohs(encap->encap_sport)) ||
		      nla_put_u32(skb, BOWTIE_A_SA_ENCAP_DPORT, ntohs(encap->encap_dport))))
		return -EMSGSIZE;
	return 0;
}

/**
 * bowtie_nl_fill_sa() - BOWTIE_A_SA
 * @skb: where to; what a failure leaves behind is for the caller to cancel
 * @object: the SA, published
 *
 * Context: RCU read side. Return: 0 or -EMSGSIZE.
 */
int bowtie_nl_fill_sa(struct sk_buff *skb, const void *object)
{
	const struct bowtie_sa *sa = object;
	struct nlattr *nest = nla_nest_start(skb, BOWTIE_A_SA);

	if (!nest || fill_sa_key(skb, sa) || fill_sa_state(skb, sa) ||
	    fill_sa_algorithm(skb, sa->x) || fill_sa_usage(skb, sa->x))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_prefix(struct sk_buff *skb, u8 family, struct bowtie_key key, u8 len)
{
	__be64 addr[2] = { cpu_to_be64(key.hi), cpu_to_be64(key.lo) };

	if (nla_put(skb, BOWTIE_A_ROUTE_DST, family == AF_INET ? 4 : 16, addr) ||
	    nla_put_u32(skb, BOWTIE_A_ROUTE_LEN, len))
		return -EMSGSIZE;
	return 0;
}

/**
 * bowtie_nl_fill_prefix() - BOWTIE_A_ROUTE of one that is deleted
 * @skb: where to
 * @p: its prefix
 *
 * Return: 0 or -EMSGSIZE, which leaves nothing behind.
 */
int bowtie_nl_fill_prefix(struct sk_buff *skb, const struct bowtie_prefix *p)
{
	struct nlattr *nest = nla_nest_start(skb, BOWTIE_A_ROUTE);

	if (!nest)
		return -EMSGSIZE;
	if (put_prefix(skb, p->family, p->key, p->len)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_nexthop(struct sk_buff *skb, const struct bowtie_member *m,
			const struct bowtie_buckets *table)
{
	struct nlattr *nest = nla_nest_start(skb, BOWTIE_A_ROUTE_NEXTHOP);
	u32 buckets = 0;
	int i;

	if (!nest || nla_put_u32(skb, BOWTIE_A_NEXTHOP_TUNNEL, m->id))
		return -EMSGSIZE;
	if (m->weight != BOWTIE_WEIGHT_INHERIT &&
	    nla_put_u32(skb, BOWTIE_A_NEXTHOP_WEIGHT, m->weight))
		return -EMSGSIZE;
	if (m->tier != BOWTIE_TIER_INHERIT && nla_put_u32(skb, BOWTIE_A_NEXTHOP_TIER, m->tier))
		return -EMSGSIZE;
	for (i = 0; i < BOWTIE_BUCKETS; i++)
		buckets += table->id[i] == m->id;
	if (nla_put_u32(skb, BOWTIE_A_NEXTHOP_BUCKETS, buckets))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_group(struct sk_buff *skb, const struct bowtie_link *link,
		      const struct bowtie_group *g)
{
	const struct bowtie_buckets *table =
		rcu_dereference_protected(g->buckets, lockdep_is_held(&link->lock));
	const struct bowtie_tunnel *t;
	u32 up = 0;
	int i;

	for (i = 0; i < g->n; i++) {
		t = rcu_dereference_protected(link->tunnels[g->members[i].id],
					      lockdep_is_held(&link->lock));
		up += t && bowtie_tunnel_usable(t);
		if (fill_nexthop(skb, &g->members[i], table))
			return -EMSGSIZE;
	}
	if (nla_put_u32(skb, BOWTIE_A_ROUTE_GROUP, g->id) ||
	    nla_put_u32(skb, BOWTIE_A_ROUTE_TUNNELS_UP, up))
		return -EMSGSIZE;
	return 0;
}

/**
 * bowtie_nl_fill_route() - BOWTIE_A_ROUTE
 * @skb: where to
 * @link: link
 * @r: route of it
 *
 * Context: link->lock. Return: 0 or -EMSGSIZE, which leaves nothing behind.
 */
int bowtie_nl_fill_route(struct sk_buff *skb, const struct bowtie_link *link,
			 const struct bowtie_route *r)
{
	const struct bowtie_tunnel *pinned =
		rcu_dereference_protected(r->pinned, lockdep_is_held(&link->lock));
	const struct bowtie_group *g =
		rcu_dereference_protected(r->group, lockdep_is_held(&link->lock));
	struct nlattr *nest = nla_nest_start(skb, BOWTIE_A_ROUTE);

	if (!nest)
		return -EMSGSIZE;
	if (put_prefix(skb, r->family, r->key, r->len) ||
	    (pinned && nla_put_u32(skb, BOWTIE_A_ROUTE_PINNED, pinned->id)) ||
	    (g && fill_group(skb, link, g))) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}
