/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_STATS_H
#define _BOWTIE_STATS_H

#include <linux/percpu.h>
#include <linux/u64_stats_sync.h>
#include <linux/bowtie.h>

/* Index of a counter; the netlink attribute is one more. */
#define BOWTIE_STAT(name)	(BOWTIE_A_STATS_##name - 1)
#define BOWTIE_STATS_COUNT	(BOWTIE_A_STATS_PAD - 1)

/**
 * struct bowtie_pcpu_stats - one CPU's counters of a tunnel or a link
 * @c: the counters, indexed by BOWTIE_STAT()
 * @syncp: makes 64-bit reads whole on 32-bit machines
 *
 * Written with bottom halves disabled by the owning CPU only.
 */
struct bowtie_pcpu_stats {
	u64_stats_t c[BOWTIE_STATS_COUNT];
	struct u64_stats_sync syncp;
};

/**
 * struct bowtie_stats - counters summed over all CPUs
 * @c: the counters, indexed by BOWTIE_STAT()
 */
struct bowtie_stats {
	u64 c[BOWTIE_STATS_COUNT];
};

static inline void bowtie_stat_add(struct bowtie_pcpu_stats *s, unsigned int i,
				   unsigned int n)
{
	u64_stats_update_begin(&s->syncp);
	u64_stats_add(&s->c[i], n);
	u64_stats_update_end(&s->syncp);
}

static inline void bowtie_stat_inc(struct bowtie_pcpu_stats *s, unsigned int i)
{
	bowtie_stat_add(s, i, 1);
}

static inline void bowtie_stat_packets(struct bowtie_pcpu_stats *s,
				       unsigned int i_packets, unsigned int packets,
				       unsigned int i_bytes, unsigned int bytes)
{
	u64_stats_update_begin(&s->syncp);
	u64_stats_add(&s->c[i_packets], packets);
	u64_stats_add(&s->c[i_bytes], bytes);
	u64_stats_update_end(&s->syncp);
}

struct rtnl_link_stats64;

extern const char *const bowtie_stat_names[BOWTIE_STATS_COUNT];

void bowtie_stats_init(struct bowtie_pcpu_stats *s);
void bowtie_stats_add_pcpu(struct bowtie_stats *sum, const struct bowtie_pcpu_stats *s);
void bowtie_stats_add(struct bowtie_stats *sum, const struct bowtie_stats *s);
void bowtie_stats_to_rtnl(const struct bowtie_stats *s, struct rtnl_link_stats64 *out);

#endif /* _BOWTIE_STATS_H */
