# SPDX-License-Identifier: GPL-2.0-only
"""Generic netlink driven by a YAML specification, for tests.

	nl = Family("bowtie")
	nl.do("link-get", {"ifname": "bow0"})          -> list of replies
	nl.dump("tunnel-get", {"ifname": "bow0"})      -> list of objects
	nl.raw(cmd, payload, flags)                    -> whatever the test builds
	nl.policy()                                    -> what the kernel checks

A refusal raises NlError with the errno, the extack text and the offset of the
attribute at fault, for which Spec.offset() tells what it should be. Nothing here
knows bowtie: what it knows is in the YAML.
"""
import errno
import functools
import ipaddress
import os
import select
import socket
import struct
import time

import yaml

NETLINK_GENERIC = 16
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP, NETLINK_EXT_ACK, NETLINK_CAP_ACK = 1, 11, 10
NETLINK_GET_STRICT_CHK = 12
NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_ECHO, NLM_F_DUMP_INTR = 1, 2, 4, 8, 16
NLM_F_DUMP = 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLA_F_NESTED, NLA_TYPE_MASK = 0x8000, 0x3FFF
CTRL_CMD_GETFAMILY, CTRL_CMD_GETPOLICY = 3, 10
MESSAGE_HEADERS = 16 + 4  # of netlink and of generic netlink

TOP = os.environ.get("BOWTIE_TOP") or os.path.realpath(
    os.path.join(os.path.dirname(__file__), "../../../.."))

# NL_POLICY_TYPE_ATTR_TYPE and NL_ATTR_TYPE_* of linux/netlink.h
POLICY_ATTRS = {1: "type", 2: "min-s", 3: "max-s", 4: "min-u", 5: "max-u", 6: "min-len",
                7: "max-len", 8: "policy-idx", 9: "policy-maxtype", 10: "bitfield32", 12: "mask"}
POLICY_TYPES = {1: "flag", 2: "u8", 3: "u16", 4: "u32", 5: "u64", 6: "s8", 7: "s16", 8: "s32",
                9: "s64", 10: "binary", 11: "string", 12: "nul-string", 13: "nested",
                14: "nested-array", 15: "bitfield32"}


class NlError(OSError):
    """A refusal: .errno, .text (extack) and .offset of the attribute, or None"""

    def __init__(self, code, text, offset):
        super().__init__(code, f"{errno.errorcode.get(code, code)}: {text or os.strerror(code)}")
        self.text = text
        self.offset = offset


def attrs_of(data):
    """(type, payload) of each attribute"""
    pos = 0
    while pos + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, pos)
        if size < 4 or pos + size > len(data):
            raise ValueError(f"broken attribute at {pos}: {data.hex()}")
        yield kind & NLA_TYPE_MASK, data[pos + 4:pos + size]
        pos += (size + 3) & ~3


class Raw:
    """In place of an attribute's value: the bytes themselves, right or wrong."""

    def __init__(self, payload, nested=False):
        self.payload = payload
        self.nested = nested

    def __repr__(self):
        return f"Raw({self.payload.hex()}{', nested' if self.nested else ''})"


def attr(kind, payload, nested=False):
    """one attribute as bytes"""
    head = struct.pack("=HH", len(payload) + 4, kind | (NLA_F_NESTED if nested else 0))
    return head + payload + b"\0" * (-len(payload) % 4)


# The parser in C takes a tenth of the time, which is seconds under emulation
YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(path):
    """the specification as it is in the file"""
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=YamlLoader)


def spec_path(name):
    """where the specification of a family is"""
    return os.path.join(TOP, f"Documentation/netlink/specs/{name}.yaml")


@functools.lru_cache
def spec_of(name):
    """the specification of a family, read once"""
    return Spec(load_yaml(spec_path(name)))


