// SPDX-License-Identifier: GPL-2.0
/* Probes and their answers: when silence is death, and what proves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../../../kmod/probe_track.c"

#define MS		1000000ULL
#define INTERVAL	(100 * MS)
#define T0		(1000 * MS)

/**
 * struct peer - a peer and the way to it, in steps of a millisecond
 * @p: the probes
 * @now: the time
 * @next: when a probe is due
 * @rtt: until an answer is here
 * @deaf: since when nothing reaches it by the SA in use; 0: never
 * @deaf_second: likewise by the older SA
 * @has_second: there is an older SA
 * @talks_until: it sends something each millisecond until then
 * @sent: probes sent
 * @out: answers on their way, and when they come
 */
struct peer {
	struct bowtie_probe_track p;
	__u64 now;
	__u64 next;
	__u64 rtt;
	__u64 deaf;
	__u64 deaf_second;
	bool has_second;
	__u64 talks_until;
	unsigned int sent;
	struct {
		__u32 seq;
		__u64 at;
	} out[256];
	unsigned int n_out;
};

static void peer_init(struct peer *w, __u64 interval, __u32 multiplier)
{
	*w = (struct peer){ .now = T0, .next = T0, .rtt = 2 * MS };
	bowtie_probe_track_init(&w->p, interval, multiplier, T0);
}

static void peer_send(struct peer *w, bool second)
{
	__u64 deaf = second ? w->deaf_second : w->deaf;
	__u32 seq = bowtie_probe_track_send(&w->p, second, w->now);

	w->sent++;
	if (deaf && w->now >= deaf)
		return;
	w->out[w->n_out].seq = seq;
	w->out[w->n_out++].at = w->now + w->rtt;
	assert_true(w->n_out < 256);
}

/* What probe.c does at a tick, until a verdict or @until. */
static enum bowtie_probe_verdict peer_run(struct peer *w, __u64 until)
{
	enum bowtie_probe_verdict verdict;
	unsigned int i;
	bool second;

	for (; w->now < until; w->now += MS) {
		for (i = 0; i < w->n_out; i++) {
			if (w->out[i].at != w->now)
				continue;
			assert_true(bowtie_probe_track_answer(&w->p, w->out[i].seq, w->now));
			w->out[i--] = w->out[--w->n_out];
		}
		if (w->now < w->talks_until)
			bowtie_probe_track_inbound(&w->p, w->now);
		verdict = bowtie_probe_track_verdict(&w->p, w->now);
		if (verdict != BOWTIE_PROBE_WAIT)
			return verdict;
		if (w->now < w->next)
			continue;
		w->next = w->now + w->p.interval;
		if (!bowtie_probe_track_due(&w->p, w->now))
			continue;
		second = w->has_second && bowtie_probe_track_try_second(&w->p, w->now);
		peer_send(w, 0);
		if (second)
			peer_send(w, 1);
	}
	return BOWTIE_PROBE_WAIT;
}

static void test_alive(void **state)
{
	struct bowtie_probe_summary s;
	struct peer w;

	peer_init(&w, INTERVAL, 3);
	assert_int_equal(peer_run(&w, T0 + 60000 * MS), BOWTIE_PROBE_WAIT);
	assert_in_range(w.sent, 599, 601);
	bowtie_probe_track_summary(&w.p, w.now, &s);
	assert_int_equal(s.rtt, 2 * MS);
	assert_int_equal(s.min, 2 * MS);
	assert_in_range(s.avg, 19 * MS / 10, 2 * MS);
	assert_int_equal(s.jitter, 0);
	assert_int_equal(s.loss, 0);
	assert_int_equal(s.sent, BOWTIE_PROBE_RING);
}

/* Cut at each moment: from then on until the verdict. */
static void outages(__u64 interval, bool talks, __u64 least, __u64 most)
{
	unsigned int i;
	struct peer w;

	for (i = 0; i < 100; i++) {
		peer_init(&w, interval, 3);
		w.deaf = T0 + 5000 * MS + i * 3 * interval / 100;
		if (talks)
			w.talks_until = w.deaf;
		assert_int_equal(peer_run(&w, w.deaf + 10000 * MS), BOWTIE_PROBE_DEAD);
		assert_in_range(w.now - w.deaf, least, most);
	}
}

