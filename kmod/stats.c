// SPDX-License-Identifier: GPL-2.0
/* Counters: the one table of their names, and sums over CPUs. */
#include <linux/if_link.h>

#include "stats.h"

#define STAT(id, name)	[BOWTIE_STAT(id)] = name

/* As ethtool -S prints them; the netlink names are the same with dashes. */
const char *const bowtie_stat_names[BOWTIE_STATS_COUNT] = {
	STAT(TX_PACKETS, "tx_packets"),
	STAT(TX_BYTES, "tx_bytes"),
	STAT(RX_PACKETS, "rx_packets"),
	STAT(RX_BYTES, "rx_bytes"),
	STAT(TX_FALLBACK, "tx_fallback"),
	STAT(TX_FRAGMENTED, "tx_fragmented"),
	STAT(TX_MSS_CLAMPED, "tx_mss_clamped"),
	STAT(RX_MSS_CLAMPED, "rx_mss_clamped"),
	STAT(TX_DROP_INVALID, "tx_drop_invalid"),
	STAT(TX_DROP_MULTICAST, "tx_drop_multicast"),
	STAT(TX_DROP_HAIRPIN, "tx_drop_hairpin"),
	STAT(TX_DROP_NO_ROUTE, "tx_drop_no_route"),
	STAT(TX_DROP_NO_TUNNEL, "tx_drop_no_tunnel"),
	STAT(TX_DROP_NO_SA, "tx_drop_no_sa"),
	STAT(TX_DROP_NO_UNDERLAY, "tx_drop_no_underlay"),
	STAT(TX_DROP_LOOP, "tx_drop_loop"),
	STAT(TX_DROP_SELECTOR, "tx_drop_selector"),
	STAT(TX_DROP_TOO_BIG, "tx_drop_too_big"),
	STAT(TX_DROP_NO_MEMORY, "tx_drop_no_memory"),
	STAT(TX_DROP_ESP, "tx_drop_esp"),
	STAT(RX_DROP_ESP, "rx_drop_esp"),
	STAT(RX_DROP_INVALID, "rx_drop_invalid"),
	STAT(RX_DROP_DOWN, "rx_drop_down"),
	STAT(RX_DROP_SELECTOR, "rx_drop_selector"),
	STAT(RX_DROP_SPOOFED, "rx_drop_spoofed"),
	STAT(RX_DROP_NO_ROUTE, "rx_drop_no_route"),
	STAT(RX_DROP_NO_MEMORY, "rx_drop_no_memory"),
	STAT(RX_DROP_BACKLOG, "rx_drop_backlog"),
	STAT(TX_PROBES, "tx_probes"),
	STAT(RX_ANSWERS, "rx_answers"),
	STAT(RX_ANSWERS_BAD, "rx_answers_bad"),
	STAT(RX_PROBES, "rx_probes"),
	STAT(RX_EARLY, "rx_early"),
};

/**
 * bowtie_stats_init() - prepare one CPU's counters, which are zeroed already
 * @s: the counters
 */
void bowtie_stats_init(struct bowtie_pcpu_stats *s)
{
	u64_stats_init(&s->syncp);
}

/**
 * bowtie_stats_add_pcpu() - add one CPU's counters to a sum
 * @sum: where to
 * @s: the CPU's counters; may be written to meanwhile
 */
void bowtie_stats_add_pcpu(struct bowtie_stats *sum, const struct bowtie_pcpu_stats *s)
{
	u64 c[BOWTIE_STATS_COUNT];
	unsigned int start;
	int i;

	do {
		start = u64_stats_fetch_begin(&s->syncp);
		for (i = 0; i < BOWTIE_STATS_COUNT; i++)
			c[i] = u64_stats_read(&s->c[i]);
	} while (u64_stats_fetch_retry(&s->syncp, start));

	for (i = 0; i < BOWTIE_STATS_COUNT; i++)
		sum->c[i] += c[i];
}

/**
 * bowtie_stats_add() - add a sum to a sum
 * @sum: where to
 * @s: what to add
 */
void bowtie_stats_add(struct bowtie_stats *sum, const struct bowtie_stats *s)
{
	int i;

	for (i = 0; i < BOWTIE_STATS_COUNT; i++)
		sum->c[i] += s->c[i];
}

/**
 * bowtie_stats_to_rtnl() - express the counters in the terms of ip -s link
 * @s: the counters
 * @out: packets, bytes, drops and errors are written, the rest is left alone
 *
 * What never matched the configuration is "dropped"; what ESP, the underlay or
 * a lack of memory broke is an "error", with its own field where there is one.
 */
void bowtie_stats_to_rtnl(const struct bowtie_stats *s, struct rtnl_link_stats64 *out)
{
	const u64 *c = s->c;

	out->tx_packets = c[BOWTIE_STAT(TX_PACKETS)];
	out->tx_bytes = c[BOWTIE_STAT(TX_BYTES)];
	out->rx_packets = c[BOWTIE_STAT(RX_PACKETS)];
	out->rx_bytes = c[BOWTIE_STAT(RX_BYTES)];

	out->tx_carrier_errors = c[BOWTIE_STAT(TX_DROP_NO_TUNNEL)] +
				 c[BOWTIE_STAT(TX_DROP_NO_SA)] +
				 c[BOWTIE_STAT(TX_DROP_NO_UNDERLAY)];
	out->collisions = c[BOWTIE_STAT(TX_DROP_LOOP)];
	out->tx_errors = out->tx_carrier_errors + out->collisions +
			 c[BOWTIE_STAT(TX_DROP_ESP)];
	out->tx_dropped = c[BOWTIE_STAT(TX_DROP_INVALID)] +
			  c[BOWTIE_STAT(TX_DROP_MULTICAST)] +
			  c[BOWTIE_STAT(TX_DROP_HAIRPIN)] +
			  c[BOWTIE_STAT(TX_DROP_NO_ROUTE)] +
			  c[BOWTIE_STAT(TX_DROP_SELECTOR)] +
			  c[BOWTIE_STAT(TX_DROP_TOO_BIG)] +
			  c[BOWTIE_STAT(TX_DROP_NO_MEMORY)];

	out->rx_frame_errors = c[BOWTIE_STAT(RX_DROP_INVALID)];
	out->rx_errors = out->rx_frame_errors + c[BOWTIE_STAT(RX_DROP_ESP)];
	out->rx_dropped = c[BOWTIE_STAT(RX_DROP_DOWN)] +
			  c[BOWTIE_STAT(RX_DROP_SELECTOR)] +
			  c[BOWTIE_STAT(RX_DROP_SPOOFED)] +
			  c[BOWTIE_STAT(RX_DROP_NO_ROUTE)] +
			  c[BOWTIE_STAT(RX_DROP_NO_MEMORY)];
}
