# SPDX-License-Identifier: GPL-2.0-only
"""Commands of the agent: many flows, and which tunnel each of them takes.

What the far end's interfaces receive is counted, so nothing of the sending host is
asked. A map remembers the interface of each flow under a name.
"""
import struct
import time

import lib_packet as pkt
from lib_agent import AgentError, command, deadline_loop, injector, options, payload, sniffer

# Packets under way at once: far less than the 1000 of a backlog
WINDOW = 128
SPORT = 20000
# Chi-square that chance exceeds once in 100 000 times, by degrees of freedom
CRITICAL = {1: 19.5, 2: 23.0, 3: 25.9, 4: 28.5, 5: 30.9}

_maps = {}
_histories = {}


def _spread(family, by, i):
    """the i-th pair of addresses"""
    host = i if by in ("addresses", "both") else 0
    if family == 6:
        return "fd01::2", f"fd02:1::{host + 1:x}"
    return f"10.1.{1 + host // 250}.{host % 250 + 1}", "10.2.1.9"


def _packets(family, count, by, swap):
    """one of each flow; ports differ without a new header checksum"""
    head = 40 if family == 6 else 20
    packet = None
    for i in range(count):
        ports = (SPORT + i if by in ("ports", "both") else SPORT), 7777
        if packet is None or by != "ports":
            src, dst = _spread(family, by, i)
            if swap:
                src, dst = dst.replace("10.1.", "10.2.").replace("fd01", "fd02:1"), \
                    src.replace("10.1.", "10.2.").replace("fd01", "fd02:1")
            elif by == "both":
                src, dst = (a.replace("10.1.", "10.2.").replace("fd01", "fd02:1")
                            for a in (src, dst))
            packet = bytearray(pkt.ip(src, dst, pkt.UDP, struct.pack("!HHHH", 0, 0, 24, 0) +
                                      payload(16)))
        struct.pack_into("!HH", packet, head, *(ports[::-1] if swap else ports))
        yield bytes(packet)


def _key(data):
    """what distinguishes flows, or None if it is none of ours: addresses and ports"""
    if data[0] >> 4 == 6:
        return data[8:44] if data[6] == pkt.UDP else None
    return data[12:24] if data[9] == pkt.UDP else None


def _reverse(key):
    half = (len(key) - 4) // 2
    return key[half:2 * half] + key[:half] + key[-2:] + key[-4:-2]


