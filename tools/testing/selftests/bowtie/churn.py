#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
"""Many routes that come, go and change: flows of other prefixes lose nothing, groups
are shared, and writers and dumpers in several processes do not disturb each other. The
topology is that of lib_far.py; the flows are the gateway's own."""
import json
import multiprocessing
import os
import random
import signal
import subprocess

import lib_tap as tap
from lib_far import BOW0, Far
from lib_genl import (Family, NlError, Socket, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR,
                      NLMSG_DONE, genl)

SEED = int(os.environ.get("SEED", "20261121"))
PREFIXES = 1000
MANY = 10000
BATCH = 100
FAR = Far()
SETS = [(0,), (1,), (0, 1), (0, 1, 2), (2,)]


def prefix(number):
    """one of very many, of both families, as (dst, len)"""
    if number % 2:
        return f"fd{number >> 8 & 255:02x}:{number & 255:x}::", 32
    return f"10.{64 + (number >> 8)}.{number & 255}.0", 24


def route(number, members):
    """of that prefix, to these tunnels"""
    dst, length = prefix(number)
    return {"dst": dst, "len": length, "nexthop": [{"tunnel": one} for one in members]}


def key(number):
    """what names it"""
    dst, length = prefix(number)
    return {"dst": dst, "len": length}


def in_batches(items, size=BATCH):
    """lists of that many"""
    items = list(items)
    return [items[at:at + size] for at in range(0, len(items), size)]


def members_of(one):
    """{(dst, len): tunnels} of a dumped route"""
    return (one["dst"], one["len"]), tuple(hop["tunnel"] for hop in one["nexthop"])


def dumped(nl):
    """all routes of many, {(dst, len): tunnels}; raises if one is there twice"""
    out = {}
    for message in nl.dump("route-get", BOW0):
        for one in message["route"]:
            if not one.get("nexthop") or one["dst"].startswith("10.2."):
                continue
            where, members = members_of(one)
            tap.true(where not in out, f"{where} is there twice")
            out[where] = members
    return out


def links(name):
    """a number that the link tells"""
    return FAR.nl.do("link-get", BOW0)[0]["link"][name]


