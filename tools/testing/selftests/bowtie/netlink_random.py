#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 100
"""Thousands of requests of no sense: attributes with values at random, in the wrong
place, cut short, of the wrong length, too many. The kernel log must stay clean, and
afterwards everything works as before. SEED= repeats a run."""
import os
import random
import struct
import time

import lib_tap as tap
from lib_far import BOW0, LOCAL, REMOTE, Far, udp
from lib_genl import NlError, Raw, Socket, NLM_F_ACK, NLM_F_DUMP, NLM_F_ECHO, attr, genl

SEED = int(os.environ.get("SEED", "20261121"))
SECONDS = 40  # at most
COUNT = 4000
RNG = random.Random(SEED)
FAR = Far()
SPEC = FAR.nl.spec
OPS = [op for op in SPEC.ops.values() if "do" in op]
NUMBERS = (0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1280,
           1500, 65495, 65535, 1 << 31, (1 << 31) - 1, (1 << 32) - 1)
NAMES = ("t0", "t1", "t2", "a" * 15, "a" * 16, "", "0", "bad name", "\x7f", "é")
DEVICES = ("bow0", "bow0", "bow0", "bow0", "bow0", "lo", "eth0", "none", "x" * 40)
ADDRESSES = ("0.0.0.0", "10.0.0.1", "10.0.0.2", "10.1.2.0", "127.0.0.1", "224.0.0.1", LOCAL,
             REMOTE, "255.255.255.255", "::", "::1", "fd00::1", "fd00::2", "fe80::1", "ff02::1",
             "::ffff:10.0.0.1", "2001:db8::1")
ANSWERS = {}


# What an attribute is apt to be, and how often it is there
SENSE = {
    "ifname": DEVICES, "name": NAMES, "id": range(4), "tunnel": range(4), "if-id": range(1, 7),
    "local": (LOCAL, "10.0.0.0", "fd00::"), "remote": (REMOTE, "192.0.2.3", "2001:db8::1"),
    "dst": ("10.1.0.0", "10.0.0.0", "10.128.0.0", "0.0.0.0", "::", "fd00::"),
    "len": (0, 8, 9, 16, 16, 24, 32, 33, 64, 128), "local-len": (8, 16, 32, 64),
    "remote-len": (8, 16, 32, 64), "weight": (1, 2, 256), "mss": (0, 1, 48, 1300),
}
LIKELY = {"ifname": 0.97, "ifindex": 0.02, "dst": 0.97, "len": 0.9, "nexthop": 0.95,
          "route": 0.97, "link": 0.97, "if-id": 0.7, "local": 0.5, "remote": 0.8, "id": 0.7,
          "local-len": 0.95, "remote-len": 0.95, "mode": 0.8, "selectors": 0.1, "sa": 0.97}


def nested(one, settable):
    """the value, or the values, of a nest"""
    inner = one["nested-attributes"]
    if RNG.random() < 0.02:
        # One of another kind
        inner = RNG.choice(list(SPEC.sets))
        return Raw(encode(inner, values_of(inner, SPEC.sets[inner], {})), True)
    names = settable.get(inner, SPEC.sets[inner] if RNG.random() < 0.1 else ())
    count = RNG.choice((1, 1, 1, 2, 3, 20)) if one.get("multi-attr") else 1
    values = [values_of(inner, names, settable) for _ in range(count)]
    return values if one.get("multi-attr") else values[0]


def value_of(name, one, settable):
    """a value that may or may not make sense for an attribute"""
    kind, dice = one.get("type"), RNG.random()
    if dice < 0.01:
        return Raw(RNG.randbytes(RNG.choice((0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 64, 300))),
                   RNG.random() < 0.3)
    if kind == "nest":
        return nested(one, settable)
    if kind == "string":
        return RNG.choice(SENSE.get(name, NAMES))
    if kind == "binary" or one.get("display-hint") == "ipv4":
        likely = SENSE.get(name, ("10.0.0.2", "10.0.0.1", "10.0.0.6") if name.endswith("4")
                           else ("fd00::1", "fd00::2", "::"))
        return RNG.choice(likely if dice < 0.95 else ADDRESSES)
    if "enum" in one and dice < 0.97:
        return RNG.randrange(len(SPEC.enums[one["enum"]]))
    number = RNG.choice(SENSE.get(name, range(2)) if dice < 0.95 else NUMBERS)
    return number if kind != "s32" else number - (1 << 32 if number >= 1 << 31 else 0)


def values_of(set_name, names, settable):
    """some of these attributes of a set, and now and then another"""
    out = {}
    for name, one in SPEC.sets[set_name].items():
        if one.get("type") == "pad":
            continue
        likely = LIKELY.get(name, 0.97 if name == "tunnel" else 0.2) if name in names else 0.002
        if RNG.random() < likely:
            out[name] = value_of(name, one, settable)
    return out


