// SPDX-License-Identifier: GPL-2.0
/* Bowtie: multi-tunnel IPsec virtual interface. Loading and unloading. */
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/rtnetlink.h>

#include "esp.h"
#include "link.h"
#include "netlink.h"
#include "netns.h"
#include "rx.h"
#include "rx_early.h"
#include "sa.h"
#include "underlay.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * Not bound to a CPU: the one whose softirqs found a tunnel dead may be busy with
 * packets for a long time.
 */
struct workqueue_struct *bowtie_wq;

static int __init bowtie_init(void)
{
	int err;

	bowtie_wq = alloc_workqueue("bowtie", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!bowtie_wq)
		return -ENOMEM;
	err = bowtie_netns_init();
	if (err)
		goto err_wq;
	err = bowtie_underlay_init();
	if (err)
		goto err_netns;
	bowtie_sa_init();
	err = bowtie_rx_init();
	if (err)
		goto err_sa;
	err = rtnl_link_register(&bowtie_link_ops);
	if (err)
		goto err_rx;
	err = bowtie_netlink_init();
	if (err)
		goto err_link;
	return 0;

err_link:
	rtnl_link_unregister(&bowtie_link_ops);
err_rx:
	bowtie_rx_exit();
err_sa:
	bowtie_sa_exit();
	bowtie_underlay_exit();
err_netns:
	bowtie_netns_exit();
err_wq:
	destroy_workqueue(bowtie_wq);
	bowtie_esp_exit();
	rcu_barrier();
	return err;
}

static void __exit bowtie_exit(void)
{
	bowtie_netlink_exit();
	rtnl_link_unregister(&bowtie_link_ops);
	bowtie_rx_exit();
	bowtie_sa_exit();
	bowtie_underlay_exit();
	bowtie_early_exit();
	bowtie_netns_exit();
	destroy_workqueue(bowtie_wq);
	bowtie_esp_exit();
	rcu_barrier();
}

module_init(bowtie_init);
module_exit(bowtie_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("Bowtie developers");
MODULE_DESCRIPTION("Multi-tunnel IPsec virtual interface");
MODULE_VERSION(BOWTIE_VERSION);
MODULE_ALIAS_RTNL_LINK(BOWTIE_LINK_KIND);
MODULE_ALIAS_GENL_FAMILY(BOWTIE_FAMILY_NAME);
