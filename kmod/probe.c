// SPDX-License-Identifier: GPL-2.0
/*
 * Probing a tunnel: when to send, what to do with answers and with silence. What the
 * answers mean is decided in probe_track.c and fsm.c, what a probe looks like in
 * probe_pkt.c. Nothing is sent under a lock.
 */
#include <linux/math64.h>
#include <linux/random.h>
#include <linux/skbuff.h>
#include <net/xfrm.h>

#include "health.h"
#include "link.h"
#include "probe.h"
#include "sa.h"
#include "selector.h"
#include "trace.h"
#include "tunnel.h"
#include "tx.h"

/* TCP ports to choose from: below those that the system gives out itself. */
#define PORT_MIN	16384
#define PORT_MAX	32767

static void send_packet(struct bowtie_tunnel *t, const struct bowtie_sa *sa, struct sk_buff *skb,
			bool v6)
{
	struct bowtie_pcpu_stats *stats = &this_cpu_ptr(t->pcpu)->stats;
	int drop;

	skb->dev = t->link->dev;
	if (unlikely(!bowtie_selectors_admit(rcu_dereference(t->conf), sa, skb, v6, true)))
		drop = BOWTIE_A_STATS_TX_DROP_SELECTOR;
	else
		drop = bowtie_tx_esp(t, sa, skb, v6);
	if (likely(!drop))
		return;
	bowtie_stat_inc(stats, drop - 1);
	trace_bowtie_drop(t->link->dev, t->id, drop);
	kfree_skb(skb);
}

static void send_probe(struct bowtie_tunnel *t, const struct bowtie_sa *sa, u32 seq, u64 now)
{
	struct bowtie_pcpu_stats *stats = &this_cpu_ptr(t->pcpu)->stats;
	struct sk_buff *skb;
	bool v6;

	skb = bowtie_probe_build(&t->probe, rcu_dereference(t->conf), seq, now, &v6);
	if (unlikely(!skb)) {
		bowtie_stat_inc(stats, BOWTIE_STAT(TX_DROP_NO_MEMORY));
		return;
	}
	bowtie_stat_inc(stats, BOWTIE_STAT(TX_PROBES));
	send_packet(t, sa, skb, v6);
}

/*
 * When it sent the latest packet, in ns: not this very moment, or each cut would be noticed
 * half an interval later than it has to be. To a jiffy.
 */
static u64 latest_inbound(const struct bowtie_tunnel *t, u64 now)
{
	long age = LONG_MAX;
	int cpu;

	for_each_possible_cpu(cpu)
		age = min_t(long, age, jiffies - READ_ONCE(per_cpu_ptr(t->pcpu, cpu)->rx_last));
	/* It came by another CPU just now; or the clock has not turned over since it booted. */
	if (age < 0)
		return now;
	return now - min_t(u64, now, (u64)age * TICK_NSEC);
}

/*
 * t->lock held. Has the peer sent anything since the last time? What has passed a
 * replay window counts, but not the answers to our own probes.
 */
static void watch_inbound(struct bowtie_tunnel *t, u64 now)
{
	const struct bowtie_sa *sa;
	const struct xfrm_state *x;
	u64 packets = 0;

	list_for_each_entry_rcu(sa, &t->sas, list) {
		x = sa->x;
		if (sa->dir == BOWTIE_SA_IN &&
		    (x->replay_esn ? x->replay_esn->replay_window : x->props.replay_window))
			packets += READ_ONCE(x->curlft.packets);
	}
	packets -= t->probe.consumed;
	if ((s64)(packets - t->probe.packets) > 0)
		bowtie_probe_track_inbound(&t->probe.track, latest_inbound(t, now));
	t->probe.packets = packets;
}

/*
 * A bit earlier each time, so that tunnels and hosts do not fall into step (RFC 5880,
 * 6.8.7). Never later: then multiplier probes would not fit into the time of silence.
 */
static u64 jittered(u64 interval)
{
	return interval - mul_u64_u32_shr(interval / 4, get_random_u32(), 32);
}

/* What a tick has found to do once the lock is released. */
struct errand {
	const struct bowtie_sa *sa, *second;
	u64 suspect;
	u32 seq, second_seq;
	bool send, send_second;
	bool switch_sa;
};

