// SPDX-License-Identifier: GPL-2.0
/*
 * Flows that differ by little are spread over the tunnels as by chance, whatever the seed:
 * ports in a row, on either side, or addresses in a row. Four tunnels of one weight have
 * the buckets in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>

#include "../../../kmod/flow_mix.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define SEEDS	20000
#define FLOWS	64
#define TUNNELS	4

struct step {
	__u32 saddr, daddr, sport, dport;
};

static __u64 random_64(void)
{
	return (__u64)mrand48() << 32 ^ (__u32)mrand48();
}

static unsigned int tunnel_of(const struct step *step, unsigned int i, __u64 seed)
{
	__u32 saddr = htonl(0x0a010002 + i * step->saddr);
	__u32 daddr = htonl(0x0a020001 + i * step->daddr);
	__u16 sport = htons(10000 + i * step->sport), dport = htons(7000 + i * step->dport);
	__u64 ports = (__u64)IPPROTO_UDP << 32 | (__u32)dport << 16 | sport;

	return bowtie_flow_bucket(bowtie_flow_mix((__u64)daddr << 32 | saddr, ports, seed)) %
	       TUNNELS;
}

/* Chi-square of the counts, which is 3 on average for four tunnels */
static double spread(const struct step *step, __u64 seed)
{
	unsigned int count[TUNNELS] = {}, i;
	double mean = FLOWS / TUNNELS, sum = 0;

	for (i = 0; i < FLOWS; i++)
		count[tunnel_of(step, i, seed)]++;
	for (i = 0; i < TUNNELS; i++) {
		assert_int_not_equal(count[i], 0);
		sum += (count[i] - mean) * (count[i] - mean) / mean;
	}
	return sum;
}

static void test_spread(void **state)
{
	static const struct step steps[] = {
		{ .sport = 1 }, { .dport = 1 }, { .sport = 2 }, { .sport = 1, .dport = 1 },
		{ .saddr = 1 }, { .daddr = 1 }, { .daddr = 256 }, { .saddr = 1, .sport = 1 },
	};
	unsigned int i, n;

	srand48(1);
	for (n = 0; n < N(steps); n++) {
		double sum = 0;

		for (i = 0; i < SEEDS; i++)
			sum += spread(&steps[n], random_64());
		print_message("# step %u: chi-square %.2f\n", n, sum / SEEDS);
		assert_true(sum / SEEDS > 2.7 && sum / SEEDS < 3.3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
