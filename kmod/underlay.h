/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_UNDERLAY_H
#define _BOWTIE_UNDERLAY_H

#include <net/dst.h>

struct bowtie_sa;
struct bowtie_tunnel;

struct dst_entry *bowtie_underlay_bundle(struct bowtie_tunnel *t, const struct bowtie_sa *sa,
					 bool v6, bool *own);
void bowtie_underlay_probe_mtu(struct bowtie_tunnel *t);
void bowtie_underlay_purge(struct bowtie_tunnel *t);

int bowtie_underlay_init(void);
void bowtie_underlay_exit(void);

#endif /* _BOWTIE_UNDERLAY_H */
