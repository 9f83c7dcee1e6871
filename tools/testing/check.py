#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What "make check" runs once everything is built.

Runs the hosted unit tests, then the selftests in guests (two at a time; each
takes the next test from a common queue, longest first), and prints each test's
output in one piece when it ends. A selftest that fails beside others runs once more,
alone, as they may have starved it of the time that it measures. If it passes then, that
is said; a complaint of the kernel is never taken back. Ends with exactly one line
"N passed, N failed, N skipped", counted over all subtests; the exit status is 1
if anything failed or nothing passed.
"""

import argparse
import fcntl
import glob
import os
import shutil
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import unit
from harness import guests, proc, suite, tap

WORK = os.path.join(suite.TOP, 'build/check')
DEADLINE = 4500  # seconds; CI ends everything after 90 minutes, building included


class Summary:
    """Prints results as they come and counts them."""

    def __init__(self, expected):
        self.expected = expected
        self.done = 0
        self.total = tap.Result()
        self.bad = []
        self.skips = []
        self.durations = {}
        self.again = None  # {name: failures} of selftests to be run again; None: not any more
        self.second = []
        self.started = time.monotonic()

    def begin(self, name, where):
        print(f'# {name}: started in {where}', flush=True)

    def end(self, name, result, seconds, text, where):
        """Everything about one test, in one piece."""
        self.done += 1
        if result.failed and self.again is not None and not any(
                'kernel complained' in failure for failure in result.failures):
            self.again[name] = result.failures
            self.expected += 1
        else:
            self.total.add(result)
            self.bad += [f'{name}: {failure}' for failure in result.failures]
        self.skips += [f'{name}: {skip}' for skip in result.skips]
        if not result.failed:
            self.durations[name] = seconds
        mark = 'FAILED' if result.failed else 'ok'
        print(f'\n# ---- {name} ({where})')
        print(text.rstrip('\n'))
        print(f'# ---- {name}: {mark}: {result.counts()}, {seconds:.1f} s '
              f'[{self.done}/{self.expected}, {time.monotonic() - self.started:.0f} s]\n',
              flush=True)

    def note_failure(self, name, text):
        """A failure that belongs to no test."""
        self.total.fail(text)
        self.bad.append(f'{name}: {text.splitlines()[0]}')
        print(f'\n# ---- {name}: FAILED\n{text}\n', flush=True)

    def finish(self):
        for title, entries in (('Skipped', self.skips), ('Failed', self.bad),
                               ('Failed at first, and passed alone', self.second)):
            if entries:
                print(f'{title}:', *(f'  {entry}' for entry in entries), sep='\n')
        print(self.total.counts(), flush=True)
        return 0 if self.total.passed and not self.total.failed else 1


def run_units(names, summary):
    programs = suite.unit_programs()
    for name in names:
        lines = []
        result, seconds = unit.run_unit(programs[name], lines.append)
        summary.end(name, result, seconds, '\n'.join(lines), 'this machine')


def check_programs(summary):
    """A program that is not there must not pass unnoticed."""
    for program, sources in (('bowtie', 'userspace/cli'), ('bowtied', 'userspace/daemon')):
        if os.access(os.path.join(suite.TOP, 'build/userspace', program), os.X_OK):
            continue
        if glob.glob(os.path.join(suite.TOP, sources, '*.c')):
            summary.note_failure(program, 'not built')
        else:
            summary.total.skip(program)
            summary.skips.append(f'{program}: no sources in {sources} yet')


def run_selftests(names, args, summary):
    """All of them, and those that fail once more if they had company."""
    count = 1 if args.no_vm else min(args.guests, len(names))
    summary.again = {} if count > 1 else None
    run_in_guests(names, args, summary, count)
    failed, summary.again = summary.again, None
    if not failed:
        return
    bad = len(summary.bad)
    prepare_queue()
    run_in_guests(list(failed), args, summary, 1)
    again = {entry.split(':')[0] for entry in summary.bad[bad:]}
    summary.second += [f'{name}: {failure}' for name, failures in failed.items()
                       if name not in again for failure in failures]


def run_in_guests(names, args, summary, count):
    queue = guests.Queue(os.path.join(WORK, 'queue'), names)
    logs = os.path.join(WORK, 'logs')
    os.mkdir(logs)
    worker = [os.path.join(suite.TOP, 'tools/testing/run.py'), '--events', '--queue', queue.path,
              '--logs', logs, '--module', args.module, '--scale', str(args.scale)]
    vm = None if args.no_vm else [os.path.join(suite.TOP, 'scripts/vm'), *args.vm_arg]
    if vm and args.module != 'none':
        vm += ['--for-module', args.module]
    pool = guests.Pool(worker, vm, queue, logs, summary, args.deadline)
    pool.run(count, args.scale)


def prepare_work():
    """Emptied for each run, so only one may be going on."""
    os.makedirs(WORK, exist_ok=True)
    # pylint: disable=consider-using-with
    lock = open(os.path.join(WORK, 'lock'), 'w', encoding='utf-8')
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print('# waiting for another "make check" in this tree to end', flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    prepare_queue()
    return lock


def prepare_queue():
    """Of an earlier run nothing is left."""
    for name in ('queue', 'logs'):
        shutil.rmtree(os.path.join(WORK, name), ignore_errors=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description='Run the tests of the built project.')
    parser.add_argument('tests', nargs='*', metavar='TEST',
                        help='names, stems or globs of selftests and unit tests (default: all)')
    parser.add_argument('--no-vm', action='store_true', help='selftests on this kernel')
    parser.add_argument('--guests', type=int, default=2, metavar='N', help='at the same time')
    parser.add_argument('--vm-arg', action='append', default=[], metavar='ARG',
                        help='one more option for scripts/vm')
    parser.add_argument('--module', metavar='KO', default=f'{suite.TOP}/kmod/bowtie.ko')
    parser.add_argument('--scale', type=float, default=1, help='multiply every deadline')
    parser.add_argument('--deadline', type=int, default=DEADLINE, metavar='SECONDS')
    parser.add_argument('--update-durations', action='store_true',
                        help=f'write {os.path.relpath(suite.DURATIONS, suite.TOP)}')
    return parser.parse_args()


def main():
    args = parse_arguments()
    selftests, units = suite.all_tests(), suite.unit_programs()
    if args.tests:
        chosen = suite.select([*selftests, *units], args.tests)
    else:
        chosen = [*selftests, *units]
    table = suite.load_durations()
    names = suite.longest_first([name for name in chosen if name in selftests], table)
    if args.no_vm and names and os.geteuid() != 0:
        raise suite.SuiteError('selftests without the guest need root')

    lock = prepare_work()
    proc.become_subreaper()
    summary = Summary(len(chosen))
    run_units([name for name in chosen if name in units], summary)
    if not args.tests:
        check_programs(summary)
    if names:
        run_selftests(names, args, summary)
    if args.update_durations:
        measured = {name: summary.durations[name] for name in names if name in summary.durations}
        suite.save_durations({**table, **measured}, suite.DURATIONS)
    lock.close()
    return summary.finish()


if __name__ == '__main__':
    try:
        sys.exit(main())
    except suite.SuiteError as problem:
        sys.exit(f'check.py: {problem}')
    except KeyboardInterrupt:
        sys.exit(130)
