// SPDX-License-Identifier: GPL-2.0
/*
 * flows: many UDP flows with sequence numbers, to see what a failover does to each.
 *
 *	flows send --to ADDR [--port P] [--flows N] [--rate PPS] [--from-port P]
 *		   [--size BYTES] [--seconds S] [--burst N]
 *	flows receive [--port P] [--seconds S] [--settle MS] [--events FILE]
 *
 * The sender has N flows, of different source ports, and sends PPS packets a second in
 * each, evenly spaced, from sockets that are not connected (a connected one would give
 * its own hash to the packets). --burst has it wake up for N flows at a time, which is
 * cheaper. In the end it tells how far behind it has ever been, as a measure of the machine.
 * The receiver prints, at its end or on SIGUSR1, one line of JSON: for each flow what came,
 * what is missing, and the longest gap in terms of when the packets were sent, in ms. Both
 * must share a clock: run them in namespaces of one kernel. Both end on SIGTERM or SIGINT,
 * in good order.
 *
 * The way that a packet took is its DSCP: a test has the routers on the ways set it.
 * --events is for a line of JSON whenever a flow has changed its way, has lost packets or
 * has been silent for EVENT_GAP, with the time of day at which its next packet was sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAGIC		0x62743031u
#define MAX_FLOWS	4096
#define NS		1000000000ull
#define EVENT_GAP	(NS / 20)
#define BATCH		(NS / 200)

/* What is at the beginning of each packet; both ends are one machine. */
struct stamp {
	uint32_t magic;
	uint32_t flow;
	uint64_t seq;
	uint64_t sent_ns;
};

/**
 * struct flow - what the receiver knows of a flow
 * @received: packets, without repetitions
 * @repeated: packets that came again
 * @late: packets that came behind a later one
 * @first_seq: sequence number of the first
 * @next_seq: one more than the largest
 * @last_sent: when the latest was sent
 * @gap: longest time between two that came one after the other, as sent
 * @gap_at: when it began
 * @way: DSCP of the latest
 * @seen: a bit for each sequence number
 * @seen_size: bytes
 */
struct flow {
	uint64_t received;
	uint64_t repeated;
	uint64_t late;
	uint64_t first_seq;
	uint64_t next_seq;
	uint64_t last_sent;
	uint64_t gap;
	uint64_t gap_at;
	uint8_t way;
	uint8_t *seen;
	size_t seen_size;
};

static volatile sig_atomic_t stopping, reporting;

static void on_signal(int signo)
{
	if (signo == SIGUSR1)
		reporting = 1;
	else
		stopping = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "flows: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS + (uint64_t)ts.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static uint64_t number(const char *text, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || value > max) {
		fprintf(stderr, "flows: \"%s\" is not a number up to %llu\n", text,
			(unsigned long long)max);
		exit(1);
	}
	return value;
}

static int udp_socket(int family, uint16_t port)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), bytes = 64 << 20, zero = 0;

	if (fd < 0)
		die("socket");
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)))
		die("IPV6_V6ONLY");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (bind(fd, family == AF_INET ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6,
		 family == AF_INET ? sizeof(a4) : sizeof(a6)))
		die("bind");
	return fd;
}

/* --- send --- */

struct send_options {
	struct sockaddr_storage to;
	socklen_t to_len;
	unsigned int flows;
	unsigned int burst;
	uint64_t rate;
	uint16_t from_port;
	size_t size;
	uint64_t seconds;
};

