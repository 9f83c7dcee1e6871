#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Numbers and nonces of ESP packets. Two commands, for nonces.sh:

	load DST CPU		UDP on a CPU for ever, in bursts for segmentation offload and alone
	count PCAP SPI IV	of the packets of an SA whose vectors have that many bytes:
				"PACKETS REPEATED-NUMBERS REPEATED-VECTORS LARGEST-NUMBER"
"""
import os
import socket
import struct
import sys

UDP_SEGMENT = 103
SEGMENT = 300


def load(dst, cpu):
    """until it is killed"""
    os.sched_setaffinity(0, {int(cpu)})
    os.nice(15)
    single = socket.socket(socket.AF_INET6 if ":" in dst else socket.AF_INET, socket.SOCK_DGRAM)
    burst = socket.socket(single.family, socket.SOCK_DGRAM)
    burst.setsockopt(socket.SOL_UDP, UDP_SEGMENT, SEGMENT)
    turn = 0
    while True:
        turn += 1
        try:
            burst.sendto(bytes(SEGMENT * (2 + turn % 19)), (dst, 7777))
            for _ in range(turn % 7):
                single.sendto(bytes(64), (dst, 7777))
        except OSError:
            pass  # refused: it may be so


def esp_packets(file):
    """the ESP headers and what follows, from Ethernet frames"""
    magic, = struct.unpack("=I", file.read(24)[:4])
    if magic not in (0xA1B2C3D4, 0xA1B23C4D):
        raise ValueError("no capture of this machine")
    while True:
        head = file.read(16)
        if len(head) < 16:
            return
        frame = file.read(struct.unpack("=8xI4x", head)[0])
        if frame[12:14] == b"\x08\0" and frame[23] == 50:
            yield frame[34:]
        elif frame[12:14] == b"\x86\xdd" and frame[20] == 50:
            yield frame[54:]


def count(pcap, spi, size):
    """see above"""
    spi, size = int(spi, 0).to_bytes(4, "big"), int(size)
    numbers, vectors, packets = set(), set(), 0
    with open(pcap, "rb") as file:
        for esp in esp_packets(file):
            if esp[:4] == spi:
                packets += 1
                numbers.add(esp[4:8])
                vectors.add(esp[8:8 + size])
    largest = max(numbers, default=b"")
    print(packets, packets - len(numbers), packets - len(vectors), largest.hex())


if __name__ == "__main__":
    {"load": load, "count": count}[sys.argv[1]](*sys.argv[2:])
