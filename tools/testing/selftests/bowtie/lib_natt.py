#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds UDP sockets on port 4500 that hand ESP in UDP to the kernel's xfrm.

Usage: lib_natt.py READYFILE ADDRESS...; creates READYFILE when all are open.
"""

import signal
import socket
import sys

UDP_ENCAP = 100  # linux/udp.h
UDP_ENCAP_ESPINUDP = 2

sockets = []
for address in sys.argv[2:]:
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
    sock.bind((address, 4500))
    sockets.append(sock)
with open(sys.argv[1], 'w', encoding='ascii'):
    pass
signal.pause()
