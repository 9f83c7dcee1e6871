#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
"""The specification in YAML, the uAPI header and the running module say the same.

The header is written by hand, and so are the module's policies: nothing but this
test keeps them together. Compared are every name and number of the header, what
the kernel says that each command accepts (attributes, types, ranges, lengths,
nesting, rights), and what its replies really hold.

A comparison that overlooks things would pass just as well, so the second half
changes each single fact of the specification in turn, and each change has to be
noticed.
"""
import copy
import os
import re
import struct

import lib_tap as tap
from lib_far import BOW0, Far
from lib_genl import Family, Spec, TOP, NLM_F_ACK, NLM_F_DUMP, NLM_F_ECHO, attrs_of, genl, spec_of
from lib_peer import Peer
from lib_rtnl import Rtnl

U32_MAX, S32_MAX = 0xFFFFFFFF, 0x7FFFFFFF
RIGHTS = {"admin-perm": 0x01, "uns-admin-perm": 0x10}
CAN_DO, CAN_DUMP, HAS_POLICY = 0x02, 0x04, 0x08

# The header's own: the specification has no word for them
NOT_IN_SPEC = {"BOWTIE_LINK_KIND": "bowtie"}


# ------------------------------------------------------------ the header

def c_name(name):
    """as the header spells it"""
    return name.upper().replace("-", "_")


def read_header(path):
    """({constant: value}, {enum: [(name, value)]})"""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    constants = {name: value.strip('"') if value.startswith('"') else int(value)
                 for name, value in re.findall(r'#define\s+(BOWTIE_\w+)\s+("\w+"|\d+)', text)}
    enums = {}
    for name, body in re.findall(r"enum\s+(\w+)\s*\{(.*?)\}", text, re.S):
        known, value = [], -1
        for entry in filter(None, map(str.strip, body.split(","))):
            word, _, given = map(str.strip, entry.partition("="))
            value = eval_enum(given, known) if given else value + 1
            known.append((word, value))
        enums[name] = known
    return constants, enums


def eval_enum(text, known):
    """a number, or "NAME - 1" """
    name, _, minus = map(str.strip, text.partition("-"))
    return (int(name) if name.isdigit() else dict(known)[name]) - int(minus or 0)


def expected_enums(contents, spec):
    """what enums the specification asks for"""
    enums = {}
    for one in contents["definitions"]:
        if one["type"] == "enum":
            enums["bowtie_" + one["name"].replace("-", "_")] = [
                (c_name(one["name-prefix"] + entry["name"]), number)
                for number, entry in enumerate(one["entries"])]
    for one in contents["attribute-sets"]:
        enums[one["enum-name"].replace("-", "_")] = [
            (c_name(one["name-prefix"] + name), attribute["value"])
            for name, attribute in spec.sets[one["name"]].items()]
    ops = contents["operations"]
    enums[ops["enum-name"].replace("-", "_")] = [
        (c_name(ops["name-prefix"] + name), op["value"]) for name, op in spec.ops.items()]
    return enums


def expected_constants(contents):
    """what #defines the specification asks for"""
    constants = dict(NOT_IN_SPEC)
    constants[c_name(contents["c-family-name"])] = contents["name"]
    constants[c_name(contents["c-version-name"])] = contents["version"]
    for one in contents["definitions"]:
        if one["type"] == "const":
            constants["BOWTIE_" + c_name(one["name"])] = one["value"]
    for group in contents["mcast-groups"]["list"]:
        constants["BOWTIE_MCGRP_" + c_name(group["name"])] = group["name"]
    return constants


def compare_header(contents, spec, header):
    """differences as text"""
    constants, enums = header
    yield from differences("constants", constants, expected_constants(contents))
    wanted = expected_enums(contents, spec)
    yield from differences("names of enums", sorted(enums), sorted(wanted))
    for name, entries in wanted.items():
        got = enums.get(name, [])
        yield from differences(f"enum {name}", got[:-2], entries)
        # "__X_MAX, X_MAX = __X_MAX - 1" close each of them
        last = entries[-1][1] if entries else -1
        ends = [(word.lstrip("_").endswith("_MAX"), value) for word, value in got[-2:]]
        yield from differences(f"end of enum {name}", ends, [(True, last + 1), (True, last)])


