#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""make install puts everything where it belongs, and make uninstall takes it away
but for what is the operator's."""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.environ.get('BOWTIE_TOP') or os.path.realpath(os.path.join(HERE, '../../..'))
sys.path.insert(0, os.path.join(HERE, '../selftests/bowtie'))
# pylint: disable=wrong-import-position
import lib_tap as tap

EXPECTED = {
    'usr/bin/bowtie': 0o755,
    'usr/sbin/bowtied': 0o755,
    'usr/lib/systemd/system/bowtied.service': 0o644,
    'usr/share/man/man8/bowtie.8': 0o644,
    'usr/share/man/man8/bowtied.8': 0o644,
    'usr/share/man/man5/bowtie.yaml.5': 0o644,
    'usr/share/bash-completion/completions/bowtie': 0o644,
    'usr/share/doc/bowtie/examples/bowtie.yaml': 0o644,
    'usr/share/doc/bowtie/examples/bird.conf': 0o644,
    'usr/share/doc/bowtie/examples/bird-restart.conf': 0o644,
    'usr/share/doc/bowtie/examples/on-change-frr': 0o755,
    'etc/strongswan.d/bowtie.conf': 0o644,
}


def make(target, root):
    return subprocess.run(
        ['make', '-C', TOP, target, f'DESTDIR={root}', 'PREFIX=/usr', 'WERROR=1'],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith('MAKE')})


def files(root):
    """paths below root, without the tables that depmod writes"""
    found = []
    for where, _, names in os.walk(root):
        found += [os.path.relpath(os.path.join(where, name), root) for name in names]
    return sorted(name for name in found if not os.path.basename(name).startswith('modules.'))


def installed(root):
    done = make('install', root)
    tap.ok(done.returncode == 0, 'make install', done.stdout)
    found = files(root)
    modules = [name for name in found if name.endswith('/extra/bowtie.ko')]
    tap.ok(len(modules) == 1, 'the module', found)
    tap.eq(sorted(set(found) - set(modules)), sorted(EXPECTED),
           'and nothing else is missing or new')
    for name, mode in EXPECTED.items():
        path = os.path.join(root, name)
        if os.path.exists(path):
            tap.eq(oct(os.stat(path).st_mode & 0o777), oct(mode), f'{name} has its mode')
    tap.eq(oct(os.stat(os.path.join(root, 'etc/bowtie')).st_mode & 0o777), oct(0o750),
           'only root may look into the configuration')
    with open(os.path.join(root, 'usr/lib/systemd/system/bowtied.service'),
              encoding='utf-8') as unit:
        text = unit.read()
    tap.ok('ExecStart=/usr/sbin/bowtied' in text and 'DIR@' not in text,
           'the unit has real paths', text)


def uninstalled(root):
    mine = os.path.join(root, 'etc/bowtie/bowtie.yaml')
    with open(mine, 'w', encoding='utf-8'):
        pass
    done = make('uninstall', root)
    tap.ok(done.returncode == 0, 'make uninstall', done.stdout)
    tap.eq(files(root), ['etc/bowtie/bowtie.yaml'], "only the operator's file is left")
    done = make('uninstall', root)
    tap.ok(done.returncode == 0, 'once more does no harm', done.stdout)


def main():
    with tempfile.TemporaryDirectory() as root:
        tap.main(lambda: installed(root), lambda: uninstalled(root))


main()
