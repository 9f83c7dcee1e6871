#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
"""Which SA belongs to which tunnel, and by which one transmit sends: SAs that are
there before the tunnel, come later, go, expire, change; tunnels that change.

Everything that ip(8) does has reached the module when ip(8) ends; what transmit
uses is told by the SAs' own counters.
"""
import lib_tap as tap
from lib_genl import Listener
from lib_sa import BOW0, Gateway, LOCAL, LOCAL6, PEER, PEER2, PEER6, sa_words

OUT = (LOCAL, PEER)
IN = (PEER, LOCAL)


def out(spi, *more, if_id=7):
    """an outbound SA of the tunnel"""
    return (spi, *OUT, if_id, *more)


def inbound(spi, *more, if_id=7):
    """an inbound one"""
    return (spi, *IN, if_id, *more)


def foreign_sas():
    """What is not the tunnel's, though something about it fits."""
    return [
        sa_words(0xF01, LOCAL, PEER2, 7),
        sa_words(0xF02, PEER2, LOCAL, 7),
        sa_words(0xF03, LOCAL, PEER, 8),
        sa_words(0xF04, LOCAL, PEER, 0),
        sa_words(0xF05, LOCAL, PEER, 7, mode="transport"),
        sa_words(0xF06, LOCAL, PEER, 7, mode="beet", proto="esp"),
        sa_words(0xF07, LOCAL, PEER, 7, proto="ah"),
        sa_words(0xF08, LOCAL6, PEER6, 7),
        sa_words(0xF09, PEER6, LOCAL6, 7),
        f"src {LOCAL} dst {PEER} proto comp spi 0xf0a mode tunnel if_id 7 comp deflate",
    ]


def before_the_tunnel():
    """SAs that are there already are found when the tunnel comes."""
    gw = Gateway(tunnel=False)
    gw.add(out(0x11), inbound(0x21), out(0x12), inbound(0x22), out(0x13))
    gw.batch(*(f"xfrm state add {words}" for words in foreign_sas()))
    tap.eq(gw.bound(), {}, "no tunnel, no SA")
    gw.tunnel()
    tap.eq((gw.spis("out"), gw.spis("in")), ([0x13, 0x12, 0x11], [0x22, 0x21]),
           "the tunnel has found its SAs, the newest first, and no others")
    tap.eq((gw.current(), gw.state()), (0x13, ("up", "none", 2, 3)), "transmit has the newest")
    gw.send(3)
    tap.eq(gw.packets(), {0x13: 3, 0x12: 0, 0x11: 0}, "and uses it")
    gw.nl.do("tunnel-del", BOW0 | {"tunnel": {"id": 0}})
    tap.eq(gw.bound(), {}, "the tunnel goes, and its SAs are nobody's")
    gw.tunnel()
    tap.eq((gw.spis("out"), gw.spis("in")), ([0x13, 0x12, 0x11], [0x22, 0x21]),
           "another one finds them in the same order")


def after_the_tunnel():
    """SAs that come later, and the news of them."""
    gw = Gateway()
    with gw.ns:
        listener = Listener(gw.nl)
    tap.eq(gw.state(), ("down", "no-sa", 0, 0), "without an SA the tunnel is down")
    gw.batch(*(f"xfrm state add {words}" for words in foreign_sas()))
    tap.eq((gw.bound(), gw.state()), ({}, ("down", "no-sa", 0, 0)), "others' SAs are ignored")
    for spi, wanted in ((0x11, [0x11]), (0x12, [0x12, 0x11]), (0x13, [0x13, 0x12, 0x11])):
        gw.add(inbound(spi + 0x10), out(spi))
        with tap.case(f"SA {spi:#x} is told"):
            seen = listener.until(lambda op, v, spi=spi: op == "sa-ntf" and v["sa"]["spi"] == spi)
            tap.same(seen[-1][1]["sa"], gw.bound()[spi, "out"])
        tap.eq(gw.spis("out"), wanted, "it is the newest")
        with tap.case("and used once the peer has had time to install it, too"):
            tap.wait_for(lambda spi=spi: gw.current() == spi, "it is current")
        gw.send()
    tap.eq(gw.packets(), {0x11: 1, 0x12: 1, 0x13: 1}, "each had its packet")
    tap.eq(gw.state(), ("up", "none", 3, 3), "the tunnel is up")


