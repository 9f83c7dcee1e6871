# SPDX-License-Identifier: GPL-2.0-only
"""Judges one test program by its TAP output and by how it ended.

A program that says nothing proves nothing: no plan, a plan that does not hold,
death by a signal or a deadline each count as a failure of their own.
"""

import re
import signal

_PLAN = re.compile(r'1\.\.(\d+)\s*(?:#\s*skip\S*\s*(.*))?$', re.IGNORECASE)
_RESULT = re.compile(r'(not )?ok\b(?:\s+(\d+))?\s*(?:-\s*)?(.*)$')
_SKIP = re.compile(r'(?:^|\s)#\s*skip\S*\s*(.*)$', re.IGNORECASE)
# bash's own complaints ("line 12: foo: command not found"), without its notes
# about killed jobs ("line 12:  4711 Killed"): the check that it belongs to has
# silently not happened
_BROKEN = re.compile(r'\S+: line \d+: (?!\s*\d+ )\S')
_BAIL = re.compile(r'Bail out!\s*(.*)$')

EXIT_SKIP = 4  # kselftest


class Result:
    """Counts and problems of one test program."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.failures = []  # what to show for each failure
        self.skips = []

    def fail(self, text, count=1):
        self.failed += count
        self.failures.append(text)

    def skip(self, text):
        self.skipped += 1
        self.skips.append(text)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def counts(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'


class Parser:
    """Fed with the lines of a program's output, then with its end.

    Several plans in one output add up: cmocka prints one for each group.
    Indented lines (subtests of subtests) and comments are not counted.
    """

    def __init__(self):
        self.result = Result()
        self.planned = None
        self.ran = 0
        self.all_skipped = None

    def feed(self, line):
        line = line.rstrip()
        if match := _PLAN.match(line):
            self.planned = (self.planned or 0) + int(match[1])
            if match[2] is not None:
                self.all_skipped = match[2] or 'no reason given'
        elif match := _BAIL.match(line):
            self.result.fail(f'bailed out: {match[1]}')
        elif _BROKEN.match(line):
            self.result.fail(f'the script is broken: {line}')
        elif match := _RESULT.match(line):
            self._subtest(match)

    def _subtest(self, match):
        self.ran += 1
        skip = _SKIP.search(match[3])
        if match[1] and match[3].startswith('# SKIP'):
            # cmocka's way to report skip(): "not ok 3 # SKIP name"
            self.result.skip(match[3])
        elif match[1]:
            # "not ok 3 - name # SKIP" and "# TODO" get no mercy
            self.result.fail(match[3] or f'subtest {self.ran}')
        elif skip:
            self.result.skip(match[3])
        else:
            self.result.passed += 1

    def finish(self, status, timed_out=None):
        """status as of subprocess: negative is the signal that killed it."""
        result = self.result
        told = result.failed
        if timed_out is not None:
            result.fail(f'killed after its deadline of {timed_out:g} s')
        elif status < 0:
            result.fail(f'died of {_signal_name(-status)}')
        elif status == EXIT_SKIP and not self.ran:
            result.skip(self.all_skipped or 'skipped (exit status 4)')
            return result
        elif status == EXIT_SKIP and not told:
            pass  # what was skipped is in the output
        elif status and not told:
            result.fail(f'exit status {status}, though no subtest failed')

        if self.planned is None:
            result.fail('printed no plan')
        elif self.planned > self.ran:
            missing = self.planned - self.ran
            result.fail(f'{missing} of {self.planned} planned subtests did not run', missing)
        elif self.planned < self.ran:
            result.fail(f'ran {self.ran} subtests, but planned {self.planned}')
        elif not self.ran and self.all_skipped:
            result.skip(self.all_skipped)
        elif not self.ran:
            result.fail('planned no subtests and gave no reason')
        return result


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f'signal {number}'
