/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_MSS_H
#define _BOWTIE_MSS_H

#include <linux/types.h>

struct sk_buff;
struct bowtie_tunnel;
struct bowtie_tunnel_conf;

int bowtie_mss_clamp(struct sk_buff *skb, bool v6, const struct bowtie_tunnel_conf *conf, u32 mtu);

#endif /* _BOWTIE_MSS_H */
