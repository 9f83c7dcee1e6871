// SPDX-License-Identifier: GPL-2.0
/* The state of a tunnel: every event in every state, hold-down, and what may never be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../../../kmod/fsm.c"

#define SECOND	1000000000ULL

/* The states of the diagram, as the operational state and its reason. */
enum state { NO_SA, ADMIN, ASKING, DEAF, SILENT, HELD, UP, DRAIN, DRAINED, N_STATES };

static const struct {
	const char *name;
	__u8 oper, reason;
} states[N_STATES] = {
	[NO_SA] = { "no-sa", BOWTIE_OPER_DOWN, BOWTIE_REASON_NO_SA },
	[ADMIN] = { "admin", BOWTIE_OPER_DOWN, BOWTIE_REASON_ADMIN },
	[ASKING] = { "probing", BOWTIE_OPER_PROBING, BOWTIE_REASON_NONE },
	[DEAF] = { "up, no-answer", BOWTIE_OPER_UP, BOWTIE_REASON_NO_ANSWER },
	[SILENT] = { "no-answer", BOWTIE_OPER_DOWN, BOWTIE_REASON_NO_ANSWER },
	[HELD] = { "hold-down", BOWTIE_OPER_PROBING, BOWTIE_REASON_HOLD_DOWN },
	[UP] = { "up", BOWTIE_OPER_UP, BOWTIE_REASON_NONE },
	[DRAIN] = { "drain", BOWTIE_OPER_DRAIN, BOWTIE_REASON_ADMIN },
	[DRAINED] = { "drained", BOWTIE_OPER_DRAIN, BOWTIE_REASON_DRAINED },
};

static enum state state_of(const struct bowtie_fsm *fsm)
{
	unsigned int s;

	for (s = 0; s < N_STATES; s++)
		if (states[s].oper == fsm->oper && states[s].reason == fsm->reason)
			return s;
	fail_msg("no state has oper %u and reason %u", fsm->oper, fsm->reason);
	return N_STATES;
}

/* A tunnel with probes that has come into a state by the shortest way, at time 0. */
static struct bowtie_fsm in_state(enum state s)
{
	static const enum bowtie_event way[N_STATES][8] = {
		[NO_SA] = { BOWTIE_EV_PROBES_ON },
		[ADMIN] = { BOWTIE_EV_PROBES_ON, BOWTIE_EV_SA_FOUND, BOWTIE_EV_ADMIN_DOWN },
		[ASKING] = { BOWTIE_EV_PROBES_ON, BOWTIE_EV_SA_FOUND },
		[DEAF] = { BOWTIE_EV_PROBES_ON, BOWTIE_EV_SA_FOUND, BOWTIE_EV_SILENT },
		[SILENT] = { BOWTIE_EV_PROBES_ON, BOWTIE_EV_SA_FOUND, BOWTIE_EV_ANSWER,
			     BOWTIE_EV_SILENT },
		[HELD] = { BOWTIE_EV_PROBES_ON, BOWTIE_EV_SA_FOUND, BOWTIE_EV_ANSWER,
			   BOWTIE_EV_SILENT, BOWTIE_EV_ANSWER, BOWTIE_EV_ANSWER },
		[UP] = { BOWTIE_EV_PROBES_ON, BOWTIE_EV_SA_FOUND, BOWTIE_EV_ANSWER },
		[DRAIN] = { BOWTIE_EV_PROBES_ON, BOWTIE_EV_SA_FOUND, BOWTIE_EV_ANSWER,
			    BOWTIE_EV_ADMIN_DRAIN },
		[DRAINED] = { BOWTIE_EV_PROBES_ON, BOWTIE_EV_SA_FOUND, BOWTIE_EV_ANSWER,
			      BOWTIE_EV_ADMIN_DRAIN, BOWTIE_EV_DRAINED },
	};
	struct bowtie_fsm fsm;
	unsigned int i;

	bowtie_fsm_init(&fsm);
	fsm.multiplier = 2;
	/* BOWTIE_EV_ADMIN_UP is 0, and changes nothing at the end of a way. */
	for (i = 0; i < 8 && (way[s][i] || !i); i++)
		bowtie_fsm_event(&fsm, way[s][i], 0);
	assert_int_equal(state_of(&fsm), s);
	return fsm;
}

