#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
"""Every counter is made to count, exactly, and netlink, ethtool, ip(8) and the
tracepoints agree about it. The topology is that of lib_far.py."""
import collections
import json
import os
import re
import socket

import lib_packet as pkt
import lib_tap as tap
from lib_far import BOW0, ETH_P_ARP, LOCAL, REMOTE, Far, udp
from lib_genl import Listener

TRACING = "/sys/kernel/tracing"
FAR = Far()
OUT, OUT1, IN, IN1 = 0x2000, 0x2001, 0x1000, 0x1001
# What cannot be had without failing allocations, or a flood
NEVER = {"tx-drop-no-memory", "rx-drop-no-memory", "rx-drop-backlog",
         # and what probes.py and receive_early.sh are for
         "tx-probes", "rx-answers", "rx-answers-bad", "rx-probes", "rx-early"}
SEEN = collections.Counter()

# The fields of ip -s link, as documented in stats.c
CARRIER = ("tx-drop-no-tunnel", "tx-drop-no-sa", "tx-drop-no-underlay")
TX_ERRORS = CARRIER + ("tx-drop-loop", "tx-drop-esp")
RX_ERRORS = ("rx-drop-invalid", "rx-drop-esp")


def command(*words):
    """run in the gateway"""
    return tap.run("ip", "netns", "exec", FAR.gw.name, *words)


def ethtool():
    """{name: value} of ethtool -S"""
    return {name: int(value) for name, value in
            re.findall(r"^ +(\S+): (\d+)$", command("ethtool", "-S", "bow0"), re.M)}


def of_ip():
    """what ip -s link shows of bow0"""
    stats, = json.loads(FAR.gw.ip("-s", "-s", "-j", "link", "show", "bow0"))
    return stats["stats64"]


def expected_of_ip(stats):
    """what it should show"""
    drops = {name: value for name, value in stats.items() if "-drop-" in name}
    total = {way: sum(v for n, v in drops.items() if n.startswith(way)) for way in ("tx", "rx")}
    tx_errors = sum(drops[n] for n in TX_ERRORS)
    rx_errors = sum(drops[n] for n in RX_ERRORS)
    return {("tx", "packets"): stats["tx-packets"], ("tx", "bytes"): stats["tx-bytes"],
            ("rx", "packets"): stats["rx-packets"], ("rx", "bytes"): stats["rx-bytes"],
            ("tx", "errors"): tx_errors, ("tx", "dropped"): total["tx"] - tx_errors,
            ("rx", "errors"): rx_errors, ("rx", "dropped"): total["rx"] - rx_errors,
            ("tx", "carrier_errors"): sum(drops[n] for n in CARRIER),
            ("tx", "collisions"): drops["tx-drop-loop"],
            ("rx", "frame_errors"): drops["rx-drop-invalid"]}


def difference(after, before):
    """what has changed, but for the way that packets took: see receive_early.sh"""
    return {name: after[name] - before.get(name, 0) for name in after
            if after[name] != before.get(name, 0) and not re.search("rx[-_]early$", name)}


class Provoked:
    """one subtest: what is done in the block counts so much, and nothing else, on the
    link and on a tunnel (None: on no tunnel)"""

    def __init__(self, name, tunnel, **wanted):
        self.name = name
        self.tunnel = tunnel
        self.wanted = {key.replace("_", "-"): value for key, value in wanted.items()}

    def __enter__(self):
        self.before = FAR.counters()
        self.before_tunnels = [FAR.counters(one) for one in (0, 1)]
        self.before_ethtool = ethtool()

    def _got(self):
        return difference(FAR.counters(), self.before)

    def __exit__(self, kind, *_):
        if kind:
            return
        SEEN.update(self.wanted)
        try:
            tap.wait_for(lambda: self._got() == self.wanted, self.name, 5)
        except TimeoutError:
            pass
        with tap.case(self.name):
            tap.same(self._got(), self.wanted, "link")
            for one in (0, 1):
                wanted = self.wanted if one == self.tunnel else {}
                tap.same(difference(FAR.counters(one), self.before_tunnels[one]), wanted,
                         f"tunnel {one}")
            names = {name.replace("-", "_"): value for name, value in self.wanted.items()}
            if self.tunnel is not None:
                names |= {f"tunnel{self.tunnel}_{name}": value for name, value in names.items()}
            tap.same(difference(ethtool(), self.before_ethtool), names, "ethtool -S")
            fields, shown = expected_of_ip(FAR.counters()), of_ip()
            tap.same({f: shown[f[0]][f[1]] for f in fields}, fields, "ip -s link")


