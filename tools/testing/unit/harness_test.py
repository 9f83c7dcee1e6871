#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The harness itself: whatever goes wrong with a test must end as a failure.

Prints TAP, as every unit test does.
"""

import os
import stat
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
# pylint: disable=wrong-import-position
from harness import guests, kmsg, proc, suite, tap
import run

# name: (script, deadline, expected (passed, failed, skipped))
PROGRAMS = {
    'passes': ('echo ok 1 - a; echo ok 2 - b; echo 1..2', 20, (2, 0, 0)),
    'plans first': ('echo 1..1; echo ok 1 - a', 20, (1, 0, 0)),
    'fails one subtest': ('echo ok 1 - a; echo not ok 2 - b; echo 1..2; exit 1', 20, (1, 1, 0)),
    'fails one subtest, but exits 0': ('echo not ok 1 - a; echo 1..1', 20, (0, 1, 0)),
    'exits 1 though all passed': ('echo ok 1 - a; echo 1..1; exit 1', 20, (1, 1, 0)),
    'prints nothing': (':', 20, (0, 1, 0)),
    'prints no plan': ('echo ok 1 - a', 20, (1, 1, 0)),
    'plans more than it runs': ('echo 1..3; echo ok 1 - a', 20, (1, 2, 0)),
    'plans less than it runs': ('echo 1..1; echo ok 1 - a; echo ok 2 - b', 20, (2, 1, 0)),
    'plans nothing': ('echo 1..0', 20, (0, 1, 0)),
    'is killed': ('echo ok 1 - a; echo 1..1; kill -KILL $$', 20, (1, 1, 0)),
    'hangs': ('echo ok 1 - a; echo 1..1; sleep 1000', 1, (1, 1, 0)),
    'hangs and ignores SIGTERM in a child':
        ('echo ok 1 - a; echo 1..1; trap : TERM; sleep 1000; exit 0', 1, (1, 1, 0)),
    'bails out': ('echo Bail out! no space; exit 1', 20, (0, 2, 0)),
    'skips all': ('echo "1..0 # SKIP no such module"; exit 4', 20, (0, 0, 1)),
    'skips all, exits 0': ('echo "1..0 # SKIP no such module"', 20, (0, 0, 1)),
    'skips one': ('echo "ok 1 - a # SKIP why"; echo ok 2 - b; echo 1..2', 20, (1, 0, 1)),
    'skips by its status': ('exit 4', 20, (0, 0, 1)),
    'skips by its status after a failure':
        ('echo not ok 1 - a; echo 1..1; exit 4', 20, (0, 1, 0)),
    'skips a failure': ('echo "not ok 1 - a # SKIP why"; echo 1..1', 20, (0, 1, 0)),
    'skips one as cmocka does': ('echo "not ok 1 # SKIP a"; echo 1..1; exit 1', 20, (0, 1, 1)),
    'does not know a command': ('nosuchcommand; echo ok 1 - a; echo 1..1', 20, (1, 1, 0)),
    'has a syntax error': ('((4 -ge 4)); echo ok 1 - a; echo 1..1', 20, (1, 1, 0)),
    'kills a job of its own':
        ('sleep 1000 & kill -KILL $!; wait $!; echo ok 1 - a; echo 1..1', 20, (1, 0, 0)),
    'leaves a daemon that holds its output':
        ('setsid sleep 1000 & echo ok 1 - a; echo 1..1', 20, (1, 0, 0)),
    'ends without a newline': ('echo ok 1 - a; printf 1..1', 20, (1, 0, 0)),
    'prints two plans, as cmocka does': ('echo 1..1; echo ok 1 - a; echo 1..1; echo ok 1 - b', 20, (2, 0, 0)),
    'indents and comments':
        ('echo "    not ok 1 - x"; echo "# not ok"; echo ok 1 - a; echo 1..1', 20, (1, 0, 0)),
}

SPLATS = (
    'WARNING: CPU: 0 PID: 1 at kmod/tx.c:5 bowtie_xmit+0x1/0x2',
    'BUG: kernel NULL pointer dereference, address: 0000000000000008',
    'BUG: KASAN: slab-use-after-free in foo+0x1/0x2',
    'Oops: 0000 [#1] PREEMPT SMP',
    'refcount_t: underflow; use-after-free.',
    'unregister_netdevice: waiting for bow0 to become free. Usage count = 2',
    'WARNING: possible circular locking dependency detected',
    'INFO: task rmmod:12 blocked for more than 120 seconds.',
    'kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)',
    'watchdog: BUG: soft lockup - CPU#0 stuck for 22s!',
)
QUIET = (
    'bowtie: loading out-of-tree module taints kernel.',
    'bowtie: module verification failed: signature and/or required key missing',
    'Initializing XFRM netlink socket',
    'process "warning" does nothing',
)


class Tap:
    """Prints TAP."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, name, good, why=''):
        self.count += 1
        self.failed += not good
        print(f'{"" if good else "not "}ok {self.count} - {name}')
        if not good:
            print(f'# {why}')

    def done(self):
        print(f'1..{self.count}')
        return 1 if self.failed else 0


