#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions a packet by kernel function, from what profile.sh left behind.

	profile.py DIRECTORY [ROWS]

One table for each case, with a column for each system; in brackets the module.
"""
import bisect
import collections
import json
import os
import sys

KERNEL = 0xffff800000000000


def read_symbols(path):
    symbols = []
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            address, kind, name, *module = line.split()
            if kind in 'tTwW':
                symbols.append((int(address, 16), name + ''.join(module)))
    return sorted(symbols)


def by_function(path, symbols):
    """Counter: function -> instructions"""
    starts = [address for address, _ in symbols]
    counts = collections.Counter()
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            address, executed = line.split()
            at = bisect.bisect_right(starts, int(address, 16)) - 1
            known = int(address, 16) >= KERNEL and at >= 0
            counts[symbols[at][1] if known else '(user space)'] += int(executed)
    return counts


def print_case(case, columns, rows):
    names = list(columns)
    print(f'\n{case}\n' + ''.join(f'{name:>10}' for name in names))
    totals = (sum(column.values()) for column in columns.values())
    print(''.join(f'{total:10.0f}' for total in totals) + '  total')
    functions = set().union(*columns.values())
    ranked = sorted(functions, key=lambda f: -max(column[f] for column in columns.values()))
    for function in ranked[:rows]:
        print(''.join(f'{columns[name][function]:10.1f}' for name in names) + f'  {function}')
    rest = ranked[rows:]
    print(''.join(f'{sum(columns[name][f] for f in rest):10.1f}' for name in names) +
          f'  {len(rest)} others')


def main():
    directory, rows = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40
    with open(os.path.join(directory, 'index.json'), encoding='utf-8') as file:
        index = json.load(file)
    tables = {}
    for entry in index:
        symbols = read_symbols(os.path.join(directory, entry['symbols']))
        counts = by_function(os.path.join(directory, entry['counts']), symbols)
        column = collections.Counter({function: n / entry['packets']
                                      for function, n in counts.items()})
        tables.setdefault(entry['case'], {})[entry['system']] = column
    for case, columns in tables.items():
        print_case(case, columns, rows)


if __name__ == '__main__':
    main()
