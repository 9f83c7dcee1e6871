// SPDX-License-Identifier: GPL-2.0
/* Commands about tunnels and SAs: parse, check, apply; a reason for each refusal. */
#include <linux/ctype.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "link.h"
#include "netlink.h"
#include "netns.h"
#include "sa.h"
#include "tunnel.h"

#define MISSING_UNDERLAY	"no CAP_NET_ADMIN in the underlay's namespace"

static int parse_tunnel(struct genl_info *info, struct nlattr **tb, int max,
			const struct nla_policy *policy)
{
	if (!info->attrs[BOWTIE_A_TUNNEL]) {
		NL_SET_ERR_MSG(info->extack, "tunnel is missing");
		return -EINVAL;
	}
	return nla_parse_nested(tb, max, info->attrs[BOWTIE_A_TUNNEL], policy, info->extack);
}

/* By id, else by name. */
static struct bowtie_tunnel *find_tunnel(struct bowtie_link *link, struct nlattr **tb,
					 struct netlink_ext_ack *extack)
{
	struct bowtie_tunnel *t;

	if (tb[BOWTIE_A_TUNNEL_ID]) {
		t = rcu_dereference_protected(link->tunnels[nla_get_u32(tb[BOWTIE_A_TUNNEL_ID])],
					      lockdep_is_held(&link->lock));
		if (!t)
			NL_SET_ERR_MSG_ATTR(extack, tb[BOWTIE_A_TUNNEL_ID],
					    "no tunnel with this id");
	} else if (tb[BOWTIE_A_TUNNEL_NAME]) {
		t = bowtie_tunnel_by_name(link, nla_data(tb[BOWTIE_A_TUNNEL_NAME]));
		if (!t)
			NL_SET_ERR_MSG_ATTR(extack, tb[BOWTIE_A_TUNNEL_NAME],
					    "no tunnel with this name");
	} else {
		NL_SET_ERR_MSG(extack, "tunnel id or name is missing");
		return ERR_PTR(-EINVAL);
	}
	return t ?: ERR_PTR(-ENOENT);
}

/* An address of 4 or 16 bytes. */
static int parse_addr(const struct nlattr *attr, xfrm_address_t *addr, u8 *family,
		      struct netlink_ext_ack *extack)
{
	memset(addr, 0, sizeof(*addr));
	switch (nla_len(attr)) {
	case sizeof(struct in_addr):
		*family = AF_INET;
		break;
	case sizeof(struct in6_addr):
		*family = AF_INET6;
		break;
	default:
		NL_SET_ERR_MSG_ATTR(extack, attr, "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	memcpy(addr, nla_data(attr), nla_len(attr));
	return 0;
}

/*
 * One that is given rules over one that is kept: changing the family of the one
 * makes the other any address.
 */
static int parse_outer(struct nlattr **tb, struct bowtie_tunnel_conf *conf,
		       struct netlink_ext_ack *extack)
{
	struct nlattr *local = tb[BOWTIE_A_TUNNEL_LOCAL], *remote = tb[BOWTIE_A_TUNNEL_REMOTE];
	u8 lfamily = conf->family, rfamily = conf->family;
	int err;

	if (local) {
		err = parse_addr(local, &conf->local, &lfamily, extack);
		if (err)
			return err;
	}
	if (remote) {
		err = parse_addr(remote, &conf->remote, &rfamily, extack);
		if (err)
			return err;
	}
	if (local && remote && lfamily != rfamily) {
		NL_SET_ERR_MSG_ATTR(extack, remote, "local and remote are of different families");
		return -EINVAL;
	}
	if (local && !remote && conf->family && lfamily != conf->family)
		memset(&conf->remote, 0, sizeof(conf->remote));
	if (remote && !local && conf->family && rfamily != conf->family)
		memset(&conf->local, 0, sizeof(conf->local));
	conf->family = local ? lfamily : rfamily;
	return 0;
}

static int parse_selector_side(struct nlattr *addr, struct nlattr *len, xfrm_address_t *out,
			       u8 *out_len, u8 *family, struct netlink_ext_ack *extack)
{
	u32 bits = nla_get_u32(len);
	int err;

	err = parse_addr(addr, out, family, extack);
	if (err)
		return err;
	if (bits > (*family == AF_INET ? 32 : 128)) {
		NL_SET_ERR_MSG_ATTR(extack, len, "prefix length is larger than the address");
		return -EINVAL;
	}
	*out_len = bits;
	return 0;
}

static int parse_selector(struct nlattr *attr, struct bowtie_selector *s,
			  struct netlink_ext_ack *extack)
{
	struct nlattr *tb[BOWTIE_A_SELECTOR_MAX + 1];
	u8 remote_family;
	int err;

	err = nla_parse_nested(tb, BOWTIE_A_SELECTOR_MAX, attr, bowtie_selector_nl_policy, extack);
	if (err)
		return err;
	if (!tb[BOWTIE_A_SELECTOR_LOCAL] || !tb[BOWTIE_A_SELECTOR_LOCAL_LEN] ||
	    !tb[BOWTIE_A_SELECTOR_REMOTE] || !tb[BOWTIE_A_SELECTOR_REMOTE_LEN]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "selector needs local and remote prefix");
		return -EINVAL;
	}
	err = parse_selector_side(tb[BOWTIE_A_SELECTOR_LOCAL], tb[BOWTIE_A_SELECTOR_LOCAL_LEN],
				  &s->local, &s->local_len, &s->family, extack);
	if (err)
		return err;
	err = parse_selector_side(tb[BOWTIE_A_SELECTOR_REMOTE], tb[BOWTIE_A_SELECTOR_REMOTE_LEN],
				  &s->remote, &s->remote_len, &remote_family, extack);
	if (err)
		return err;
	if (s->family != remote_family) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "selector mixes address families");
		return -EINVAL;
	}
	return 0;
}

