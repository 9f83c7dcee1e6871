# SPDX-License-Identifier: GPL-2.0-only
"""ESP packets made to order for SAs of several algorithms, right ones and wrong ones."""
import hashlib
import hmac
import os
import socket
import struct

import lib_packet as pkt


def key_of(spi, size):
    """of an SA"""
    return hashlib.sha512(spi.to_bytes(4, "big")).digest()[:size]


def _kernel_cipher(kind, name, key, tag=None):
    sock = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
    sock.bind((kind, name))
    sock.setsockopt(socket.SOL_ALG, socket.ALG_SET_KEY, key)
    if tag:
        sock.setsockopt(socket.SOL_ALG, socket.ALG_SET_AEAD_AUTHSIZE, None, tag)
    return sock


def _encrypt(sock, data, iv, assoc=b"", grows=0):
    with sock.accept()[0] as op:
        more = {"assoclen": len(assoc)} if assoc else {}
        op.sendmsg_afalg([assoc + data], op=socket.ALG_OP_ENCRYPT, iv=iv, **more)
        return op.recv(len(assoc) + len(data) + grows)[len(assoc):]


class Null:
    """No encryption, HMAC-SHA1-96"""
    words = "auth-trunc hmac(sha1) 0x{key} 96 enc ecb(cipher_null) \"\""
    key_size, block, iv, icv = 20, 4, 0, 12

    def __init__(self, spi):
        self.key = key_of(spi, self.key_size)

    def seal(self, spi, seq, body, esn):
        """what follows the ESP header"""
        data = struct.pack("!II", spi, seq & 0xFFFFFFFF) + body
        if esn:
            data += struct.pack("!I", seq >> 32)
        return body + hmac.new(self.key, data, hashlib.sha1).digest()[:12]


class Gcm:
    """AES-128-GCM"""
    words = "aead rfc4106(gcm(aes)) 0x{key} 128"
    key_size, block, iv, icv = 20, 4, 8, 16

    def __init__(self, spi):
        self.sock = _kernel_cipher("aead", "rfc4106(gcm(aes))", key_of(spi, self.key_size),
                                   self.icv)

    def seal(self, spi, seq, body, esn):
        """what follows the ESP header"""
        iv = struct.pack("!Q", seq)
        head = struct.pack("!I", spi)
        if esn:
            head += struct.pack("!I", seq >> 32)
        head += struct.pack("!I", seq & 0xFFFFFFFF)
        return iv + _encrypt(self.sock, body, iv, head + iv, self.icv)


class Cbc:
    """AES-128-CBC, HMAC-SHA2-256-128"""
    words = "auth-trunc hmac(sha256) 0x{key:.64} 128 enc cbc(aes) 0x{key:.32}"
    key_size, block, iv, icv = 32, 16, 16, 16

    def __init__(self, spi):
        self.key = key_of(spi, self.key_size)
        self.sock = _kernel_cipher("skcipher", "cbc(aes)", self.key[:16])

    def seal(self, spi, seq, body, esn):
        """what follows the ESP header"""
        iv = os.urandom(16)
        body = iv + _encrypt(self.sock, body, iv)
        data = struct.pack("!II", spi, seq & 0xFFFFFFFF) + body
        if esn:
            data += struct.pack("!I", seq >> 32)
        return body + hmac.new(self.key, data, hashlib.sha256).digest()[:16]


ALGORITHMS = {"null": Null, "gcm": Gcm, "cbc": Cbc}


class Sealer:
    """Makes the packets of one SA."""

    def __init__(self, algorithm, spi, esn=False):
        self.algorithm = ALGORITHMS[algorithm](spi)
        self.spi = spi
        self.esn = esn

    def words(self):
        """the algorithm, for "ip xfrm state add" """
        return self.algorithm.words.format(key=key_of(self.spi, self.algorithm.key_size).hex()) + \
            (" flag esn" if self.esn else "")

    def esp(self, seq, inner, proto=None, tfc=b"", padlen=None):
        """an ESP packet without IP; proto: next header, if it is not the truth; padlen: a lie
        about the padding; tfc: what comes behind the packet inside (RFC 4303, 2.7)"""
        if proto is None:
            proto = 41 if inner[:1] and inner[0] >> 4 == 6 else 4
        data = inner + tfc
        pad = -(len(data) + 2) % self.algorithm.block
        data += bytes(range(1, pad + 1)) + bytes((pad if padlen is None else padlen, proto))
        return struct.pack("!II", self.spi, seq & 0xFFFFFFFF) + \
            self.algorithm.seal(self.spi, seq, data, self.esn)

    def raw(self, seq, data):
        """the same of any bytes that are to be encrypted; their length is a multiple of the
        block's"""
        return struct.pack("!II", self.spi, seq & 0xFFFFFFFF) + \
            self.algorithm.seal(self.spi, seq, data, self.esn)


def numbered(number, size=60, src="10.9.0.1", dst="10.9.1.1"):
    """a UDP packet to be put inside, that many bytes in all, known by its number"""
    head = 48 if ":" in src else 28
    body = (struct.pack("!I", number) + bytes(range(256)) * (size // 256 + 1))[:size - head]
    return pkt.ip(src, dst, pkt.UDP, pkt.udp(src, dst, 7000, 7777, body))