def differences(what, got, wanted):
    """at most one text"""
    if got != wanted:
        if isinstance(got, dict) and isinstance(wanted, dict):
            names = {name for name in {*got, *wanted} if got.get(name) != wanted.get(name)}
            got, wanted = ({name: d.get(name) for name in names} for d in (got, wanted))
        yield f"{what}: found {got!r}, the specification says {wanted!r}"


# ------------------------------------------------------------ the kernel

class Kernel:
    """What the running module tells about itself."""

    def __init__(self, family):
        self.name = family.spec.name
        self.version, self.flags = family.version, family.ops
        self.groups = sorted(family.groups)
        self.ops, self.policies = family.policy()


def expected_attribute(spec, attribute, settable):
    """as the policy dump describes it; a nest holds its own policy"""
    checks = attribute.get("checks", {})
    kind = attribute["type"]
    if kind == "nest":
        name = attribute["nested-attributes"]
        return {"type": "nested", "set": expected_policy(spec, name, settable.get(name, []),
                                                         settable)}
    if kind == "u32":
        return {"type": kind, "min-u": checks.get("min", 0), "max-u": checks.get("max", U32_MAX)}
    if kind == "s32":
        return {"type": kind, "min-s": checks.get("min", -S32_MAX - 1),
                "max-s": checks.get("max", S32_MAX)}
    if kind == "string":
        return {"type": "nul-string", "max-len": checks["max-len"]}
    if kind == "binary" and "exact-len" in checks:
        return {"type": kind, "min-len": checks["exact-len"], "max-len": checks["exact-len"]}
    if kind == "binary":
        return {"type": kind, "max-len": checks["max-len"]}
    return {"type": kind}


def expected_policy(spec, set_name, names, settable):
    """{number: description} for the attributes of a set that a request may hold"""
    return {spec.sets[set_name][name]["value"]:
            expected_attribute(spec, spec.sets[set_name][name], settable) for name in names}


def kernel_policy(kernel, index):
    """the same out of the kernel's dump"""
    out = {}
    for number, fields in kernel.policies[index].items():
        fields = dict(fields)
        if "policy-idx" in fields:
            fields["set"] = kernel_policy(kernel, fields.pop("policy-idx"))
            if fields.pop("policy-maxtype") < max(fields["set"]):
                fields["type"] = "nested, of too few attributes"
        out[number] = fields
    return out


def compare_enum_range(spec):
    """the limits of an enum's attribute are those of the enum"""
    for set_name, attributes in spec.sets.items():
        for name, one in attributes.items():
            if "enum" in one and "checks" in one:
                yield from differences(f"range of {set_name}.{name}", one["checks"],
                                       {"max": len(spec.enums[one["enum"]]) - 1})


def compare_kernel(contents, spec, kernel):
    """differences as text"""
    yield from differences("name and version", (kernel.name, kernel.version),
                           (contents["name"], contents["version"]))
    yield from differences("multicast groups", kernel.groups,
                           sorted(g["name"] for g in contents["mcast-groups"]["list"]))
    yield from compare_enum_range(spec)
    commands = {op["value"]: op for op in spec.ops.values() if "do" in op or "dump" in op}
    yield from differences("commands", sorted(kernel.flags), sorted(commands))
    for number, op in commands.items():
        flags = HAS_POLICY | sum(RIGHTS[flag] for flag in op.get("flags", ()))
        flags |= (CAN_DO if "do" in op else 0) | (CAN_DUMP if "dump" in op else 0)
        yield from differences(f"flags of {op['name']}", kernel.flags.get(number), flags)
        for mode in ("do", "dump"):
            wanted = got = None
            if mode in op:
                wanted = expected_policy(spec, spec.name, op[mode]["request"]["attributes"],
                                         op.get("settable", {}))
            if mode in kernel.ops.get(number, {}):
                got = kernel_policy(kernel, kernel.ops[number][mode])
            yield from differences(f"policy of {op['name']}, {mode}", got, wanted)
    for op in spec.ops.values():
        if "notify" in op and ("reply" not in spec.ops[op["notify"]].get("do", {}) or
                               op["mcgrp"] not in kernel.groups):
            yield f"{op['name']}: what it notifies of has no reply, or there is no such group"


# ------------------------------------------------------------ the replies