static void test_cut(void **state)
{
	outages(INTERVAL, 0, 200 * MS, 304 * MS);
	outages(15 * MS, 0, 30 * MS, 50 * MS);
	/* Under load a probe goes out at every third interval only. */
	outages(INTERVAL, 1, 200 * MS, 400 * MS);
	outages(15 * MS, 1, 30 * MS, 70 * MS);
}

static void test_one_way(void **state)
{
	unsigned int i;
	struct peer w;

	/* Load from the peer goes on, but nothing of ours reaches it. */
	for (i = 0; i < 100; i++) {
		peer_init(&w, INTERVAL, 3);
		w.deaf = T0 + 5000 * MS + i * 3 * MS;
		w.talks_until = UINT64_MAX;
		assert_int_equal(peer_run(&w, w.deaf + 10000 * MS), BOWTIE_PROBE_DEAD);
		assert_in_range(w.now - w.deaf, 200 * MS, 560 * MS);
	}
}

static void test_load_is_cheap(void **state)
{
	struct peer w;

	peer_init(&w, INTERVAL, 3);
	w.talks_until = UINT64_MAX;
	assert_int_equal(peer_run(&w, T0 + 60000 * MS), BOWTIE_PROBE_WAIT);
	assert_in_range(w.sent, 190, 210);
}

static void test_never_answered(void **state)
{
	struct peer w;

	peer_init(&w, INTERVAL, 3);
	w.deaf = 1;
	assert_int_equal(peer_run(&w, T0 + 10000 * MS), BOWTIE_PROBE_DEAD);
	/* A second, as no round trip is known. */
	assert_in_range(w.now - T0, 990 * MS, 1010 * MS);
}

/* The way is longer than multiplier x interval, and that is known from the answers. */
static void test_long_way(void **state)
{
	struct peer w;

	peer_init(&w, 15 * MS, 3);
	w.rtt = 180 * MS;
	assert_int_equal(peer_run(&w, T0 + 20000 * MS), BOWTIE_PROBE_WAIT);
	w.deaf = w.now;
	assert_int_equal(peer_run(&w, w.deaf + 10000 * MS), BOWTIE_PROBE_DEAD);
	assert_in_range(w.now - w.deaf, 45 * MS, 400 * MS);
}

static void test_second_sa(void **state)
{
	struct peer w;

	peer_init(&w, INTERVAL, 3);
	w.has_second = 1;
	assert_int_equal(peer_run(&w, T0 + 5000 * MS), BOWTIE_PROBE_WAIT);
	assert_in_range(w.sent, 49, 51);
	w.deaf = w.now;
	assert_int_equal(peer_run(&w, w.deaf + 5000 * MS), BOWTIE_PROBE_SECOND);
	assert_in_range(w.now - w.deaf, 200 * MS, 304 * MS);
	/* Both dead. */
	peer_init(&w, INTERVAL, 3);
	w.has_second = 1;
	assert_int_equal(peer_run(&w, T0 + 5000 * MS), BOWTIE_PROBE_WAIT);
	w.deaf = w.now;
	w.deaf_second = w.now;
	assert_int_equal(peer_run(&w, w.deaf + 5000 * MS), BOWTIE_PROBE_DEAD);
}

/* A round trip of many intervals: nothing is missed, and there is no need of the older SA. */
static void test_long_way_misses_nothing(void **state)
{
	struct bowtie_probe_summary s;
	unsigned int begun;
	struct peer w;

	peer_init(&w, INTERVAL, 50);
	w.rtt = 450 * MS;
	w.has_second = 1;
	assert_int_equal(peer_run(&w, T0 + 5000 * MS), BOWTIE_PROBE_WAIT);
	begun = w.sent;
	for (; w.now < T0 + 10000 * MS; assert_false(bowtie_probe_track_missed(&w.p, w.now)))
		assert_int_equal(peer_run(&w, w.now + MS), BOWTIE_PROBE_WAIT);
	assert_in_range(w.sent - begun, 49, 51);
	/* The older SA is dead: no loss of this one. */
	w.deaf_second = w.now;
	assert_int_equal(peer_run(&w, T0 + 20000 * MS), BOWTIE_PROBE_WAIT);
	bowtie_probe_track_summary(&w.p, w.now, &s);
	assert_int_equal(s.loss, 0);
	/* Cut, it is missed as soon as an answer takes no longer. */
	w.deaf = w.now;
	assert_int_equal(peer_run(&w, w.deaf + 2000 * MS), BOWTIE_PROBE_WAIT);
	assert_true(bowtie_probe_track_missed(&w.p, w.now));
}