def prepare():
    """two tunnels with SAs both ways, and the tracepoints on"""
    if not os.path.exists(f"{TRACING}/events"):
        tap.run("mount", "-t", "tracefs", "none", TRACING)
    with open(f"{TRACING}/options/record-cmd", "w", encoding="ascii") as file:
        file.write("0")  # see lib_trace.sh
    for name in ("bowtie_pick", "bowtie_drop", "bowtie_tunnel_state"):
        with open(f"{TRACING}/events/bowtie/{name}/enable", "w", encoding="ascii") as file:
            file.write("1")
    with open(f"{TRACING}/trace", "w", encoding="ascii"):
        pass
    FAR.tunnel(0, inside_peer4="10.0.0.2", inside_local4="10.0.0.1")
    FAR.tunnel(1, inside_peer4="10.0.0.6")
    for number, (out, into) in enumerate(((OUT, IN), (OUT1, IN1))):
        FAR.sa_out(out, number)
        FAR.sa_in(into, number)
    FAR.route("10.2.0.0", 16, 0)
    FAR.route("10.3.0.0", 16, 1)
    FAR.batch("route add 10.2.0.0/16 dev bow0", "route add 10.3.0.0/16 dev bow0",
              "route add blackhole 10.66.0.0/16", "link set bow0 mtu 2000")
    command("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0",
            "net.ipv4.conf.bow0.rp_filter=0", "net.ipv4.icmp_ratelimit=0")


def good():
    """What passes."""
    with FAR.gw:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("", 9))  # else ICMP answers
    globals()["LISTENER"] = listener
    with Provoked("packets and bytes out", 0, tx_packets=7, tx_bytes=700):
        FAR.send(udp("10.0.0.1", "10.2.0.1"), 7)
    with Provoked("of the other tunnel", 1, tx_packets=5, tx_bytes=5 * 1300):
        FAR.send(udp("10.0.0.1", "10.3.0.1", 1300), 5)
    with Provoked("to the inside peer", 1, tx_packets=1, tx_bytes=64):
        FAR.send(udp("10.0.0.1", "10.0.0.6", 64))
    with Provoked("packets and bytes in", 0, rx_packets=9, rx_bytes=9 * 333):
        FAR.arrive(IN, udp("10.2.0.1", "10.0.0.1", 333), 9)
    with Provoked("by the other tunnel", 1, rx_packets=2, rx_bytes=200):
        FAR.arrive(IN1, udp("10.2.0.1", "10.0.0.1"), 2)
    with Provoked("fragmented: the packet as it was", 0, tx_packets=3, tx_bytes=3 * 1800,
                  tx_fragmented=3):
        FAR.send(udp("10.0.0.1", "10.2.0.1", 1800), 3)
    mss = b"\x02\x04\x23\x28"
    with Provoked("MSS out", 0, tx_packets=1, tx_bytes=44, tx_mss_clamped=1):
        FAR.send(pkt.ip("10.0.0.1", "10.2.0.1", pkt.TCP,
                        pkt.tcp_syn("10.0.0.1", "10.2.0.1", 1, 2, mss)))
    # To where nobody answers
    with Provoked("MSS in", 0, rx_packets=1, rx_bytes=44, rx_mss_clamped=1):
        FAR.arrive(IN, pkt.ip("10.2.0.1", "10.66.0.1", pkt.TCP,
                              pkt.tcp_syn("10.2.0.1", "10.66.0.1", 1, 2, mss)))