class Collector:
    """Where the packets of flows came out."""

    def __init__(self, names, key=_key):
        self.names = names.split(",")
        self.key = key
        self.flows = {}
        self.got = 0
        for name in self.names:
            while sniffer(name).read():
                pass
            sniffer(name).packets.clear()

    def read(self, seconds):
        """take what is there; waits on the first, and so briefly"""
        for place, name in enumerate(self.names):
            source = sniffer(name)
            source.read(seconds if not place else 0)
            for data in source.packets:
                key = self.key(data)
                if key:
                    self.flows.setdefault(key, set()).add(place)
                    self.got += 1
            source.packets.clear()

    def send(self, source, packets):
        """all of them, never more than a window ahead of what came; they must all come"""
        sent = begun = self.got
        for packet in packets:
            source.send(packet)
            sent += 1
            if sent - self.got >= WINDOW:
                self.wait(sent - WINDOW // 2)
        self.wait(sent)
        return sent - begun

    def wait(self, count):
        """until so many have come"""
        for _ in deadline_loop(f"{count} packets, {self.got} came"):
            self.read(0)
            if self.got >= count:
                return
            time.sleep(0.002)

    def places(self):
        """flow -> interface; no flow may have used two"""
        torn = sum(len(places) > 1 for places in self.flows.values())
        if torn:
            raise AgentError(f"{torn} of {len(self.flows)} flows took more than one tunnel")
        return {key: min(places) for key, places in self.flows.items()}

    def counts(self, flows):
        """flows by interface"""
        have = list(flows.values())
        return " ".join(str(have.count(place)) for place in range(len(self.names)))


@command
def flows(name, source, sniffers, *words):
    """MAP INJECTOR SNIFFER,... [family=N count=N packets=N by=ports|addresses|both swap=1]:
    send UDP flows and remember the way of each; tells how many each sniffer saw. With
    by=both, and swap=1 for the other direction, both addresses are the far end's."""
    more = {"family": 4, "count": 512, "packets": 1, "by": "ports", "swap": 0, **options(words)}
    collector = Collector(sniffers)
    for _ in range(more.pop("packets")):
        collector.send(injector(source), _packets(**more))
    _maps[name] = collector.places()
    _histories[name] = History(more, dict(_maps[name]))
    if len(_maps[name]) != more["count"]:
        raise AgentError(f"{len(_maps[name])} flows came of {more['count']}")
    return collector.counts(_maps[name])


class History:
    """What has become of the flows of a map since they were sent first."""

    def __init__(self, how, places):
        self.how = how
        self.first = places
        self.moves = dict.fromkeys(places, 0)
        self.round = None
        self.gap = 0

    def packets(self, places, place, most):
        """of the flows that went by this sniffer, or of all"""
        chosen = 0
        for packet in _packets(**self.how):
            if (place < 0 or places[_key(packet)] == place) and chosen < most:
                chosen += 1
                yield packet

    def note(self, began, now, places):
        """a round is over: how long was a flow silent at most, and which have moved?"""
        if self.round is not None:
            self.gap = max(self.gap, time.monotonic() - self.round)
        self.round = began
        for key, place in now.items():
            self.moves[key] += places[key] != place


@command
def flows_keep(name, source, sniffers, *words):
    """MAP INJECTOR SNIFFER,... [rounds=N place=P most=N]: send a packet more of each flow
    of the map, or of those that have last been seen by sniffer P, N of them at most. They
    must all come; the map follows. Tells how many there are"""
    more = {"rounds": 1, "place": -1, "most": 1 << 30, **options(words)}
    history, places = _histories[name], _maps[name]
    packets = list(history.packets(places, more["place"], more["most"]))
    for _ in range(more["rounds"]):
        began = time.monotonic()
        collector = Collector(sniffers)
        collector.send(injector(source), packets)
        now = collector.places()
        history.note(began, now, places)
        places.update(now)
    return len(packets)


@command
def flows_history(name, gone=-1):
    """MAP [PLACE]: how many flows have moved since they were sent first, how many of these
    had not gone by sniffer PLACE then, the most moves of one, and the longest time in ms
    without a packet of the flows that flows_keep has sent"""
    history = _histories[name]
    moved = [key for key, moves in history.moves.items() if moves]
    others = sum(history.first[key] != int(gone) for key in moved)
    most = max(history.moves.values())
    return f"{len(moved)} {others} {most} {history.gap * 1000:.0f}"


@command
def flows_fit(name, *shares):
    """MAP SHARE...: do the numbers of flows fit these shares? A chi-square test"""
    have = list(_maps[name].values())
    total = sum(map(int, shares))
    chi2 = 0
    for place, share in enumerate(map(int, shares)):
        wanted = len(have) * share / total
        if not share and have.count(place):
            raise AgentError(f"{have.count(place)} flows came by sniffer {place}")
        if share:
            chi2 += (have.count(place) - wanted) ** 2 / wanted
    counts = " ".join(str(have.count(place)) for place in range(len(shares)))
    limit = CRITICAL[sum(share != "0" for share in shares) - 1]
    if chi2 > limit:
        raise AgentError(f"chi-square {chi2:.1f} > {limit}: {counts}")
    return f"chi-square {chi2:.1f}: {counts}"


@command
def flows_moved(before, after, gone=-1):
    """MAP MAP [PLACE]: how many flows changed their way, and how many of these had not
    gone by sniffer PLACE before"""
    one, two = _maps[before], _maps[after]
    if one.keys() != two.keys():
        raise AgentError("these are not the same flows")
    moved = [one[key] for key in one if one[key] != two[key]]
    return f"{len(moved)} {sum(place != int(gone) for place in moved)}"


@command
def flows_symmetric(there, back):
    """MAP MAP: flows of the second that go another way than their reverse in the first"""
    one, two = _maps[there], _maps[back]
    if one.keys() != {_reverse(key) for key in two}:
        raise AgentError("these are not the reverse of each other")
    return sum(one[_reverse(key)] != place for key, place in two.items())


def _fragment_key(data):
    """addresses and identification"""
    if data[0] >> 4 == 6:
        return data[8:40] + data[44:48] if data[6] == pkt.IPV6_FRAGMENT else None
    return data[12:20] + data[4:6] if data[9] == pkt.UDP else None


@command
def flows_fragments(source, sniffers, family=4, count=64):
    """INJECTOR SNIFFER,... [FAMILY [COUNT]]: UDP packets in three fragments each, no two
    between the same hosts; the fragments of each must stay together. How many packets
    each sniffer saw"""
    def pieces():
        for i in range(int(count)):
            src, dst = _spread(int(family), "addresses", i)
            packet = pkt.ip(src, dst, pkt.UDP,
                            pkt.udp(src, dst, SPORT + i, 7777, payload(1100)))
            yield from pkt.fragments(packet, 400, i + 1)

    collector = Collector(sniffers, _fragment_key)
    collector.send(injector(source), pieces())
    if len(collector.flows) != int(count):
        raise AgentError(f"{len(collector.flows)} packets came of {count}")
    return collector.counts(collector.places())
