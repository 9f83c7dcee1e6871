# SPDX-License-Identifier: GPL-2.0-only
"""Puts packets into a gateway and counts what comes out."""
import dataclasses
import os
import re

import lab

# A flow's packets come in bursts of so many in a stream, as a sender's TSO makes them
BURST = 16
NAPI_BUDGET = 64


class Gun:
    """@work: directory for packets"""

    def __init__(self, espgun, work):
        self.espgun = espgun
        self.work = work

    def path(self, name):
        return os.path.join(self.work, name)

    def make(self, name, count, *words):
        lab.call(self.espgun, 'make', '--count', str(count), *words, self.path(name))

    def make_out(self, name, setting, count, *words):
        """Packets from the LAN"""
        self.make(name, count, '--src', lab.add(lab.LAN, 1), '--dst', lab.FAR,
                  '--spread-dst', str(setting.routes * 256), *words)

    def make_in(self, name, setting, count, *words):
        """Packets for the LAN, plain: NAME, and in ESP: NAME.esp"""
        self.make(name, count, '--src', lab.FAR, '--dst', lab.add(lab.LAN, 1),
                  '--tunnels', str(setting.tunnels), '--spread-src', str(setting.routes * 256),
                  # Packets of a poll to the same host would share a route lookup
                  '--spread-dst', '200', *words)

    def encrypt(self, name):
        lab.in_ns(lab.FAR_NS, self.espgun, 'pass', 'in0', 'out0', self.path(name),
                  self.path(name + '.esp'))

    def fire(self, ns, count, *words):
        """nanoseconds a packet"""
        ns_total = lab.in_ns(ns, self.espgun, 'run', '--count', str(count), *words)
        return int(ns_total) / count


@dataclasses.dataclass
class Traffic:
    """sent by a device"""
    packets: int
    bytes: int


def traffic(ns, dev):
    for line in lab.in_ns(ns, 'cat', '/proc/net/dev').splitlines():
        name, _, rest = line.strip().partition(':')
        if name == dev:
            return Traffic(int(rest.split()[9]), int(rest.split()[8]))
    raise lab.LabError(f'{ns}: no device {dev}')


def ends_out(setting):
    """Sources and destinations of packets from the LAN, for pktgen_device()"""
    return (('10.1.0.2', '10.1.0.2'),
            (lab.FAR, lab.add(lab.FAR, setting.routes * 256 - 1)))


def pktgen_device(device, cpu, count, bytes_, ends):
    """Lines for a shell in the namespace, in /proc/net/pktgen. @ends: sources and
    destinations, each first and last"""
    (src_min, src_max), (dst_min, dst_max) = ends
    words = [f'count {count}', 'clone_skb 0', f'pkt_size {bytes_ + 14}',
             'xmit_mode netif_receive', 'delay 0', f'src_min {src_min}', f'src_max {src_max}',
             f'dst_min {dst_min}', f'dst_max {dst_max}', 'flag IPSRC_RND', 'flag IPDST_RND', 'udp_src_min 1024', 'udp_src_max 5119', 'udp_dst_min 9',
             'udp_dst_max 9', f'dst_mac {lab.LAN_MAC}']
    return ([f'echo add_device {device} >kpktgend_{cpu}'] +
            [f'echo {line} >{device}' for line in words])


def pktgen(gun, ns, setting, bytes_, count, warmup=False):
    """nanoseconds a packet"""
    start = 'echo start >pgctrl' if warmup else f'{gun.espgun} pktgen'
    lines = (['set -e', 'cd /proc/net/pktgen', 'echo rem_device_all >kpktgend_0']
             + pktgen_device('lan0', 0, count, bytes_, ends_out(setting)) + [start, 'cat lan0'])
    out = lab.in_ns(ns, 'sh', '-s', text='\n'.join(lines))
    found = re.search(r'^Result: OK: (\d+)\(.*\n.*', out, re.M)
    errors = re.search(r'errors: (\d+)', found.group(0)) if found else None
    if not errors or int(errors.group(1)):
        raise lab.LabError(f'pktgen: {out[out.find("Current"):]}')
    return int(found.group(1)) * 1000 / count