def drops_out():
    """Every reason not to send."""
    packet = udp("10.0.0.1", "10.2.0.1")
    with Provoked("neither IPv4 nor IPv6", None, tx_drop_invalid=1):
        FAR.send(bytes(28), proto=ETH_P_ARP)
    with Provoked("broken header", None, tx_drop_invalid=2):
        FAR.send(b"\x75" + packet[1:], proto=0x0800)
        FAR.send(b"\x60" + bytes(20), proto=0x86DD)
    with Provoked("multicast, broadcast, link-local", None, tx_drop_multicast=4):
        FAR.send(udp("10.0.0.1", "224.0.0.5"))
        FAR.send(udp("10.0.0.1", "255.255.255.255"))
        FAR.send(udp("fd00::1", "ff02::1"))
        FAR.send(udp("fd00::1", "fe80::1"))
    with Provoked("no route", None, tx_drop_no_route=3):
        FAR.send(udp("10.0.0.1", "10.9.0.1"), 3)
    with Provoked("too big", 0, tx_drop_too_big=2):
        FAR.send(udp("10.0.0.1", "10.2.0.1", 1800, frag=0x4000), 2)
    FAR.change(0, admin="down")
    with Provoked("no tunnel that takes flows", None, tx_drop_no_tunnel=4):
        FAR.send(packet, 4)
    with Provoked("pinned, and the tunnel is down", 0, tx_drop_no_tunnel=1):
        FAR.send(udp("10.0.0.1", "10.0.0.2"))
    FAR.change(0, admin="up")
    FAR.sa_del(OUT, REMOTE)
    with Provoked("pinned, and without an SA", 0, tx_drop_no_sa=2):
        FAR.send(udp("10.0.0.1", "10.0.0.2"), 2)
    FAR.sa_out(OUT, 0)
    FAR.change(0, selectors={"selector": [{"local": "10.7.0.0", "local-len": 16,
                                           "remote": "10.2.0.0", "remote-len": 16}]})
    with Provoked("selectors", 0, tx_drop_selector=2, tx_packets=1, tx_bytes=100):
        FAR.send(packet, 2)
        FAR.send(udp("10.7.0.1", "10.2.0.1"))
    with Provoked("selectors, inbound", 0, rx_drop_selector=2):
        FAR.arrive(IN, udp("10.2.0.1", "10.0.0.1"), 2)
    FAR.change(0, selectors={})


def drops_below():
    """What the underlay and ESP refuse."""
    packet = udp("10.0.0.1", "10.2.0.1")
    FAR.tunnel(0, remote="198.51.100.1")
    FAR.sa_out(0x3000, 0, remote="198.51.100.1")
    with Provoked("no way to the peer", 0, tx_drop_no_underlay=2):
        FAR.send(packet, 2)
    FAR.batch("route add 198.51.100.0/24 dev bow0")
    with Provoked("the way to the peer leads into the link", 0, tx_drop_loop=3):
        FAR.send(packet, 3)
    FAR.batch("route del 198.51.100.0/24 dev bow0")
    FAR.tunnel(0, remote=REMOTE)
    FAR.sa_out(0x3001, 0, "limit", "packet-hard", 2)
    tap.wait_for(lambda: FAR.nl.do("sa-get", BOW0 | {"sa": {"spi": 0x3001}})[0]["sa"]["current"],
                 "the newest SA is used")
    # The packet that finds the limit reached is lost with its SA
    with Provoked("ESP", 0, tx_packets=2, tx_bytes=200, tx_drop_esp=1):
        FAR.send(packet, 3)
    tap.wait_for(lambda: FAR.nl.do("sa-get", BOW0 | {"sa": {"spi": OUT}})[0]["sa"]["current"],
                 "the one before is used again")