/* Number of selectors in the list, or an error. */
static int count_selectors(const struct nlattr *list, struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	int rem, n = 0;

	nla_for_each_nested(attr, list, rem)
		n++;
	if (n > BOWTIE_SELECTORS_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, list, "too many selectors");
		return -E2BIG;
	}
	return n;
}

static void parse_inside(struct nlattr **tb, struct bowtie_tunnel_conf *conf)
{
	if (tb[BOWTIE_A_TUNNEL_INSIDE_LOCAL4])
		conf->inside_local4 = nla_get_in_addr(tb[BOWTIE_A_TUNNEL_INSIDE_LOCAL4]);
	if (tb[BOWTIE_A_TUNNEL_INSIDE_PEER4])
		conf->inside_peer4 = nla_get_in_addr(tb[BOWTIE_A_TUNNEL_INSIDE_PEER4]);
	if (tb[BOWTIE_A_TUNNEL_INSIDE_LOCAL6])
		conf->inside_local6 = nla_get_in6_addr(tb[BOWTIE_A_TUNNEL_INSIDE_LOCAL6]);
	if (tb[BOWTIE_A_TUNNEL_INSIDE_PEER6])
		conf->inside_peer6 = nla_get_in6_addr(tb[BOWTIE_A_TUNNEL_INSIDE_PEER6]);
}

static int parse_mss(const struct nlattr *attr, struct bowtie_tunnel_conf *conf,
		     struct netlink_ext_ack *extack)
{
	conf->mss = nla_get_u32(attr);
	if (conf->mss == BOWTIE_MSS_OFF || conf->mss == BOWTIE_MSS_AUTO ||
	    (conf->mss >= BOWTIE_MSS_MIN && conf->mss <= BOWTIE_MSS_MAX))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "mss is neither off, auto nor 48..65495");
	return -EINVAL;
}