class Flows:
    """Traffic to a prefix that nobody touches; how many packets were sent."""

    def __enter__(self):
        self.before = FAR.counters()
        # pylint: disable=consider-using-with
        self.sender = subprocess.Popen(
            ["ip", "netns", "exec", FAR.gw.name, "flows", "send", "--to", "10.2.0.1",
             "--flows", "64", "--rate", "20"], stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        tap.wait_for(lambda: self.carried()[0] > 500, "500 packets")
        self.sender.send_signal(signal.SIGTERM)
        text, _ = self.sender.communicate()
        self.result = json.loads(text)

    def carried(self):
        """packets that were sent by a tunnel, and that were not"""
        now = FAR.counters()
        diff = {name: now[name] - self.before[name] for name in now}
        return diff["tx-packets"], {n: v for n, v in diff.items() if "drop" in n and v}

    def check(self, name):
        """one subtest: none is lost"""
        tap.eq((self.carried(), self.result["errors"]), ((self.result["sent"], {}), 0), name)


def prepare():
    """three tunnels, and a prefix that stays"""
    tap.diag(f"SEED={SEED}")
    for number in range(3):
        FAR.tunnel(number)
        FAR.sa_out(0x2000 + number, number)
    FAR.route("10.2.0.0", 16, 0, 1, 2)
    FAR.batch("route add 10.2.0.0/16 dev bow0")


def few_groups(when):
    """one subtest: a set may have more than one group, since flows stay where they are
    and so the table depends on the one before; not many more"""
    groups = links("groups")
    tap.diag(f"{groups} groups")
    tap.ok(groups <= 8 * len(SETS), f"groups are shared {when}", f"{groups} groups")


def churn():
    """A thousand prefixes announced, changed, withdrawn, under traffic."""
    rng = random.Random(SEED)
    model = {}
    with Flows() as flows:
        for numbers in in_batches(range(PREFIXES)):
            FAR.nl.do("route-new", BOW0 | {"route": [route(n, SETS[n % 5]) for n in numbers]})
        model = {prefix(n): SETS[n % 5] for n in range(PREFIXES)}
        tap.eq(dumped(FAR.nl), model, f"{PREFIXES} prefixes are there")
        tap.eq(links("routes"), PREFIXES + 1, "and counted")
        # The set of the prefix that stays is one of them
        tap.eq(links("groups"), len(SETS), "they share their groups")
        for numbers in in_batches(rng.sample(range(PREFIXES), PREFIXES)):
            members = rng.choice(SETS)
            FAR.nl.do("route-new", BOW0 | {"mode": "replace",
                                           "route": [route(n, members) for n in numbers]})
            model |= {prefix(n): members for n in numbers}
        tap.eq(dumped(FAR.nl), model, "all of them changed, in batches")
        for n in rng.sample(range(PREFIXES), 300):
            members = rng.choice(SETS)
            FAR.nl.do("route-new", BOW0 | {"mode": "change", "route": [route(n, members)]})
            model[prefix(n)] = members
        gone = rng.sample(range(PREFIXES), 300)
        for n in gone:
            FAR.nl.do("route-del", BOW0 | {"route": [key(n)]})
            del model[prefix(n)]
        tap.eq(dumped(FAR.nl), model, "changed and withdrawn one by one")
        few_groups("after changes at random")
        left = [n for n in range(PREFIXES) if prefix(n) in model]
        for numbers in in_batches(left[:len(left) // 2]):
            FAR.nl.do("route-del", BOW0 | {"route": [key(n) for n in numbers]})
        tap.eq(links("routes"), 1 + len(left) - len(left) // 2, "withdrawn in batches")
    flows.check("flows of another prefix have lost nothing")


def flush():
    """All at once; the groups go with their last route."""
    with Flows() as flows:
        for members in ((0, 1, 2), (0,), (1, 2)):
            # What the flows use comes back before it is missed: replaced, not flushed
            FAR.nl.do("route-new", BOW0 | {"mode": "replace", "route": [
                {"dst": "10.2.0.0", "len": 16,
                 "nexthop": [{"tunnel": one, "weight": 2} for one in members]}]})
    flows.check("nor do flows whose own prefix changes")
    FAR.nl.do("route-flush", BOW0)
    tap.eq((links("routes"), links("groups")), (0, 0), "flushed: no route, no group")
    tap.eq(dumped(FAR.nl), {}, "flushed: none is dumped")


def read_dump(sock, change):
    """was it interrupted, by a change after its first message?"""
    payload = FAR.nl.spec.encode(FAR.nl.spec.name, BOW0)
    sock.send(FAR.nl.id, NLM_F_ACK | NLM_F_DUMP,
              genl(FAR.nl.spec.ops["route-get"]["value"], payload))
    interrupted = ended = False
    while not ended:
        for kind, flags, _, _ in sock.messages():
            interrupted |= bool(flags & NLM_F_DUMP_INTR)
            ended |= kind == NLMSG_DONE
        change()
        change = int
    return interrupted


def interruption():
    """A dump that a change has got between says so."""
    with FAR.gw:
        sock = Socket(recv_size=8192)
    for numbers in in_batches(range(PREFIXES)):
        FAR.nl.do("route-new", BOW0 | {"route": [route(n, (0,)) for n in numbers]})
    tap.eq(read_dump(sock, int), False, "a dump while nothing changes is whole")
    for op, what in (("route-del", key(5)), ("route-new", route(5, (1,)))):
        tap.eq(read_dump(sock, lambda op=op, what=what: FAR.nl.do(op, BOW0 | {"route": [what]})),
               True, f"one that {op} gets between is not")
    FAR.nl.do("route-flush", BOW0)


def many():
    """A table as large as the largest cloud's, and then some."""
    for numbers in in_batches(range(MANY)):
        FAR.nl.do("route-new", BOW0 | {"route": [route(n, SETS[n % 2]) for n in numbers]})
    tap.eq((links("routes"), links("groups")), (MANY, 2), f"{MANY} prefixes, 2 groups")
    tap.eq(dumped(FAR.nl), {prefix(n): SETS[n % 2] for n in range(MANY)}, "all are dumped")
    FAR.nl.do("tunnel-set", BOW0 | {"tunnel": {"id": 0, "admin": "down"}})
    FAR.nl.do("tunnel-set", BOW0 | {"tunnel": {"id": 0, "admin": "up"}})
    FAR.nl.do("route-flush", BOW0)
    tap.eq((links("routes"), links("groups")), (0, 0), "flushed")


# ------------------------------------------------------------ several processes

def worker(function, *args):
    """a process in the gateway's namespace; its result is put into the queue"""
    def body(queue):
        # The library of TAP must not end twice
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with FAR.gw:
            # Short messages: a dump takes many, and so can be interrupted
            nl = Family("bowtie", recv_size=8192)
        try:
            queue.put(function(nl, *args))
        except Exception as error:  # pylint: disable=broad-except
            queue.put(repr(error))
        queue.close()
        queue.join_thread()
        os._exit(0)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=body, args=(queue,))
    process.start()
    return process, queue


def results(workers):
    """of all of them"""
    out = [queue.get(timeout=90) for _, queue in workers]
    for process, _ in workers:
        process.join()
    return out


def write(nl, seed, numbers):
    """random changes of these prefixes; what must be there in the end"""
    rng = random.Random(seed)
    model = {}
    for _ in range(150):
        some = rng.sample(numbers, rng.choice((1, 1, 20)))
        members = rng.choice(SETS)
        if rng.random() < 0.7:
            nl.do("route-new", BOW0 | {"mode": "replace",
                                       "route": [route(n, members) for n in some]})
            model |= {prefix(n): members for n in some}
        else:
            some = [n for n in some if prefix(n) in model]
            if some:
                nl.do("route-del", BOW0 | {"route": [key(n) for n in some]})
            for n in some:
                del model[prefix(n)]
    return model


def dump_on(nl, done):
    """dump until told to end: (whole ones, ones that say that they are not)"""
    whole = interrupted = 0
    while not done.is_set() or not whole:
        payload = nl.spec.encode(nl.spec.name, BOW0)
        replies = nl.sock.request(nl.id, NLM_F_ACK | NLM_F_DUMP,
                                  genl(nl.spec.ops["route-get"]["value"], payload))
        if nl.sock.interrupted:
            interrupted += 1
            continue
        routes = [members_of(one)[0] for _, body in replies
                  for one in nl.decode(body)[1]["route"] if one.get("nexthop")]
        tap.true(len(set(routes)) == len(routes), "a whole dump has a prefix twice")
        # The constant ones, whole dumps have all of
        tap.true(sum(dst.startswith("10.100.") for dst, _ in routes) == 128, "one is missing")
        whole += 1
    return whole, interrupted


def create(nl, seed):
    """try to be the first to create each of some prefixes; how often it was"""
    won = 0
    for n in random.Random(seed).sample(range(200), 200):
        try:
            nl.do("route-new", BOW0 | {"route": [route(n, (0,))]})
            won += 1
        except NlError as error:
            tap.true(error.text == "it exists already", error)
    return won


def processes():
    """Writers, each with prefixes of its own, while others dump."""
    constant = list(range(0x2400, 0x2500))  # 10.100.*.0/24 are half of them
    for numbers in in_batches(constant):
        FAR.nl.do("route-new", BOW0 | {"route": [route(n, (1,)) for n in numbers]})
    FAR.route("10.2.0.0", 16, 0, 1)
    done = multiprocessing.get_context("fork").Event()
    with Flows() as flows:
        dumpers = [worker(dump_on, done) for _ in range(2)]
        writers = [worker(write, SEED + i, range(i * 300, i * 300 + 300)) for i in range(3)]
        models = results(writers)
        done.set()
        dumps = results(dumpers)
    with tap.case("no update is lost"):
        wanted = {prefix(n): (1,) for n in constant}
        for model in models:
            tap.true(isinstance(model, dict), model)
            wanted |= model
        tap.same(dumped(FAR.nl), wanted)
    tap.diag(f"dumps (whole, interrupted): {dumps}")
    with tap.case("dumps are whole, or say that they are not"):
        tap.true(all(isinstance(one, tuple) and one[0] for one in dumps), dumps)
    flows.check("and no packet is lost")
    few_groups("after all that")

    FAR.nl.do("route-flush", BOW0)
    creators = [worker(create, i) for i in range(3)]
    won = results(creators)
    tap.eq(sum(one for one in won if isinstance(one, int)), 200,
           f"each prefix is created by one of three: {won}")


tap.main(prepare, churn, flush, interruption, many, processes)
