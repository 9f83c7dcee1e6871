# SPDX-License-Identifier: GPL-2.0-only
"""IP packets as bytes: made to order, wrong ones too, and taken apart."""
import hashlib
import hmac
import ipaddress
import socket
import struct

ICMP, TCP, UDP, IPV6_FRAGMENT, ESP, ICMPV6 = 1, 6, 17, 44, 50, 58
SYN = 2


def checksum(data):
    """the Internet checksum (RFC 1071)"""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    """an address as bytes"""
    return ipaddress.ip_address(text).packed


def family(text):
    """AF_INET or AF_INET6 of an address"""
    return socket.AF_INET6 if ":" in text else socket.AF_INET


def ipv4(src, dst, proto, payload, ident=0, frag=0, options=b"", ttl=64, **lies):
    """frag is the field with its flags (0x4000: DF, 0x2000: MF); lies replace what is
    true: version, ihl, length"""
    ihl = lies.get("ihl", 5 + len(options) // 4)
    length = lies.get("length", 20 + len(options) + len(payload))
    first = lies.get("version", 4) << 4 | ihl
    head = struct.pack("!BBHHHBBH", first, 0, length, ident, frag, ttl, proto, 0)
    head += address(src) + address(dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(src, dst, proto, payload, label=0, hops=64, **lies):
    """lies replace what is true: version, length"""
    first = lies.get("version", 6) << 28 | label
    head = struct.pack("!IHBB", first, lies.get("length", len(payload)), proto, hops)
    return head + address(src) + address(dst) + payload


def ip(src, dst, proto, payload, **more):
    """of the family of its addresses"""
    return (ipv6 if ":" in src else ipv4)(src, dst, proto, payload, **more)


def pseudo(src, dst, proto, length):
    """the header that TCP and UDP put into their checksums"""
    if ":" in src:
        return address(src) + address(dst) + struct.pack("!II", length, proto)
    return address(src) + address(dst) + struct.pack("!HH", proto, length)


def udp(src, dst, sport, dport, payload):
    """a UDP datagram, without IP"""
    head = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
    total = checksum(pseudo(src, dst, UDP, 8 + len(payload)) + head + payload) or 0xFFFF
    return head[:6] + struct.pack("!H", total) + payload


def tcp_syn(src, dst, sport, dport, options, flags=SYN):
    """a TCP segment that begins a connection, without IP"""
    options += bytes(-len(options) % 4)
    head = struct.pack("!HHIIBBHHH", sport, dport, 1, 0, (5 + len(options) // 4) << 4, flags,
                       65535, 0, 0) + options
    total = checksum(pseudo(src, dst, TCP, len(head)) + head)
    return head[:16] + struct.pack("!H", total) + head[18:]


def fragments(packet, size, ident):
    """the fragments of a packet without options or extension headers; size is that of
    their payloads"""
    v6 = packet[0] >> 4 == 6
    head, payload = packet[:40 if v6 else 20], packet[40 if v6 else 20:]
    for at in range(0, len(payload), size):
        piece = payload[at:at + size]
        more = at + size < len(payload)
        if v6:
            ext = struct.pack("!BBHI", head[6], 0, at | more, ident)
            yield head[:4] + struct.pack("!HB", 8 + len(piece), IPV6_FRAGMENT) + head[7:] + \
                ext + piece
        else:
            new = head[:2] + struct.pack("!HHH", 20 + len(piece), ident,
                                         more << 13 | at // 8) + head[8:10] + b"\0\0" + head[12:]
            yield new[:10] + struct.pack("!H", checksum(new)) + new[12:] + piece


class Packet:
    """A packet taken apart; what it does not have is None or empty."""

    def __init__(self, data):
        self.data = data
        self.v6 = data[0] >> 4 == 6
        self.frag = 0
        self.label = 0
        if self.v6:
            self.label = struct.unpack_from("!I", data)[0] & 0xFFFFF
            self.proto, at, ends, self.addresses = data[6], 40, 24, 8
            if self.proto == IPV6_FRAGMENT:
                self.proto, at = data[40], 48
                self.frag, = struct.unpack_from("!H", data, 42)
            self.offset = self.frag & 0xFFF8
        else:
            self.proto, at, ends, self.addresses = data[9], (data[0] & 15) * 4, 16, 12
            self.frag, = struct.unpack_from("!H", data, 6)
            self.offset = (self.frag & 0x1FFF) * 8
        self.src = str(ipaddress.ip_address(data[self.addresses:ends]))
        self.dst = str(ipaddress.ip_address(data[ends:2 * ends - self.addresses]))
        self.payload = data[at:]
        self.sport = self.dport = None
        if self.proto in (TCP, UDP) and not self.offset and len(self.payload) >= 4:
            self.sport, self.dport = struct.unpack_from("!HH", self.payload)

    def checksum_ok(self):
        """is the checksum of TCP, UDP or ICMPv6 right?"""
        if not self.v6 and self.proto == ICMP:
            return checksum(self.payload) == 0
        return checksum(pseudo(self.src, self.dst, self.proto, len(self.payload)) +
                        self.payload) == 0

    def mss(self):
        """the option of a TCP segment, or None, also if the options are broken"""
        options, at = self.payload[20:(self.payload[12] >> 4) * 4], 0
        while at < len(options) and options[at]:
            if options[at] == 1:
                at += 1
                continue
            if at + 1 >= len(options) or not 2 <= options[at + 1] <= len(options) - at:
                break
            if options[at:at + 2] == b"\2\4":
                return struct.unpack_from("!H", options, at + 2)[0]
            at += options[at + 1]
        return None


def esp_null_sha1(spi, seq, inner, key, proto=None, cut=None):
    """ESP whose encryption is none and whose integrity is HMAC-SHA1-96: what is inside
    is up to the test. proto: next header, else by the first byte; cut: bytes left"""
    if proto is None:
        proto = 41 if inner[:1] and inner[0] >> 4 == 6 else 4
    pad = -(len(inner) + 2) % 4
    body = struct.pack("!II", spi, seq) + inner + bytes(range(1, pad + 1)) + bytes((pad, proto))
    body += hmac.new(key, body, hashlib.sha1).digest()[:12]
    return body[:cut]