static int parse_scalars(struct nlattr **tb, struct bowtie_tunnel_conf *conf,
			 struct netlink_ext_ack *extack)
{
	if (tb[BOWTIE_A_TUNNEL_IF_ID])
		conf->if_id = nla_get_u32(tb[BOWTIE_A_TUNNEL_IF_ID]);
	if (tb[BOWTIE_A_TUNNEL_WEIGHT])
		conf->weight = nla_get_u32(tb[BOWTIE_A_TUNNEL_WEIGHT]);
	if (tb[BOWTIE_A_TUNNEL_TIER])
		conf->tier = nla_get_u32(tb[BOWTIE_A_TUNNEL_TIER]);
	if (tb[BOWTIE_A_TUNNEL_DF])
		conf->df = nla_get_u32(tb[BOWTIE_A_TUNNEL_DF]);
	if (tb[BOWTIE_A_TUNNEL_MARK])
		conf->mark = nla_get_u32(tb[BOWTIE_A_TUNNEL_MARK]);
	if (tb[BOWTIE_A_TUNNEL_DRAIN_TIMEOUT])
		conf->drain_timeout = nla_get_u32(tb[BOWTIE_A_TUNNEL_DRAIN_TIMEOUT]);
	if (tb[BOWTIE_A_TUNNEL_ADMIN])
		conf->admin = nla_get_u32(tb[BOWTIE_A_TUNNEL_ADMIN]);
	if (tb[BOWTIE_A_TUNNEL_PROBE])
		conf->probe = nla_get_u32(tb[BOWTIE_A_TUNNEL_PROBE]);
	if (tb[BOWTIE_A_TUNNEL_PROBE_INTERVAL])
		conf->probe_interval = nla_get_u32(tb[BOWTIE_A_TUNNEL_PROBE_INTERVAL]);
	if (tb[BOWTIE_A_TUNNEL_PROBE_MULTIPLIER])
		conf->probe_multiplier = nla_get_u32(tb[BOWTIE_A_TUNNEL_PROBE_MULTIPLIER]);
	if (tb[BOWTIE_A_TUNNEL_PROBE_PORT])
		conf->probe_port = nla_get_u32(tb[BOWTIE_A_TUNNEL_PROBE_PORT]);
	if (tb[BOWTIE_A_TUNNEL_ESP_MODE])
		conf->esp_mode = nla_get_u32(tb[BOWTIE_A_TUNNEL_ESP_MODE]);
	if (tb[BOWTIE_A_TUNNEL_MSS])
		return parse_mss(tb[BOWTIE_A_TUNNEL_MSS], conf, extack);
	return 0;
}

/* New settings out of the given ones and those to keep. */
static struct bowtie_tunnel_conf *parse_conf(struct nlattr **tb,
					     const struct bowtie_tunnel_conf *from,
					     struct netlink_ext_ack *extack)
{
	struct nlattr *list = tb[BOWTIE_A_TUNNEL_SELECTORS], *attr;
	struct bowtie_tunnel_conf *conf;
	int n = from ? from->n_selectors : 0, rem, i = 0, err;

	if (list) {
		n = count_selectors(list, extack);
		if (n < 0)
			return ERR_PTR(n);
	}
	conf = bowtie_tunnel_conf_new(from, n);
	if (!conf)
		return ERR_PTR(-ENOMEM);

	err = parse_outer(tb, conf, extack);
	if (!err)
		err = parse_scalars(tb, conf, extack);
	if (!err && list) {
		nla_for_each_nested(attr, list, rem) {
			err = parse_selector(attr, &conf->selectors[i++], extack);
			if (err)
				break;
		}
	}
	if (err) {
		kfree(conf);
		return ERR_PTR(err);
	}
	parse_inside(tb, conf);
	if (tb[BOWTIE_A_TUNNEL_NAME])
		nla_strscpy(conf->name, tb[BOWTIE_A_TUNNEL_NAME], sizeof(conf->name));
	return conf;
}

static int check_name(const struct bowtie_tunnel_conf *conf, struct netlink_ext_ack *extack)
{
	const char *c;

	/* What a command line or a metric's label could not tell apart. */
	for (c = conf->name; *c; c++) {
		if (!isascii(*c) || (!isalnum(*c) && !strchr("-_.", *c))) {
			NL_SET_ERR_MSG(extack, "a name has letters, digits and - _ . only");
			return -EINVAL;
		}
	}
	if (!isalpha(conf->name[0])) {
		NL_SET_ERR_MSG(extack, "a name begins with a letter, as numbers are ids");
		return -EINVAL;
	}
	return 0;
}

static int change(struct sk_buff *skb, struct genl_info *info, struct bowtie_tunnel *t,
		  struct nlattr **tb)
{
	struct bowtie_link *link = t->link;
	struct bowtie_tunnel_conf *conf;
	int err;

