#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How throughput grows with a second CPU, of Bowtie and of xfrm interfaces.

	cpus.py --module FILE --out DIR

In a guest with two CPUs on a machine that is otherwise idle; "make bench" starts it. pktgen
on one CPU, then on both, each with an inside device of its own; transmit, AES-128-GCM,
4 tunnels, 1 000 routes. Speeds are those of an emulated machine: only their ratio means
anything. From the environment: SYSTEMS as for bench.py, SECONDS_A_RUN=3, TRIALS=3.
"""
import argparse
import json
import os
import re
import statistics
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import cases
import gun
import lab

SIZES = (100, 1400)
DEVICES = ('lan0', 'lan2')      # of CPU 0 and 1


def script(setting, size, devices, seconds):
    """For a shell in the namespace: all at once, for so long"""
    lines = ['set -e', 'cd /proc/net/pktgen']
    for cpu in range(len(DEVICES)):
        lines.append(f'echo rem_device_all >kpktgend_{cpu}')
    for cpu, device in enumerate(devices):
        lines += gun.pktgen_device(device, cpu, 0, size, gun.ends_out(setting))
    # It ends when it is interrupted
    lines += ['echo start >pgctrl &', f'sleep {seconds}', 'echo stop >pgctrl', 'wait']
    return '\n'.join(lines + [f'cat {device}' for device in devices])


def packets_a_second(system, size, devices, seconds):
    before = gun.traffic(system.ns, system.way_out).packets
    text = lab.in_ns(system.ns, 'sh', '-s',
                     text=script(system.setting, size, devices, seconds))
    results = re.findall(r'^Result: OK: (\d+)\(.*\) usec, (\d+) ', text, re.M)
    errors = re.findall(r'errors: (\d+)', text)
    if len(results) != len(devices) or any(map(int, errors)):
        raise lab.LabError(f'pktgen: {text}')
    sent = sum(int(packets) for _, packets in results)
    out = gun.traffic(system.ns, system.way_out).packets - before
    if out != sent:
        raise lab.LabError(f'{out} of {sent} packets came out of {system.way_out}')
    return sum(int(packets) * 1e6 / int(usec) for usec, packets in results)


def measure(system, size, seconds, trials):
    """{CPUs: packets a second}: medians; the two take turns, so that both meet the same
    disturbances"""
    figures = {1: [], 2: []}
    for _ in range(trials):
        for cpus, list_ in figures.items():
            list_.append(packets_a_second(system, size, DEVICES[:cpus], seconds))
    return {cpus: statistics.median(list_) for cpus, list_ in figures.items()}


def measure_system(kind, module, seconds, trials):
    """a list of results; empty if there is no such system yet"""
    results = []
    bowtie = issubclass(kind, lab.Bowtie)
    if bowtie:
        lab.load_bowtie(module)
    try:
        if bowtie and not kind.supported():
            return []
        system = kind(cases.Setting())
        system.create()
        lab.batch(system.ns, lab.dummy(DEVICES[1]))
        for size in SIZES:
            figures = measure(system, size, seconds, trials)
            results.append({'case': 'cpus', 'system': kind.name, 'direction': 'tx', 'bytes': size,
                            'pps_1': round(figures[1]), 'pps_2': round(figures[2]),
                            'ratio': round(figures[2] / figures[1], 3)})
        system.delete()
    finally:
        time.sleep(1)
        if bowtie:
            lab.unload_bowtie()
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--module', required=True)
    parser.add_argument('--out', required=True, help='directory of cpus.json')
    options = parser.parse_args()
    seconds = float(os.environ.get('SECONDS_A_RUN') or 3)
    trials = int(os.environ.get('TRIALS') or 3)
    lab.load_modules()
    results = []
    print(f'{"":14} {"bytes":>5} {"1 CPU":>9} {"2 CPUs":>9} packets/s', flush=True)
    for name in os.environ.get('SYSTEMS', '').split() or list(lab.SYSTEMS):
        for result in measure_system(lab.SYSTEMS[name], options.module, seconds, trials):
            print(f'{lab.SYSTEMS[name].title:14} {result["bytes"]:>5} {result["pps_1"]:>9} '
                  f'{result["pps_2"]:>9} {result["ratio"]:9.2f} x', flush=True)
            results.append(result)
    with open(os.path.join(options.out, 'cpus.json'), 'w', encoding='utf-8') as file:
        file.write('[\n' + ',\n'.join(map(json.dumps, results)) + '\n]\n')
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except lab.LabError as problem:
        sys.exit(f'cpus: {problem}')
