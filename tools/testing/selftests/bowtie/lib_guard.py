# SPDX-License-Identifier: GPL-2.0-only
"""A guard on an underlay, for all of a test, as lib_guard.sh has it for those in shell: it
keeps what may not leave, and nothing else. tap.main() has it judged, as one subtest."""
import os
import signal
import socket
import struct
import subprocess
import tempfile

import lib_tap as tap

MOST = 64  # are proof enough
ECHO = "icmp[0] = 8 and icmp[8:4] = 0x67756172"
HERE = os.path.dirname(os.path.abspath(__file__))
_findings = []
_guards = []


def allowed():
    """what an underlay may carry, in the language of tcpdump"""
    return " ".join(tap.run("bash", "-c", '. "$0"; underlay_filter',
                            os.path.join(HERE, "lib_capture.sh")).split())


def echo():
    """an IP packet that is not allowed"""
    icmp = struct.pack("!BBHHH4s", 8, 0, 0, 0, 0, b"guar")
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 0, 0, 1, 1, 0,
                       bytes(4), bytes(4)) + icmp


class Guard:
    """From now on, until the end or until the namespace is deleted, no plaintext leaves
    ns by dev."""

    def __init__(self, ns, dev):
        self.dev = dev
        self.file = tempfile.mkdtemp(dir=os.environ.get("TEST_TMP")) + "/guard.pcap"
        with ns:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        mac = tap.run("ip", "netns", "exec", ns.name, "cat", f"/sys/class/net/{dev}/address")
        with open(self.file + ".err", "w", encoding="utf-8") as err:
            # pylint: disable=consider-using-with
            self.tcpdump = subprocess.Popen(
                ["ip", "netns", "exec", ns.name, "tcpdump", "-n", "-i", dev, "-s", "160",
                 "-c", str(MOST), "-B", "1024", "-U", "-Z", "root", "--immediate-mode",
                 "-w", self.file, f"not (ether dst {mac.strip()} or {allowed()})"], stderr=err)
        _guards.append(self)
        ns.at_delete.append(self.end)
        tap.wait_for(lambda: "listening on" in self.said(), "the guard listens")
        self.prove(1)

    def said(self):
        """tcpdump's own words"""
        with open(self.file + ".err", encoding="utf-8") as err:
            return err.read()

    def seen(self, what):
        """lines, one for each packet"""
        return tap.run("bash", "-c", 'exec tcpdump -n -tttt -r "$0" "$1" 2>/dev/null', self.file,
                       what).splitlines()

    def prove(self, count):
        """a guard that does not see an echo is none"""
        self.sock.sendto(echo(), (self.dev, 0x0800, 0, 0, b"\2guard"))
        tap.wait_for(lambda: len(self.seen(ECHO)) >= count, "the guard sees its echo")

    def end(self):
        """what it has found is kept"""
        if self not in _guards:
            return
        _guards.remove(self)
        try:
            self.prove(2)
        except OSError as error:  # among them that there is no such device any more
            if self.tcpdump.poll() is not None or isinstance(error, TimeoutError):
                _findings.append(f"{self.file}: {error}")
        self.tcpdump.send_signal(signal.SIGTERM)
        self.tcpdump.wait()
        self.sock.close()
        if "\n0 packets dropped by kernel" not in self.said():
            _findings.append(f"{self.file} is not complete: {self.said()}")
        _findings.extend(self.seen(f"not ({ECHO})"))


def verdict():
    """one subtest"""
    for guard in list(_guards):
        guard.end()
    tap.ok(not _findings, "no plaintext has left by the underlay", "\n".join(_findings[:20]))


tap.LAST.append(verdict)