def fallback():
    """The bucket's tunnel has just lost its SA, and the table is not rebuilt yet."""
    FAR.route("10.4.0.0", 16, 0, 1)
    packets = [udp("10.0.0.1", f"10.4.0.{i}", dport=i) for i in range(1, 129)]
    for spi in range(0x4000, 0x4020):
        # The one before has been deleted at its limit by now, or not yet.
        FAR.batch(f"xfrm state deleteall dst {REMOTE} proto esp spi "
                  f"{OUT if spi == 0x4000 else spi - 1:#x}")
        FAR.sa_out(spi, 0, "limit", "packet-hard", 40)
        tap.wait_for(lambda: FAR.nl.do("tunnel-get", BOW0 | {"tunnel": {"id": 0}})[0]
                     ["tunnel"]["oper"] == "up", "up")
        for packet in packets:
            FAR.send(packet)
        if FAR.counters()["tx-fallback"]:
            break
    FAR.batch("xfrm state flush")
    for number, (out, into) in enumerate(((OUT, IN), (OUT1, IN1))):
        FAR.sa_out(out, number)
        FAR.sa_in(into, number)
        FAR.seq[into] = 0
    stats = FAR.counters(1)
    SEEN["tx-fallback"] += stats["tx-fallback"]
    tap.ok(stats["tx-fallback"], "passed over, to the other tunnel", stats)
    tap.eq(ethtool()["tunnel1_tx_fallback"], stats["tx-fallback"], "ethtool knows")


def drops_in():
    """Every reason not to deliver."""
    packet = udp("10.2.0.1", "10.0.0.1")
    with Provoked("ESP: integrity", 0, rx_drop_esp=2):
        FAR.arrive(IN, packet, 2, damage=True)
    FAR.seq[IN] = 0
    FAR.arrive(IN, packet)
    FAR.seq[IN] = 0
    with Provoked("ESP: replay", 0, rx_drop_esp=1):
        FAR.arrive(IN, packet)
    FAR.seq[IN] = 100
    with Provoked("no IP inside", 0, rx_drop_invalid=2):
        FAR.arrive(IN, b"\x65" + packet[1:], proto=4)
        FAR.arrive(IN, b"\x41" + packet[1:], proto=4)
    with Provoked("an inside address that is not the sender's", 0, rx_drop_spoofed=2):
        FAR.arrive(IN, udp("10.0.0.1", "10.0.0.1"))
        FAR.arrive(IN, udp("10.0.0.6", "10.0.0.1"))
    FAR.link(strict_source=1)
    with Provoked("no way back", 0, rx_drop_no_route=1, rx_packets=1, rx_bytes=100):
        FAR.arrive(IN, udp("10.99.0.1", "10.0.0.1"))
        FAR.arrive(IN, packet)
    FAR.link(strict_source=0)
    FAR.change(0, admin="down")
    with Provoked("tunnel down", 0, rx_drop_down=3):
        FAR.arrive(IN, packet, 3)
    FAR.change(0, admin="up")
    FAR.rtnl.set("bow0", up=False)
    with Provoked("device down", 1, rx_drop_down=1):
        FAR.arrive(IN1, packet)
    FAR.rtnl.set("bow0", up=True)
    FAR.batch("route replace 10.2.0.0/16 dev bow0", "route replace 10.3.0.0/16 dev bow0")
    with tap.case("in from one tunnel, out to another"):
        before = FAR.counters()
        FAR.arrive(IN, udp("10.2.0.1", "10.3.0.1"), 2)
        tap.wait_for(lambda: FAR.counters()["tx-drop-hairpin"] == 2, "hairpin")
        tap.same({n: v for n, v in difference(FAR.counters(), before).items() if "drop" in n},
                 {"tx-drop-hairpin": 2})
        SEEN["tx-drop-hairpin"] += 2