class Spec:
    """The YAML file, by number and by name."""

    def __init__(self, contents):
        self.yaml = contents
        self.name = self.yaml["name"]
        self.enums = {d["name"]: [e["name"] for e in d["entries"]]
                      for d in self.yaml["definitions"] if d["type"] == "enum"}
        self.sets = {}
        for attribute_set in self.yaml["attribute-sets"]:
            value = 0
            by_name = {}
            for one in attribute_set["attributes"]:
                value = one.get("value", value + 1)
                by_name[one["name"]] = dict(one, value=value)
            self.sets[attribute_set["name"]] = by_name
        self.ops = {}
        value = 0
        for op in self.yaml["operations"]["list"]:
            value = op.get("value", value + 1)
            self.ops[op["name"]] = dict(op, value=value)
        self.op_names = {op["value"]: name for name, op in self.ops.items()}

    def _attribute(self, set_name, name):
        """of a set; a number instead of a name is for those that do not exist"""
        return {"value": name} if isinstance(name, int) else self.sets[set_name][name]

    def encode(self, set_name, values):
        """attributes of a set, in the order that is given; a list repeats one"""
        out = b""
        for name, value in values.items():
            for one in value if isinstance(value, list) else [value]:
                out += self._encode_one(self._attribute(set_name, name), one)
        return out

    def _encode_one(self, spec, value):
        if isinstance(value, Raw):
            return attr(spec["value"], value.payload, value.nested)
        kind = spec["type"]
        if kind == "nest":
            return attr(spec["value"], self.encode(spec["nested-attributes"], value), True)
        if kind == "string":
            return attr(spec["value"], value.encode() + b"\0")
        if kind == "binary" or spec.get("display-hint") == "ipv4":
            if isinstance(value, str):
                value = ipaddress.ip_address(value).packed
            return attr(spec["value"], value)
        if isinstance(value, str):
            value = self.enums[spec["enum"]].index(value)
        return attr(spec["value"], struct.pack({"u32": "=I", "s32": "=i", "u64": "=Q"}[kind],
                                               value))

    def offset(self, values, *path):
        """where an attribute of a request to this family begins in the message;
        a path such as "route", ("nexthop", 1), "weight": the weight of the
        second next hop of the first route"""
        return MESSAGE_HEADERS + self._offset(self.name, values, path)

    def _offset(self, set_name, values, path):
        wanted, index = path[0] if isinstance(path[0], tuple) else (path[0], 0)
        pos = 0
        for name, value in values.items():
            spec = self._attribute(set_name, name)
            for number, one in enumerate(value if isinstance(value, list) else [value]):
                if name == wanted and number == index:
                    if len(path) == 1:
                        return pos
                    return pos + 4 + self._offset(spec["nested-attributes"], one, path[1:])
                pos += len(self._encode_one(spec, one))
        raise KeyError(path)

    def decode(self, set_name, data):
        """bytes to a dict; what may repeat is always a list"""
        by_value = {a["value"]: a for a in self.sets[set_name].values()}
        out = {}
        for kind, payload in attrs_of(data):
            if kind not in by_value:
                raise ValueError(f"attribute {kind} is not in the set {set_name}")
            spec = by_value[kind]
            if spec["type"] == "pad":
                continue
            value = self._decode_one(spec, payload)
            if spec.get("multi-attr"):
                out.setdefault(spec["name"], []).append(value)
            else:
                out[spec["name"]] = value
        return out

    def _decode_one(self, spec, payload):
        kind = spec["type"]
        if kind == "nest":
            return self.decode(spec["nested-attributes"], payload)
        if kind == "string":
            return payload.rstrip(b"\0").decode()
        if "ip" in spec.get("display-hint", ""):
            return str(ipaddress.ip_address(payload))
        if kind == "binary":
            return payload
        value, = struct.unpack({"u32": "=I", "s32": "=i", "u64": "=Q"}[kind], payload)
        return self.enums[spec["enum"]][value] if "enum" in spec else value


class Socket:
    """A netlink socket with extended acknowledgements. The kernel fills a message of
    a dump up to the size that it has seen asked for, recv_size."""

    def __init__(self, protocol=NETLINK_GENERIC, recv_size=1 << 15):
        self.recv_size = recv_size
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        for option in (NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK):
            self.sock.setsockopt(SOL_NETLINK, option, 1)
        self.sock.bind((0, 0))
        self.sock.settimeout(60)
        self.seq = int(time.time()) & 0xFFFFFF
        self.interrupted = False  # the last dump, by a change

    def send(self, kind, flags, body):
        """send a request; its sequence number"""
        self.seq += 1
        self.sock.send(struct.pack("=IHHII", 16 + len(body), kind, flags | NLM_F_REQUEST,
                                   self.seq, 0) + body)
        return self.seq

    def messages(self):
        """(type, flags, seq, payload) of each message of one datagram"""
        data = self.sock.recv(self.recv_size)
        pos = 0
        while pos + 16 <= len(data):
            size, kind, flags, seq, _ = struct.unpack_from("=IHHII", data, pos)
            yield kind, flags, seq, data[pos + 16:pos + size]
            pos += (size + 3) & ~3

    def request(self, kind, flags, body):
        """all replies to a request as (flags, body); raises NlError"""
        seq = self.send(kind, flags, body)
        replies = []
        self.interrupted = False
        while True:
            for answer, mflags, mseq, payload in self.messages():
                if mseq != seq:
                    continue
                self.interrupted |= bool(mflags & NLM_F_DUMP_INTR)
                if answer in (NLMSG_ERROR, NLMSG_DONE):
                    self._raise(answer, mflags, payload)
                    return replies
                replies.append((mflags, payload))

    @staticmethod
    def _raise(kind, flags, body):
        code, = struct.unpack_from("=i", body)
        if code >= 0:
            return
        text = offset = None
        if flags & NLM_F_ACK_TLVS:
            start = 4 if kind == NLMSG_DONE else 20
            if kind == NLMSG_ERROR and not flags & NLM_F_CAPPED:
                start = 4 + struct.unpack_from("=I", body, 4)[0]
            for one, payload in attrs_of(body[start:]):
                if one == 1:
                    text = payload.rstrip(b"\0").decode()
                elif one == 2:
                    offset, = struct.unpack("=I", payload)
        raise NlError(-code, text, offset)