/* t->lock held. */
static void judge(struct bowtie_tunnel *t, u64 now, struct errand *todo)
{
	switch (bowtie_probe_track_verdict(&t->probe.track, now)) {
	case BOWTIE_PROBE_SECOND:
		todo->switch_sa = true;
		todo->suspect = t->probe.asked;
		bowtie_probe_track_restart(&t->probe.track, now);
		break;
	case BOWTIE_PROBE_DEAD:
		if (t->fsm.reason != BOWTIE_REASON_NO_ANSWER)
			trace_bowtie_silence(t->link->dev, t->id,
					     now - max(t->probe.track.answered,
						       t->probe.track.start),
					     t->probe.track.unanswered);
		bowtie_health_event(t, BOWTIE_EV_SILENT);
		break;
	default:
		bowtie_health_event(t, bowtie_probe_track_missed(&t->probe.track, now) ?
				    BOWTIE_EV_MISSED : BOWTIE_EV_TICK);
	}
}

/* t->lock held. */
static void decide(struct bowtie_tunnel *t, u64 now, struct errand *todo)
{
	struct bowtie_probe_track *track = &t->probe.track;

	/* Our own device refuses the answers while it is down. */
	if (unlikely(!(READ_ONCE(t->link->dev->flags) & IFF_UP))) {
		bowtie_probe_track_restart(track, now);
		t->probe.next = now + jittered(track->interval);
		return;
	}
	watch_inbound(t, now);
	judge(t, now, todo);
	if (now < t->probe.next)
		return;
	t->probe.next = now + jittered(track->interval);
	todo->sa = rcu_dereference(t->sa_out);
	if (!todo->sa || !bowtie_probe_track_due(track, now))
		return;
	/* Before this one is counted as unanswered. */
	if (bowtie_probe_track_try_second(track, now))
		todo->second = bowtie_sa_out_other(t);
	todo->send = true;
	t->probe.asked = todo->sa->order;
	todo->seq = bowtie_probe_track_send(track, false, now);
	if (todo->second) {
		todo->send_second = true;
		todo->second_seq = bowtie_probe_track_send(track, true, now);
	}
}

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct bowtie_probe *probe = container_of(timer, struct bowtie_probe, timer);
	struct bowtie_tunnel *t = container_of(probe, struct bowtie_tunnel, probe);
	enum hrtimer_restart again = HRTIMER_NORESTART;
	struct errand todo = {};
	u64 now, wake;

	rcu_read_lock();
	spin_lock(&t->lock);
	if (probe->on) {
		now = ktime_get_ns();
		if (now > (u64)hrtimer_get_expires_ns(timer))
			bowtie_probe_track_late(&probe->track,
						now - hrtimer_get_expires_ns(timer));
		decide(t, now, &todo);
		wake = probe->next;
		if (probe->track.waiting && bowtie_probe_track_deadline(&probe->track) > now)
			wake = min(wake, bowtie_probe_track_deadline(&probe->track));
		/* From now on: a machine that was asleep has nothing to catch up with. */
		hrtimer_set_expires(timer, ns_to_ktime(wake));
		again = HRTIMER_RESTART;
	}
	spin_unlock(&t->lock);

	if (todo.switch_sa)
		bowtie_sa_suspect(t, todo.suspect);
	if (todo.send)
		send_probe(t, todo.sa, todo.seq, now);
	if (todo.send_second)
		send_probe(t, todo.second, todo.second_seq, now);
	rcu_read_unlock();
	return again;
}

/**
 * bowtie_probe_rx() - is a packet from the peer a probe or an answer?
 * @t: tunnel that it came by
 * @conf: its settings
 * @skb: packet with a valid IP header; only looked at
 * @v6: its family
 *
 * An answer has to be to the address that asked, by the tunnel that was asked, with
 * the cookie of that very probe, and in time; nothing else proves anything.
 * Context: RCU read side, bottom halves off.
 * Return: true if the packet has found its destination.
 */
