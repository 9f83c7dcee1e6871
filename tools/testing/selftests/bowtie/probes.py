#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
"""Probes against a peer that the test plays: what proves that a tunnel works, what does
not, and what follows. The topology is that of lib_far.py, with three tunnels; the second
is never probed, the third has IPv6 inside."""
import struct
import threading
import time

import lib_packet as pkt
import lib_peer as peers
import lib_tap as tap
from lib_far import BOW0, Far, udp
from lib_genl import Listener
from lib_peer import ACK, RST, Peer

FAR = Far()
OUT, OUT1, OUT2, IN, IN1, IN2 = 0x2000, 0x2001, 0x2002, 0x1000, 0x1001, 0x1002
NEWER = 0x3000
INTERVAL = 200  # ms: the peer is slow in emulation
INSIDE = {"inside_local4": "169.254.21.2", "inside_peer4": "169.254.21.1"}
PEER = None


def tunnel(number=0):
    """as netlink tells it"""
    return FAR.nl.do("tunnel-get", BOW0 | {"tunnel": {"id": number}})[0]["tunnel"]


def state(number=0):
    """its operational state and the reason"""
    return tunnel(number)["oper"], tunnel(number)["reason"]


def await_state(oper, reason="none", number=0):
    """until it is so"""
    tap.wait_for(lambda: state(number) == (oper, reason), f"{oper} ({reason})")


def refused(what, name, **settings):
    """the settings are not taken"""
    try:
        FAR.change(0, **settings)
    except OSError as error:
        tap.ok(what in str(error), name, error)
    else:
        tap.ok(False, name, "taken")


def prepare():
    """tunnels, SAs, the peer"""
    global PEER  # pylint: disable=global-statement
    FAR.tunnel(0)
    FAR.tunnel(1, inside_local4="169.254.21.6", inside_peer4="169.254.21.5")
    FAR.tunnel(2, inside_local6="fd00::2", inside_peer6="fd00::1")
    for number, (out, into) in enumerate(((OUT, IN), (OUT1, IN1), (OUT2, IN2))):
        FAR.sa_out(out, number)
        FAR.sa_in(into, number)
    FAR.route("10.2.0.0", 16, 0, 1)
    PEER = Peer(FAR, {OUT: IN, OUT1: IN1, OUT2: IN2, NEWER: IN})


def settings():
    """What is refused, and the defaults."""
    with tap.case("without probes it is up"):
        tap.wait_for(lambda: state() == ("up", "none"), "up")
        one = tunnel()
        tap.same((one["probe"], one["probe-interval"], one["probe-multiplier"],
                  one["probe-port"]), ("none", 100, 3, 179))
        tap.same(one["stats"]["tx-probes"], 0)
        tap.true("rtt" not in one and "loss" not in one, "nothing is measured")
    refused("inside addresses of both ends", "no inside addresses", probe="icmp")
    FAR.change(0, **INSIDE)
    for name, value in (("probe_interval", 14), ("probe_interval", 60001),
                        ("probe_multiplier", 1), ("probe_multiplier", 51),
                        ("probe_port", 0), ("probe_port", 65536)):
        refused("", f"{name} {value}", **{name: value})
    refused("", "probe 4", probe=4)


def icmp():
    """Echo requests and their answers."""
    before = tunnel()["transitions"]
    PEER.deaf(OUT)
    FAR.change(0, probe="icmp", probe_interval=INTERVAL)
    with tap.case("a peer that has never answered is not judged"):
        await_state("up", "no-answer")
        PEER.hear(OUT)
        await_state("up")
    probe = PEER.await_probes(5, OUT)
    with tap.case("icmp: an echo request from one inside address to the other"):
        tap.same((probe.src, probe.dst), ("169.254.21.2", "169.254.21.1"))
        tap.true(probe.checksum_ok(), "checksum")
    FAR.change(1, probe="icmp", probe_interval=INTERVAL)
    other = PEER.await_probes(1, OUT1)
    tap.ok(other.payload[4:6] != probe.payload[4:6], "icmp: each tunnel has its identifier")
    FAR.change(1, probe="none")
    cookies = {one.packet.payload[16:24] for one in PEER.probes(OUT)}
    tap.eq(len(cookies), len(PEER.probes(OUT)), "icmp: each probe has its cookie")
    one = tunnel()
    with tap.case("icmp: measured"):
        tap.true(0 < one["rtt-min"] <= one["rtt"] and one["rtt-avg"] > 0, one)
        tap.true(one["loss"] <= 1000 and "jitter" in one, one)
        tap.true(one["stats"]["rx-answers"] >= 3, one["stats"])
    tap.eq((state(), tunnel()["transitions"]), (("up", "none"), before),
           "icmp: switched on, it never went down")


