# SPDX-License-Identifier: GPL-2.0-only
"""The gateway under test, once for each system, and the cloud that sends to it.

    lan0 | lan1 -> routing -> { out0 | bow0 | ipsec* } -> ESP -> wan0	transmit
    wan1 -> { ESP -> bow0 | ipsec* } -> routing -> out0			receive

Each system has a network namespace of its own with the same addresses, SAs and number of
routes, so that the same ESP packets do for all. lan0, wan0 and out0 are dummies; lan1 and
wan1 are tun devices for espgun, lan0 is where pktgen puts packets in.
"""
import os
import subprocess

GATEWAY = '192.0.2.1'
LAN = '10.9.0.0'
FAR = '20.0.0.0'
MAC = '02:00:00:00:00:99'       # of neighbours
LAN_MAC = '02:00:00:00:01:00'   # of the gateway
FAR_NS = 'far'

# name: (words for "ip xfrm state add", bytes of key)
ALGORITHMS = {
    'aes128-gcm': ('aead rfc4106(gcm(aes)) {key} 128', (20,)),
    'aes256-gcm': ('aead rfc4106(gcm(aes)) {key} 128', (36,)),
    'aes256-cbc-sha256': ('auth-trunc hmac(sha256) {key} 128 enc cbc(aes) {key2}', (32, 32)),
    'chacha20-poly1305': ('aead rfc7539esp(chacha20,poly1305) {key} 128', (36,)),
    'null': ('auth digest_null "" enc ecb(cipher_null) ""', ()),
}
MODULES = ('pktgen', 'tun', 'dummy', 'xfrm_interface', 'esp4', 'esp6', 'xfrm_user')
# On a real machine udev loads these
CRYPTO_MODULES = ('aesni_intel', 'ghash_clmulni_intel', 'chacha_x86_64', 'poly1305_x86_64',
                  'sha256_ssse3')


class LabError(Exception):
    """What could not be set up or measured."""