def genl(cmd, payload, version=1, reserved=0):
    """the body of a generic netlink message"""
    return struct.pack("=BBH", cmd, version, reserved) + payload


class Family:
    """A generic netlink family and its specification, in the namespace of whoever
    makes the object."""

    def __init__(self, name, recv_size=1 << 15):
        self.spec = spec_of(name)
        self.sock = Socket(recv_size=recv_size)
        replies = self.sock.request(NETLINK_GENERIC, NLM_F_ACK,
                                    genl(CTRL_CMD_GETFAMILY, attr(2, name.encode() + b"\0")))
        tb = dict(attrs_of(replies[0][1][4:]))
        self.id, = struct.unpack("=H", tb[1])
        self.version, = struct.unpack("=I", tb[3])
        self.groups = {}
        for _, group in attrs_of(tb.get(7, b"")):
            fields = dict(attrs_of(group))
            self.groups[fields[1].rstrip(b"\0").decode()], = struct.unpack("=I", fields[2])
        self.ops = {}
        for _, op in attrs_of(tb.get(6, b"")):
            fields = dict(attrs_of(op))
            self.ops[struct.unpack("=I", fields[1])[0]] = struct.unpack("=I", fields[2])[0]

    def decode(self, body):
        """(operation, values) of a message of this family"""
        op = self.spec.op_names[body[0]]
        return op, self.spec.decode(self.spec.name, body[4:])

    def do(self, op, values=None, flags=0):
        """one request; the replies as dicts"""
        payload = self.spec.encode(self.spec.name, values or {})
        return self.raw(self.spec.ops[op]["value"], payload, flags)

    def raw(self, cmd, payload, flags=0):
        """one request with a payload of the test's own making"""
        return [self.decode(body)[1] for _, body in
                self.sock.request(self.id, NLM_F_ACK | flags, genl(cmd, payload))]

    def dump(self, op, values=None, retries=20):
        """all objects; begins again if the kernel says that they changed meanwhile"""
        payload = self.spec.encode(self.spec.name, values or {})
        for _ in range(retries):
            replies = self.sock.request(self.id, NLM_F_ACK | NLM_F_DUMP,
                                        genl(self.spec.ops[op]["value"], payload))
            if not self.sock.interrupted:
                return [self.decode(body)[1] for _, body in replies]
        raise TimeoutError(f"dump {op}: always interrupted")

    def policy(self):
        """({cmd: {"do": index, "dump": index}}, {index: {attribute: {...}}})"""
        ops, policies = {}, {}
        request = genl(CTRL_CMD_GETPOLICY, attr(1, struct.pack("=H", self.id)))
        for _, body in self.sock.request(NETLINK_GENERIC, NLM_F_ACK | NLM_F_DUMP, request):
            for kind, payload in attrs_of(body[4:]):
                if kind == 8:
                    for index, policy in attrs_of(payload):
                        for number, fields in attrs_of(policy):
                            policies.setdefault(index, {})[number] = self._policy_fields(fields)
                elif kind == 9:
                    for cmd, fields in attrs_of(payload):
                        ops[cmd] = {{1: "do", 2: "dump"}[k]: struct.unpack("=I", v)[0]
                                    for k, v in attrs_of(fields)}
        return ops, policies

    @staticmethod
    def _policy_fields(data):
        out = {}
        for kind, payload in attrs_of(data):
            if kind not in POLICY_ATTRS:
                continue
            value = int.from_bytes(payload, "little", signed=kind in (2, 3))
            out[POLICY_ATTRS[kind]] = POLICY_TYPES[value] if kind == 1 else value
        return out


class Listener:
    """Subscribes to a multicast group; the notifications in order."""

    def __init__(self, family, group="events"):
        self.family = family
        self.sock = Socket()
        self.sock.sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, family.groups[group])
        self.queue = []

    def bodies(self, timeout=0):
        """of the messages that come first, undecoded; none at the deadline"""
        if not select.select([self.sock.sock], [], [], timeout)[0]:
            return []
        return [body for _, _, _, body in self.sock.messages()]

    def next(self, timeout=30):
        """(operation, values) of the next one; TimeoutError if there is none"""
        if not self.queue:
            self.queue = [self.family.decode(body) for body in self.bodies(timeout)]
        if not self.queue:
            raise TimeoutError("no notification")
        return self.queue.pop(0)

    def until(self, condition, timeout=30):
        """the notifications up to the first that satisfies condition(op, values)"""
        deadline = time.monotonic() + timeout
        seen = []
        while True:
            seen.append(self.next(max(0, deadline - time.monotonic())))
            if condition(*seen[-1]):
                return seen