	if ((tb[BOWTIE_A_TUNNEL_IF_ID] || tb[BOWTIE_A_TUNNEL_LOCAL] ||
	     tb[BOWTIE_A_TUNNEL_REMOTE]) && !bowtie_nl_may_underlay(skb, link)) {
		NL_SET_ERR_MSG(info->extack, MISSING_UNDERLAY);
		return -EPERM;
	}
	conf = parse_conf(tb, rcu_dereference_protected(t->conf, lockdep_is_held(&link->lock)),
			  info->extack);
	if (IS_ERR(conf))
		return PTR_ERR(conf);
	err = check_name(conf, info->extack);
	if (!err)
		err = bowtie_tunnel_conf_check(conf, info->extack);
	if (!err)
		err = bowtie_tunnel_change(t, conf, info->extack);
	if (err) {
		kfree(conf);
		return err;
	}
	bowtie_notify_tunnel(t);
	return 0;
}

static int echo(struct genl_info *info, struct bowtie_tunnel *t)
{
	if (!(info->nlhdr->nlmsg_flags & NLM_F_ECHO))
		return 0;
	return bowtie_nl_reply(info, t->link, bowtie_nl_fill_tunnel, t);
}

static int create(struct genl_info *info, struct bowtie_link *link, struct nlattr **tb)
{
	struct bowtie_tunnel_conf *conf;
	struct bowtie_tunnel *t;
	int id, err;

	id = tb[BOWTIE_A_TUNNEL_ID] ? nla_get_u32(tb[BOWTIE_A_TUNNEL_ID]) :
	     bowtie_tunnel_id_free(link);
	if (id < 0) {
		NL_SET_ERR_MSG(info->extack, "the link has all the tunnels it can have");
		return id;
	}
	conf = parse_conf(tb, NULL, info->extack);
	if (IS_ERR(conf))
		return PTR_ERR(conf);
	if (!tb[BOWTIE_A_TUNNEL_NAME])
		snprintf(conf->name, sizeof(conf->name), "t%d", id);
	err = check_name(conf, info->extack);
	if (!err)
		err = bowtie_tunnel_conf_check(conf, info->extack);
	if (err)
		goto err_conf;
	t = bowtie_tunnel_create(link, id, conf, info->extack);
	if (IS_ERR(t)) {
		err = PTR_ERR(t);
		goto err_conf;
	}
	bowtie_notify_tunnel(t);
	return echo(info, t);

err_conf:
	kfree(conf);
	return err;
}

/**
 * bowtie_nl_tunnel_new() - BOWTIE_CMD_TUNNEL_NEW
 * @skb: request
 * @info: its attributes
 *
 * If it changes a tunnel, what is not given stays. Context: RTNL and link->lock.
 * Return: 0 or an error.
 */
int bowtie_nl_tunnel_new(struct sk_buff *skb, struct genl_info *info)
{
	struct bowtie_link *link = info->user_ptr[0];
	struct nlattr *tb[BOWTIE_A_TUNNEL_MAX + 1];
	struct bowtie_tunnel *t = NULL;
	int err;

	err = parse_tunnel(info, tb, BOWTIE_A_TUNNEL_MAX, bowtie_tunnel_nl_policy);
	if (err)
		return err;
	if (tb[BOWTIE_A_TUNNEL_ID])
		t = rcu_dereference_protected(link->tunnels[nla_get_u32(tb[BOWTIE_A_TUNNEL_ID])],
					      lockdep_is_held(&link->lock));
	else if (tb[BOWTIE_A_TUNNEL_NAME])
		t = bowtie_tunnel_by_name(link, nla_data(tb[BOWTIE_A_TUNNEL_NAME]));
	err = bowtie_nl_check_mode(info, t, info->attrs[BOWTIE_A_TUNNEL]);
	if (err)
		return err;
	if (t)
		return change(skb, info, t, tb) ?: echo(info, t);
	if (!bowtie_nl_may_underlay(skb, link)) {
		NL_SET_ERR_MSG(info->extack, MISSING_UNDERLAY);
		return -EPERM;
	}
	return create(info, link, tb);
}

/**
 * bowtie_nl_tunnel_set() - BOWTIE_CMD_TUNNEL_SET
 * @skb: request
 * @info: its attributes; an id selects the tunnel and a name beside it renames it
 *
 * Context: RTNL and link->lock. Return: 0 or an error.
 */
