// SPDX-License-Identifier: GPL-2.0-only
/*
 * espgun: packets for bench, made beforehand and then put into a tun device one by one.
 *
 *	espgun make FILE [OPTION...]		packets out of nothing
 *	espgun pass IN OUT FILE NEWFILE		what comes out at OUT when FILE is put into IN
 *	espgun run [OPTION...] DEV FILE [DEV FILE]
 *						put them in, in turns; prints nanoseconds
 *	espgun pktgen				run the kernel's own, set up by others
 *
 * "pass" is how ESP packets come to be: through a namespace that encrypts. Each can be
 * put in once only, as replay windows are on.
 *
 * Without --batch a write() to a tun device is a netif_receive_skb() and nothing else: no
 * queue, no other thread. With --batch N the device's own NAPI thread takes over after
 * each N packets, as a busy NIC's does: what is done once for all packets of a poll is
 * shared by them, and GRO has something to merge. The thread is a real-time one, and so
 * are we while we fill its queue; then we step back below it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <dirent.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#define PACKET_MAX	65535
#define PORTS		4096

/* A file is a row of these. @hdr and what follows is what a tun device takes. */
struct record {
	uint32_t len;			/* of hdr and packet */
	struct virtio_net_hdr hdr;
	uint8_t packet[];
} __attribute__((packed));

struct gun {
	int fd;
	const uint8_t *next, *end;
};

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("espgun: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(1);
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (!*text || *end)
		die("'%s' is not a number", text);
	return n;
}

/* ---------------------------------------------------------------- make */

struct recipe {
	unsigned int count, bytes, mss, burst, tunnels, spread_src, spread_dst;
	in_addr_t src, dst;
	bool tcp, checked;
};

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint64_t)random_state * limit >> 32;
}

static uint32_t sum16(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;

	for (; len > 1; len -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	if (len)
		sum += p[0] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/*
 * The checksum is right, or left to be finished as an offloading sender leaves it; then
 * @hdr says so, and gives the size of segments.
 */
static void set_checksum(const struct recipe *r, struct record *rec, unsigned int len)
{
	struct iphdr *ip = (struct iphdr *)rec->packet;
	uint8_t *l4 = rec->packet + sizeof(*ip);
	unsigned int l4_len = len - sizeof(*ip);
	uint16_t *check = r->tcp ? &((struct tcphdr *)l4)->check : &((struct udphdr *)l4)->check;
	uint32_t pseudo = sum16(&ip->saddr, 8, ip->protocol + l4_len);

	ip->check = htons(~fold(sum16(ip, sizeof(*ip), 0)));
	if (!r->mss) {
		*check = htons(~fold(sum16(l4, l4_len, pseudo)));
		rec->hdr.flags = r->checked ? VIRTIO_NET_HDR_F_DATA_VALID : 0;
		return;
	}
	*check = htons(fold(pseudo));
	rec->hdr = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = sizeof(*ip) + sizeof(struct tcphdr),
		.gso_size = r->mss,
		.csum_start = sizeof(*ip),
		.csum_offset = offsetof(struct tcphdr, check),
	};
}

/* Packets of a burst are one flow's, in order. The third byte of the destination is the tunnel. */
static void make_packet(const struct recipe *r, struct record *rec, unsigned int i)
{
	static uint32_t src_more, dst_more, seq[PORTS];
	struct iphdr *ip = (struct iphdr *)rec->packet;
	unsigned int burst = i / r->burst, port = burst % PORTS;

	memset(rec, 0, sizeof(*rec) + r->bytes);
	rec->len = sizeof(rec->hdr) + r->bytes;
	if (i % r->burst == 0) {
		src_more = random_below(r->spread_src);
		dst_more = random_below(r->spread_dst);
	}
	*ip = (struct iphdr){
		.version = 4, .ihl = 5, .tot_len = htons(r->bytes), .frag_off = htons(IP_DF),
		.id = htons(i), .ttl = 64, .protocol = r->tcp ? IPPROTO_TCP : IPPROTO_UDP,
		.saddr = htonl(ntohl(r->src) + src_more),
		.daddr = htonl(ntohl(r->dst) + dst_more + (burst % r->tunnels << 8)),
	};
	if (r->tcp) {
		*(struct tcphdr *)(ip + 1) = (struct tcphdr){
			.source = htons(1024 + port), .dest = htons(9), .seq = htonl(seq[port]),
			.ack_seq = htonl(1), .doff = 5, .ack = 1, .window = htons(512),
		};
		seq[port] += r->bytes - sizeof(*ip) - sizeof(struct tcphdr);
	} else {
		*(struct udphdr *)(ip + 1) = (struct udphdr){
			.source = htons(1024 + port), .dest = htons(9),
			.len = htons(r->bytes - sizeof(*ip)),
		};
	}
	set_checksum(r, rec, r->bytes);
}

static in_addr_t address(const char *text)
{
	struct in_addr a;

	if (!inet_aton(text, &a))
		die("'%s' is not an address", text);
	return a.s_addr;
}

static void parse_recipe(struct recipe *r, int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'n' },
		{ "bytes", required_argument, NULL, 'b' },
		{ "mss", required_argument, NULL, 'm' },
		{ "burst", required_argument, NULL, 'B' },
		{ "tunnels", required_argument, NULL, 't' },
		{ "spread-src", required_argument, NULL, 'S' },
		{ "spread-dst", required_argument, NULL, 'D' },
		{ "src", required_argument, NULL, 's' },
		{ "dst", required_argument, NULL, 'd' },
		{ "tcp", no_argument, NULL, 'T' },
		{ "checked", no_argument, NULL, 'C' },
		{ }
	};
	unsigned int *const numbers[] = {
		['n'] = &r->count, ['b'] = &r->bytes, ['m'] = &r->mss, ['B'] = &r->burst,
		['t'] = &r->tunnels, ['S'] = &r->spread_src, ['D'] = &r->spread_dst,
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			r->src = address(optarg);
		else if (c == 'd')
			r->dst = address(optarg);
		else if (c == 'T')
			r->tcp = true;
		else if (c == 'C')
			r->checked = true;
		else if (c != '?' && numbers[c])
			*numbers[c] = number(optarg);
		else
			exit(2);
	}
	if (argc - optind != 1 || !r->burst || !r->tunnels || !r->spread_src || !r->spread_dst ||
	    r->bytes < 40 || r->bytes > PACKET_MAX || (r->mss && !r->tcp))
		die("make: wrong arguments");
}

