#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions that a forwarded packet costs, of Bowtie and of xfrm interfaces.

	bench.py --espgun PROGRAM --module FILE --out DIR

In a guest of "scripts/vm --icount", where an instruction takes one nanosecond; "make
bench" starts it. From the environment, all optional:
	CASES="base algorithm:tx:100"	groups (see cases.py), or parts of them
	SYSTEMS="plain xfrm fast peer external"
	QUICK=1				base only: transmit and receive, 100 and 1400 bytes
	PACKETS=4096			a measurement; a multiple of 128
	PROFILE=1			under the insnprof plugin (profile.sh): keeps symbols

Systems are measured one after another, each in a namespace made for it; Bowtie's module is
loaded only for Bowtie, as its ESP handlers are asked before those of xfrm interfaces.
Ends with 1 if a case could not be measured: packets lost, for example.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import cases as case_list
import gun as guns
import lab
import report

# Time costs nothing while the guest is idle: what was put off by others gets done
SETTLE = 2
MSS_OF = 40     # header bytes of a segment


class Bench:
    """@failures: what could not be measured"""

    def __init__(self, options):
        self.options = options
        self.count = int(os.environ.get('PACKETS') or 4096)
        self.warmup = 512
        self.profile = os.environ.get('PROFILE') == '1'
        self.profiled = []
        self.failures = []
        self.plain = {}     # what others need not measure again
        self.work = tempfile.mkdtemp(prefix='bench.')
        self.gun = guns.Gun(options.espgun, self.work)

    # ------------------------------------------------------------ packets

    def prepare(self, cases):
        """The packets that come in, once for all systems"""
        setting = cases[0].setting
        lab.create_far(setting)
        for case in cases:
            if case.direction == 'tx' and not case.kind:
                continue
            self.prepare_case(case)
        lab.call('ip', 'netns', 'delete', lab.FAR_NS)

    def prepare_case(self, case):
        name, setting = case.label().replace(' ', '-'), case.setting
        words = ['--bytes', str(case.bytes)]
        total = self.warmup + self.count
        if case.kind == 'stream' and case.direction == 'tx':
            mss = case.bytes - MSS_OF
            self.gun.make_out(name, setting, total // guns.BURST, '--tcp', '--mss', str(mss),
                              '--bytes', str(MSS_OF + mss * guns.BURST))
            return
        if case.kind == 'stream':
            words += ['--tcp', '--checked', '--burst', str(guns.BURST)]
        if case.direction == 'both':
            total //= 2
            self.gun.make_out(name + '.out', setting, total, *words)
        self.gun.make_in(name, setting, total, *words)
        self.gun.encrypt(name)

    # ------------------------------------------------------------ one figure

    def measure(self, system, case):
        """instructions a packet"""
        key = (case.direction, case.bytes, case.kind, case.setting.routes, case.setting.offload)
        if system.name == 'plain' and key in self.plain:
            return self.plain[key]
        time.sleep(SETTLE)
        value = (self.measure_pktgen if case.direction == 'tx' and not case.kind
                 else self.measure_run)(system, case)
        if system.name == 'plain':
            self.plain[key] = value
        if self.profile:
            self.keep_profile(system, case)
        return value

    def measure_pktgen(self, system, case):
        guns.pktgen(self.gun, system.ns, case.setting, case.bytes, self.warmup, warmup=True)
        before = guns.traffic(system.ns, system.way_out)
        value = guns.pktgen(self.gun, system.ns, case.setting, case.bytes, self.count)
        self.expect(guns.traffic(system.ns, system.way_out), before, self.count, system.way_out)
        return value

    def measure_run(self, system, case):
        plain = system.name == 'plain'
        path = self.gun.path(case.label().replace(' ', '-'))
        esp = path if plain else path + '.esp'
        words, per_write, sent = [], 1, self.warmup + self.count
        ways = {'tx': [system.way_out], 'rx': ['out0'], 'both': [system.way_out, 'out0']}
        ways = ways[case.direction]
        if case.direction != 'tx' and case.kind != 'single':
            words = ['--batch', str(guns.NAPI_BUDGET)]
        if case.direction == 'both':
            guns_ = ['lan1', path + '.out', 'wan1', esp]
        elif case.direction == 'rx':
            guns_ = ['wan1', esp]
        else:
            guns_ = ['lan1', path]
            per_write = guns.BURST
        before = [guns.traffic(system.ns, way) for way in ways]
        value = self.gun.fire(system.ns, self.count // per_write,
                              '--warmup', str(self.warmup // per_write), *words, *guns_)
        time.sleep(SETTLE)
        for way, old in zip(ways, before):
            new = guns.traffic(system.ns, way)
            if case.kind == 'stream':
                self.expect_stream(new, old, case, way)
            else:
                self.expect(new, old, sent if len(set(ways)) == 1 else sent // 2, way)
        return value / per_write

    @staticmethod
    def expect(new, old, wanted, way):
        if new.packets - old.packets != wanted:
            raise lab.LabError(f'{new.packets - old.packets} of {wanted} packets came out of {way}')

    def expect_stream(self, new, old, case, way):
        """What is merged counts as one packet: payload tells"""
        packets, total = new.packets - old.packets, new.bytes - old.bytes
        segments = self.warmup + self.count
        if case.direction == 'tx' and way == 'wan0':
            self.expect(new, old, segments, way)
            return
        payload = total - packets * (14 + MSS_OF)
        wanted = segments * (case.bytes - MSS_OF)
        if payload != wanted:
            raise lab.LabError(f'{payload} of {wanted} bytes came out of {way}')

    def keep_profile(self, system, case):
        number = len(self.profiled) + 1
        symbols = f'kallsyms.{number}'
        shutil.copyfile('/proc/kallsyms', os.path.join(self.options.out, symbols))
        self.profiled.append({'counts': f'counts.{number}', 'symbols': symbols,
                              'system': system.name, 'case': case.label(),
                              'packets': self.count})
        with open(os.path.join(self.options.out, 'index.json'), 'w', encoding='utf-8') as file:
            json.dump(self.profiled, file)

    # ------------------------------------------------------------ all figures

    def measure_system(self, kind, cases, figures):
        setting = cases[0].setting
        bowtie = issubclass(kind, lab.Bowtie)
        if bowtie:
            lab.load_bowtie(self.options.module)
        try:
            if bowtie and not kind.supported():
                return 'not there yet'
            system = kind(setting)
            system.create()
            for case in cases:
                try:
                    figures[case][kind.name] = self.measure(system, case)
                except lab.LabError as error:
                    self.failures.append(f'{kind.name}: {case.group} {case.label()}: {error}')
            system.delete()
        except lab.LabError as error:
            self.failures.append(f'{kind.name}: {cases[0].group}: {error}')
            return 'failed'
        finally:
            time.sleep(SETTLE)
            if bowtie:
                lab.unload_bowtie()
        return ' '.join(f'{figures[case][kind.name]:.0f}' for case in cases
                        if figures[case].get(kind.name) is not None)

    def measure_setting(self, cases, kinds):
        setting = cases[0].setting
        say(f'# {setting.algorithm}, {setting.tunnels} tunnels, {setting.routes} routes'
            f'{", esp4_offload" if setting.offload else ""}: '
            f'{", ".join(case.label() for case in cases)}')
        if setting.offload:
            lab.call('modprobe', 'esp4_offload')
        self.prepare(cases)
        figures = {case: {} for case in cases}
        for kind in kinds:
            say(f'#   {kind.title:14} {self.measure_system(kind, cases, figures)}')
        for name in os.listdir(self.work):
            os.unlink(os.path.join(self.work, name))
        return list(figures.items())

    def run(self, cases, kinds):
        results = []
        for setting in case_list.settings_of(cases):
            results += self.measure_setting([c for c in cases if c.setting == setting], kinds)
            with open(os.path.join(self.options.out, 'esp.json'), 'w', encoding='utf-8') as file:
                file.write(report.as_json(results))
        os.rmdir(self.work)
        return results


def say(text):
    print(text, flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--espgun', required=True)
    parser.add_argument('--module', required=True)
    parser.add_argument('--out', required=True, help='directory of esp.json')
    return parser.parse_args()


def main():
    options = parse_options()
    names = os.environ.get('SYSTEMS', '').split() or list(lab.SYSTEMS)
    try:
        cases = case_list.select(os.environ.get('CASES', '').split(),
                                 os.environ.get('QUICK') == '1')
        kinds = [lab.SYSTEMS[name] for name in names]
    except (ValueError, KeyError) as error:
        sys.exit(f'bench: {error} is unknown')
    os.makedirs(options.out, exist_ok=True)
    lab.load_modules()
    # espgun's NAPI thread may take all of the time
    lab.call('sysctl', '-qw', 'kernel.sched_rt_runtime_us=-1')
    bench = Bench(options)
    results = bench.run(cases, kinds)
    say('\nInstructions a packet; after plain forwarding what each system adds, and its ratio '
        'to xfrm ifaces\n')
    say(report.table(results))
    for line in report.goals(results):
        say(line)
    for failure in bench.failures:
        say(f'FAILED: {failure}')
    return 1 if bench.failures else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except lab.LabError as problem:
        sys.exit(f'bench: {problem}')
