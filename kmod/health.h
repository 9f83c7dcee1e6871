/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_HEALTH_H
#define _BOWTIE_HEALTH_H

#include <linux/types.h>

#include "fsm.h"

struct bowtie_link;
struct bowtie_tunnel;
struct work_struct;

void bowtie_health_event(struct bowtie_tunnel *t, enum bowtie_event event);
void bowtie_health_routes(struct bowtie_link *link);
void bowtie_health_drained(struct bowtie_tunnel *t);
void bowtie_health_reset(struct bowtie_tunnel *t);
bool bowtie_health_update(struct bowtie_tunnel *t);
void bowtie_health_work(struct work_struct *work);
void bowtie_health_settle(struct work_struct *work);

#endif /* _BOWTIE_HEALTH_H */