static int make(int argc, char **argv)
{
	struct recipe r = {
		.bytes = 100, .burst = 1, .tunnels = 1, .spread_src = 1, .spread_dst = 1,
	};
	struct record *rec = calloc(1, sizeof(*rec) + PACKET_MAX);
	unsigned int i;
	FILE *out;

	parse_recipe(&r, argc, argv);
	out = fopen(argv[optind], "w");
	if (!rec || !out)
		die("%s: %m", argv[optind]);
	for (i = 0; i < r.count; i++) {
		make_packet(&r, rec, i);
		fwrite(rec, sizeof(rec->len) + rec->len, 1, out);
	}
	free(rec);
	if (ferror(out) || fclose(out))
		die("%s: cannot write", argv[optind]);
	return 0;
}

/* ---------------------------------------------------------------- devices and files */

static int tun_open(const char *dev, int flags)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | flags };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	if (strlen(dev) >= sizeof(ifr.ifr_name))
		die("%s: name too long", dev);
	strcpy(ifr.ifr_name, dev);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		die("tun device %s: %m", dev);
	return fd;
}

static void load(struct gun *gun, const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *data;

	if (fd < 0 || fstat(fd, &st) || !st.st_size)
		die("%s: cannot read, or empty", path);
	/* Populated: page faults are no part of what is measured */
	data = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (data == MAP_FAILED)
		die("%s: %m", path);
	close(fd);
	gun->next = data;
	gun->end = gun->next + st.st_size;
}

static const struct record *next_record(struct gun *gun)
{
	const struct record *rec = (const struct record *)gun->next;

	if (gun->next >= gun->end)
		die("no packets left");
	gun->next += sizeof(rec->len) + rec->len;
	return rec;
}

static void shoot(struct gun *gun)
{
	const struct record *rec = next_record(gun);
	ssize_t n = write(gun->fd, &rec->hdr, rec->len);

	if (n != rec->len)
		die("write to tun device: %m");
}

/* ---------------------------------------------------------------- pass */

