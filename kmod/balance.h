/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_BALANCE_H
#define _BOWTIE_BALANCE_H

struct bowtie_link;
struct bowtie_tunnel;
struct bowtie_tunnel_conf;
struct work_struct;

void bowtie_balance_arm(struct bowtie_link *link);
void bowtie_balance_now(struct bowtie_link *link);
void bowtie_balance_settle(struct bowtie_link *link);
void bowtie_balance_work(struct work_struct *work);
void bowtie_drain_follow(struct bowtie_tunnel *t, const struct bowtie_tunnel_conf *conf);

#endif /* _BOWTIE_BALANCE_H */
