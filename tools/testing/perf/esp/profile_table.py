#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions a packet by kernel function, from what profile.sh left behind.

	profile_table.py DIRECTORY [ROWS]

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


def lines(case, columns, rows):
    """a table: columns is {system: {function: instructions}}"""
    names = list(columns)

    def row(functions, title, digits=1):
        sums = (sum(columns[name].get(f, 0) for f in functions) for name in names)
        return ''.join(f'{n:10.{digits}f}' for n in sums) + f'  {title}'

    functions = set().union(*columns.values())
    ranked = sorted(functions, key=lambda f: -max(c.get(f, 0) for c in columns.values()))
    yield f'\n{case}'
    yield ''.join(f'{name:>10}' for name in names)
    yield row(functions, 'total', 0)
    for function in ranked[:rows]:
        yield row([function], function)
    yield row(ranked[rows:], f'{len(ranked[rows:])} others')


def main():
    directory, rows = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40
    with open(os.path.join(directory, 'index.json'), encoding='utf-8') as file:
        index = json.load(file)
    tables = {}
    for entry in index:
        symbols = read_symbols(os.path.join(directory, entry['symbols']))
        counts = by_function(os.path.join(directory, entry['counts']), symbols)
        column = {function: n / entry['packets'] for function, n in counts.items()}
        tables.setdefault(entry['case'], {})[entry['system']] = column
    for case, columns in tables.items():
        print('\n'.join(lines(case, columns, rows)))


if __name__ == '__main__':
    main()
