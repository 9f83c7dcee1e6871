// SPDX-License-Identifier: GPL-2.0
/* ethtool: driver information and counters, of the link and of each tunnel. */
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>

#include "link.h"
#include "stats.h"
#include "tunnel.h"

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->version, BOWTIE_VERSION, sizeof(info->version));
}

/* Tunnels come and go under RTNL, which holds across the calls for a request. */
static int get_sset_count(struct net_device *dev, int sset)
{
	struct bowtie_link *link = netdev_priv(dev);

	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return BOWTIE_STATS_COUNT * (1 + link->n_tunnels);
}

static void get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	struct bowtie_link *link = netdev_priv(dev);
	int i, id;

	if (sset != ETH_SS_STATS)
		return;
	for (i = 0; i < BOWTIE_STATS_COUNT; i++)
		ethtool_sprintf(&data, "%s", bowtie_stat_names[i]);
	for (id = 0; id < BOWTIE_TUNNELS_MAX; id++) {
		if (!rcu_access_pointer(link->tunnels[id]))
			continue;
		for (i = 0; i < BOWTIE_STATS_COUNT; i++)
			ethtool_sprintf(&data, "tunnel%u_%s", id, bowtie_stat_names[i]);
	}
}

static void get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct bowtie_link *link = netdev_priv(dev);
	const struct bowtie_tunnel *t;
	struct bowtie_stats sum = {};
	int id;

	bowtie_link_stats(link, &sum);
	memcpy(data, sum.c, sizeof(sum.c));
	for (id = 0; id < BOWTIE_TUNNELS_MAX; id++) {
		t = rtnl_dereference(link->tunnels[id]);
		if (!t)
			continue;
		data += BOWTIE_STATS_COUNT;
		memset(&sum, 0, sizeof(sum));
		bowtie_tunnel_stats(t, &sum);
		memcpy(data, sum.c, sizeof(sum.c));
	}
}

const struct ethtool_ops bowtie_ethtool_ops = {
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_sset_count = get_sset_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_ethtool_stats,
};
