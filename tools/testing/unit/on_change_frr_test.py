#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What examples/on-change-frr has vtysh do; a stub takes vtysh's place."""

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

PROGRAM = os.path.join(TOP, 'userspace/examples/on-change-frr')
STUB = '#!/bin/sh\nfor a; do echo "$a"; done\nexit ${STATUS:-0}\n'

WANT = '''configure terminal
route-map bowtie-a-out permit 10
set metric 100
exit
route-map bowtie-a-in deny 10
exit
route-map bowtie-b.1-out permit 10
set metric 80
exit
route-map bowtie-b.1-in permit 10
exit
end
clear bgp ipv4 unicast 169.254.21.1 soft out
clear bgp ipv4 unicast 169.254.21.5 soft out
clear bgp ipv6 unicast fd00::1 soft out
clear bgp ipv4 unicast 169.254.21.1 soft in
clear bgp ipv4 unicast 169.254.21.5 soft in
clear bgp ipv6 unicast fd00::1 soft in
'''


def run(stub, *args, status='0'):
    env = {'PATH': '/usr/bin:/bin', 'LC_ALL': 'C', 'VTYSH': stub, 'STATUS': status}
    return subprocess.run([PROGRAM, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, env=env, timeout=60)


def commands():
    with tempfile.TemporaryDirectory() as directory:
        stub = os.path.join(directory, 'vtysh')
        with open(stub, 'w', encoding='utf-8') as file:
            file.write(STUB)
        os.chmod(stub, 0o755)
        done = run(stub, 'bow0', 'a down 0 reject 169.254.21.1 -',
                   'b.1 up 2 accept 169.254.21.5 fd00::1')
        lines = done.stdout.splitlines()
        tap.eq(done.returncode, 0, 'it ends well')
        tap.eq(set(lines[::2]), {'-c'}, 'each command is an argument of -c')
        tap.eq(lines[1::2], WANT.splitlines(), 'the return path first, a dead tunnel is denied')
        done = run(stub, 'bow0', 'a up 0 accept - -', status='3')
        tap.eq(done.returncode, 3, 'it ends as vtysh does')
        tap.ok('clear' not in done.stdout, 'without a peer there is nobody to tell', done.stdout)


tap.main(commands)
