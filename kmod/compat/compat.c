// SPDX-License-Identifier: GPL-2.0
/* Differences between kernel versions that need more than a macro. */
#include <linux/netdevice.h>
#include <linux/slab.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)

struct net_device *bowtie_dummy_netdev_alloc(void)
{
	return alloc_netdev_dummy(0);
}

void bowtie_dummy_netdev_free(struct net_device *dev)
{
	free_netdev(dev);
}

#else

struct net_device *bowtie_dummy_netdev_alloc(void)
{
	struct net_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (dev)
		init_dummy_netdev(dev);
	return dev;
}

void bowtie_dummy_netdev_free(struct net_device *dev)
{
	kfree(dev);
}

#endif

void bowtie_dev_set_lockless(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}