int bowtie_nl_tunnel_set(struct sk_buff *skb, struct genl_info *info)
{
	struct bowtie_link *link = info->user_ptr[0];
	struct nlattr *tb[BOWTIE_A_TUNNEL_MAX + 1];
	struct bowtie_tunnel *t;
	int err;

	err = parse_tunnel(info, tb, BOWTIE_A_TUNNEL_MAX, bowtie_tunnel_nl_policy);
	if (err)
		return err;
	t = find_tunnel(link, tb, info->extack);
	return IS_ERR(t) ? PTR_ERR(t) : change(skb, info, t, tb);
}

/**
 * bowtie_nl_tunnel_del() - BOWTIE_CMD_TUNNEL_DEL
 * @skb: request
 * @info: its attributes
 *
 * Context: RTNL and link->lock. Return: 0 or an error.
 */
int bowtie_nl_tunnel_del(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[BOWTIE_A_TUNNEL_NAME + 1];
	struct bowtie_tunnel *t;
	int err;

	err = parse_tunnel(info, tb, BOWTIE_A_TUNNEL_NAME, bowtie_tunnel_key_nl_policy);
	if (err)
		return err;
	t = find_tunnel(info->user_ptr[0], tb, info->extack);
	if (IS_ERR(t))
		return PTR_ERR(t);
	err = bowtie_tunnel_detach(t);
	if (err)
		return err;
	bowtie_notify_tunnel_del(t);
	bowtie_tunnel_delete(t);
	return 0;
}

/**
 * bowtie_nl_tunnel_get() - BOWTIE_CMD_TUNNEL_GET for one tunnel
 * @skb: request
 * @info: its attributes
 *
 * Context: link->lock. Return: 0 or an error.
 */
int bowtie_nl_tunnel_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[BOWTIE_A_TUNNEL_NAME + 1];
	struct bowtie_tunnel *t;
	int err;

	err = parse_tunnel(info, tb, BOWTIE_A_TUNNEL_NAME, bowtie_tunnel_key_nl_policy);
	if (err)
		return err;
	t = find_tunnel(info->user_ptr[0], tb, info->extack);
	if (IS_ERR(t))
		return PTR_ERR(t);
	return bowtie_nl_reply(info, t->link, bowtie_nl_fill_tunnel, t);
}

static const struct bowtie_sa *find_sa(struct bowtie_link *link, __be32 spi)
{
	struct bowtie_tunnel *t;
	struct bowtie_sa *sa;
	int i;

	bowtie_for_each_tunnel(link, t, i)
		list_for_each_entry_rcu(sa, &t->sas, list)
			if (sa->spi == spi)
				return sa;
	return NULL;
}

/**
 * bowtie_nl_sa_get() - BOWTIE_CMD_SA_GET for one SA
 * @skb: request
 * @info: its attributes
 *
 * Context: link->lock. Return: 0 or an error.
 */
int bowtie_nl_sa_get(struct sk_buff *skb, struct genl_info *info)
{
	struct bowtie_link *link = info->user_ptr[0];
	struct nlattr *tb[BOWTIE_A_SA_SPI + 1];
	struct sk_buff *msg;
	const struct bowtie_sa *sa;
	void *hdr = NULL;
	int err;

	if (!info->attrs[BOWTIE_A_SA]) {
		NL_SET_ERR_MSG(info->extack, "sa is missing");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, BOWTIE_A_SA_SPI, info->attrs[BOWTIE_A_SA],
			       bowtie_sa_key_nl_policy, info->extack);
	if (err)
		return err;
	if (!tb[BOWTIE_A_SA_SPI]) {
		NL_SET_ERR_MSG(info->extack, "sa: spi is missing");
		return -EINVAL;
	}
	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;

	rcu_read_lock();
	sa = find_sa(link, cpu_to_be32(nla_get_u32(tb[BOWTIE_A_SA_SPI])));
	if (sa)
		hdr = bowtie_nl_begin(msg, link, info->genlhdr->cmd, info->snd_portid,
				      info->snd_seq, 0);
	if (hdr && bowtie_nl_fill_sa(msg, sa))
		hdr = NULL;
	rcu_read_unlock();
	if (hdr) {
		genlmsg_end(msg, hdr);
		return genlmsg_reply(msg, info);
	}
	nlmsg_free(msg);
	if (!sa)
		NL_SET_ERR_MSG_ATTR(info->extack, tb[BOWTIE_A_SA_SPI], "no SA with this SPI");
	return sa ? -EMSGSIZE : -ENOENT;
}
