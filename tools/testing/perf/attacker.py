# SPDX-License-Identifier: GPL-2.0-only
"""Somebody on the way between gateway and cloud who has no keys.

	attacker.py READY DEV ENDPOINT GATEWAY PEER LOCAL

Records ESP packets of ENDPOINT that come in by DEV, among them answers to probes. Then
makes the file READY and sends GATEWAY, until it ends: those packets again; those with a
sequence number that is new; and echo replies in plaintext from PEER to LOCAL, the inside
addresses.
"""
import socket
import struct
import sys
import time

ESP, ICMP = 50, 1
ETH_P_IP = 0x0800
RECORDED = 200


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def record(dev, endpoint):
    """IP packets, the latest ones within some seconds"""
    found = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)) as sock:
        sock.bind((dev, ETH_P_IP))
        end = time.monotonic() + 20
        while len(found) < RECORDED and time.monotonic() < end:
            packet, (_, _, kind, _, _) = sock.recvfrom(2048)
            if kind != socket.PACKET_OUTGOING and packet[9] == ESP and packet[12:16] == endpoint:
                found.append(packet)
    return found


def renumbered(packet, ahead):
    """with a sequence number that the replay window would let pass"""
    seq, = struct.unpack_from('!I', packet, 24)
    return packet[:24] + struct.pack('!I', (seq + ahead) & 0xffffffff) + packet[28:]


def echo_reply(peer, local, seq):
    icmp = struct.pack('!BBHHH', 0, 0, 0, 1, seq & 0xffff) + bytes(16)
    icmp = icmp[:2] + struct.pack('!H', checksum(icmp)) + icmp[4:]
    return struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(icmp), 0, 0, 64, ICMP, 0) + peer + local + icmp


def main(ready, dev, endpoint, gateway, peer, local):
    endpoint, peer, local = (socket.inet_aton(one) for one in (endpoint, peer, local))
    packets = record(dev, endpoint)
    if not packets:
        sys.exit('attacker: nothing recorded')
    with open(ready, 'w', encoding='utf-8'):
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as esp, \
            socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as plain:
        # Inside addresses have no route here.
        plain.bind(('gw0', ETH_P_IP))
        with open('/proc/net/arp', encoding='ascii') as arp:
            mac = next(line.split()[3] for line in arp if line.startswith(gateway + ' '))
        target = ('gw0', ETH_P_IP, 0, 0, bytes.fromhex(mac.replace(':', '')))
        for n in range(1 << 30):
            packet = packets[n % len(packets)]
            for one in (packet, renumbered(packet, 1000 + n)):
                esp.sendto(one, (gateway, 0))
            plain.sendto(echo_reply(peer, local, n), target)
            time.sleep(0.01)


if __name__ == '__main__':
    main(*sys.argv[1:])
