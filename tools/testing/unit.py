#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the hosted unit tests (cmocka programs) and judges their TAP output.

    tools/testing/unit.py               every program of tools/testing/unit/
    tools/testing/unit.py config_test   one

Ends with one line "N passed, N failed, N skipped"; the exit status is 1 if
anything failed or nothing passed.
"""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
from harness import proc, suite, tap

TIMEOUT = 120


def run_unit(program, on_line):
    """Returns (result, seconds)."""
    started = time.monotonic()
    parser = tap.Parser()

    def feed(line):
        parser.feed(line)
        on_line(line)

    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT='TAP', BOWTIE_TOP=suite.TOP)
    try:
        status, timed_out = proc.run([program], TIMEOUT, feed, cwd=suite.UNIT_SOURCES, env=env)
    except OSError as error:
        result = tap.Result()
        result.fail(f'cannot be run: {error}')
    else:
        result = parser.finish(status, TIMEOUT if timed_out else None)
    return result, time.monotonic() - started


def main():
    programs = suite.unit_programs()
    names = suite.select(programs, sys.argv[1:]) if sys.argv[1:] else programs
    total = tap.Result()
    proc.become_subreaper()
    for name in names:
        print(f'# {name}', flush=True)
        result, _ = run_unit(programs[name], print)
        total.add(result)
        for text in result.failures:
            print(f'# FAILED: {text}')
    print(total.counts())
    return 0 if total.passed and not total.failed else 1


if __name__ == '__main__':
    try:
        sys.exit(main())
    except suite.SuiteError as problem:
        sys.exit(f'unit.py: {problem}')
