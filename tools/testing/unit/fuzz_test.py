#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A short run of each native fuzzer (tools/testing/fuzz), seeds first. The long ones
are for "make fuzz RUNS=..."."""

import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, '../selftests/bowtie'))
# pylint: disable=wrong-import-position
import lib_tap as tap

FUZZ = os.path.join(HERE, '../fuzz')
RUNS = 10000


def short_runs():
    for name in sorted(os.listdir(FUZZ)):
        if not (name.startswith('fuzz_') and name.endswith('.c')):
            continue
        name = name[len('fuzz_'):-len('.c')]
        done = subprocess.run(['make', '-C', FUZZ, f'run-{name}', f'RUNS={RUNS}'],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        tap.ok(done.returncode == 0, f'{name}: {RUNS} cases', done.stdout)


if shutil.which('clang'):
    tap.main(short_runs)
else:
    tap.skip_all('no clang (scripts/install-deps.sh test)')