def compare_replies(spec, replies):
    """Every message fits the specification, and together they show every attribute:
    one that never appears would not have been checked."""
    seen = {name: set() for name in spec.sets}
    for op, mode, body in replies:
        where = f"reply to {op}, {mode}"
        try:
            found = walk(spec, spec.name, body[4:], seen)
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        wanted = spec.ops.get(op, {}).get(mode, {}).get("reply", {}).get("attributes", ())
        yield from differences(where, found, set(wanted))
    for name, attributes in spec.sets.items():
        for attribute in set(attributes) - seen[name] - {"pad", "mode"}:
            yield f"{name}.{attribute} is in no reply"


SIZES = {"u32": "=I", "s32": "=i", "u64": "=Q"}


def walk(spec, set_name, data, seen):
    """names of the attributes; ValueError for one that does not fit"""
    by_value = {one["value"]: one for one in spec.sets[set_name].values()}
    found = set()
    for number, payload in attrs_of(data):
        one = by_value.get(number)
        if one is None:
            raise ValueError(f"attribute {number} is not in the set {set_name}")
        name, kind = one["name"], one["type"]
        where = f"{set_name}.{name}"
        if kind == "pad":
            continue
        if name in found and not one.get("multi-attr"):
            raise ValueError(f"{where} is there twice")
        found.add(name)
        if kind == "nest":
            walk(spec, one["nested-attributes"], payload, seen)
        elif kind in SIZES:
            if len(payload) != struct.calcsize(SIZES[kind]):
                raise ValueError(f"{where} has {len(payload)} bytes")
            value, = struct.unpack(SIZES[kind], payload)
            if "enum" in one and not 0 <= value < len(spec.enums[one["enum"]]):
                raise ValueError(f"{where} is {value}")
        elif kind == "string":
            if not payload.endswith(b"\0") or not payload[:-1].isascii():
                raise ValueError(f"{where} is {payload!r}")
        elif kind != "binary" or len(payload) not in (4, 16):
            raise ValueError(f"{where} is no {kind}: {payload!r}")
    seen[set_name] |= found
    return found


SPI_IN = 0x1001
TUNNEL = {"name": "full", "if-id": 7, "local": "192.0.2.1", "remote": "192.0.2.2",
          "inside-local4": "10.0.0.1", "inside-peer4": "10.0.0.2",
          "inside-local6": "fd00::1", "inside-peer6": "fd00::2",
          "selectors": {"selector": 2 * [{"local": "10.0.0.0", "local-len": 8,
                                          "remote": "0.0.0.0", "remote-len": 0}]}}
NEXTHOPS = [{"tunnel": 0, "weight": 3, "tier": 1}, {"tunnel": 1}]
ROUTES = [{"dst": "10.1.0.0", "len": 16, "nexthop": NEXTHOPS},
          {"dst": "10.0.0.2", "nexthop": NEXTHOPS}]  # the second one is a pinned peer, too


def collect_replies():
    """(operation, do or dump, body) of each message about one of everything"""
    underlay, inside = tap.Netns("underlay"), tap.Netns("inside")
    with underlay:
        rtnl = Rtnl()
        rtnl.add("bow0")
        rtnl.set("bow0", netns=inside)
        state = ("proto", "esp", "reqid", "7", "mode", "tunnel", "if_id", "7",
                 "aead", "rfc4106(gcm(aes))", "0x" + 20 * "42", "128",
                 "encap", "espinudp", "4500", "4501", "0.0.0.0")
        underlay.ip("xfrm", "state", "add", "src", "192.0.2.2", "dst", "192.0.2.1",
                    "spi", hex(SPI_IN), *state)
    with inside:
        nl = Family("bowtie")
    dev = {"ifname": "bow0"}
    nl.do("tunnel-new", dev | {"tunnel": TUNNEL})
    nl.do("tunnel-new", dev | {"tunnel": {"if-id": 8, "remote": "2001:db8::1"}})
    nl.do("route-new", dev | {"route": ROUTES})
    keys = {"link-get": {}, "tunnel-get": {"tunnel": {"id": 0}},
            "route-get": {"route": {"dst": "10.0.0.2"}}, "sa-get": {"sa": {"spi": SPI_IN}}}
    replies = []
    for op, key in keys.items():
        number = nl.spec.ops[op]["value"]
        for mode, flags, values in (("do", 0, dev | key), ("dump", NLM_F_DUMP, dev)):
            payload = nl.spec.encode(nl.spec.name, values)
            bodies = nl.sock.request(nl.id, NLM_F_ACK | flags, genl(number, payload))
            replies += [(op, mode, body) for _, body in bodies]
    payload = nl.spec.encode(nl.spec.name, dev | {"tunnel": {"if-id": 9, "remote": "192.0.2.9"}})
    (_, body), = nl.sock.request(nl.id, NLM_F_ACK | NLM_F_ECHO,
                                 genl(nl.spec.ops["tunnel-new"]["value"], payload))
    replies.append(("tunnel-new", "do", body))
    return nl, replies + held_down()