def all_seen():
    """No counter of the uAPI is forgotten here, and nothing is lost when a tunnel goes."""
    tap.eq(set(FAR.nl.spec.sets["stats"]) - set(SEEN) - {"pad"}, NEVER,
           "every counter has counted, but for allocations")
    before = FAR.counters()
    FAR.nl.do("tunnel-del", BOW0 | {"tunnel": {"id": 1}})
    tap.eq(FAR.counters(), before, "a tunnel's counters stay the link's when it is deleted")
    tap.ok(not any(name.startswith("tunnel1_") for name in ethtool()),
           "ethtool shows no tunnel that is gone")


def tracepoints():
    """Each drop, pick and change of state is traced."""
    with open(f"{TRACING}/trace", encoding="ascii") as file:
        trace = file.read()
    drops = collections.Counter(re.findall(
        r"bowtie_drop: dev=bow0 tunnel=-?\d+ reason=(\w+)$", trace, re.M))
    wanted = {name.replace("-", "_"): value for name, value in FAR.counters().items()
              if "-drop-" in name and value}
    tap.eq(dict(drops), wanted, "bowtie_drop: as often as counted")
    picks = re.findall(r"bowtie_pick: dev=bow0 tunnel=(\d) hash=[0-9a-f]{8}( fallback)?$", trace,
                       re.M)
    tap.eq({tunnel for tunnel, _ in picks}, {"0", "1"}, "bowtie_pick: of both tunnels")
    tap.eq(sum(bool(fallback) for _, fallback in picks), FAR.counters()["tx-fallback"],
           "bowtie_pick: which of them were passed over")
    states = re.findall(r"bowtie_tunnel_state: dev=bow0 tunnel=(\d) from=(\d) to=(\d) "
                        r"reason=(\d)$", trace, re.M)
    down, up_, admin, no_sa = "0", "2", "1", "2"
    for one, what in ((("0", down, up_, "0"), "up"),
                      (("0", up_, down, admin), "by the operator"),
                      (("0", up_, down, no_sa), "without an SA")):
        tap.ok(one in states, f"bowtie_tunnel_state: {what}", states)
    for name in ("bowtie_pick", "bowtie_drop", "bowtie_tunnel_state"):
        with open(f"{TRACING}/events/bowtie/{name}/enable", "w", encoding="ascii") as file:
            file.write("0")


def driver():
    """ethtool -i and -k."""
    info = dict(re.findall(r"^(\S+): (.*)$", command("ethtool", "-i", "bow0"), re.M))
    tap.eq(info["driver"], "bowtie", "ethtool -i: driver")
    version = tap.run("modinfo", "-F", "version", os.environ["BOWTIE_KO"]).strip()
    tap.eq(info["version"], version, "ethtool -i: version")
    features = dict(re.findall(r"^\t?(\S+): (\w+)", command("ethtool", "-k", "bow0"), re.M))
    for name in ("tx-checksum-ip-generic", "scatter-gather", "tcp-segmentation-offload",
                 "generic-segmentation-offload", "generic-receive-offload"):
        tap.eq(features.get(name), "on", f"ethtool -k: {name}")
    tap.eq(features.get("tx-gso-list"), "off", "ethtool -k: no lists of fragments")


def generation():
    """Each change is told once, and the generation counts them."""
    with FAR.gw:
        listener = Listener(FAR.nl)
    before = FAR.nl.do("link-get", BOW0)[0]["generation"]
    for i in range(20):
        FAR.route(f"10.77.{i}.0", 24, 0)
        FAR.link(hash=("l3", "l4")[i % 2])
    told = [listener.next() for _ in range(40)]
    tap.eq([one["generation"] for _, one in told], list(range(before + 1, before + 41)),
           "notifications are numbered without gaps")
    tap.eq(collections.Counter(op for op, _ in told), {"route-ntf": 20, "link-ntf": 20},
           "each change is told once")
    tap.eq(FAR.nl.do("link-get", BOW0)[0]["generation"], before + 40, "the link's is the latest")


tap.main(prepare, good, drops_out, drops_below, fallback, drops_in, all_seen, tracepoints,
         driver, generation)