def told(listener, *kinds):
    """what has come: [(kind, key)], of these kinds"""
    seen = []
    while True:
        try:
            op, values = listener.next(0)
        except TimeoutError:
            return seen
        if op in kinds:
            seen.append((op, values.get("sa", values.get("tunnel"))))


def deletion():
    """An SA that goes takes nothing along; the last one does."""
    gw = Gateway()
    gw.add(inbound(0x21), out(0x11), out(0x12), out(0x13))
    with gw.ns:
        listener = Listener(gw.nl)
    gw.delete((0x13, *OUT))
    tap.eq((gw.spis("out"), gw.current()), ([0x12, 0x11], 0x12), "the newest goes: the next")
    gw.send(2)
    gw.delete((0x11, *OUT))
    tap.eq((gw.spis("out"), gw.current()), ([0x12], 0x12), "an older one goes: no change")
    gw.send()
    tap.eq(gw.packets(), {0x12: 3}, "it carries the packets")
    tap.eq(gw.state(), ("up", "none", 1, 1), "and the tunnel stays up")
    gw.delete((0x12, *OUT))
    with tap.case("the last one goes: the tunnel is down"):
        tap.wait_for(lambda: gw.state() == ("down", "no-sa", 1, 0), "down")
    gw.send()
    tap.eq(gw.nl.do("tunnel-get", BOW0 | {"tunnel": {"id": 0}})[0]["tunnel"]["stats"]
           ["tx-drop-no-sa"], 1, "a packet to the peer finds no SA")
    tap.eq([(op, sa["spi"]) for op, sa in told(listener, "sa-del-ntf")],
           [("sa-del-ntf", spi) for spi in (0x13, 0x11, 0x12)], "each deletion is told")
    gw.add(out(0x14))
    with tap.case("a new one: up again"):
        tap.wait_for(lambda: gw.state() == ("up", "none", 1, 1), "up")
    gw.delete((0x21, *IN))
    tap.eq((gw.spis("in"), gw.state()), ([], ("up", "none", 0, 1)),
           "an inbound one goes: transmit is not concerned")


def flush():
    """All at once, and what is not ours."""
    gw = Gateway()
    for command in ("xfrm state flush", "xfrm state flush proto esp",
                    f"xfrm state deleteall src {LOCAL}"):
        gw.add(inbound(0x21), out(0x11), out(0x12))
        gw.batch("xfrm state flush proto ah")
        tap.eq(gw.spis("out"), [0x12, 0x11], "flush of another protocol: nothing happens")
        gw.batch(command)
        left = [] if "flush" in command else [0x21]
        tap.eq((gw.spis("out"), gw.spis("in")), ([], left), command)
        with tap.case("the tunnel is down"):
            tap.wait_for(lambda: gw.state() == ("down", "no-sa", len(left), 0), "down")
        gw.send()  # what is not there any more must not be used
    gw.batch("xfrm state flush")


