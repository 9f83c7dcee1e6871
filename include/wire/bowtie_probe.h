/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * The echo between two Bowties: a UDP datagram inside the tunnel, from one inside
 * address to the other. Whoever gets a request sends the same back as a reply, with
 * addresses and ports exchanged. Only the sender of a request reads what is behind the
 * type. Network byte order.
 */
#ifndef _BOWTIE_WIRE_PROBE_H
#define _BOWTIE_WIRE_PROBE_H

#include <linux/types.h>

#define BOWTIE_PROBE_UDP_PORT	7178
#define BOWTIE_PROBE_MAGIC	0x42745031	/* "BtP1" */

enum bowtie_probe_wire_type {
	BOWTIE_PROBE_REQUEST = 1,
	BOWTIE_PROBE_REPLY = 2,
};

/**
 * struct bowtie_probe_echo - payload of the datagram
 * @magic: BOWTIE_PROBE_MAGIC
 * @type: enum bowtie_probe_wire_type
 * @reserved: zero when sent, not looked at
 * @seq: number of the probe
 * @sent: the sender's clock, in ns
 * @cookie: of this probe; nobody but the sender can tell it beforehand
 */
struct bowtie_probe_echo {
	__be32 magic;
	__u8 type;
	__u8 reserved[3];
	__be32 seq;
	__be32 pad;
	__be64 sent;
	__be64 cookie;
};

#endif /* _BOWTIE_WIRE_PROBE_H */