def request():
    """(command, payload) of a command that may exist"""
    op = RNG.choice(OPS)
    names = op["do"]["request"]["attributes"]
    payload = encode(SPEC.name, values_of(SPEC.name, names, op.get("settable", {})))
    return op["value"] if RNG.random() < 0.98 else RNG.randrange(256), mutate(payload)


def encode(set_name, values):
    """as bytes, whatever the types; what cannot be encoded becomes random"""
    try:
        return SPEC.encode(set_name, values)
    except (struct.error, ValueError, UnicodeEncodeError):
        return RNG.randbytes(RNG.randrange(0, 60))


def mutate(payload):
    """bytes changed, cut off, repeated, or a new attribute around them"""
    dice = RNG.random()
    if dice < 0.8 or not payload:
        return payload
    data = bytearray(payload)
    if dice < 0.87:
        for _ in range(RNG.choice((1, 1, 2, 8))):
            data[RNG.randrange(len(data))] = RNG.randrange(256)
    elif dice < 0.92:
        del data[RNG.randrange(len(data)):]
    elif dice < 0.95:
        at = RNG.randrange(len(data)) & ~3
        data[at:at] = data[:RNG.randrange(len(data))]
    elif dice < 0.975:
        for _ in range(RNG.choice((1, 8, 40))):
            data = bytearray(attr(RNG.randrange(10), bytes(data[:60000]), True))
    else:
        data += attr(RNG.randrange(12), RNG.randbytes(RNG.randrange(30000)))
    return bytes(data)


def ask(nl, cmd, flags, payload):
    """one request; what became of it is counted"""
    try:
        nl.sock.request(nl.id, NLM_F_ACK | flags, genl(cmd, payload, RNG.choice((0, 1, 1, 2))))
        answer = "accepted"
    except NlError as error:
        answer = error.errno
    ANSWERS[answer] = ANSWERS.get(answer, 0) + 1


def prepare():
    """what requests can be about"""
    tap.diag(f"SEED={SEED}")
    for number in range(3):
        FAR.tunnel(number)
        FAR.sa_out(0x2000 + number, number)
    FAR.route("10.1.0.0", 16, 0, 1)


def at_random():
    """The requests, while packets go out now and then."""
    end = time.monotonic() + SECONDS
    count = 0
    while count < COUNT and time.monotonic() < end:
        cmd, payload = request()
        flags = RNG.choice((0, 0, 0, NLM_F_ECHO, NLM_F_DUMP, 0x100, 0x400))
        ask(FAR.nl, cmd, flags, payload)
        if not count % 20:
            FAR.send(udp("10.0.0.1", RNG.choice(("10.1.0.1", "10.0.0.2", "10.9.9.9"))))
        count += 1
    tap.diag(f"{count} requests: {dict(sorted(ANSWERS.items(), key=str))}")
    tap.ok(count >= 1000, "there was time for a thousand of them", count)
    tap.ok(ANSWERS.get("accepted", 0) > count // 20, "many were accepted", ANSWERS)
    for answer in (2, 17, 19, 22, 34, 95):
        tap.ok(answer in ANSWERS, f"some of them were answered {answer}", ANSWERS)


def half_dumps():
    """Dumps that nobody reads to the end."""
    for op in ("link-get", "tunnel-get", "route-get", "sa-get"):
        with FAR.gw:
            sock = Socket(recv_size=4096)
        payload = SPEC.encode(SPEC.name, BOW0)
        sock.send(FAR.nl.id, NLM_F_ACK | NLM_F_DUMP, genl(SPEC.ops[op]["value"], payload))
        sock.sock.close()
    tap.ok(True, "dumps that are given up")


def afterwards():
    """Everything works as before."""
    FAR.nl.do("route-flush", BOW0)
    for one in FAR.nl.dump("tunnel-get", BOW0):
        FAR.nl.do("tunnel-del", BOW0 | {"tunnel": {"id": one["tunnel"]["id"]}})
    tap.eq((FAR.nl.dump("tunnel-get", BOW0), FAR.nl.dump("route-get", BOW0),
            FAR.nl.dump("sa-get", BOW0)), ([], [], []), "all can be deleted")
    link = FAR.nl.do("link-get", BOW0)[0]["link"]
    tap.eq((link["tunnels"], link["routes"], link["groups"]), (0, 0, 0), "nothing is left")
    FAR.batch("xfrm state flush")
    FAR.link(fwmark=0, hash="skb", hairpin=0, strict_source=0, mtu_auto=1)
    FAR.tunnel(0)
    FAR.sa_out(0x2000, 0)
    FAR.route("10.1.0.0", 16, 0)
    before = FAR.counters(0)["tx-packets"]
    FAR.send(udp("10.0.0.1", "10.1.0.1"), 5)
    tap.eq(FAR.counters(0)["tx-packets"] - before, 5, "packets pass")
    FAR.rtnl.delete("bow0")
    with open("/sys/module/bowtie/refcnt", encoding="ascii") as file:
        tap.eq(file.read().strip(), "0", "nobody holds the module")


tap.main(prepare, at_random, half_dumps, afterwards)