static void sleep_until(uint64_t when)
{
	struct timespec ts = { .tv_sec = (time_t)(when / NS), .tv_nsec = (long)(when % NS) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static int do_send(const struct send_options *o)
{
	uint64_t begin = now_ns(), end = o->seconds ? begin + o->seconds * NS : UINT64_MAX;
	uint64_t step = NS / (o->rate * o->flows), n = 0, errors = 0, behind = 0;
	int *fds = calloc(o->flows, sizeof(*fds));
	uint8_t *packet = calloc(1, o->size);
	unsigned int i;

	if (!fds || !packet)
		die("memory");
	for (i = 0; i < o->flows; i++)
		fds[i] = udp_socket(o->to.ss_family, (uint16_t)(o->from_port + i));
	for (; !stopping && begin + n * step < end; n++) {
		struct stamp s = { .magic = MAGIC, .flow = (uint32_t)(n % o->flows),
				   .seq = n / o->flows };
		uint64_t due = begin + n / o->burst * o->burst * step;

		if (n % o->burst == 0)
			sleep_until(due);
		s.sent_ns = now_ns();
		if (s.sent_ns > due + behind)
			behind = s.sent_ns - due;
		memcpy(packet, &s, sizeof(s));
		/* A refusal (ICMP, a full queue) is a loss like any other. */
		if (sendto(fds[s.flow], packet, o->size, MSG_DONTWAIT,
			   (const struct sockaddr *)&o->to, o->to_len) < 0)
			errors++;
	}
	printf("{\"sent\":%llu,\"errors\":%llu,\"flows\":%u,\"ms\":%llu,\"behind_ms\":%.3f}\n",
	       (unsigned long long)n, (unsigned long long)errors, o->flows,
	       (unsigned long long)((now_ns() - begin) / 1000000), (double)behind / 1e6);
	return 0;
}

/* --- receive --- */

static bool mark_seen(struct flow *f, uint64_t seq)
{
	size_t byte = seq / 8;
	uint8_t bit = (uint8_t)(1 << seq % 8);

	if (byte >= f->seen_size) {
		size_t size = byte * 2 + 64;

		f->seen = realloc(f->seen, size);
		if (!f->seen)
			die("memory");
		memset(f->seen + f->seen_size, 0, size - f->seen_size);
		f->seen_size = size;
	}
	if (f->seen[byte] & bit)
		return false;
	f->seen[byte] |= bit;
	return true;
}

static void tell(FILE *events, const struct flow *f, const struct stamp *s, uint8_t way)
{
	uint64_t gap = f->received > 1 ? s->sent_ns - f->last_sent : 0;
	uint64_t missing = f->received > 1 ? s->seq - f->next_seq : 0;
	uint64_t at = clock_ns(CLOCK_REALTIME) - (now_ns() - s->sent_ns);

	if (f->received > 1 && way == f->way && !missing && gap < EVENT_GAP)
		return;
	fprintf(events, "{\"flow\":%u,\"at_ms\":%.3f,\"gap_ms\":%.3f,\"lost\":%llu,"
		"\"from\":%u,\"to\":%u}\n", s->flow, (double)at / 1e6, (double)gap / 1e6,
		(unsigned long long)missing, f->way, way);
}

static void take(struct flow *flows, const struct stamp *s, uint8_t way, FILE *events)
{
	struct flow *f = &flows[s->flow];
	bool first = !f->received;

	if (!mark_seen(f, s->seq)) {
		f->repeated++;
		return;
	}
	f->received++;
	if (first)
		f->first_seq = s->seq;
	if (s->seq < f->first_seq)
		f->first_seq = s->seq;
	if (!first && s->seq < f->next_seq) {
		f->late++;
		return;
	}
	if (!first && s->sent_ns - f->last_sent > f->gap) {
		f->gap = s->sent_ns - f->last_sent;
		f->gap_at = f->last_sent;
	}
	if (events)
		tell(events, f, s, way);
	f->way = way;
	f->last_sent = s->sent_ns;
	f->next_seq = s->seq + 1;
}

static void report(const struct flow *flows, unsigned int count)
{
	unsigned long long received = 0, lost = 0, repeated = 0, late = 0, seen = 0;
	uint64_t gap = 0;
	const char *comma = "";
	unsigned int i;

	printf("{\"flow\":[");
	for (i = 0; i < count; i++) {
		const struct flow *f = &flows[i];
		unsigned long long missing;

		if (!f->received)
			continue;
		missing = f->next_seq - f->first_seq - f->received;
		printf("%s{\"id\":%u,\"received\":%llu,\"lost\":%llu,\"repeated\":%llu,"
		       "\"late\":%llu,\"gap_ms\":%.3f,\"gap_at_ms\":%.3f,\"last_ms\":%.3f,"
		       "\"way\":%u}", comma, i, (unsigned long long)f->received, missing,
		       (unsigned long long)f->repeated, (unsigned long long)f->late,
		       (double)f->gap / 1e6, (double)f->gap_at / 1e6, (double)f->last_sent / 1e6, f->way);
		comma = ",";
		seen++;
		received += f->received;
		lost += missing;
		repeated += f->repeated;
		late += f->late;
		if (f->gap > gap)
			gap = f->gap;
	}
	printf("],\"flows\":%llu,\"received\":%llu,\"lost\":%llu,\"repeated\":%llu,\"late\":%llu,"
	       "\"gap_ms\":%.3f,\"now_ms\":%.3f}\n", seen, received, lost, repeated, late,
	       (double)gap / 1e6, (double)now_ns() / 1e6);
	fflush(stdout);
}

/* DSCP of a packet, 0 if unknown */
static uint8_t way_of(struct msghdr *m)
{
	struct cmsghdr *c;
	int class;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			return *CMSG_DATA(c) >> 2;
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&class, CMSG_DATA(c), sizeof(class));
			return (uint8_t)class >> 2;
		}
	}
	return 0;
}

