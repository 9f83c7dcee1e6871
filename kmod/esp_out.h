/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_ESP_OUT_H
#define _BOWTIE_ESP_OUT_H

#include <linux/types.h>

struct net;
struct sk_buff;

int bowtie_esp_out(struct net *net, struct sk_buff *skb, u32 path_mtu);

#endif /* _BOWTIE_ESP_OUT_H */
