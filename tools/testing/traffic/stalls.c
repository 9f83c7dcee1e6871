// SPDX-License-Identifier: GPL-2.0
/*
 * stalls: when did this machine stand still?
 *
 *	stalls MS
 *
 * Something on each CPU wants to run every 5 ms, before everything that is no interrupt.
 * When it is MS too late or more a line of JSON says which CPU, since when (the time of
 * day) and for how long. A virtual machine whose host has other things to do looks like
 * that. Ends on a signal.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MS		1000000ull
#define PERIOD		(5 * MS)

static void die(const char *what)
{
	fprintf(stderr, "stalls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 * MS + (uint64_t)ts.tv_nsec;
}

static void watch(int cpu, uint64_t limit)
{
	uint64_t due = clock_ns(CLOCK_MONOTONIC), now, since;
	struct timespec ts;
	char line[128];
	int n;

	for (;;) {
		due += PERIOD;
		ts.tv_sec = (time_t)(due / (1000 * MS));
		ts.tv_nsec = (long)(due % (1000 * MS));
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		now = clock_ns(CLOCK_MONOTONIC);
		if (now < due + limit)
			continue;
		since = clock_ns(CLOCK_REALTIME) - (now - due);
		n = snprintf(line, sizeof(line), "{\"cpu\":%d,\"at_ms\":%.3f,\"ms\":%.3f}\n", cpu,
			     (double)since / MS, (double)(now - due) / MS);
		/* In one piece, as the others write to the same file. */
		if (write(STDOUT_FILENO, line, (size_t)n) != n)
			die("write");
		due = now;
	}
}

static void watch_on(int cpu, uint64_t limit)
{
	struct sched_param param = { .sched_priority = 1 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("affinity");
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("priority");
	watch(cpu, limit);
}

int main(int argc, char **argv)
{
	long cpu, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t limit;
	char *end;

	limit = argc == 2 ? strtoull(argv[1], &end, 10) * MS : 0;
	if (!limit || *end) {
		fputs("Usage: stalls MS\n", stderr);
		return 1;
	}
	for (cpu = 1; cpu < cpus; cpu++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid)
			continue;
		/* All end with the first one. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		watch_on((int)cpu, limit);
	}
	watch_on(0, limit);
	return 0;
}
