/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_RX_H
#define _BOWTIE_RX_H

#include <linux/types.h>

struct bowtie_link;
struct bowtie_sa;
struct bowtie_tunnel;
struct sk_buff;

/* rx.c */
int bowtie_rx_accept(const struct bowtie_sa *sa, struct sk_buff *skb);
void bowtie_rx_deliver(struct bowtie_tunnel *t, struct sk_buff *skb, bool early);
void bowtie_rx_filter_update(struct bowtie_link *link);

/* pmtu.c */
void bowtie_pmtu_learn(struct bowtie_tunnel *t, u32 mtu);

/* rx_esp.c */
int bowtie_rx_init(void);
void bowtie_rx_exit(void);

#endif /* _BOWTIE_RX_H */