def held_down():
    """a tunnel whose probes are answered, but which has failed before"""
    far = Far()
    far.tunnel(0, inside_local4="10.9.0.1", inside_peer4="10.9.0.2", probe="icmp")
    far.tunnel(1)
    for number in (0, 1):
        far.sa_out(0x2000 + number, number)
        far.sa_in(0x1000 + number, number)
    peer = Peer(far, {0x2000: 0x1000})
    key = BOW0 | {"tunnel": {"id": 0}}

    def state():
        one = far.nl.do("tunnel-get", key)[0]["tunnel"]
        return one["oper"], one["reason"]

    def reason():
        return state()[1]

    tap.wait_for(lambda: "rtt" in far.nl.do("tunnel-get", key)[0]["tunnel"], "an answer")

    def held():
        """again and again: the first hold-downs may be over before they have been seen"""
        peer.deaf(0x2000)
        tap.wait_for(lambda: reason() == "no-answer", "silence")
        peer.hear(0x2000)
        tap.wait_for(lambda: state() in (("probing", "hold-down"), ("up", "none")), "answers")
        return reason() == "hold-down"

    tap.wait_for(held, "hold-down")
    payload = far.nl.spec.encode(far.nl.spec.name, key)
    (_, body), = far.nl.sock.request(far.nl.id, NLM_F_ACK,
                                     genl(far.nl.spec.ops["tunnel-get"]["value"], payload))
    return [("tunnel-get", "do", body)]


# ------------------------------------------------------------ all together

class Facts:
    """Everything that the specification is compared with."""

    def __init__(self):
        self.header = read_header(os.path.join(TOP, "include/uapi/linux/bowtie.h"))
        nl, self.replies = collect_replies()
        self.kernel = Kernel(nl)

    def compare(self, contents):
        """all differences"""
        try:
            spec = Spec(contents)
            return [*compare_header(contents, spec, self.header),
                    *compare_kernel(contents, spec, self.kernel),
                    *compare_replies(spec, self.replies)]
        except (KeyError, IndexError) as error:
            return [f"the specification contradicts itself: {error!r}"]


def agreement(facts):
    """The test proper."""
    contents = spec_of("bowtie").yaml
    spec = Spec(contents)
    for name, problems in (
            ("the header", compare_header(contents, spec, facts.header)),
            ("the module's policies and flags", compare_kernel(contents, spec, facts.kernel)),
            ("the module's replies", compare_replies(spec, facts.replies))):
        found = list(problems)
        tap.ok(not found, f"{name}: as the specification says", "\n".join(found))


# ------------------------------------------------------------ mutations

def changed(holder, key, value):
    """holder[key] = value for the time of one comparison"""
    missing = object()
    before = holder.get(key, missing) if isinstance(holder, dict) else holder[key]
    holder[key] = value
    yield
    if before is missing:
        del holder[key]
    else:
        holder[key] = before


def without(holder, key):
    """holder without key, for the time of one comparison"""
    before = holder[key]
    copied = copy.copy(holder)
    del holder[key]
    yield
    if isinstance(holder, dict):
        holder.clear()
        holder.update(copied)
    else:
        holder.insert(key, before)


OTHER_TYPE = {"u32": "u64", "s32": "u64", "u64": "u32", "string": "u64", "binary": "u64",
              "nest": "u64"}


def mutate_list(where, entries):
    """of things with names: leave out, exchange, rename, add"""
    for index, entry in enumerate(entries):
        name = f"{where}.{entry['name']}"
        yield f"{name} left out", without(entries, index)
        yield f"{name} renamed", changed(entry, "name", entry["name"] + "-x")
    for index in range(len(entries) - 1):
        name = f"{where}.{entries[index]['name']}"
        one, other = entries[index], entries[index + 1]
        yield f"{name} and the next exchanged", exchanged(one, other)
    yield f"{where}: one more", appended(entries, {"name": "more", "type": "u32"})