def call(*argv, text=None):
    """Runs it; returns what it prints"""
    done = subprocess.run(argv, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode:
        raise LabError(f'{" ".join(argv)}: {done.stderr.strip() or done.returncode}')
    return done.stdout


def batch(ns, lines):
    call('ip', '-n', ns, '-batch', '-', text='\n'.join(lines) + '\n')


def in_ns(ns, *argv, text=None):
    return call('ip', 'netns', 'exec', ns, *argv, text=text)


def create_ns(ns, *settings):
    """A router that says nothing of its own accord: packets are counted"""
    subprocess.run(('ip', 'netns', 'delete', ns), stderr=subprocess.DEVNULL, check=False)
    call('ip', 'netns', 'add', ns)
    in_ns(ns, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0',
          'net.ipv4.conf.default.rp_filter=0', 'net.ipv6.conf.all.disable_ipv6=1',
          'net.ipv6.conf.default.disable_ipv6=1', *settings)


def add(network, offset):
    """the address so far behind an IPv4 address"""
    n = offset
    for part, shift in zip(network.split('.'), (24, 16, 8, 0)):
        n += int(part) << shift
    return '.'.join(str(n >> shift & 255) for shift in (24, 16, 8, 0))


def remote(tunnel):
    return add('192.0.2.0', 100 + tunnel)


def dummy(dev):
    return [f'link add {dev} address {LAN_MAC} type dummy', f'link set {dev} up']


def inside(tunnel):
    """The far end's address in a tunnel, as next hop, as BGP gives it. Routes to a bare device
    would have a neighbour entry for every destination."""
    return add('169.254.10.0', 4 * tunnel + 1)


def sa_line(algorithm, src, dst, spi, if_id, *words):
    text, sizes = ALGORITHMS[algorithm]
    keys = ['0x' + (f'{spi:08x}' * 16)[:2 * size] for size in sizes]
    names = dict(zip(('key', 'key2'), keys))
    return (f'xfrm state add src {src} dst {dst} proto esp spi {spi:#x} reqid {if_id} '
            f'mode tunnel {text.format(**names)} flag af-unspec {" ".join(words)}')


def sa_lines(algorithm, tunnel):
    """both of a tunnel, as the gateway has them"""
    if_id = tunnel + 1
    words = (f'if_id {if_id}', 'replay-window 1024')
    yield sa_line(algorithm, GATEWAY, remote(tunnel), 0x1000 + tunnel, if_id, *words)
    yield sa_line(algorithm, remote(tunnel), GATEWAY, 0x2000 + tunnel, if_id, *words)


def policy_lines(tunnel):
    if_id = tunnel + 1
    for way, src, dst in (('out', GATEWAY, remote(tunnel)), ('fwd', remote(tunnel), GATEWAY)):
        yield (f'xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir {way} if_id {if_id} '
               f'tmpl src {src} dst {dst} proto esp reqid {if_id} mode tunnel')


class System:
    """A gateway without tunnels: plain forwarding."""
    name = 'plain'
    title = 'plain'
    way_out = 'out0'            # where packets for FAR leave
    target = 'via 10.8.0.2'     # for routes to it

    def __init__(self, setting):
        self.setting = setting
        self.ns = self.name

    def create(self):
        # By ports too: else all flows of two hosts share a tunnel
        create_ns(self.ns, 'net.ipv4.fib_multipath_hash_policy=1')
        lines = []
        for dev in ('lan0', 'wan0'):
            lines += dummy(dev)
        for dev in ('lan1', 'wan1'):
            lines += [f'tuntap add dev {dev} mode tun vnet_hdr', f'link set {dev} up']
        lines += [f'neighbour add {remote(t)} lladdr {MAC} dev wan0 nud permanent'
                  for t in range(self.setting.tunnels)]
        batch(self.ns, lines)
        self.fill()

    def fill(self):
        """What is the same with a real port as wan0"""
        batch(self.ns, ['link set lo up', f'address add {GATEWAY}/24 dev wan0',
                        *dummy('out0'),
                        'address add 10.8.0.1/24 dev out0',
                        f'neighbour add 10.8.0.2 lladdr {MAC} dev out0 nud permanent',
                        f'route add {LAN}/16 via 10.8.0.2'])
        self.create_tunnels(range(self.setting.tunnels))
        batch(self.ns, [f'route add {prefix} {self.target}'
                        for prefix in self.setting.prefixes()])

    def create_tunnels(self, tunnels):
        pass

    def delete(self):
        call('ip', 'netns', 'delete', self.ns)


class Bowtie(System):
    name = 'xfrm'
    title = 'bowtie xfrm'
    way_out = 'wan0'
    target = f'via {inside(0)} dev bow0 onlink'
    mode = 'xfrm'

    @classmethod
    def supported(cls):
        """Does the module know this ESP mode? A throw-away link tells."""
        call('ip', 'netns', 'add', 'probe')
        try:
            in_ns('probe', 'ip', 'link', 'add', 'bow0', 'type', 'bowtie')
            in_ns('probe', 'bowtie', 'tunnel', 'add', 'bow0', 't0', 'if-id', '1', 'local', GATEWAY,
                  'remote', remote(0), 'esp-mode', cls.mode)
        except LabError as error:
            if 'esp-mode' in str(error):
                return False
            raise
        finally:
            call('ip', 'netns', 'delete', 'probe')
        return True

    def create_tunnels(self, tunnels):
        batch(self.ns, ['link add bow0 type bowtie', 'link set bow0 up'])
        lines = [f'tunnel add bow0 t{t} if-id {t + 1} local {GATEWAY} remote {remote(t)} '
                 f'esp-mode {self.mode}' for t in tunnels]
        in_ns(self.ns, 'bowtie', '-batch', '-', text='\n'.join(lines) + '\n')
        in_ns(self.ns, 'addroutes', 'bow0', FAR, str(self.setting.routes), str(len(tunnels)))
        batch(self.ns, [line for t in tunnels for line in sa_lines(self.setting.algorithm, t)])


class BowtieFast(Bowtie):
    name = 'fast'
    title = 'bowtie fast'
    mode = 'fast'


class Peer(System):
    """An xfrm interface for each tunnel and a next-hop group over them."""
    name = 'peer'
    title = 'xfrm ifaces'
    way_out = 'wan0'
    target = 'nhid 1000'

    def interfaces(self, tunnels):
        for t in tunnels:
            yield f'link add ipsec{t} type xfrm dev wan0 if_id {t + 1}'
            yield f'link set ipsec{t} up'
            yield f'nexthop add id {t + 1} via {inside(t)} dev ipsec{t} onlink'

    def create_tunnels(self, tunnels):
        lines = list(self.interfaces(tunnels))
        for t in tunnels:
            lines += policy_lines(t)
            lines += sa_lines(self.setting.algorithm, t)
        lines.append('nexthop add id 1000 group ' + '/'.join(str(t + 1) for t in tunnels))
        batch(self.ns, lines)


class PeerExternal(Peer):
    """One xfrm interface for all; next hops tell it which tunnel."""
    name = 'external'
    title = 'xfrm external'

    def interfaces(self, tunnels):
        yield 'link add ipsec0 type xfrm external'
        yield 'link set ipsec0 up'
        for t in tunnels:
            yield (f'nexthop add id {t + 1} via {inside(t)} dev ipsec0 onlink '
                   f'encap xfrm if_id {t + 1}')


SYSTEMS = {system.name: system for system in (System, Bowtie, BowtieFast, Peer, PeerExternal)}


def create_far(setting):
    """The cloud: what comes in at in0 goes out at out0 as ESP; the destination decides
    which tunnel (espgun's --tunnels)."""
    create_ns(FAR_NS)
    lines = []
    for dev in ('in0', 'out0'):
        lines += [f'tuntap add dev {dev} mode tun vnet_hdr', f'link set {dev} up']
    # No carrier yet: nobody holds the device open
    lines += [f'route add {GATEWAY} dev out0', f'route add {LAN}/16 dev out0']
    for t in range(setting.tunnels):
        lines += [f'address add {remote(t)}/32 dev out0',
                  f'xfrm policy add src 0.0.0.0/0 dst {add(LAN, t * 256)}/24 dir out '
                  f'tmpl src {remote(t)} dst {GATEWAY} proto esp reqid {t + 1} mode tunnel',
                  sa_line(setting.algorithm, remote(t), GATEWAY, 0x2000 + t, t + 1)]
    batch(FAR_NS, lines)


def load_modules():
    for name in CRYPTO_MODULES:
        subprocess.run(('modprobe', '-q', name), check=False)
    # The last two are what bowtie.ko needs
    call('modprobe', '-a', *MODULES, 'ip_tunnel', 'xfrm4_tunnel')


def load_bowtie(module):
    if os.path.isdir('/sys/module/bowtie'):
        raise LabError('bowtie is loaded already')
    call('insmod', module)


def unload_bowtie():
    call('rmmod', 'bowtie')
