/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernel versions. Force-included into every file, and the
 * only place that may look at LINUX_VERSION_CODE.
 */
#ifndef _BOWTIE_COMPAT_H
#define _BOWTIE_COMPAT_H

#include <linux/version.h>
#include <linux/compiler.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "bowtie needs Linux 6.1 or newer"
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#include <net/rps.h>	/* rps_needed */
#endif

#ifndef __counted_by	/* 6.6 */
#define __counted_by(member)
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define bowtie_assign_str(dst, src)	__assign_str(dst)
#else
#define bowtie_assign_str(dst, src)	__assign_str(dst, src)
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define bowtie_genl_op	genl_split_ops
#else
#define bowtie_genl_op	genl_ops
#endif

/* What a transform's completion is given, and what the caller had put in. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define bowtie_crypto_arg		void
#define bowtie_crypto_data(arg)		(arg)
#else
#define bowtie_crypto_arg		struct crypto_async_request
#define bowtie_crypto_data(arg)		((arg)->data)
#endif

/* An SA of one CPU, or one whose mode is not the kernel's plain tunnel (IPTFS). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define bowtie_state_is_special(x)	((x)->pcpu_num != UINT_MAX || (x)->mode_cbs)
#else
#define bowtie_state_is_special(x)	false
#endif

/* What tc has on a device's way out: struct net_device's member. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define bowtie_dev_tc_egress		tcx_egress
#define BOWTIE_HAVE_TC_EGRESS		IS_ENABLED(CONFIG_NET_XGRESS)
#else
#define bowtie_dev_tc_egress		miniq_egress
#define BOWTIE_HAVE_TC_EGRESS		IS_ENABLED(CONFIG_NET_CLS_ACT)
#endif

/* When an SA was used last, which whoever keys it may ask for. x->lock held. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define bowtie_state_used(x)		WRITE_ONCE((x)->lastused, ktime_get_real_seconds())
#else
#define bowtie_state_used(x)		((void)(x))
#endif

/* Is it a packet that a NIC was to encrypt for a TLS socket? */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define bowtie_skb_decrypted(skb)	skb_is_decrypted(skb)
#elif IS_ENABLED(CONFIG_TLS_DEVICE)
#define bowtie_skb_decrypted(skb)	((skb)->decrypted)
#else
#define bowtie_skb_decrypted(skb)	false
#endif

struct net_device;

/* A device that is never registered, for NAPI to hang on. */
struct net_device *bowtie_dummy_netdev_alloc(void);
void bowtie_dummy_netdev_free(struct net_device *dev);

/* Transmit takes no queue lock: NETIF_F_LLTX, or dev->lltx from 6.12 on. */
void bowtie_dev_set_lockless(struct net_device *dev);

#endif /* _BOWTIE_COMPAT_H */