def judge(directory, script, deadline):
    """(counts, seconds, failures) of a program as the runner sees it."""
    path = os.path.join(directory, 'program')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('#!/bin/bash\n' + script + '\n')
    os.chmod(path, stat.S_IRWXU)
    parser = tap.Parser()
    started = time.monotonic()
    status, timed_out = proc.run([path], deadline, parser.feed)
    result = parser.finish(status, deadline if timed_out else None)
    return ((result.passed, result.failed, result.skipped), time.monotonic() - started,
            result.failures)


def test_programs(tap_out, directory):
    for name, (script, deadline, expected) in PROGRAMS.items():
        counts, seconds, failures = judge(directory, script, deadline)
        # The deadline is not the runner's to wait for when the program has ended
        tap_out.check(f'a program that {name}', counts == expected and seconds < 20,
                      f'{counts}, expected {expected}, {seconds:.1f} s: {failures}')


def test_leftovers(tap_out, directory):
    mark = os.path.join(directory, 'daemon')
    judge(directory, f'setsid bash -c "echo \\$\\$ >{mark}.new; mv {mark}.new {mark}; '
          f'exec sleep 1000" & while [ ! -e {mark} ]; do sleep 0.05; done; '
          'echo ok 1; echo 1..1', 20)
    with open(mark, encoding='ascii') as file:
        pid = int(file.read())
    tap_out.check('a daemon left behind is gone', not os.path.exists(f'/proc/{pid}'),
                  f'process {pid} is still there')


def test_kernel_log(tap_out):
    for line in SPLATS:
        tap_out.check(f'a complaint: {line[:40]}', kmsg.splat(['x', line, 'y']) == [line, 'y'])
    for line in QUIET:
        tap_out.check(f'no complaint: {line[:40]}', not kmsg.splat([line]))


def test_queue(tap_out, directory):
    queue = guests.Queue(os.path.join(directory, 'queue'), ['b-long.sh', 'a.sh', 'c.sh'])
    first = run.claim_next(queue.path)
    tap_out.check('the queue keeps its order', first == 'b-long.sh', first)
    tap_out.check('what is claimed is not left', queue.left() == ['a.sh', 'c.sh'], queue.left())
    rest = [run.claim_next(queue.path) for _ in range(3)]
    tap_out.check('each test is claimed once', rest == ['a.sh', 'c.sh', None], rest)


def test_selection(tap_out):
    names = ['basic.sh', 'mtu.sh', 'mtu_v6.sh', 'policy.py']
    for patterns, expected in ((['basic'], ['basic.sh']), (['mtu*'], ['mtu.sh', 'mtu_v6.sh']),
                               (['policy.py', 'basic'], ['policy.py', 'basic.sh'])):
        got = suite.select(names, patterns)
        tap_out.check(f'selecting {patterns}', got == expected, got)
    try:
        suite.select(names, ['basci'])
        tap_out.check('a misspelt name is refused', False)
    except suite.SuiteError as error:
        tap_out.check('a misspelt name is refused', 'basci' in str(error), error)
    order = suite.longest_first(['a', 'b', 'c'], {'a': 1, 'b': 9})
    tap_out.check('the longest first, the unknown before', order == ['c', 'b', 'a'], order)


def main():
    tap_out = Tap()
    proc.become_subreaper()
    with tempfile.TemporaryDirectory() as directory:
        test_programs(tap_out, directory)
        test_leftovers(tap_out, directory)
        test_queue(tap_out, directory)
    test_kernel_log(tap_out)
    test_selection(tap_out)
    return tap_out.done()


if __name__ == '__main__':
    sys.exit(main())