/* Where each event leads, a moment later. */
static void test_every_event(void **state)
{
	static const enum state to[N_STATES][__BOWTIE_EV_MAX] = {
/* Neither of MISSED, ASKED_ANEW and TICK leads anywhere by itself. */
#define ROW(same, up, down, drain, sa, lost, on, off, answer, silent, needed, drained)	\
	{ up, down, drain, sa, lost, on, off, answer, same, silent, same, same, needed, drained }
	[NO_SA] = ROW(NO_SA, NO_SA, ADMIN, NO_SA, ASKING, NO_SA, NO_SA, NO_SA, NO_SA, NO_SA,
		      NO_SA, NO_SA),
	[ADMIN] = ROW(ADMIN, ASKING, ADMIN, ASKING, ADMIN, ADMIN, ADMIN, ADMIN, ADMIN, ADMIN,
		      ADMIN, ADMIN),
	[ASKING] = ROW(ASKING, ASKING, ADMIN, ASKING, ASKING, NO_SA, ASKING, UP, UP, DEAF,
		       ASKING, ASKING),
	[DEAF] = ROW(DEAF, DEAF, ADMIN, DRAIN, DEAF, NO_SA, DEAF, UP, UP, DEAF, DEAF, DEAF),
	[SILENT] = ROW(SILENT, SILENT, ADMIN, SILENT, SILENT, NO_SA, SILENT, UP, SILENT, SILENT,
		       SILENT, SILENT),
	[HELD] = ROW(HELD, HELD, ADMIN, HELD, HELD, NO_SA, HELD, UP, HELD, SILENT, UP, HELD),
	[UP] = ROW(UP, UP, ADMIN, DRAIN, UP, NO_SA, UP, UP, UP, SILENT, UP, UP),
	[DRAIN] = ROW(DRAIN, UP, ADMIN, DRAIN, DRAIN, NO_SA, DRAIN, DRAIN, DRAIN, SILENT,
		      DRAIN, DRAINED),
	[DRAINED] = ROW(DRAINED, UP, ADMIN, DRAINED, DRAINED, NO_SA, DRAINED, DRAINED, DRAINED,
			SILENT, DRAINED, DRAINED),
	};
	unsigned int s, e;

	for (s = 0; s < N_STATES; s++) {
		for (e = 0; e < __BOWTIE_EV_MAX; e++) {
			struct bowtie_fsm fsm = in_state(s);
			bool changed = bowtie_fsm_event(&fsm, e, 1);

			if (state_of(&fsm) != to[s][e])
				fail_msg("%s, event %u: %s instead of %s", states[s].name, e,
					 states[state_of(&fsm)].name, states[to[s][e]].name);
			assert_int_equal(changed, s != to[s][e]);
		}
	}
}

static void test_hold_down(void **state)
{
	struct bowtie_fsm fsm = in_state(UP);
	__u64 now = SECOND, hold = SECOND;
	unsigned int i;

	/* Each failure doubles it, up to the bound. */
	for (i = 0; i < 10; i++) {
		assert_true(bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, now));
		assert_int_equal(fsm.hold, hold);
		assert_false(bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, now));
		assert_true(bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, now));
		assert_int_equal(state_of(&fsm), HELD);
		bowtie_fsm_event(&fsm, BOWTIE_EV_TICK, now + hold - 1);
		assert_int_equal(state_of(&fsm), HELD);
		now += hold;
		assert_true(bowtie_fsm_event(&fsm, BOWTIE_EV_TICK, now));
		assert_int_equal(state_of(&fsm), UP);
		hold = hold * 2 < BOWTIE_HOLD_MAX ? hold * 2 : BOWTIE_HOLD_MAX;
	}
	/* Each quiet time takes one doubling back. */
	now += 3 * BOWTIE_HOLD_DECAY;
	bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, now);
	assert_int_equal(fsm.hold, BOWTIE_HOLD_MAX / 8 * 2);

	fsm = in_state(UP);
	bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, SECOND);
	bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, 9 * SECOND);
	bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, 9 * SECOND);
	assert_int_equal(state_of(&fsm), UP);
	bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, 9 * SECOND + 1000 * BOWTIE_HOLD_DECAY);
	assert_int_equal(fsm.hold, BOWTIE_HOLD_MIN);
}

/* While it is down, further silence is no further failure. */
static void test_one_failure(void **state)
{
	struct bowtie_fsm fsm = in_state(UP);
	unsigned int i;

	for (i = 0; i < 100; i++)
		bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, SECOND + i);
	assert_int_equal(fsm.hold, SECOND);
	assert_int_equal(fsm.hold_until, 2 * SECOND);
	/* Nor is silence after too few answers. */
	bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, 3 * SECOND);
	bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, 4 * SECOND);
	assert_int_equal(fsm.hold, SECOND);
}

/* A failed tunnel needs several answers, also with new SAs; a new one needs one. */
static void test_answers_needed(void **state)
{
	struct bowtie_fsm fsm = in_state(SILENT);

	bowtie_fsm_event(&fsm, BOWTIE_EV_SA_LOST, 8 * SECOND);
	bowtie_fsm_event(&fsm, BOWTIE_EV_SA_FOUND, 8 * SECOND);
	assert_int_equal(state_of(&fsm), ASKING);
	bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, 8 * SECOND);
	assert_int_equal(state_of(&fsm), ASKING);
	bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, 8 * SECOND);
	assert_int_equal(state_of(&fsm), UP);
	/* Set down by hand, it is forgiven. */
	bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, 9 * SECOND);
	bowtie_fsm_event(&fsm, BOWTIE_EV_ADMIN_DOWN, 9 * SECOND);
	bowtie_fsm_event(&fsm, BOWTIE_EV_ADMIN_UP, 9 * SECOND);
	bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, 9 * SECOND);
	assert_int_equal(state_of(&fsm), UP);
}

