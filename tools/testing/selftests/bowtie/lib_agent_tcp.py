# SPDX-License-Identifier: GPL-2.0-only
"""Commands of the agent: TCP connections that carry known bytes both ways."""
import hashlib
import os
import select
import socket
import time

import lib_packet as pkt
from lib_agent import AgentError, WAIT, command, deadline_loop, netns, payload

CHUNK = 1 << 16


class End:
    """One end of a connection: sends so many bytes, and hashes what it sends and gets."""

    def __init__(self, sock, size):
        sock.setblocking(False)
        self.sock = sock
        self.left = self.wanted = size
        # Every packet has the mark, and no two blocks are alike
        self.block = b"".join(os.urandom(200) + payload(56) for _ in range(CHUNK // 256))
        self.pending = b""
        self.sent = hashlib.sha256()
        self.got = hashlib.sha256()

    def write(self):
        """as much as fits"""
        if not self.pending:
            at = self.left % 256
            self.pending = (self.block[at:] + self.block[:at])[:self.left]
        count = self.sock.send(self.pending)
        self.sent.update(self.pending[:count])
        self.pending = self.pending[count:]
        self.left -= count

    def read(self):
        """as much as is there"""
        data = self.sock.recv(1 << 20)
        if not data:
            raise AgentError("the connection ended early")
        self.got.update(data)
        self.wanted -= len(data)


def _exchange(ends, seconds):
    for left in deadline_loop(f"{ends[0].left} and {ends[1].left} bytes are not sent, "
                              f"{ends[1].wanted} and {ends[0].wanted} not received", seconds):
        reading = [end for end in ends if end.wanted]
        writing = [end for end in ends if end.left]
        if not reading and not writing:
            break
        readable, writable, _ = select.select([e.sock for e in reading], [e.sock for e in writing],
                                              [], left)
        for end in ends:
            if end.sock in readable:
                end.read()
            if end.sock in writable:
                end.write()
    for one, other in (ends, ends[::-1]):
        if one.sent.digest() != other.got.digest():
            raise AgentError("other bytes arrived than were sent")


def _close(ends):
    """until either end knows that the other is done: the kernel is not left with a
    connection to end by itself, which would hold the namespace, and by its route an SA"""
    for sock in ends:
        sock.shutdown(socket.SHUT_WR)
    for sock in ends:
        sock.settimeout(WAIT)
        if sock.recv(1):
            raise AgentError("more bytes arrived than were sent")


@command
def tcp(client_ns, server_ns, address, megabytes, source=None):
    """CLIENT_NS SERVER_NS ADDRESS MB [SOURCE]: a connection with that many MB each way
    at once; tells what it did"""
    with netns(server_ns):
        listener = socket.socket(pkt.family(address), socket.SOCK_STREAM)
    with netns(client_ns):
        client = socket.socket(pkt.family(address), socket.SOCK_STREAM)
    with listener, client:
        listener.bind((address, 0))
        listener.listen(1)
        listener.settimeout(WAIT)
        if source:
            client.bind((source, 0))
        client.settimeout(WAIT)
        client.connect(listener.getsockname()[:2])
        server = listener.accept()[0]
        size = int(float(megabytes) * (1 << 20))
        ends = [End(client, size), End(server, size)]
        begin = time.monotonic()
        with server:
            _exchange(ends, 60 + size / 5e5)
            mss = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
            _close((client, server))
        return f"{megabytes} MB each way in {time.monotonic() - begin:.1f} s, MSS {mss}"


@command
def connect(client_ns, server_ns, address):
    """CLIENT_NS SERVER_NS ADDRESS: the MSS that the two ends of a new connection use"""
    with netns(server_ns):
        listener = socket.socket(pkt.family(address), socket.SOCK_STREAM)
    with netns(client_ns):
        client = socket.socket(pkt.family(address), socket.SOCK_STREAM)
    with listener, client:
        listener.bind((address, 0))
        listener.listen(1)
        listener.settimeout(WAIT)
        client.settimeout(WAIT)
        client.connect(listener.getsockname()[:2])
        server = listener.accept()[0]
        with server:
            _close((client, server))
            return " ".join(str(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
                            for s in (client, server))
