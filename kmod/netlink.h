/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_NETLINK_H
#define _BOWTIE_NETLINK_H

#include <net/genetlink.h>
#include <linux/bowtie.h>

struct bowtie_group;
struct bowtie_link;
struct bowtie_link_params;
struct bowtie_prefix;
struct bowtie_route;
struct bowtie_sa;
struct bowtie_tunnel;

extern struct genl_family bowtie_genl_family;

/* policy.c */
extern const struct nla_policy bowtie_link_nl_policy[BOWTIE_A_LINK_MAX + 1];
extern const struct nla_policy bowtie_tunnel_nl_policy[BOWTIE_A_TUNNEL_MAX + 1];
extern const struct nla_policy bowtie_tunnel_key_nl_policy[BOWTIE_A_TUNNEL_NAME + 1];
extern const struct nla_policy bowtie_selectors_nl_policy[BOWTIE_A_SELECTORS_MAX + 1];
extern const struct nla_policy bowtie_selector_nl_policy[BOWTIE_A_SELECTOR_MAX + 1];
extern const struct nla_policy bowtie_route_nl_policy[BOWTIE_A_ROUTE_NEXTHOP + 1];
extern const struct nla_policy bowtie_nexthop_nl_policy[BOWTIE_A_NEXTHOP_TIER + 1];
extern const struct nla_policy bowtie_route_key_nl_policy[BOWTIE_A_ROUTE_LEN + 1];
extern const struct nla_policy bowtie_sa_key_nl_policy[BOWTIE_A_SA_SPI + 1];
extern const struct nla_policy bowtie_dev_nl_policy[BOWTIE_A_IFNAME + 1];
extern const struct nla_policy bowtie_link_set_nl_policy[BOWTIE_A_LINK + 1];
extern const struct nla_policy bowtie_tunnel_new_nl_policy[BOWTIE_A_MODE + 1];
extern const struct nla_policy bowtie_tunnel_set_nl_policy[BOWTIE_A_TUNNEL + 1];
extern const struct nla_policy bowtie_tunnel_get_nl_policy[BOWTIE_A_TUNNEL + 1];
extern const struct nla_policy bowtie_route_new_nl_policy[BOWTIE_A_MODE + 1];
extern const struct nla_policy bowtie_route_get_nl_policy[BOWTIE_A_ROUTE + 1];
extern const struct nla_policy bowtie_sa_get_nl_policy[BOWTIE_A_SA + 1];

/* netlink.c */
int bowtie_nl_check_mode(struct genl_info *info, bool exists, const struct nlattr *attr);
void bowtie_link_params_parse(struct nlattr *tb[], struct bowtie_link_params *p);
bool bowtie_nl_may_underlay(struct sk_buff *skb, const struct bowtie_link *link);
int bowtie_nl_reply(struct genl_info *info, struct bowtie_link *link,
		    int (*fill)(struct sk_buff *skb, const void *object), const void *object);
int bowtie_netlink_init(void);
void bowtie_netlink_exit(void);

/* netlink_tunnel.c */
int bowtie_nl_tunnel_new(struct sk_buff *skb, struct genl_info *info);
int bowtie_nl_tunnel_set(struct sk_buff *skb, struct genl_info *info);
int bowtie_nl_tunnel_del(struct sk_buff *skb, struct genl_info *info);
int bowtie_nl_tunnel_get(struct sk_buff *skb, struct genl_info *info);
int bowtie_nl_sa_get(struct sk_buff *skb, struct genl_info *info);

/* netlink_route.c */
int bowtie_nl_route_new(struct sk_buff *skb, struct genl_info *info);
int bowtie_nl_route_del(struct sk_buff *skb, struct genl_info *info);
int bowtie_nl_route_get(struct sk_buff *skb, struct genl_info *info);
int bowtie_nl_route_flush(struct sk_buff *skb, struct genl_info *info);

/* netlink_dump.c */
int bowtie_nl_link_dump(struct sk_buff *skb, struct netlink_callback *cb);
int bowtie_nl_tunnel_dump(struct sk_buff *skb, struct netlink_callback *cb);
int bowtie_nl_route_dump(struct sk_buff *skb, struct netlink_callback *cb);
int bowtie_nl_sa_dump(struct sk_buff *skb, struct netlink_callback *cb);

/* netlink_fill.c: the one description of each object, for get, dump and notify */
void *bowtie_nl_begin(struct sk_buff *skb, const struct bowtie_link *link, u8 cmd, u32 portid,
		      u32 seq, int flags);
int bowtie_nl_fill_link(struct sk_buff *skb, const void *link);
int bowtie_nl_fill_tunnel(struct sk_buff *skb, const void *tunnel);
int bowtie_nl_fill_tunnel_key(struct sk_buff *skb, const void *tunnel);
int bowtie_nl_fill_sa(struct sk_buff *skb, const void *sa);
int bowtie_nl_fill_sa_key(struct sk_buff *skb, const void *sa);
int bowtie_nl_fill_route(struct sk_buff *skb, const struct bowtie_link *link,
			 const struct bowtie_route *r);
int bowtie_nl_fill_prefix(struct sk_buff *skb, const struct bowtie_prefix *p);
size_t bowtie_link_info_size(const struct net_device *dev);
int bowtie_link_fill_info(struct sk_buff *skb, const struct net_device *dev);

/* netlink_notify.c */
void bowtie_notify_link(struct bowtie_link *link);
void bowtie_notify_tunnel(struct bowtie_tunnel *t);
void bowtie_notify_tunnel_del(struct bowtie_tunnel *t);
void bowtie_notify_sa(struct bowtie_link *link, const struct bowtie_sa *sa);
void bowtie_notify_sa_del(struct bowtie_link *link, const struct bowtie_sa *sa);
void bowtie_notify_routes(struct bowtie_link *link, const struct bowtie_prefix *p, size_t n,
			  bool deleted);

#endif /* _BOWTIE_NETLINK_H */