/* Answers with gaps between them are not in a row. */
static void test_gaps(void **state)
{
	struct bowtie_fsm fsm = in_state(SILENT);
	unsigned int i;

	for (i = 0; i < 10; i++) {
		bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, 8 * SECOND);
		assert_int_equal(state_of(&fsm), SILENT);
		bowtie_fsm_event(&fsm, BOWTIE_EV_MISSED, 8 * SECOND);
	}
}

/* SAs that come and go in no time are failures, too; one after a long time is none. */
static void test_sa_flaps(void **state)
{
	struct bowtie_fsm fsm = in_state(UP);

	bowtie_fsm_event(&fsm, BOWTIE_EV_SA_LOST, 2 * BOWTIE_HOLD_DECAY);
	assert_int_equal(fsm.hold, 0);
	bowtie_fsm_event(&fsm, BOWTIE_EV_SA_FOUND, 2 * BOWTIE_HOLD_DECAY);
	bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, 2 * BOWTIE_HOLD_DECAY);
	assert_int_equal(state_of(&fsm), UP);
	bowtie_fsm_event(&fsm, BOWTIE_EV_SA_LOST, 2 * BOWTIE_HOLD_DECAY + SECOND);
	bowtie_fsm_event(&fsm, BOWTIE_EV_SA_LOST, 2 * BOWTIE_HOLD_DECAY + SECOND);
	assert_int_equal(fsm.hold, SECOND);
}

/* Another way of asking: one that works is not judged, one that is dead stays dead. */
static void test_asked_anew(void **state)
{
	struct bowtie_fsm fsm = in_state(UP);

	bowtie_fsm_event(&fsm, BOWTIE_EV_ASKED_ANEW, SECOND);
	bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, SECOND);
	assert_int_equal(state_of(&fsm), DEAF);
	fsm = in_state(SILENT);
	bowtie_fsm_event(&fsm, BOWTIE_EV_ASKED_ANEW, SECOND);
	bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, SECOND);
	assert_int_equal(state_of(&fsm), SILENT);
}

static void test_without_probes(void **state)
{
	struct bowtie_fsm fsm;

	bowtie_fsm_init(&fsm);
	assert_int_equal(state_of(&fsm), NO_SA);
	assert_true(bowtie_fsm_event(&fsm, BOWTIE_EV_SA_FOUND, 1));
	assert_int_equal(state_of(&fsm), UP);
	/* Probes on a tunnel that works do not take it down, if its peer does not know them. */
	assert_false(bowtie_fsm_event(&fsm, BOWTIE_EV_PROBES_ON, 2));
	assert_true(bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, 3));
	assert_int_equal(state_of(&fsm), DEAF);
	assert_true(bowtie_fsm_event(&fsm, BOWTIE_EV_ANSWER, 3));
	assert_true(bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, 3));
	assert_int_equal(state_of(&fsm), SILENT);
	/* Nor does a new SA make it unknown again. */
	bowtie_fsm_event(&fsm, BOWTIE_EV_SA_LOST, 3);
	bowtie_fsm_event(&fsm, BOWTIE_EV_SA_FOUND, 3);
	assert_int_equal(state_of(&fsm), ASKING);
	assert_true(bowtie_fsm_event(&fsm, BOWTIE_EV_SILENT, 3));
	assert_int_equal(state_of(&fsm), SILENT);
	assert_true(bowtie_fsm_event(&fsm, BOWTIE_EV_PROBES_OFF, 4));
	assert_int_equal(state_of(&fsm), UP);
}

/* Whatever happens: no flows without SA, against the administrator's will, or in silence. */
static void test_random_walk(void **state)
{
	struct bowtie_fsm fsm;
	unsigned int i;
	__u64 now = 0;

	srandom(7);
	bowtie_fsm_init(&fsm);
	fsm.multiplier = 3;
	for (i = 0; i < 1000000; i++) {
		now += random() % SECOND;
		bowtie_fsm_event(&fsm, random() % __BOWTIE_EV_MAX, now);
		state_of(&fsm);
		if (takes_flows(&fsm)) {
			assert_true(fsm.has_sa);
			assert_int_not_equal(fsm.admin, BOWTIE_ADMIN_DOWN);
			assert_true(!fsm.probes || fsm.alive || !fsm.known);
		}
		assert_true(fsm.hold <= BOWTIE_HOLD_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_event),
		cmocka_unit_test(test_hold_down),
		cmocka_unit_test(test_one_failure),
		cmocka_unit_test(test_answers_needed),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_sa_flaps),
		cmocka_unit_test(test_asked_anew),
		cmocka_unit_test(test_without_probes),
		cmocka_unit_test(test_random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
