// SPDX-License-Identifier: GPL-2.0
/* Network namespaces as underlays. */
#include <linux/rtnetlink.h>

#include "esp.h"
#include "link.h"
#include "netns.h"
#include "rx_early.h"
#include "tunnel.h"
#include "underlay.h"

unsigned int bowtie_net_id __read_mostly;

static int __net_init netns_init(struct net *net)
{
	struct bowtie_net *bn = bowtie_pernet(net);

	INIT_LIST_HEAD(&bn->links);
	spin_lock_init(&bn->sa_lock);
	hash_init(bn->tunnels);
	hash_init(bn->sas);
	bn->net = net;
	bowtie_early_init_net(bn);
	return 0;
}

/* An underlay goes: so do its links, wherever their devices are by now. */
static void __net_exit netns_exit_batch(struct list_head *nets)
{
	struct bowtie_link *link;
	LIST_HEAD(devices);
	struct net *net;

	rtnl_lock();
	list_for_each_entry(net, nets, exit_list)
		list_for_each_entry(link, &bowtie_pernet(net)->links, list)
			unregister_netdevice_queue(link->dev, &devices);
	unregister_netdevice_many(&devices);
	rtnl_unlock();
	/* What completes later looks for its SA here. */
	list_for_each_entry(net, nets, exit_list) {
		bowtie_esp_drain(bowtie_pernet(net));
		bowtie_early_exit_net(bowtie_pernet(net));
	}
}

/* Before any device of the namespace waits for our bundles to let go of it. */
static void __net_exit netns_pre_exit(struct net *net)
{
	struct bowtie_link *link;
	struct bowtie_tunnel *t;
	int i;

	if (list_empty(&bowtie_pernet(net)->links))
		return;
	rtnl_lock();
	list_for_each_entry(link, &bowtie_pernet(net)->links, list) {
		for (i = 0; i < BOWTIE_TUNNELS_MAX; i++) {
			t = rtnl_dereference(link->tunnels[i]);
			if (t)
				bowtie_underlay_purge(t);
		}
	}
	rtnl_unlock();
}

static struct pernet_operations netns_ops = {
	.init = netns_init,
	.pre_exit = netns_pre_exit,
	.exit_batch = netns_exit_batch,
	.id = &bowtie_net_id,
	.size = sizeof(struct bowtie_net),
};

/**
 * bowtie_netns_init() - begin to follow namespaces
 *
 * Context: process. Return: 0 or an error.
 */
int bowtie_netns_init(void)
{
	return register_pernet_subsys(&netns_ops);
}

/**
 * bowtie_netns_exit() - the reverse; no link is left
 */
void bowtie_netns_exit(void)
{
	unregister_pernet_subsys(&netns_ops);
}