bool bowtie_probe_rx(struct bowtie_tunnel *t, const struct bowtie_tunnel_conf *conf,
		     struct sk_buff *skb, bool v6)
{
	struct bowtie_pcpu_stats *stats = &this_cpu_ptr(t->pcpu)->stats;
	struct bowtie_probe_seen seen;
	const struct bowtie_sa *sa;
	struct sk_buff *reply;
	bool proof = false;
	u64 now;

	seen = bowtie_probe_parse(&t->probe, conf, skb, v6, READ_ONCE(t->probe.track.seq));
	if (likely(seen.kind == BOWTIE_SEEN_OTHER))
		return false;
	if (seen.kind == BOWTIE_SEEN_FORGED) {
		bowtie_stat_inc(stats, BOWTIE_STAT(RX_ANSWERS_BAD));
		return false;
	}

	spin_lock(&t->lock);
	t->probe.consumed++;
	if (seen.kind == BOWTIE_SEEN_ANSWER && t->probe.on) {
		now = ktime_get_ns();
		proof = bowtie_probe_track_answer(&t->probe.track, seen.seq, now);
		if (proof && t->probe.track.answered == now)
			bowtie_health_event(t, BOWTIE_EV_ANSWER);
	}
	spin_unlock(&t->lock);
	if (seen.kind == BOWTIE_SEEN_REQUEST)
		bowtie_stat_inc(stats, BOWTIE_STAT(RX_PROBES));
	else
		bowtie_stat_inc(stats, proof ? BOWTIE_STAT(RX_ANSWERS) :
				BOWTIE_STAT(RX_ANSWERS_BAD));

	sa = rcu_dereference(t->sa_out);
	reply = sa ? bowtie_probe_reply(conf, skb, v6) : NULL;
	if (reply)
		send_packet(t, sa, reply, v6);
	return true;
}

/**
 * bowtie_probe_init() - prepare a new tunnel's prober
 * @t: tunnel
 */
void bowtie_probe_init(struct bowtie_tunnel *t)
{
	struct bowtie_probe *probe = &t->probe;

	hrtimer_init(&probe->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	probe->timer.function = tick;
	get_random_bytes(&probe->key, sizeof(probe->key));
	probe->id = get_random_u32();
	probe->port = PORT_MIN + get_random_u32() % (PORT_MAX - PORT_MIN - BOWTIE_PROBE_RING);
}

/**
 * bowtie_probe_update() - the settings or the state of a tunnel have changed
 * @t: tunnel
 * @conf: its settings
 * @on: probes are wanted
 *
 * Context: link->lock, may sleep.
 */
void bowtie_probe_update(struct bowtie_tunnel *t, const struct bowtie_tunnel_conf *conf, bool on)
{
	struct bowtie_probe *probe = &t->probe;
	u64 interval = (u64)conf->probe_interval * NSEC_PER_MSEC;
	u64 now = ktime_get_ns();
	bool start;
	u32 seq;

	spin_lock_bh(&t->lock);
	start = on && (!probe->on || probe->track.interval != interval);
	if (!probe->on || !on || start)
		probe->on = false;
	else
		probe->track.multiplier = conf->probe_multiplier;
	spin_unlock_bh(&t->lock);
	if (!start)
		return;

	/* The timer must not run while it is set: its tick would set it, too. */
	hrtimer_cancel(&probe->timer);
	spin_lock_bh(&t->lock);
	/* Answers to what was asked before are no answers any more. */
	seq = probe->track.seq + BOWTIE_PROBE_RING;
	bowtie_probe_track_init(&probe->track, interval, conf->probe_multiplier, now);
	probe->track.seq = seq;
	probe->next = now;
	probe->on = true;
	hrtimer_start(&probe->timer, ns_to_ktime(now), HRTIMER_MODE_ABS_SOFT);
	spin_unlock_bh(&t->lock);
}

/**
 * bowtie_probe_stop() - end probing for good
 * @t: tunnel that is being deleted
 *
 * Context: process, may sleep. The timer does not run any more on return.
 */
void bowtie_probe_stop(struct bowtie_tunnel *t)
{
	spin_lock_bh(&t->lock);
	t->probe.on = false;
	spin_unlock_bh(&t->lock);
	hrtimer_cancel(&t->probe.timer);
}
