# SPDX-License-Identifier: GPL-2.0-only
"""Table and JSON of bench's results. No measuring here: unit-tested.

A result is (case, {system: instructions a packet or None}), plain forwarding among them.
"""
import json

# What ratios are to: the systems as lab.SYSTEMS names them
PEER = 'peer'
ORDER = ('xfrm', 'fast', 'peer', 'external')
TITLES = {'xfrm': 'bowtie xfrm', 'fast': 'bowtie fast', 'peer': 'xfrm ifaces',
          'external': 'xfrm external'}


def added(figures, system):
    """instructions over plain forwarding, or None"""
    if figures.get(system) is None or figures.get('plain') is None:
        return None
    return figures[system] - figures['plain']


def ratio(figures, system):
    """of added instructions, to the peer's"""
    mine, peer = added(figures, system), added(figures, PEER)
    return None if mine is None or not peer else mine / peer


def as_object(case, figures):
    setting = case.setting
    systems = {}
    for system in ORDER:
        more, share = added(figures, system), ratio(figures, system)
        systems[system] = None if more is None else {
            'instructions': round(figures[system], 1),
            'added': round(more, 1),
            'ratio': None if share is None else round(share, 4),
        }
    return {
        'case': case.group, 'direction': case.direction, 'kind': case.kind,
        'bytes': case.bytes, 'algorithm': setting.algorithm, 'tunnels': setting.tunnels,
        'routes': setting.routes, 'esp4_offload': setting.offload,
        'plain': None if figures.get('plain') is None else round(figures['plain'], 1),
        'systems': systems,
    }


def as_json(results):
    """one object a line"""
    lines = [json.dumps(as_object(case, figures)) for case, figures in results]
    return '[\n' + ',\n'.join(lines) + '\n]\n'


def heading():
    line = f'{"":10} {"":17} {"tun":>3} {"routes":>6} {"":16} {"plain":>6}'
    for system in ORDER:
        line += f' {TITLES[system]:>14}'
    return line


def row(case, figures):
    setting = case.setting
    plain = figures.get('plain')
    line = (f'{case.group:10} {setting.algorithm:17} {setting.tunnels:>3} {setting.routes:>6} '
            f'{case.label():16} {"-" if plain is None else format(plain, ".0f"):>6}')
    for system in ORDER:
        more, share = added(figures, system), ratio(figures, system)
        text = '-' if more is None else f'{more:+.0f}'
        if share is not None and system != PEER:
            text += f' {share:4.2f}'
        line += f' {text:>14}'
    return line


def table(results):
    return '\n'.join([heading()] + [row(case, figures) for case, figures in results])


# What the fast path is to reach: (group, direction, bytes, ratio)
GOALS = (('base', 'tx', 100, 0.30), ('base', 'tx', 1400, 0.50), ('base', 'rx', 100, 0.30),
         ('base', 'rx', 1400, 0.50), ('stream', 'tx', 1400, 0.60), ('stream', 'rx', 1400, 0.60))
SCALE_GOAL = 1.05   # 64 tunnels and 100 000 routes, to 4 and 10


def goals(results, system='fast'):
    """a line for each goal that there are figures for"""
    def find(*wanted):
        for case, figures in results:
            if wanted == (case.group, case.direction, case.bytes, case.setting.routes):
                return figures
        return {}

    def line(name, value, goal):
        return f'goal: {name:24} {value:4.2f} of {goal:4.2f}  {"met" if value <= goal else "missed"}'

    for group, direction, size, goal in GOALS:
        value = ratio(find(group, direction, size, 1000), system)
        if value is not None:
            yield line(f'{group} {direction} {size}', value, goal)
    for direction in ('tx', 'rx'):
        few = added(find('routes', direction, 100, 10), system)
        many = added(find('scale', direction, 100, 100000), system)
        if few and many is not None:
            yield line(f'scale {direction} 100', many / few, SCALE_GOAL)
