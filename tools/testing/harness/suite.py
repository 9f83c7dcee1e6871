# SPDX-License-Identifier: GPL-2.0-only
"""Finds test programs, their deadlines and their usual durations."""

import fnmatch
import os
import re

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))
SELFTESTS = os.path.join(TOP, 'tools/testing/selftests/bowtie')
UNIT_SOURCES = os.path.join(TOP, 'tools/testing/unit')
# Another build (SAN=1, COV=1) has its programs elsewhere
UNIT_PROGRAMS = os.environ.get('BOWTIE_UNIT_DIR', os.path.join(TOP, 'build/userspace/unit'))
DURATIONS = os.path.join(SELFTESTS, 'durations')
DEFAULT_TIMEOUT = 120

_TIMEOUT = re.compile(r'^#\s*timeout:\s*(\d+)\s*$')


class SuiteError(Exception):
    """What was asked for cannot be run."""


class Test:
    """One test program."""

    def __init__(self, path, timeout=None):
        self.path = path
        self.name = os.path.basename(path)
        self.timeout = timeout or _header_timeout(path)


def _header_timeout(path):
    """From a comment such as "# timeout: 300" near the top of a script."""
    with open(path, encoding='utf-8', errors='replace') as script:
        for _, line in zip(range(30), script):
            if match := _TIMEOUT.match(line):
                return int(match[1])
    return DEFAULT_TIMEOUT


def all_tests():
    """Every executable script that is not a library, by name."""
    tests = {}
    try:
        names = sorted(os.listdir(SELFTESTS))
    except FileNotFoundError:
        names = []
    for name in names:
        path = os.path.join(SELFTESTS, name)
        if name.endswith(('.sh', '.py')) and not name.startswith('lib') \
                and os.path.isfile(path):
            # Forgetting chmod must not silence a test
            if not os.access(path, os.X_OK):
                raise SuiteError(f'{path} is not executable')
            tests[name] = Test(path)
    return tests


def select(available, patterns):
    """The names among available that patterns (names, stems, globs) ask for."""
    chosen = []
    for pattern in patterns:
        hits = [name for name in available
                if fnmatch.fnmatchcase(name, pattern)
                or fnmatch.fnmatchcase(os.path.splitext(name)[0], pattern)]
        if not hits:
            raise SuiteError(f'no test matches "{pattern}"')
        chosen += [name for name in hits if name not in chosen]
    return chosen


def unit_programs():
    """Name -> program of each unit test: C sources, built or not, and scripts."""
    programs = {}
    try:
        names = sorted(os.listdir(UNIT_SOURCES))
    except FileNotFoundError:
        names = []
    for name in names:
        if name.endswith('_test.c'):
            programs[name[:-2]] = os.path.join(UNIT_PROGRAMS, name[:-2])
        elif name.endswith('_test.py'):
            programs[name] = os.path.join(UNIT_SOURCES, name)
    return programs


def load_durations(path=DURATIONS):
    """Name -> seconds, as measured by earlier runs."""
    table = {}
    try:
        with open(path, encoding='utf-8') as file:
            for line in file:
                fields = line.split()
                if len(fields) == 2 and not line.startswith('#'):
                    table[fields[0]] = float(fields[1])
    except FileNotFoundError:
        pass
    return table


def save_durations(table, path):
    with open(path, 'w', encoding='utf-8') as file:
        file.write('# Seconds a test takes in the guest; the longest start first.\n'
                   '# Written by tools/testing/check.py --update-durations\n')
        for name, seconds in sorted(table.items()):
            file.write(f'{name} {seconds:.0f}\n')


def longest_first(names, table):
    """A test without a record may be long: it starts early."""
    return sorted(names, key=lambda name: (-table.get(name, float('inf')), name))