def expiry():
    """Hard limits: the SA that has reached one is left for an older one."""
    gw = Gateway()
    gw.add(inbound(0x21), out(0x11), out(0x12, "limit", "packet-hard", 3))
    gw.send(3)
    tap.eq(gw.packets(), {0x12: 3, 0x11: 0}, "up to its limit the newest is used")
    gw.send(4)
    with tap.case("then it is gone"):
        tap.wait_for(lambda: gw.spis("out") == [0x11], "expired")
    # xfrm finds the limit reached with the fourth packet, and drops that
    tap.eq((gw.packets(), gw.state()), ({0x11: 3}, ("up", "none", 1, 1)),
           "all but one packet went by the older one")
    gw.add(out(0x13, "limit", "byte-hard", 500))
    gw.send(20)
    with tap.case("a limit in bytes"):
        tap.wait_for(lambda: gw.spis("out") == [0x11], "expired")
        tap.true(gw.packets()[0x11] >= 3 + 10, gw.packets())
    gw.add(out(0x14, "limit", "time-hard", 1))
    tap.eq(gw.current(), 0x14, "an SA that lives for a second")
    with tap.case("is gone by itself, without a packet"):
        tap.wait_for(lambda: gw.spis("out") == [0x11] and gw.current() == 0x11, "expired")
    gw.delete((0x11, *OUT))
    gw.add(out(0x15, "limit", "packet-hard", 1))
    gw.send(2)
    with tap.case("the only one expires: the tunnel is down"):
        tap.wait_for(lambda: gw.state() == ("down", "no-sa", 1, 0), "down")
    gw.add(out(0x16, "limit", "packet-soft", 1))
    gw.send(3)
    tap.eq((gw.current(), gw.packets()), (0x16, {0x16: 3}), "a soft limit is a hint only")


def as_charon_does():
    """allocspi makes a larval state, an update makes an SA of it."""
    gw = Gateway()
    gw.add(out(0x11))
    gw.batch(f"xfrm state allocspi src {PEER} dst {LOCAL} proto esp reqid 1 mode tunnel "
             "min 0x21 max 0x21")
    tap.eq((gw.spis("in"), gw.state()), ([], ("up", "none", 0, 1)), "a larval state is no SA")
    with gw.ns:
        listener = Listener(gw.nl)
    gw.add(inbound(0x21), command="update")
    tap.eq((gw.spis("in"), gw.bound()[0x21, "in"]["valid"]), ([0x21], 1), "updated it is one")
    with tap.case("and is told"):
        tap.same(listener.until(lambda op, _: op == "sa-ntf")[-1][1]["sa"]["spi"], 0x21)
    gw.batch(f"xfrm state allocspi src {LOCAL} dst {PEER} proto esp reqid 1 mode tunnel "
             "min 0x12 max 0x12")
    tap.eq(gw.current(), 0x11, "outbound, too")
    gw.add(out(0x12), command="update")
    tap.eq((gw.spis("out"), gw.current()), ([0x12, 0x11], 0x12), "it is the newest")
    gw.batch(f"xfrm state allocspi src {PEER} dst {LOCAL} proto esp reqid 1 mode tunnel "
             "min 0x22 max 0x22")
    gw.batch("xfrm state flush")
    tap.eq(gw.bound(), {}, "a flush with a larval state among them")


def updates():
    """An SA that is updated stays the one that it is, unless its if_id changes."""
    gw = Gateway()
    gw.nl.do("tunnel-new", BOW0 | {"tunnel": {"id": 1, "if-id": 8, "local": LOCAL,
                                              "remote": PEER, "inside-peer4": "10.0.0.6"}})
    gw.add(inbound(0x21), out(0x11), out(0x12))
    gw.add(out(0x11, "limit", "packet-hard", 1000), command="update")
    tap.eq((gw.spis("out"), gw.current()), ([0x12, 0x11], 0x12), "other limits: no change")
    gw.add(out(0x12, if_id=8), command="update")
    tap.eq((gw.spis("out"), gw.current(), gw.spis("out", 1), gw.current(1)),
           ([0x11], 0x11, [0x12], 0x12), "another if_id: another tunnel")
    gw.send()
    gw.send(2, "10.0.0.6")
    tap.eq(gw.packets(), {0x11: 1, 0x12: 2}, "each tunnel uses its own")
    gw.add(out(0x12, if_id=9), command="update")
    tap.eq((gw.spis("out"), gw.spis("out", 1)), ([0x11], []), "an if_id that nobody has")
    with tap.case("leaves the tunnel without"):
        tap.wait_for(lambda: gw.state(1) == ("down", "no-sa", 0, 0), "down")
    gw.add(out(0x12), command="update")
    tap.eq((gw.spis("out"), gw.current()), ([0x12, 0x11], 0x12), "and back: the newest")
    natt = ("encap", "espinudp", 4500)
    gw.add(inbound(0x31, *natt, 4501, "0.0.0.0"))
    gw.add(inbound(0x31, *natt, 4777, "0.0.0.0"), command="update")
    tap.eq(gw.bound()[0x31, "in"]["encap-dport"], 4777, "a peer behind NAT with another port")


