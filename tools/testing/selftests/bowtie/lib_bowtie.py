# SPDX-License-Identifier: GPL-2.0-only
"""What the netlink tests of all objects share: expecting refusals, and making every
malformed request that the specification allows to think of."""
import copy
import struct

import lib_tap as tap
from lib_genl import NlError, Raw

SIZES = {"u32": ("=I", 0, 0xFFFFFFFF), "s32": ("=i", -0x80000000, 0x7FFFFFFF)}

# What the netlink core says, by kind of mistake: (errno, extack text)
LENGTH = (22, "invalid attribute length")
NO_NEST = (22, "NLA_F_NESTED not expected")
NEST = (22, "NLA_F_NESTED is missing")
INTEGER = (34, "integer out of range")
BINARY = (34, "binary attribute size out of range")
POLICY = (34, "Attribute failed policy validation")
STRING = (22, "Attribute failed policy validation")
LEFTOVER = (22, "bytes leftover after parsing attributes")
UNKNOWN = (22, ("Unknown attribute type", "Unsupported attribute"))
# and what the module says
ADDRESS = (22, "an address has 4 or 16 bytes")


def attempt(nl, op, values, flags=0):
    """(errno, text, offset) of a refusal, or what was answered"""
    try:
        return nl.do(op, values, flags)
    except NlError as error:
        return error.errno, error.text, error.offset


def refused(nl, op, values, code, text, *at, flags=0):
    """one subtest: refused with errno code and this text, and the attribute at the
    path "at" is blamed, or none"""
    offset = nl.spec.offset(values, *at) if at else None
    tap.eq(attempt(nl, op, values, flags), (code, text, offset), f"{op}: {text}")


def accepts(nl, op, values, name, flags=0):
    """one subtest: not refused; the replies"""
    answer = attempt(nl, op, values, flags)
    tap.ok(isinstance(answer, list), f"{op}: {name}", answer)
    return answer


def placed(values, path, value):
    """a copy of a request with the attribute at path replaced or added; in lists the
    first is meant"""
    values = copy.deepcopy(values)
    place = values
    for name in path[:-1]:
        place = place[name]
        if isinstance(place, list):
            place = place[0]
    place[path[-1]] = value
    return values


def _malformed_integer(spec):
    layout, least, most = SIZES[spec["type"]]
    size = struct.calcsize(layout)
    for length in (0, 1, size - 1, size + 1, size + 4):
        yield Raw(bytes(length)), LENGTH
    yield Raw(bytes(size), nested=True), NO_NEST
    checks = spec.get("checks", {})
    for value in (checks.get("min", least) - 1, checks.get("max", most) + 1):
        if least <= value <= most:
            yield value, INTEGER
    for value in {least, most}:
        if not checks.get("min", least) <= value <= checks.get("max", most):
            yield value, INTEGER


def _malformed_string(spec):
    size = spec["checks"]["max-len"]
    yield Raw(b""), STRING
    yield Raw(b"abc"), STRING
    yield "a" * (size + 1), STRING
    yield "a" * 200, STRING
    yield Raw(b"abc\0", nested=True), NO_NEST


def _malformed_binary(spec):
    checks = spec["checks"]
    if "exact-len" in checks:
        size = checks["exact-len"]
        for length in (0, 4, size - 1, size + 1):
            yield Raw(bytes(length)), BINARY
    else:
        size = checks["max-len"]
        for length in (0, 1, 3, 5, size - 1):
            yield Raw(bytes(length)), ADDRESS
        yield Raw(bytes(size + 1)), POLICY
    yield Raw(bytes(size), nested=True), NO_NEST


def _malformed_nest(_):
    yield Raw(b""), NEST
    for length in (1, 3):
        yield Raw(bytes(length), nested=True), POLICY
    # an attribute that is longer than the nest, and one that is shorter than itself
    yield Raw(struct.pack("=HHI", 12, 1, 0), nested=True), LEFTOVER
    yield Raw(struct.pack("=HHI", 3, 1, 0), nested=True), LEFTOVER


MALFORMED = {"u32": _malformed_integer, "s32": _malformed_integer, "string": _malformed_string,
             "binary": _malformed_binary, "nest": _malformed_nest}


def malformed(spec, op, base):
    """(request, (errno, text), path to blame) for each attribute that a command may
    take, wherever it is nested, put into the good request base; base holds each nest"""
    request = spec.ops[op]["do"]["request"]["attributes"]
    settable = spec.ops[op].get("settable", {})
    yield from _malformed_set(spec, spec.name, request, settable, base, ())


def _malformed_set(spec, set_name, names, settable, base, path):
    for name in names:
        one = spec.sets[set_name][name]
        here = path + (name,)
        for value, mistake in MALFORMED[one["type"]](one):
            yield placed(base, here, value), mistake, here
        if one["type"] == "nest":
            inner = one["nested-attributes"]
            yield from _malformed_set(spec, inner, settable[inner], settable, base, here)
    # What the command must not take: of the same set, and what no set has
    for name, one in spec.sets[set_name].items():
        if name not in names:
            yield placed(base, path + (name,), Raw(bytes(4))), UNKNOWN, path + (name,)
    for number in (len(spec.sets[set_name]) + 1, 0x3FFF):
        yield placed(base, path + (number,), Raw(bytes(4))), UNKNOWN, path + (number,)


def refuses_malformed(nl, op, base, state):
    """one subtest: every malformed request is refused as it should be, and state()
    stays what it was"""
    before, wrong, count = state(), [], 0
    for values, (code, texts), path in malformed(nl.spec, op, base):
        texts = texts if isinstance(texts, tuple) else (texts,)
        offset = None if texts == (LEFTOVER[1],) else nl.spec.offset(values, *path)
        answer = attempt(nl, op, values)
        count += 1
        if answer not in [(code, text, offset) for text in texts]:
            wrong.append(f"{values}\n  got {answer}, wanted {code}, {texts}, {offset}")
    tap.ok(count and not wrong, f"{op}: {count} malformed requests are refused",
           "\n".join(wrong[:20]))
    tap.eq(state(), before, f"{op}: and have changed nothing")
