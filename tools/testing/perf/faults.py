# SPDX-License-Identifier: GPL-2.0-only
"""The figures of faults.sh, from what one fault left behind, and of all.

	faults.py trial LAB FILE JSON FLOWS RATE STALL
	faults.py table JSON

"trial" adds a line to FILE, makes JSON of all lines, and prints what it found; its exit
status is 3 if the machine itself stood still for STALL ms or more.

"affected" are flows that lost packets, "disturbed" those among them on tunnels without a
fault, which includes those of a tunnel that they moved to later. Gaps are those of affected flows,
as sent. "moves" is how often a flow went another way, "mistaken" how often a tunnel without a
fault was taken down because it gave no answer, "ups" how often one with a fault came up, and
"rerouted" how often the cloud's kernel got another route to the site. Packets that came late
are not lost.
"""
import json
import os
import sys

from failover import (STOOD_STILL, line_time, longest_stall, lost_by_flow, print_table, read_json,
                      read_lines, ways_at)


def sent_and_received(lab, way):
    sent = read_json(os.path.join(lab, f'{way}.sent'))
    return sent['sent'], read_lines(os.path.join(lab, f'{way}.received'))[-1]['received']


def lines_between(path, begin, end, matches):
    """a monitor's lines that match"""
    with open(path, encoding='utf-8') as file:
        return [line for line in file if line.startswith('[') and matches(line) and
                begin <= line_time(line) <= end]


def one_way(lab, way, times):
    """affected, gap, lost, moves, disturbed of a direction"""
    events = read_lines(os.path.join(lab, f'{way}.events'))
    ways = ways_at(events, times['begin'])
    lost = lost_by_flow(os.path.join(lab, f'{way}.received'))
    sent, received = sent_and_received(lab, way)
    faulty = {tunnel + 1 for tunnel in times['tunnels']}
    return {
        f'affected_{way}': len(lost),
        f'gap_{way}_ms': round(max((gap for _, gap in lost.values()), default=0), 1),
        f'lost_{way}': sent - received,
        f'sent_{way}': sent,
        f'moves_{way}': sum(event['from'] != event['to'] for event in events
                            if event['at_ms'] > times['begin']),
        f'disturbed_{way}': sum(ways.get(flow) not in faulty for flow in lost),
    }


def tunnels_said(lab, times):
    """(mistaken, ups) by the gateway's monitor"""
    faulty = {times['names'][tunnel] for tunnel in times['tunnels']}
    name = lambda line: line.split(' tunnel ')[1].split(':')[0]  # noqa: E731
    lines = lines_between(os.path.join(lab, 'gw.monitor'), times['begin'], times['end'],
                          lambda line: ' tunnel ' in line)
    return (sum(' oper down reason no-answer ' in line and name(line) not in faulty
                for line in lines),
            sum(' oper up ' in line and name(line) in faulty for line in lines))


def measure(lab, flows, rate, stall):
    times = read_json(os.path.join(lab, 'times.json'))
    mistaken, ups = tunnels_said(lab, times)
    before, after = set(times['spis_before']), set(times['spis_after'])
    figures = {
        'fault': times['name'],
        'tunnels': [times['names'][tunnel] for tunnel in times['tunnels']],
        'seconds': round((times['fault_end'] - times['begin']) / 1000, 1),
    }
    for way in ('out', 'back'):
        figures |= one_way(lab, way, times)
    figures |= {
        'mistaken': mistaken,
        'ups': ups,
        'rerouted': len(lines_between(os.path.join(lab, 'cloud.monitor'), times['begin'],
                                      times['end'], lambda line: '10.1.0.0/24' in line)),
        'sas_kept': len(before & after),
        'sas_new': len(after - before),
        'recovered': times['alive'],
        'flows': flows,
        'rate': rate,
        'stall_ms': round(longest_stall(lab, times['begin'] - 1000, times['end']), 1),
    }
    figures['stood_still'] = figures['stall_ms'] >= stall
    return figures


COLUMNS = (('fault', 28), ('affected', 10), ('gap_ms', 14), ('lost', 12), ('moves', 10),
           ('disturbed', 11), ('mistaken', 10), ('ups', 5), ('rerouted', 10), ('sas', 12),
           ('stall_ms', 10))


def shown(row):
    """a line of the table: out/back"""
    both = lambda what: f'{row[what.format("out")]}/{row[what.format("back")]}'  # noqa: E731
    return {
        'fault': row['fault'],
        'affected': both('affected_{}'),
        'gap_ms': f'{row["gap_out_ms"]:.0f}/{row["gap_back_ms"]:.0f}',
        'lost': both('lost_{}'),
        'moves': both('moves_{}'),
        'disturbed': both('disturbed_{}'),
        'mistaken': row['mistaken'],
        'ups': row['ups'] if row['tunnels'] else None,
        'rerouted': row['rerouted'],
        'sas': f'{row["sas_kept"]}+{row["sas_new"]}',
        'stall_ms': f'{row["stall_ms"]:.0f}',
    }


# pylint: disable=too-many-arguments
def do_trial(lab, path, output, flows, rate, stall):
    figures = measure(lab, int(flows), int(rate), int(stall))
    with open(path, 'a', encoding='utf-8') as file:
        file.write(json.dumps(figures) + '\n')
    rows = {row['fault']: row for row in read_lines(path)}
    with open(output + '.new', 'w', encoding='utf-8') as file:
        json.dump(list(rows.values()), file, indent=1)
        file.write('\n')
    os.rename(output + '.new', output)
    print(', '.join(f'{name} {value}' if name != 'fault' else f'{value}: {figures["seconds"]} s'
                    for name, value in shown(figures).items() if value is not None) +
          ('; THE MACHINE STOOD STILL' if figures['stood_still'] else ''), flush=True)
    return STOOD_STILL if figures['stood_still'] else 0


def do_table(path):
    rows = read_json(path)
    print_table([shown(row) for row in rows], COLUMNS, 1)
    print('\nsite-to-cloud/cloud-to-site; affected: flows that lost packets, disturbed: of '
          'those, on tunnels\nwithout a fault; ups: how often the tunnel came up; rerouted: the '
          "cloud's kernel got another route;\nsas: of the gateway, those kept + new ones; "
          f'flows each way: {rows[0]["flows"]} of {rows[0]["rate"]} packets/s')
    return 0 if all(row['recovered'] for row in rows) else 1


if __name__ == '__main__':
    sys.exit({'trial': do_trial, 'table': do_table}[sys.argv[1]](*sys.argv[2:]) or 0)