def tunnel_changes():
    """A tunnel with other addresses or another if_id has other SAs."""
    gw = Gateway()
    gw.add(inbound(0x21), out(0x11), (0x12, LOCAL, PEER2, 7), (0x22, PEER2, LOCAL, 7),
           out(0x13, if_id=8), (0x14, LOCAL6, PEER6, 7), (0x24, PEER6, LOCAL6, 7))
    both = ("up", "none", 1, 1)
    tap.eq((gw.current(), gw.state()), (0x11, both), "as it begins")
    for settings, spis, state in (
            ({"remote": PEER2}, ([0x12], [0x22]), both),
            ({"remote": "0.0.0.0"}, ([0x12, 0x11], [0x22, 0x21]), ("up", "none", 2, 2)),
            ({"remote": PEER, "local": "0.0.0.0"}, ([0x11], [0x21]), both),
            ({"local": LOCAL6, "remote": PEER6}, ([0x14], [0x24]), both),
            ({"local": LOCAL, "remote": PEER, "if_id": 8}, ([0x13], []), ("up", "none", 0, 1)),
            ({"if_id": 9}, ([], []), ("down", "no-sa", 0, 0)),
            ({"local": "192.0.2.9", "if_id": 7}, ([], []), ("down", "no-sa", 0, 0)),
            ({"local": LOCAL}, ([0x11], [0x21]), both)):
        change = {name.replace("_", "-"): value for name, value in settings.items()}
        gw.nl.do("tunnel-set", BOW0 | {"tunnel": {"id": 0} | change})
        tap.eq(((gw.spis("out"), gw.spis("in")), gw.state()), (spis, state),
               f"tunnel with {settings}")
    gw.nl.do("tunnel-set", BOW0 | {"tunnel": {"id": 0, "weight": 7, "admin": "drain"}})
    tap.eq((gw.current(), gw.state()[0]), (0x11, "drain"), "other settings leave the SAs alone")


def another_namespace():
    """SAs count where the underlay is, not where the device is."""
    gw, away = Gateway(), tap.Netns("away")
    gw.add(out(0x11), inbound(0x21))
    gw.rtnl.set("bow0", netns=away)
    away.ip("xfrm", "state", "add", *sa_words(0x12, *OUT, 7).split())
    gw.add(out(0x13))
    gw.ns, home = away, gw.ns
    with away:
        gw.nl = type(gw.nl)("bowtie")
    tap.eq((gw.spis("out"), gw.spis("in")), ([0x13, 0x11], [0x21]),
           "the device is away: the underlay's SAs are its own, the others are not")
    home.ip("xfrm", "state", "flush")
    tap.eq(gw.bound(), {}, "flushed in the underlay")
    away.ip("xfrm", "state", "flush")


def many():
    """More than the walk takes in one go, ours scattered among others; then each
    newest one goes in turn."""
    gw = Gateway(tunnel=False)
    every = range(0x1000, 0x1000 + 1400)
    ours = [spi for spi in every if spi % 35 == 0]
    gw.add(*((spi, *OUT, 7 if spi in ours else 100 + spi % 5) for spi in every))
    gw.tunnel()
    tap.eq(gw.spis("out"), ours[::-1], f"{len(ours)} of {len(every)} are found, in order")
    with tap.case("each newest one goes in turn, and the next takes over"):
        for spi in ours[::-1][:20]:
            tap.same(gw.current(), spi)
            gw.delete((spi, *OUT))
    gw.batch("xfrm state flush")
    tap.eq((gw.bound(), gw.ns.ip("xfrm", "state", "count").split()[-1]), ({}, "0"),
           "flushed, none is left")


if __name__ == "__main__":
    tap.main(before_the_tunnel, after_the_tunnel, deletion, flush, expiry, as_charon_does,
             updates, tunnel_changes, another_namespace, many)
