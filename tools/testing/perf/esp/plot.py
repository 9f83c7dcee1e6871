#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The picture of bench's results, by gnuplot.

	plot.py esp.json FILE.svg

Instructions a packet over plain forwarding: on the left of the base case, on the right of
each algorithm. A bar that would have no figure is left out.
"""
import json
import subprocess
import sys

import report

COLORS = {'xfrm': '#9ecae1', 'fast': '#08519c', 'peer': '#fdae6b', 'external': '#d94801'}
WORDS = {'tx': 'transmit', 'rx': 'receive', 'both': 'both ways'}

HEAD = '''set terminal svg size 1180,440 font "sans-serif,13" background "white"
set output "{path}"
set style data histograms
set style histogram clustered gap 1
set style fill solid border -1
set boxwidth 0.9
set yrange [0:*]
set format y "%.0f"
set grid ytics lc rgb "#cccccc"
set xtics nomirror rotate by -35 left
set ytics nomirror
set border 3
set key top left
set multiplot layout 1,2
'''


def label(entry, by_algorithm):
    """of a cluster of bars"""
    name = f'{entry["algorithm"]} ' if by_algorithm else ''
    way = WORDS[entry['direction']]
    return f'{name}{way}{" " + entry["kind"] if entry["kind"] else ""} {entry["bytes"]} B'


def block(name, entries, systems, by_algorithm):
    lines = [f'${name} << EOD']
    for entry in entries:
        values = (entry['systems'].get(system) for system in systems)
        lines.append(f'"{label(entry, by_algorithm)}" ' +
                     ' '.join('NaN' if value is None else str(value['added']) for value in values))
    return '\n'.join(lines + ['EOD'])


def plot(name, title, systems):
    parts = [f'${name} using {i + 2}:xtic(1) title "{report.TITLES[system]}" '
             f'lc rgb "{COLORS[system]}"' for i, system in enumerate(systems)]
    return f'set title "{title}"\nplot ' + ', \\\n\t'.join(parts)


def script(results, path):
    """for gnuplot"""
    systems = [system for system in report.ORDER
               if any(entry['systems'].get(system) for entry in results)]
    base = [entry for entry in results if entry['case'] in ('base', 'stream')]
    algorithms = [entry for entry in results if entry['case'] == 'algorithm' or
                  (entry['case'] == 'base' and entry['direction'] != 'both' and
                   entry['bytes'] != 512)]
    algorithms = [entry for entry in algorithms if entry['bytes'] == 1400]
    text = HEAD.format(path=path)
    for name, title, entries in (
            ('base', 'AES-128-GCM, 4 tunnels, 1 000 routes:\\ninstructions a packet, over plain forwarding', base),
            ('algorithms', 'other algorithms', algorithms)):
        if entries and systems:
            text += block(name, entries, systems, name == 'algorithms') + '\n'
            text += plot(name, title, systems) + '\n'
    return text + 'unset multiplot\n'


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding='utf-8') as file:
        results = json.load(file)
    subprocess.run(['gnuplot'], input=script(results, sys.argv[2]), text=True, check=True)


if __name__ == '__main__':
    main()
