#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What bench and bench-failover do with their figures: choice of cases, ratios, table, JSON,
gnuplot's script; losses.
The measuring itself takes minutes and is not done here."""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
TOP = os.environ.get('BOWTIE_TOP') or os.path.realpath(
    os.path.join(os.path.dirname(__file__), '../../..'))
sys.path.insert(0, os.path.join(TOP, 'tools/testing/perf/esp'))
sys.path.insert(0, os.path.join(TOP, 'tools/testing/perf'))
# pylint: disable=wrong-import-position
import cases
import failover
import lab
import plot
import profile_table
import report

COUNT = FAILED = 0


def check(good, name, why=''):
    global COUNT, FAILED  # pylint: disable=global-statement
    COUNT += 1
    FAILED += not good
    print(f'{"ok" if good else "not ok"} {COUNT} - {name}')
    if not good and why != '':
        print('# ' + str(why).replace('\n', '\n# '))


def equal(name, got, wanted):
    check(got == wanted, name, f'{got!r}, not {wanted!r}')


def test_cases():
    everything = cases.select([])
    check(len(everything) == len(set(everything)), 'no case is there twice')
    quick = cases.select([], quick=True)
    equal('the quick ones', [case.label() for case in quick],
          ['tx 100', 'tx 1400', 'rx 100', 'rx 1400'])
    equal('one of a group', [case.label() for case in cases.select(['base:rx:512'])], ['rx 512'])
    equal('one algorithm', {case.setting.algorithm for case in cases.select(['algorithm:null'])},
          {'null'})
    check(all(case.group in ('tunnels', 'stream') for case in cases.select(['stream', 'tunnels'])),
          'groups')
    try:
        cases.select(['bsae'])
        check(False, 'a misspelt group is refused')
    except ValueError as error:
        check('bsae' in str(error), 'a misspelt group is refused', error)
    for dimension, wanted in (('tunnels', {1, 4, 64}), ('routes', {10, 1000, 100000}),
                              ('algorithm', set(lab.ALGORITHMS))):
        equal(f'every one of {dimension}',
              {getattr(case.setting, dimension) for case in everything}, wanted)
    settings = cases.settings_of(everything)
    equal('a gateway for each setting', len(settings), len(set(settings)))
    check(settings[-1].offload and not any(s.offload for s in settings[:-1]),
          'esp4_offload, which stays, is last')


def test_lab():
    equal('an address', lab.add('20.0.0.0', 256 * 99999), '21.134.159.0')
    equal('routes', list(cases.Setting(routes=300).prefixes())[-1], '20.1.43.0/24')
    line = lab.sa_line('aes256-gcm', '192.0.2.1', '192.0.2.100', 0x1003, 4)
    check(f'0x{"00001003" * 9} 128' in line, 'a key of 36 bytes', line)
    for algorithm in lab.ALGORITHMS:
        far = lab.sa_line(algorithm, '192.0.2.100', '192.0.2.1', 0x2000, 1)
        near = list(lab.sa_lines(algorithm, 0))[1]
        check(near.startswith(far.rstrip()), f'both ends of an SA agree: {algorithm}',
              f'{near}\n{far}')


def test_report():
    case = cases.select(['base:tx:100'])[0]
    figures = {'plain': 5000.0, 'xfrm': 8000.0, 'peer': 15000.0, 'external': None}
    entry = json.loads(report.as_json([(case, figures), (case, {})]))
    equal('what a system adds', entry[0]['systems']['xfrm'],
          {'instructions': 8000.0, 'added': 3000.0, 'ratio': 0.3})
    equal('a system that was not measured', entry[0]['systems']['fast'], None)
    equal('the peer itself', entry[0]['systems']['peer']['ratio'], 1.0)
    equal('nothing was measured', set(entry[1]['systems'].values()), {None})
    equal('its dimensions', [entry[0][name] for name in (
        'case', 'direction', 'bytes', 'algorithm', 'tunnels', 'routes')],
        ['base', 'tx', 100, 'aes128-gcm', 4, 1000])
    figures.pop('peer')
    equal('no peer, no ratio', report.as_object(case, figures)['systems']['xfrm']['ratio'], None)
    figures.pop('plain')
    equal('no plain forwarding, no difference', report.added(figures, 'xfrm'), None)

    rows = report.table([(c, {'plain': 5000, 'xfrm': 8000, 'peer': 15000})
                         for c in cases.select([])]).splitlines()
    equal('columns are straight', len({len(row) for row in rows}), 1)
    check('+3000 0.30' in rows[1] and rows[1].rstrip().endswith('-'), 'a row', rows[1])


def test_goals():
    everything = cases.select([])
    figures = {'plain': 5000, 'fast': 8000, 'peer': 14000}
    lines = list(report.goals([(case, figures) for case in everything]))
    equal('every goal is looked at', len(lines), len(report.GOALS) + 2)
    equal('a goal missed, and one met', [line.split()[-1] for line in lines[:2]],
          ['missed', 'met'])
    check('1.00 of 1.05' in lines[-1], 'growth with tunnels and routes', lines[-1])
    equal('no figures, no goals', list(report.goals([(case, {}) for case in everything])), [])


def test_plot():
    everything = cases.select([])
    results = json.loads(report.as_json([(case, {'plain': 5000, 'xfrm': 8000, 'peer': 9000})
                                         for case in everything]))
    text = plot.script(results, 'x.svg')
    check('"transmit 100 B" 3000 4000' in text, 'bars of what was measured', text)
    check('bowtie fast' not in text, 'no legend for what was not')


def test_profile():
    columns = {'plain': {'a': 10.0, 'b': 1.0}, 'fast': {'a': 10.0, 'c[bowtie]': 30.0}}
    rows = [line.split() for line in profile_table.lines('tx 100', columns, 2)]
    equal('heading', rows[1], ['plain', 'fast'])
    equal('totals', rows[2], ['11', '40', 'total'])
    equal('the largest first', rows[3], ['0.0', '30.0', 'c[bowtie]'])
    equal('the rest', rows[5], ['1.0', '0.0', '1', 'others'])


def write(lab, name, lines):
    with open(os.path.join(lab, name), 'w', encoding='utf-8') as file:
        file.writelines(json.dumps(line) + '\n' for line in lines)


def test_failover():
    """flow 0 used the tunnel that was cut, 1 lost a packet, 2 had some that only came late"""
    def event(flow, at, lost, before, after):
        return {'flow': flow, 'at_ms': at, 'gap_ms': 0 if not before else 300, 'lost': lost,
                'from': before, 'to': after}
    with tempfile.TemporaryDirectory() as lab:
        write(lab, 'times.json', [{'cut': 1000, 'mend': 5000, 'end': 9000, 'alive': True}])
        write(lab, 'stalls', [])
        write(lab, 'gw.monitor', [])
        write(lab, 'back.events', [event(0, 500, 0, 0, 1), event(1, 500, 0, 0, 2),
                                   event(2, 500, 0, 0, 3), event(0, 1310, 30, 1, 2),
                                   event(1, 2000, 1, 2, 2), event(2, 3000, 9, 3, 3)])
        write(lab, 'back.received', [{'flow': [
            {'id': flow, 'lost': lost, 'gap_ms': 300} for flow, lost in enumerate((29, 1, 0))]}])
        write(lab, 'cloud.monitor', [])
        figures = failover.measure(lab, 'back', 'bowtie', 0, 'aws1')
        equal('gaps of the flows on the tunnel that was cut', figures['gaps_ms'], [300])
        equal('late packets are not lost', figures['lost'], 30)
        equal('nor is their flow disturbed', figures['disturbed'], 1)


def main():
    test_failover()
    test_cases()
    test_lab()
    test_report()
    test_goals()
    test_plot()
    test_profile()
    print(f'1..{COUNT}')
    return 1 if FAILED else 0


if __name__ == '__main__':
    sys.exit(main())
