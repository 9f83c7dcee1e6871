#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs selftests on this kernel, one after the other.

Started by check.py in each guest, or by hand:
    scripts/vm tools/testing/run.py            every test, in a guest
    scripts/vm tools/testing/run.py basic      basic.sh, in a guest
    tools/testing/run.py basic                 here, where modules can be loaded

Ends with one line "N passed, N failed, N skipped"; the exit status is 1 if
anything failed or nothing passed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

# No __pycache__ in the source tree, and none of the operator's own modules
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
from harness import kmsg, module, proc, suite, tap

EVENT_PREFIX = '@@ '  # check.py picks these lines out of a guest's output


def netns_names():
    try:
        return set(os.listdir('/run/netns'))
    except FileNotFoundError:
        return set()


def delete_netns(names):
    for name in names:
        subprocess.run(['ip', 'netns', 'delete', name], check=False, stderr=subprocess.DEVNULL)


class Runner:
    """Runs tests and judges each, with the kernel's own complaints."""

    def __init__(self, args, ko, log):
        self.args = args
        self.ko = ko
        self.log = log
        self.env = dict(os.environ, BOWTIE_TOP=suite.TOP, LC_ALL='C.UTF-8',
                        PYTHONDONTWRITEBYTECODE='1',
                        PATH=f'{suite.TOP}/build/userspace:{os.environ["PATH"]}')
        if ko:
            self.env['BOWTIE_KO'] = ko.path

    def _output(self, name):
        """Where a test's output goes: its log, and stdout when run by hand."""
        if self.args.logs:
            # pylint: disable=consider-using-with
            return open(os.path.join(self.args.logs, name + '.log'), 'w',
                        encoding='utf-8', buffering=1)
        return sys.stdout

    def run(self, test):
        """Returns (result, seconds)."""
        output = self._output(test.name)
        started = time.monotonic()
        parser = tap.Parser()

        def on_line(line):
            parser.feed(line)
            print(line, file=output, flush=True)

        namespaces = netns_names()
        tmp = tempfile.mkdtemp(prefix=f'bowtie-{test.name}-')
        try:
            if self.ko:
                self.ko.load()  # the test before may have unloaded it
            status, timed_out = proc.run(
                [test.path], test.timeout * self.args.scale, on_line,
                cwd=tmp, env=dict(self.env, TEST_TMP=tmp))
        except (OSError, module.ModuleError) as error:
            result = tap.Result()
            result.fail(f'cannot be run: {error}')
        else:
            result = parser.finish(
                status, test.timeout * self.args.scale if timed_out else None)
        finally:
            shutil.rmtree(tmp, ignore_errors=True)
        delete_netns(netns_names() - namespaces)
        self._check_log(result, output)
        for text in result.failures:
            print(f'# FAILED: {text}', file=output, flush=True)
        if output is not sys.stdout:
            output.close()
        return result, time.monotonic() - started

    def _check_log(self, result, output):
        if not self.log:
            return
        lines = kmsg.splat(self.log.read())
        if lines:
            result.fail(f'the kernel complained: {lines[0]}')
            print('# kernel log:', *(f'#   {line}' for line in lines), sep='\n', file=output,
                  flush=True)


def claim_next(queue):
    """Takes a test from the queue that several guests share.

    A rename succeeds for one of them only.
    """
    while True:
        entries = sorted(name for name in os.listdir(queue) if not name.startswith('.'))
        if not entries:
            return None
        try:
            os.rename(os.path.join(queue, entries[0]),
                      os.path.join(queue, '.' + entries[0]))
        except FileNotFoundError:
            continue
        return entries[0].partition('-')[2]


def chosen_tests(args):
    tests = suite.all_tests()
    if args.queue:
        while name := claim_next(args.queue):
            yield tests[name]
    else:
        names = suite.select(tests, args.tests) if args.tests else tests
        for name in names:
            yield tests[name]


class Report:
    """Tells the results: as text, or as events for check.py."""

    def __init__(self, events):
        self.events = events
        self.total = tap.Result()

    def start(self, test):
        if self.events:
            self._event(event='start', test=test.name)
        else:
            print(f'# {test.name}', flush=True)

    def end(self, name, result, seconds):
        self.total.add(result)
        if self.events:
            self._event(event='end', test=name, passed=result.passed, failed=result.failed,
                        skipped=result.skipped, failures=result.failures, skips=result.skips,
                        seconds=round(seconds, 1))
        else:
            print(f'# {name}: {result.counts()}, {seconds:.1f} s\n', flush=True)

    @staticmethod
    def _event(**fields):
        print(EVENT_PREFIX + json.dumps(fields), flush=True)


def unload_at_end(ko, log, report):
    """A module that cannot go has leaked a reference: a failure of its own."""
    result = tap.Result()
    try:
        ko.unload()
    except module.ModuleError as error:
        result.fail(f'unloading after the last test: {error}')
    lines = kmsg.splat(log.read())
    if lines:
        result.fail('\n'.join(['the kernel complained about the unloading:', *lines]))
    if result.failed:
        report.end('module unload', result, 0)
        if not report.events:
            print(*result.failures, sep='\n')


def parse_arguments():
    parser = argparse.ArgumentParser(description='Run selftests on this kernel.')
    parser.add_argument('tests', nargs='*', metavar='TEST', help='names, stems or globs')
    parser.add_argument('--list', action='store_true', help='list the tests and end')
    parser.add_argument('--module', metavar='KO',
                        default=os.environ.get('BOWTIE_KO', f'{suite.TOP}/kmod/bowtie.ko'),
                        help='the module under test; "none" for tests without it')
    parser.add_argument('--scale', type=float, default=1, help='multiply every deadline')
    parser.add_argument('--logs', metavar='DIR', help='keep each test\'s output there')
    parser.add_argument('--queue', metavar='DIR', help='for check.py: take tests from there')
    parser.add_argument('--events', action='store_true', help='for check.py')
    return parser.parse_args()


def main():
    args = parse_arguments()
    if args.list:
        print(*suite.all_tests(), sep='\n')
        return 0
    if os.geteuid() != 0:
        raise suite.SuiteError('needs root (or scripts/vm)')
    ko = None if args.module == 'none' else module.Module(args.module)
    if ko and ko.loaded():
        raise suite.SuiteError(f'module {ko.name} is loaded already: unload it first, so that '
                               f'{ko.path} is what gets tested')
    log = kmsg.KernelLog()
    report = Report(args.events)
    runner = Runner(args, ko, log)
    proc.become_subreaper()
    module.prepare_peers()
    for test in chosen_tests(args):
        report.start(test)
        result, seconds = runner.run(test)
        report.end(test.name, result, seconds)
    if ko:
        unload_at_end(ko, log, report)
    if not args.events:
        print(report.total.counts())
    return 0 if report.total.passed and not report.total.failed else 1


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (suite.SuiteError, module.ModuleError) as problem:
        sys.exit(f'run.py: {problem}')
