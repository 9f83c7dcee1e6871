# SPDX-License-Identifier: GPL-2.0-only
"""Loads and unloads the module under test."""

import os
import subprocess

# What a test's peer needs besides the module's own dependencies. Loaded before
# the first test, so that no test's deadline pays for crypto self-tests (9 s
# under emulation for the first AES-GCM state). What udev would have loaded comes
# first: a gateway's AES is not the generic one.
PEER_MODULES = ('aesni_intel', 'xfrm_user', 'esp4', 'esp6', 'xfrm_interface', 'veth', 'dummy')


class ModuleError(Exception):
    """The module cannot be loaded or unloaded."""


def _run(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode:
        raise ModuleError(f'{" ".join(argv)}: {done.stdout.strip()}')
    return done.stdout


def _builtin(name):
    """modprobe cannot tell on a kernel without a modules directory."""
    return os.path.isdir(f'/sys/module/{name}')


class Module:
    """One .ko file."""

    def __init__(self, path):
        self.path = path
        if not os.path.isfile(path):
            raise ModuleError(f'{path} is missing: not built?')
        self.name = _run('modinfo', '-F', 'name', path).strip()
        depends = _run('modinfo', '-F', 'depends', path).strip()
        self.depends = [name for name in depends.split(',') if name]

    def loaded(self):
        return os.path.isdir(f'/sys/module/{self.name}')

    def load(self):
        if self.loaded():
            return
        for name in self.depends:
            if not _builtin(name):
                _run('modprobe', name)
        _run('insmod', self.path)

    def unload(self):
        if self.loaded():
            _run('rmmod', self.name)


def prepare_peers():
    """Loads what the peers need, and has AES-GCM tested, as far as it exists."""
    for name in PEER_MODULES:
        if not _builtin(name):
            subprocess.run(['modprobe', '-q', name], check=False)
    state = ['src', '127.0.0.1', 'dst', '127.0.0.1', 'proto', 'esp', 'spi', '0xb0071e']
    subprocess.run(['ip', 'xfrm', 'state', 'add', *state, 'mode', 'tunnel', 'aead',
                    'rfc4106(gcm(aes))', '0x' + '01' * 20, '128'],
                   stderr=subprocess.DEVNULL, check=False)
    subprocess.run(['ip', 'xfrm', 'state', 'delete', 'src', '127.0.0.1', 'dst', '127.0.0.1',
                    'proto', 'esp', 'spi', '0xb0071e'], stderr=subprocess.DEVNULL, check=False)
