# SPDX-License-Identifier: GPL-2.0-only
"""What bench measures: a base, and each dimension varied on its own."""
import dataclasses

import lab

BASE_SIZES = (100, 512, 1400)
ENDS = (100, 1400)


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a gateway is built for"""
    algorithm: str = 'aes128-gcm'
    tunnels: int = 4
    routes: int = 1000
    offload: bool = False   # esp4_offload loaded: GRO takes ESP to xfrm_input()

    def prefixes(self):
        return (lab.add(lab.FAR, i * 256) + '/24' for i in range(self.routes))


@dataclasses.dataclass(frozen=True)
class Case:
    """@direction: tx, rx or both; @kind: "stream": TCP segments that go through the stack
    together, @bytes is that of a segment; "single": each packet is received for itself, as
    on a gateway with nothing else to do, not by the NAPI poll of a busy one"""
    group: str
    setting: Setting
    direction: str
    bytes: int
    kind: str = ''

    def label(self):
        return f'{self.direction} {self.kind + " " if self.kind else ""}{self.bytes}'


def of(group, setting, *directions, sizes=ENDS, kind=''):
    return [Case(group, setting, direction, size, kind)
            for direction in directions for size in sizes]


def default_cases():
    base = Setting()
    cases = of('base', base, 'tx', 'rx', 'both', sizes=BASE_SIZES)
    cases += of('stream', base, 'tx', 'rx', sizes=(1400,), kind='stream')
    cases += of('single', base, 'rx', kind='single')
    for algorithm in lab.ALGORITHMS:
        if algorithm != base.algorithm:
            cases += of('algorithm', Setting(algorithm=algorithm), 'tx', 'rx')
    for tunnels in (1, 64):
        cases += of('tunnels', Setting(tunnels=tunnels), 'tx', 'rx', sizes=(100,))
    for routes in (10, 100000):
        cases += of('routes', Setting(routes=routes), 'tx', 'rx', sizes=(100,))
    cases += of('scale', Setting(tunnels=64, routes=100000), 'tx', 'rx', sizes=(100,))
    # Last, as the module stays
    cases += of('offload', Setting(offload=True), 'rx')
    return cases


def select(words, quick=False):
    """The cases of these groups, or all. What follows a group's name, as in "base:tx:100",
    "algorithm:null" or "routes:r10", takes only some of it. Raises ValueError."""
    cases = default_cases()
    if quick:
        cases = [case for case in cases
                 if case.group == 'base' and case.direction != 'both' and case.bytes in ENDS]
    if not words:
        return cases
    chosen = set()
    for word in words:
        group, *parts = word.split(':')
        hits = [case for case in cases if case.group == group and
                all(part in (case.direction, str(case.bytes), case.setting.algorithm,
                             f't{case.setting.tunnels}', f'r{case.setting.routes}')
                    for part in parts)]
        if not hits:
            raise ValueError(f'CASES: no such case: {word}')
        chosen.update(hits)
    return [case for case in cases if case in chosen]


def settings_of(cases):
    """each once, in order"""
    return list(dict.fromkeys(case.setting for case in cases))
