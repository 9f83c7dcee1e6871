/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM bowtie

#if !defined(_BOWTIE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _BOWTIE_TRACE_H

#include <linux/netdevice.h>
#include <linux/tracepoint.h>
#include <linux/bowtie.h>

#include "stats.h"

TRACE_EVENT(bowtie_pick,
	TP_PROTO(const struct net_device *dev, unsigned int tunnel, u32 hash, bool fallback),
	TP_ARGS(dev, tunnel, hash, fallback),
	TP_STRUCT__entry(
		__string(dev, dev->name)
		__field(unsigned int, tunnel)
		__field(u32, hash)
		__field(bool, fallback)
	),
	TP_fast_assign(
		bowtie_assign_str(dev, dev->name);
		__entry->tunnel = tunnel;
		__entry->hash = hash;
		__entry->fallback = fallback;
	),
	TP_printk("dev=%s tunnel=%u hash=%08x%s", __get_str(dev), __entry->tunnel,
		  __entry->hash, __entry->fallback ? " fallback" : "")
);

/* @reason is the counter's attribute, BOWTIE_A_STATS_*_DROP_*. */
TRACE_EVENT(bowtie_drop,
	TP_PROTO(const struct net_device *dev, int tunnel, unsigned int reason),
	TP_ARGS(dev, tunnel, reason),
	TP_STRUCT__entry(
		__string(dev, dev->name)
		__field(int, tunnel)
		__string(reason, bowtie_stat_names[reason - 1])
	),
	TP_fast_assign(
		bowtie_assign_str(dev, dev->name);
		__entry->tunnel = tunnel;
		bowtie_assign_str(reason, bowtie_stat_names[reason - 1]);
	),
	TP_printk("dev=%s tunnel=%d reason=%s", __get_str(dev), __entry->tunnel,
		  __get_str(reason))
);

/* @from and @to are enum bowtie_oper_state, @reason is enum bowtie_reason. */
TRACE_EVENT(bowtie_tunnel_state,
	TP_PROTO(const struct net_device *dev, unsigned int tunnel, u8 from, u8 to, u8 reason),
	TP_ARGS(dev, tunnel, from, to, reason),
	TP_STRUCT__entry(
		__string(dev, dev->name)
		__field(unsigned int, tunnel)
		__field(u8, from)
		__field(u8, to)
		__field(u8, reason)
	),
	TP_fast_assign(
		bowtie_assign_str(dev, dev->name);
		__entry->tunnel = tunnel;
		__entry->from = from;
		__entry->to = to;
		__entry->reason = reason;
	),
	TP_printk("dev=%s tunnel=%u from=%u to=%u reason=%u", __get_str(dev),
		  __entry->tunnel, __entry->from, __entry->to, __entry->reason)
);

/* A tunnel is given up: @silence is since the latest answer, in ns. */
TRACE_EVENT(bowtie_silence,
	TP_PROTO(const struct net_device *dev, unsigned int tunnel, u64 silence, u32 unanswered),
	TP_ARGS(dev, tunnel, silence, unanswered),
	TP_STRUCT__entry(
		__string(dev, dev->name)
		__field(unsigned int, tunnel)
		__field(u64, silence)
		__field(u32, unanswered)
	),
	TP_fast_assign(
		bowtie_assign_str(dev, dev->name);
		__entry->tunnel = tunnel;
		__entry->silence = silence;
		__entry->unanswered = unanswered;
	),
	TP_printk("dev=%s tunnel=%u silence=%llu unanswered=%u", __get_str(dev),
		  __entry->tunnel, __entry->silence, __entry->unanswered)
);

#endif /* _BOWTIE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
