# SPDX-License-Identifier: GPL-2.0-only
"""The figures of bench-failover, from what one cut left behind, and of all cuts.

	failover.py trial LAB SYSTEM SETTING ENDPOINT TUNNEL FILE FLOWS RATE STALL
	failover.py json FILE JSON
	failover.py table JSON

"trial" adds a line for each direction to FILE and prints one for the eye; "json" makes
the summary of them, "table" shows it. Where the flows were is taken from their packets
(lib_cuts.sh). Times are the day's, in ms.

A flow is affected if its last packet before the cut used the tunnel that was cut; its gap
is from the last packet that came through to the next one that did, as sent. Every other
flow that changed its way had no need to, neither then nor on the tunnel's return: no
flow is idle. "disturbed" are flows on other tunnels that lost packets, "false_alarms" other
tunnels that the gateway took down meanwhile. Packets that came late are not lost.

If the machine itself stood still for STALL ms or more the trial counts for nothing but
"stood_still"; the exit status is 3 then.
"""
import datetime
import json
import os
import statistics
import sys

STOOD_STILL = 3
DIRECTIONS = {'out': 'site-to-cloud', 'back': 'cloud-to-site'}


def read_lines(path):
    with open(path, encoding='utf-8') as file:
        return [json.loads(line) for line in file]


def ways_at(events, when):
    """flow -> way of its last packet before that time"""
    ways = {}
    for event in events:
        if event['at_ms'] <= when:
            ways[event['flow']] = event['to']
    return ways


def changed(events, ways, begin, end):
    """flows whose way was another at the end of that time, or in between"""
    return {event['flow'] for event in events
            if begin < event['at_ms'] <= end and event['to'] != ways.get(event['flow'])}


def outages(events, flows, begin, end):
    """flow -> (last packet through, gap), the longest that began in that time"""
    found = {}
    for event in events:
        since = event['at_ms'] - event['gap_ms']
        if event['lost'] and event['flow'] in flows and begin <= since <= end:
            if event['gap_ms'] > found.get(event['flow'], (0, 0))[1]:
                found[event['flow']] = (since, event['gap_ms'])
    return found


def lost_by_flow(path):
    """flow -> (packets that never came, longest gap), of flows that lost some"""
    report = read_lines(path)[-1]
    return {flow['id']: (flow['lost'], flow['gap_ms']) for flow in report['flow'] if flow['lost']}


def lost_between(events, never_came, begin, end):
    """packets that were lost in gaps that began in that time; some have only been late"""
    missing = {}
    for event in events:
        if begin <= event['at_ms'] - event['gap_ms'] <= end:
            missing[event['flow']] = missing.get(event['flow'], 0) + event['lost']
    return sum(min(missing[flow], lost) for flow, (lost, _) in never_came.items()
               if flow in missing)


def line_time(line):
    return datetime.datetime.fromisoformat(line[1:line.index(']')]).timestamp() * 1000


def noticed(path, begin, end, matches):
    """when a monitor's line that matches came: "[2026-01-02T03:04:05.678901] ..." """
    with open(path, encoding='utf-8') as file:
        for line in file:
            if not line.startswith('[') or not matches(line):
                continue
            when = line_time(line)
            if begin <= when <= end:
                return when
    return None


def monitor(lab, way, system, tunnel):
    """file and condition that tell when this direction was given another way"""
    if way == 'back':
        return os.path.join(lab, 'cloud.monitor'), lambda line: '10.1.0.0/24' in line
    path = os.path.join(lab, 'gw.monitor')
    if system == 'peer':
        return path, lambda line: '10.2.0.0/16' in line
    return path, lambda line: f'tunnel {tunnel}: ' in line and ' oper up' not in line


def false_alarms(lab, system, tunnel, begin, end):
    """times that another tunnel was taken down"""
    if system == 'peer':
        return 0
    found = 0
    with open(os.path.join(lab, 'gw.monitor'), encoding='utf-8') as file:
        for line in file:
            if f' tunnel {tunnel}: ' not in line and ' oper down reason no-answer ' in line:
                found += begin <= line_time(line) <= end
    return found


def longest_stall(lab, begin, end):
    """for how long the machine stood still at most, in ms"""
    return max((stall['ms'] for stall in read_lines(os.path.join(lab, 'stalls'))
                if stall['at_ms'] + stall['ms'] >= begin and stall['at_ms'] <= end), default=0)


def measure(lab, way, system, endpoint, tunnel):
    """the figures of one direction"""
    times = read_json(os.path.join(lab, 'times.json'))
    events = read_lines(os.path.join(lab, f'{way}.events'))
    cut, mend, end = times['cut'], times['mend'], times['end']
    ways = ways_at(events, cut)
    affected = {flow for flow, used in ways.items() if used == endpoint + 1}
    never_came = lost_by_flow(os.path.join(lab, f'{way}.received'))
    hit = outages(events, affected, cut - 50, mend)
    others = outages(events, set(never_came) - affected, cut - 50, mend)
    # The last packet that came through is as near to the cut as one can see.
    began = max((since for since, _ in hit.values()), default=cut)
    path, matches = monitor(lab, way, system, tunnel)
    seen = noticed(path, began, mend, matches) if hit else None
    late = ways_at(events, mend)
    return {
        'system': system.split('-')[0],
        'direction': DIRECTIONS[way],
        'affected': len(affected),
        'detection_ms': round(seen - began, 1) if seen else None,
        'gaps_ms': sorted(gap for _, gap in hit.values()),
        'recovered': times['alive'],
        'lost': lost_between(events, never_came, cut - 50, mend),
        'disturbed': len(others),
        'moved_on_cut': len(changed(events, ways, cut, mend) - affected),
        'moved_on_return': len(changed(events, late, mend, end)),
        'false_alarms': false_alarms(lab, system, tunnel, cut, end),
        'stall_ms': longest_stall(lab, cut - 1000, end),
    }


