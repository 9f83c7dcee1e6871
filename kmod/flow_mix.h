/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_FLOW_MIX_H
#define _BOWTIE_FLOW_MIX_H

/* PURE: from what tells flows apart to a hash, and from a hash to a bucket. */
#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#include <linux/types.h>
#endif

/* As in the kernel's linux/hash.h */
#define BOWTIE_GOLDEN_64	0x61C8864680B583EBULL
#define BOWTIE_GOLDEN_32	0x61C88647U

/**
 * bowtie_flow_mix() - hash of a flow
 * @addrs: its addresses
 * @ports: its protocol and ports
 * @seed: random
 *
 * Three rounds of what hash_64() does, each with the upper half of the last one folded in.
 * After two the choice of the bucket, which multiplies once more, would be linear in the
 * ports: with one seed in sixteen 64 ports in a row reached but two or three of four
 * tunnels. After three they are spread as by chance.
 * Context: any.
 */
static inline __u32 bowtie_flow_mix(__u64 addrs, __u64 ports, __u64 seed)
{
	__u64 a = (addrs ^ seed) * BOWTIE_GOLDEN_64;

	a = (a ^ (a >> 32) ^ ports) * BOWTIE_GOLDEN_64;
	a = (a ^ (a >> 32)) * BOWTIE_GOLDEN_64;
	return a >> 32;
}

/**
 * bowtie_flow_bucket() - the bucket of a hash, whoever has made it
 * @hash: hash
 *
 * Context: any. Return: one of 256 buckets.
 */
static inline unsigned int bowtie_flow_bucket(__u32 hash)
{
	return hash * BOWTIE_GOLDEN_32 >> 24;
}

#endif /* _BOWTIE_FLOW_MIX_H */