static void take_all(int fd, struct flow *flows, FILE *events)
{
	union {
		char buf[CMSG_SPACE(sizeof(int)) * 2];
		struct cmsghdr align;
	} control;
	struct stamp s;
	/* The rest of a packet is of no interest. */
	struct iovec iov = { .iov_base = &s, .iov_len = sizeof(s) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf };

	for (;;) {
		m.msg_controllen = sizeof(control.buf);
		if (recvmsg(fd, &m, MSG_DONTWAIT) < (ssize_t)sizeof(s))
			break;
		if (s.magic == MAGIC && s.flow < MAX_FLOWS)
			take(flows, &s, way_of(&m), events);
	}
	if (events)
		fflush(events);
}

static int way_socket(uint16_t port)
{
	int fd = udp_socket(AF_INET6, port), one = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &one, sizeof(one)))
		die("IP_RECVTOS");
	return fd;
}

static int do_receive(uint16_t port, uint64_t seconds, uint64_t settle_ms, FILE *events)
{
	struct flow *flows = calloc(MAX_FLOWS, sizeof(*flows));
	uint64_t end = seconds ? now_ns() + seconds * NS : UINT64_MAX;
	struct pollfd p = { .fd = way_socket(port), .events = POLLIN };

	if (!flows)
		die("memory");
	for (;;) {
		int wait = 200;

		if (reporting) {
			reporting = 0;
			report(flows, MAX_FLOWS);
		}
		/* What is on its way is let in. */
		if (stopping && end == UINT64_MAX)
			end = now_ns() + settle_ms * 1000000;
		if (now_ns() >= end)
			break;
		if (poll(&p, 1, wait) > 0) {
			/* To wake up for each packet would cost more than the packet. */
			sleep_until(now_ns() + BATCH);
			take_all(p.fd, flows, events);
		}
	}
	report(flows, MAX_FLOWS);
	return 0;
}

/* --- command line --- */

static void usage(void)
{
	fputs("Usage: flows send --to ADDR [--port P] [--flows N] [--rate PPS] [--from-port P]\n"
	      "                  [--size BYTES] [--seconds S] [--burst N]\n"
	      "       flows receive [--port P] [--seconds S] [--settle MS] [--events FILE]\n",
	      stderr);
	exit(1);
}

static void set_target(struct send_options *o, const char *addr, uint16_t port)
{
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&o->to;
	struct sockaddr_in *a4 = (struct sockaddr_in *)&o->to;

	if (inet_pton(AF_INET, addr, &a4->sin_addr) == 1) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons(port);
		o->to_len = sizeof(*a4);
	} else if (inet_pton(AF_INET6, addr, &a6->sin6_addr) == 1) {
		a6->sin6_family = AF_INET6;
		a6->sin6_port = htons(port);
		o->to_len = sizeof(*a6);
	} else {
		fprintf(stderr, "flows: \"%s\" is not an address\n", addr);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "port", required_argument, NULL, 'p' },
		{ "flows", required_argument, NULL, 'n' },
		{ "rate", required_argument, NULL, 'r' },
		{ "from-port", required_argument, NULL, 'f' },
		{ "size", required_argument, NULL, 's' },
		{ "burst", required_argument, NULL, 'b' },
		{ "seconds", required_argument, NULL, 'S' },
		{ "settle", required_argument, NULL, 'w' },
		{ "events", required_argument, NULL, 'e' },
		{}
	};
	struct send_options o = { .flows = 64, .burst = 1, .rate = 20, .from_port = 20000, .size = 100 };
	struct sigaction action = { .sa_handler = on_signal };
	uint64_t settle_ms = 1000, seconds = 0;
	const char *to = NULL;
	FILE *events = NULL;
	uint16_t port = 9000;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 't':
			to = optarg;
			break;
		case 'p':
			port = (uint16_t)number(optarg, 65535);
			break;
		case 'n':
			o.flows = (unsigned int)number(optarg, MAX_FLOWS);
			break;
		case 'r':
			o.rate = number(optarg, 1000000);
			break;
		case 'f':
			o.from_port = (uint16_t)number(optarg, 65535);
			break;
		case 's':
			o.size = number(optarg, 65000);
			break;
		case 'b':
			o.burst = (unsigned int)number(optarg, MAX_FLOWS);
			break;
		case 'S':
			seconds = number(optarg, 86400);
			break;
		case 'w':
			settle_ms = number(optarg, 3600000);
			break;
		case 'e':
			events = fopen(optarg, "we");
			if (!events)
				die(optarg);
			break;
		default:
			usage();
		}
	}
	if (optind + 1 != argc || !o.flows || !o.rate || !o.burst || o.size < sizeof(struct stamp))
		usage();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	if (!strcmp(argv[optind], "receive"))
		return do_receive(port, seconds, settle_ms, events);
	if (strcmp(argv[optind], "send") != 0 || !to)
		usage();
	set_target(&o, to, port);
	o.seconds = seconds;
	return do_send(&o);
}