def read_json(path):
    with open(path, encoding='utf-8') as file:
        return json.load(file)


# pylint: disable=too-many-arguments,too-many-locals
def do_trial(lab, system, setting, endpoint, tunnel, path, flows, rate, stall):
    said = []
    with open(path, 'a', encoding='utf-8') as file:
        for way, direction in DIRECTIONS.items():
            figures = measure(lab, way, system, int(endpoint), tunnel)
            stood_still = figures['stall_ms'] >= int(stall)
            figures |= {'setting': setting, 'flows': int(flows), 'rate': int(rate),
                        'stood_still': stood_still}
            file.write(json.dumps(figures) + '\n')
            gaps = figures['gaps_ms']
            said.append(f'{direction} gap {gaps[-1]:.0f} ms ({figures["affected"]} flows), '
                        f'lost {figures["lost"]}, moved {figures["moved_on_cut"]}'
                        f'+{figures["moved_on_return"]}' if gaps else f'{direction} no gap')
            if figures['false_alarms'] and way == 'out':
                said.append(f'{figures["false_alarms"]} false alarms')
    if stood_still:
        said.append(f'THE MACHINE STOOD STILL FOR {figures["stall_ms"]:.0f} MS')
    print('; '.join(said), flush=True)
    return STOOD_STILL if stood_still else 0


def summary(trials):
    """of one system, setting and direction. A cut that hit no flow says nothing of gaps."""
    stood_still = sum(t['stood_still'] for t in trials)
    trials = [t for t in trials if not t['stood_still']] or trials
    flows, rate = trials[0]['flows'], trials[0]['rate']
    scale = 64 / flows * 100 / rate
    hit = [t for t in trials if t['gaps_ms']]
    longest = [t['gaps_ms'][-1] for t in hit]
    seen = [t['detection_ms'] for t in trials if t['detection_ms'] is not None]
    return {
        'system': trials[0]['system'],
        'setting': trials[0]['setting'],
        'direction': trials[0]['direction'],
        'detection_ms': round(statistics.median(seen), 1) if seen else None,
        'median_ms': round(statistics.median(longest), 1) if hit else None,
        'worst_ms': round(max(longest), 1) if hit else None,
        'lost': round(statistics.median(t['lost'] for t in trials) * scale),
        'moved_on_cut': max(t['moved_on_cut'] for t in trials),
        'moved_on_return': max(t['moved_on_return'] for t in trials),
        'disturbed': max(t['disturbed'] for t in trials),
        'false_alarms': sum(t['false_alarms'] for t in trials),
        'not_recovered': sum(not t['recovered'] for t in trials),
        'trials': len(trials),
        'stood_still': stood_still,
        'flows': flows,
        'rate': rate,
    }


COLUMNS = (('system', 8), ('setting', 18), ('direction', 14), ('detection_ms', 14),
           ('median_ms', 11), ('worst_ms', 10), ('lost', 7), ('moved_on_cut', 14),
           ('moved_on_return', 17), ('disturbed', 11), ('false_alarms', 14), ('trials', 8),
           ('stood_still', 13))


def do_json(path, output):
    groups = {}
    for trial in read_lines(path):
        groups.setdefault((trial['system'], trial['setting'], trial['direction']), []).append(trial)
    with open(output + '.new', 'w', encoding='utf-8') as file:
        json.dump([summary(trials) for trials in groups.values()], file, indent=1)
        file.write('\n')
    os.rename(output + '.new', output)


def print_table(rows, columns, left):
    """the first columns to the left"""
    print()
    for row in [{name: name for name, _ in columns}, *rows]:
        cells = ['-' if row[name] is None else str(row[name]) for name, _ in columns]
        print(''.join(f'{cell:<{width}}' if i < left else f'{cell:>{width}}'
                      for i, (cell, (_, width)) in enumerate(zip(cells, columns))).rstrip())


def do_table(path):
    rows = read_json(path)
    print_table(rows, COLUMNS, 3)
    print('\nmedian and worst of the longest gap of each cut; lost: median of the cuts, for 64 '
          f'flows of\n100 packets/s (measured: {rows[0]["flows"]} of {rows[0]["rate"]}); moved and '
          'disturbed: flows, in the worst cut;\nstood_still: trials that do not count, as the '
          'machine itself stood still')
    return 0 if all(not row['not_recovered'] for row in rows) else 1


if __name__ == '__main__':
    sys.exit({'trial': do_trial, 'json': do_json, 'table': do_table}[sys.argv[1]](*sys.argv[2:])
             or 0)