def exchanged(one, other):
    """two entries change places, but for a value that belongs to the place"""
    before = one["name"], other["name"]
    one["name"], other["name"] = other["name"], one["name"]
    yield
    one["name"], other["name"] = before


def appended(entries, entry):
    """entries with one more, for the time of one comparison"""
    entries.append(entry)
    yield
    entries.pop()


def mutate_attribute(where, attribute):
    """of one attribute: its type and its limits"""
    yield f"{where}: another type", changed(attribute, "type", OTHER_TYPE[attribute["type"]])
    checks = attribute.get("checks", {})
    for check, limit in checks.items():
        yield f"{where}: {check} is another", changed(checks, check, limit + 1)
        yield f"{where}: no {check}", without(checks, check)
    if "multi-attr" in attribute:
        yield f"{where}: only one", without(attribute, "multi-attr")


def mutate_names(where, names, others):
    """of a list of names: each left out, each of the others added"""
    for index, name in enumerate(names):
        yield f"{where}: {name} left out", without(names, index)
    for name in others:
        if name not in names:
            yield f"{where}: {name} added", appended(names, name)


def mutate_op(op, spec):
    """of one command: who may, what with, what is answered"""
    where = op["name"]
    if "flags" in op:
        yield f"{where}: no flags", without(op, "flags")
    elif "do" in op:
        yield f"{where}: needs rights", changed(op, "flags", ["uns-admin-perm"])
    for key in ("notify", "mcgrp"):
        if key in op:
            yield f"{where}: another {key}", changed(op, key, "route-flush")
    for mode in ("do", "dump"):
        if mode not in op:
            continue
        yield f"{where}: no {mode}", without(op, mode)
        for part in op[mode]:
            names = op[mode][part]["attributes"]
            yield from mutate_names(f"{where}, {mode} {part}", names, spec.sets[spec.name])
    for set_name, names in op.get("settable", {}).items():
        others = [a for a, one in spec.sets[set_name].items() if one["type"] != "pad"]
        yield from mutate_names(f"{where}, {set_name}", names, others)


def mutations(contents):
    """(what is wrong, the change) for every fact of the specification"""
    spec = Spec(copy.deepcopy(contents))
    for key in ("name", "c-family-name"):
        yield f"another {key}", changed(contents, key, "bowtie-x")
    yield "another version", changed(contents, "version", 2)
    for index, one in enumerate(contents["definitions"]):
        yield f"{one['name']} left out", without(contents["definitions"], index)
        if one["type"] == "const":
            yield f"{one['name']} is another", changed(one, "value", one["value"] + 1)
        else:
            yield from mutate_list(one["name"], one["entries"])
    for one in contents["attribute-sets"]:
        yield from mutate_list(one["name"], one["attributes"])
        for attribute in one["attributes"]:
            if attribute["type"] != "pad":  # which is never looked at
                yield from mutate_attribute(f"{one['name']}.{attribute['name']}", attribute)
    ops = contents["operations"]["list"]
    yield from mutate_list("operations", ops)
    for op in ops:
        yield from mutate_op(op, spec)
    yield from mutate_list("groups", contents["mcast-groups"]["list"])


def every_mutation_is_noticed(facts):
    """The proof that the test can fail."""
    # Loaded anew for its own: aliases of YAML are one object, and a change of one
    # place would be a change of several
    contents = copy_without_aliases(spec_of("bowtie").yaml)
    overlooked, count = [], 0
    for what, change in mutations(contents):
        next(change)
        if not facts.compare(contents):
            overlooked.append(what)
        next(change, None)
        count += 1
    tap.ok(not overlooked, "every change of the specification is noticed",
           "overlooked:\n" + "\n".join(overlooked))
    tap.eq(facts.compare(contents), [], "and undone, none is left")
    tap.ok(count > 500, "they were many", count)
    tap.diag(f"{count} changes")


def copy_without_aliases(value):
    """a deep copy in which nothing is shared"""
    if isinstance(value, dict):
        return {key: copy_without_aliases(one) for key, one in value.items()}
    if isinstance(value, list):
        return [copy_without_aliases(one) for one in value]
    return value


def test():
    """one set of facts for both halves"""
    facts = Facts()
    agreement(facts)
    every_mutation_is_noticed(facts)


if __name__ == "__main__":
    tap.main(test)
