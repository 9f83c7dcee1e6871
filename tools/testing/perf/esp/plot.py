#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The picture of bench's results, by gnuplot.

	plot.py esp.json FILE.svg

On the left instructions a packet over plain forwarding, of the base case; on the right
their ratio to the peer's, for each algorithm. What was not measured has no bar.
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
set grid ytics lc rgb "#cccccc"
set xtics nomirror rotate by -35 left
set ytics nomirror
set border 3
set key outside top center horizontal
set multiplot layout 1,2
'''


def label(entry, by_algorithm):
    """of a cluster of bars"""
    name = f'{entry["algorithm"]} ' if by_algorithm else ''
    kind = f' {entry["kind"]}' if entry['kind'] else ''
    return f'{name}{WORDS[entry["direction"]]}{kind} {entry["bytes"]} B'


def panel(name, title, entries, systems, figure):
    """One of the two: @figure is what to take of a system's results"""
    lines = [f'${name} << EOD']
    for entry in entries:
        values = (entry['systems'].get(system) for system in systems)
        lines.append(f'"{label(entry, name == "algorithms")}" ' + ' '.join(
            'NaN' if not value or value[figure] is None else str(value[figure])
            for value in values))
    bars = [f'${name} using {i + 2}:xtic(1) title "{report.TITLES[system]}" '
            f'lc rgb "{COLORS[system]}"' for i, system in enumerate(systems)]
    lines += ['EOD', f'set title "{title}"', 'plot ' + ', \\\n\t'.join(bars)]
    return '\n'.join(lines) + '\n'


def script(results, path):
    """for gnuplot"""
    systems = [system for system in report.ORDER
               if any(entry['systems'].get(system) for entry in results)]
    base = [entry for entry in results if entry['case'] in ('base', 'stream')]
    algorithms = [entry for entry in results if entry['bytes'] == 1400 and (
        entry['case'] == 'algorithm' or
        (entry['case'] == 'base' and entry['direction'] != 'both'))]
    text = HEAD.format(path=path)
    if base and systems:
        text += panel('base', 'AES-128-GCM, 4 tunnels, 1 000 routes: instructions a packet,\\n'
                      'over plain forwarding', base, systems, 'added')
    if algorithms and systems:
        text += panel('algorithms', 'By algorithm: ratio to xfrm ifaces', algorithms, systems,
                      'ratio')
    return text + 'unset multiplot\n'


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding='utf-8') as file:
        results = json.load(file)
    subprocess.run(['gnuplot'], input=script(results, sys.argv[2]), text=True, check=True)


if __name__ == '__main__':
    main()