def silence():
    """Found, told, and found to be over."""
    with FAR.gw:
        told = Listener(FAR.nl)
    begun = PEER.deaf(OUT)
    told.until(lambda op, values: op == "tunnel-ntf" and
               values["tunnel"].get("oper") == "down")
    tap.diag(f"found and told after {(time.monotonic() - begun) * 1000:.0f} ms, "
             f"3 x {INTERVAL} ms of silence make it")
    tap.eq(state(), ("down", "no-answer"), "silence: down")
    with tap.case("silence: flows take the other tunnel"):
        before = FAR.counters(1)["tx-packets"]
        for i in range(64):
            FAR.send(udp("10.0.0.1", "10.2.0.1", dport=1000 + i))
        tap.wait_for(lambda: FAR.counters(1)["tx-packets"] - before == 64, "64 packets")
    with tap.case("silence: its peer is still asked"):
        PEER.await_probes(3, OUT)
    with tap.case("the answers are back: up"):
        PEER.hear(OUT)
        await_state("up")
    with tap.case("failed again and again: held down, for longer each time"):
        for least in (0, 1000, 2000):
            PEER.deaf(OUT)
            await_state("down", "no-answer")
            PEER.hear(OUT)
            await_state("probing", "hold-down")
            held = tunnel()
            tap.true(least < held["hold-down"] <= 8000, held)
            if least < 2000:
                await_state("up")
                tap.true("hold-down" not in tunnel(), "hold-down of one that is up")
    with tap.case("nobody else is left: not held down any more"):
        FAR.change(1, admin="down")
        await_state("up")
        FAR.change(1, admin="up")
    with tap.case("a prefix gets it alone: not held down any more"):
        PEER.deaf(OUT)
        await_state("down", "no-answer")
        PEER.hear(OUT)
        await_state("probing", "hold-down")
        begun, left = time.monotonic(), tunnel()["hold-down"]
        FAR.route("10.9.0.0", 16, 0)
        await_state("up")
        tap.true((time.monotonic() - begun) * 1000 < left, left)
        FAR.nl.do("route-del", BOW0 | {"route": [{"dst": "10.9.0.0", "len": 16}]})
    forgive()


def forgive():
    """the hold-down is forgotten"""
    PEER.hear(OUT)
    FAR.change(0, admin="down")
    FAR.change(0, admin="up")
    await_state("up")


def no_proof(name, answer):
    """answers like that bring nothing"""
    before = FAR.counters()
    PEER.answers(answer)
    with tap.case(f"{name}: down"):
        await_state("down", "no-answer")
    PEER.await_probes(6, OUT)
    after = FAR.counters()
    with tap.case(f"{name}: proves nothing"):
        tap.same(state(), ("down", "no-answer"))
        tap.true(after["rx-answers-bad"] + after["rx-drop-spoofed"] >
                 before["rx-answers-bad"] + before["rx-drop-spoofed"], "not counted")
    PEER.answers(lambda packet: [peers.echo(packet)])
    forgive()


def forged():
    """Answers with something wrong about them."""
    flip = lambda payload: payload[:8] + bytes((payload[8] ^ 1,)) + payload[9:]  # noqa: E731
    no_proof("a wrong cookie", lambda packet: [peers.echo(packet, flip)])
    bump = lambda payload: struct.pack("!I", struct.unpack_from("!I", payload)[0] + 1) + \
        payload[4:]  # noqa: E731
    no_proof("the cookie of another probe", lambda packet: [peers.echo(packet, bump)])
    old = peers.echo(PEER.await_probes(1, OUT))
    PEER.await_probes(2, OUT)
    no_proof("an answer again", lambda packet: [old])
    by_other = lambda packet: FAR.arrive(IN1, peers.echo(packet)) or []  # noqa: E731
    no_proof("by another tunnel", by_other)


def one_way():
    """What the peer sends puts probes off, but is no answer."""
    stop = threading.Event()
    talking = PEER.talk(OUT, udp("10.2.0.1", "10.0.0.1"), stop)
    with tap.case("load from the peer: fewer probes"):
        seconds, begun = 4, time.monotonic()
        tap.wait_for(lambda: time.monotonic() - begun > seconds, "some seconds")
        sent = len(PEER.probes(OUT, begun))
        tap.diag(f"{sent} probes in {seconds} s at {INTERVAL} ms")
        tap.true(1 < sent < seconds * 1000 / INTERVAL * 0.7, sent)
        tap.same(state(), ("up", "none"))
    begun = PEER.deaf(OUT)
    with tap.case("load from the peer, and nothing of ours reaches it: down"):
        await_state("down", "no-answer")
        tap.diag(f"after {(time.monotonic() - begun) * 1000:.0f} ms")
    stop.set()
    talking.join()
    forgive()


def current():
    """SPI of the outbound SA in use, and those under suspicion"""
    sas = [one["sa"] for one in FAR.nl.dump("sa-get", BOW0)]
    sas = [one for one in sas if one["tunnel"] == 0 and one["dir"] == "out"]
    return ([one["spi"] for one in sas if one["current"]],
            [one["spi"] for one in sas if one.get("suspect")])