static int pass(int argc, char **argv)
{
	struct record *rec = calloc(1, sizeof(*rec) + PACKET_MAX);
	struct iovec parts[] = {
		{ &rec->hdr, sizeof(rec->hdr) },
		{ rec->packet, PACKET_MAX },
	};
	struct gun gun;
	unsigned int lost = 0;
	FILE *out;
	int fd;

	if (!rec || argc != 5)
		die("pass: wrong arguments");
	load(&gun, argv[3]);
	gun.fd = tun_open(argv[1], 0);
	fd = tun_open(argv[2], 0);
	out = fopen(argv[4], "w");
	if (!out)
		die("%s: %m", argv[4]);
	while (gun.next < gun.end) {
		ssize_t n;

		shoot(&gun);
		n = readv(fd, parts, 2);
		if (n < 0) {
			lost++;
			continue;
		}
		if (n < (ssize_t)(sizeof(rec->hdr) + sizeof(struct iphdr)) ||
		    rec->packet[9] != IPPROTO_ESP)
			die("what came out of %s is not ESP", argv[2]);
		rec->len = n;
		/* No NIC has looked at these */
		memset(&rec->hdr, 0, sizeof(rec->hdr));
		fwrite(rec, sizeof(rec->len) + rec->len, 1, out);
	}
	free(rec);
	if (ferror(out) || fclose(out))
		die("%s: cannot write", argv[4]);
	if (lost)
		die("%u packets did not come out of %s", lost, argv[2]);
	return 0;
}

/* ---------------------------------------------------------------- run */

/* For the insnprof plugin: what lies between is what it counts. Else they do nothing. */
static void mark_begin(void)
{
	asm volatile("nopl 0x0b07e001(%%rax)" ::: "memory");
}

static void mark_end(void)
{
	asm volatile("nopl 0x0b07e002(%%rax)" ::: "memory");
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("%s: %m", path);
	close(fd);
}

static void set_policy(pid_t pid, int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(pid, policy, &param))
		die("sched_setscheduler: %m");
}

static pid_t find_thread(const char *prefix)
{
	char path[300], name[64];
	struct dirent *entry;
	pid_t found = 0;
	DIR *dir = opendir("/proc");

	while (dir && !found && (entry = readdir(dir))) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && !strncmp(name, prefix, strlen(prefix)))
			found = atoi(entry->d_name);
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void make_realtime(const char *thread)
{
	pid_t pid = find_thread(thread);

	if (!pid)
		die("no thread %s", thread);
	set_policy(pid, SCHED_FIFO, 1);
}

/*
 * The NAPI thread runs whenever it can, and everything else can wait; but not what softirqs
 * put off, or GRO cells overflow.
 */
static void make_threaded(const char *dev)
{
	char text[300];

	snprintf(text, sizeof(text), "/sys/class/net/%s/threaded", dev);
	write_file(text, "1");
	snprintf(text, sizeof(text), "napi/%s-", dev);
	make_realtime(text);
	make_realtime("ksoftirqd/0");
}

static uint64_t fire(struct gun *guns, int n_guns, unsigned long count, unsigned long batch)
{
	unsigned long chunk = batch ? batch : 1, i;
	uint64_t begin = now_ns();

	for (i = 0; i < count; i++) {
		if (batch && i % batch == 0)
			set_policy(0, SCHED_FIFO, 2);
		shoot(&guns[i / chunk % n_guns]);
		if (batch && (i % batch == batch - 1 || i == count - 1))
			set_policy(0, SCHED_OTHER, 0);
	}
	return now_ns() - begin;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'n' },
		{ "warmup", required_argument, NULL, 'w' },
		{ "batch", required_argument, NULL, 'b' },
		{ }
	};
	unsigned long count = 0, warmup = 0, batch = 0;
	struct gun guns[2];
	int c, i, n_guns, flags = 0;
	uint64_t elapsed;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			return 2;
		*(c == 'n' ? &count : c == 'w' ? &warmup : &batch) = number(optarg);
	}
	n_guns = (argc - optind) / 2;
	if (!count || n_guns < 1 || n_guns > 2 || (argc - optind) % 2)
		die("run: wrong arguments");
	if (batch)
		flags |= IFF_NAPI;
	for (i = 0; i < n_guns; i++) {
		guns[i].fd = tun_open(argv[optind + 2 * i], flags);
		load(&guns[i], argv[optind + 2 * i + 1]);
		if (batch)
			make_threaded(argv[optind + 2 * i]);
	}
	fire(guns, n_guns, warmup, batch);
	mark_begin();
	elapsed = fire(guns, n_guns, count, batch);
	mark_end();
	printf("%" PRIu64 "\n", elapsed);
	return 0;
}

/* ---------------------------------------------------------------- pktgen */

static int pktgen(void)
{
	mark_begin();
	write_file("/proc/net/pktgen/pgctrl", "start\n");
	mark_end();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "make"))
		return make(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "pass"))
		return pass(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "run"))
		return run(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "pktgen"))
		return pktgen();
	die("make, pass, run or pktgen? See the top of espgun.c");
}