/* All stood still for a while, and the answers with it: that is no silence of the peer. */
static void test_held_up(void **state)
{
	struct peer w;
	unsigned int i;

	peer_init(&w, INTERVAL, 3);
	assert_int_equal(peer_run(&w, T0 + 5000 * MS), BOWTIE_PROBE_WAIT);
	for (i = 0; i < w.n_out; i++)
		w.out[i].at += 700 * MS;
	w.next = w.now + 700 * MS;
	bowtie_probe_track_late(&w.p, 700 * MS);
	w.now += 700 * MS;
	assert_int_equal(peer_run(&w, w.now + 5000 * MS), BOWTIE_PROBE_WAIT);
	/* Always late, it finds a cut all the same. */
	w.deaf = w.now;
	for (i = 0; bowtie_probe_track_verdict(&w.p, w.now) == BOWTIE_PROBE_WAIT; i++) {
		assert_in_range(i, 0, 10);
		peer_send(&w, 0);
		bowtie_probe_track_late(&w.p, 80 * MS);
		w.now += INTERVAL + 80 * MS;
	}
}

static void test_no_proof(void **state)
{
	struct bowtie_probe_track p;
	__u32 seq;

	bowtie_probe_track_init(&p, INTERVAL, 3, T0);
	/* Nothing was sent. */
	assert_false(bowtie_probe_track_answer(&p, 0, T0));
	assert_false(bowtie_probe_track_answer(&p, UINT32_MAX, T0));
	seq = bowtie_probe_track_send(&p, 0, T0);
	/* What comes next, and what is long gone. */
	assert_false(bowtie_probe_track_answer(&p, seq + 1, T0 + MS));
	assert_false(bowtie_probe_track_answer(&p, seq - BOWTIE_PROBE_RING, T0 + MS));
	assert_true(bowtie_probe_track_answer(&p, seq, T0 + MS));
	/* Twice. */
	assert_false(bowtie_probe_track_answer(&p, seq, T0 + MS));
	/* Late. */
	seq = bowtie_probe_track_send(&p, 0, T0 + 10 * MS);
	assert_false(bowtie_probe_track_answer(&p, seq, T0 + 5000 * MS));
	assert_true(p.unanswered);
}

static void test_loss(void **state)
{
	struct bowtie_probe_summary s;
	struct bowtie_probe_track p;
	__u64 now = T0;
	unsigned int i;
	__u32 seq;

	bowtie_probe_track_init(&p, INTERVAL, 3, T0);
	p.seq = UINT32_MAX - 20;
	for (i = 0; i < 4 * BOWTIE_PROBE_RING; i++, now += INTERVAL) {
		seq = bowtie_probe_track_send(&p, 0, now);
		if (i % 4)
			assert_true(bowtie_probe_track_answer(&p, seq, now + (1 + i % 3) * MS));
	}
	bowtie_probe_track_summary(&p, now, &s);
	assert_int_equal(s.loss, 250);
	assert_int_equal(s.min, MS);
	assert_in_range(s.avg, MS, 3 * MS);
	assert_in_range(s.jitter, MS / 2, 2 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alive),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_load_is_cheap),
		cmocka_unit_test(test_never_answered),
		cmocka_unit_test(test_long_way),
		cmocka_unit_test(test_second_sa),
		cmocka_unit_test(test_long_way_misses_nothing),
		cmocka_unit_test(test_held_up),
		cmocka_unit_test(test_no_proof),
		cmocka_unit_test(test_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
