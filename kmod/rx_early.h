/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_RX_EARLY_H
#define _BOWTIE_RX_EARLY_H

#include <linux/types.h>

struct bowtie_net;
struct bowtie_sa;
struct net_device;

void bowtie_early_learn(struct bowtie_sa *sa, const struct net_device *dev);
void bowtie_early_forget(struct bowtie_net *bn, const struct net_device *dev);

void bowtie_early_init_net(struct bowtie_net *bn);
void bowtie_early_exit_net(struct bowtie_net *bn);
void bowtie_early_exit(void);

#endif /* _BOWTIE_RX_EARLY_H */