def suspect_sa():
    """The newest SA leads nowhere, an older one works."""
    before = tunnel()["transitions"]
    PEER.deaf(NEWER)
    FAR.sa_out(NEWER, 0)
    with tap.case("the newest SA is taken"):
        tap.wait_for(lambda: current()[0] == [NEWER], "current")
    with tap.case("it brings no answers: the older one is back"):
        tap.wait_for(lambda: current() == ([OUT], [NEWER]), "suspect")
    with tap.case("and the tunnel was up all the while"):
        PEER.await_probes(4, OUT)
        tap.same((state(), tunnel()["transitions"]), (("up", "none"), before))
    with tap.case("without the older one it is taken all the same, and is dead"):
        FAR.sa_del(OUT, "192.0.2.2")
        await_state("down", "no-answer")
        tap.same(current()[0], [NEWER])
    with tap.case("it works after all"):
        PEER.hear(NEWER)
        await_state("up")
    FAR.sa_out(OUT, 0)
    FAR.sa_del(NEWER, "192.0.2.2")
    forgive()


def tcp():
    """SYN, and what may come back."""
    FAR.change(0, probe="tcp", probe_port=1179)
    PEER.answers(lambda packet: [peers.tcp(packet, RST | ACK)])
    probe = PEER.await_probes(3, OUT)
    with tap.case("tcp: a SYN to the port"):
        tap.same((probe.proto, probe.dport), (pkt.TCP, 1179))
        tap.true(probe.checksum_ok() and 16384 <= probe.sport < 32768, probe.sport)
    tap.eq(state(), ("up", "none"), "tcp: RST is an answer")
    begun = time.monotonic()
    PEER.answers(lambda packet: [peers.tcp(packet, pkt.SYN | ACK)])
    PEER.await_probes(3, OUT)
    with tap.case("tcp: SYN-ACK is an answer, and is reset"):
        tap.wait_for(lambda: [one for one in PEER.seen if one.time >= begun and
                              one.packet.proto == pkt.TCP and one.packet.payload[13] & RST],
                     "RST")
        tap.same(state(), ("up", "none"))
    PEER.answers(lambda packet: [peers.tcp(packet, RST | ACK, ack=12345)])
    with tap.case("tcp: RST of somebody who has not seen the SYN is none"):
        await_state("down", "no-answer")
    PEER.answers(lambda packet: [peers.tcp(packet, RST | ACK)])
    forgive()


def bowtie():
    """Between two Bowties: asked and asking."""
    FAR.change(0, probe="bowtie")
    PEER.answers(lambda packet: [peers.bowtie(packet)])
    probe = PEER.await_probes(3, OUT)
    tap.eq(state(), ("up", "none"), "bowtie: answered")
    FAR.change(0, probe="none")
    before = FAR.counters(0)["rx-probes"]
    begun = time.monotonic()
    data = bytearray(probe.payload)
    data[12], data[20:] = 1, b"what the peer wants!"[:len(data) - 20]
    PEER.send(OUT, peers.back(probe, bytes(data), 6))
    with tap.case("bowtie: asked, it sends the same back, also if it does not ask itself"):
        tap.wait_for(lambda: PEER.probes(OUT, begun), "a reply")
        reply = PEER.probes(OUT, begun)[-1].packet
        tap.same(reply.payload[12], 2)
        tap.same(reply.payload[13:], bytes(data[13:]))
        tap.true(reply.checksum_ok(), "checksum")
        tap.same(FAR.counters(0)["rx-probes"] - before, 1)
    PEER.answers(lambda packet: [peers.echo(packet)])


def ipv6():
    """ICMPv6 to a peer that has nothing else."""
    FAR.change(2, probe="icmp", probe_interval=INTERVAL)
    probe = PEER.await_probes(4, OUT2)
    tap.eq((probe.src, probe.dst, probe.checksum_ok()), ("fd00::2", "fd00::1", True),
           "IPv6: an echo request")
    tap.eq(state(2), ("up", "none"), "IPv6: answered")
    PEER.deaf(OUT2)
    with tap.case("IPv6: silence"):
        await_state("down", "no-answer", 2)


def device():
    """Down, the device refuses the answers: that is not the peer's fault."""
    FAR.change(0, probe="icmp")
    FAR.batch("link set bow0 down")
    begun = time.monotonic()
    tap.wait_for(lambda: time.monotonic() - begun > 10 * INTERVAL / 1000, "ten intervals")
    FAR.batch("link set bow0 up")
    tap.eq(state(), ("up", "none"), "device down and up: the tunnel stays up")


def gone():
    """Probing ends with what it needs."""
    FAR.batch("xfrm state flush")
    await_state("down", "no-sa")
    before = FAR.counters(0)["tx-probes"]
    begun = time.monotonic()
    tap.wait_for(lambda: time.monotonic() - begun > 5 * INTERVAL / 1000, "five intervals")
    tap.eq(FAR.counters(0)["tx-probes"], before, "without an SA nothing is sent")
    FAR.sa_out(OUT + 16, 0)
    FAR.sa_in(IN + 16, 0)
    PEER.way[OUT + 16] = IN + 16
    PEER.hear(OUT + 16)
    with tap.case("with new SAs it begins again"):
        await_state("up")
    with tap.case("deleted while it is probed"):
        FAR.nl.do("tunnel-del", BOW0 | {"tunnel": {"id": 0}})
        FAR.batch("link del bow0")


tap.main(prepare, settings, icmp, silence, forged, one_way, suspect_sa, tcp, bowtie, ipv6,
         device, gone)
