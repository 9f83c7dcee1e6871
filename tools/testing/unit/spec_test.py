#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Nothing is forgotten: the field tables of lib/model.c have every attribute of
the specification under its name, the names of enums are the specification's, and
the manual of the tool has every setting and counter."""

import os
import re
import shutil
import subprocess

import yaml

TOP = os.environ.get('BOWTIE_TOP') or os.path.realpath(
    os.path.join(os.path.dirname(__file__), '../../..'))
MODEL = 'userspace/lib/model.c'
MANUAL = 'Documentation/man/bowtie.8'

COUNT = FAILED = 0


def check(good, name, why=''):
    global COUNT, FAILED  # pylint: disable=global-statement
    COUNT += 1
    FAILED += not good
    print(f'{"ok" if good else "not ok"} {COUNT} - {name}')
    if not good and why:
        print('# ' + str(why).replace('\n', '\n# '))


def read(path):
    with open(os.path.join(TOP, path), encoding='utf-8') as file:
        return file.read()


def tables(model):
    """{"tunnel": {"ID": "id", ...}}: attribute and name of each field"""
    out = {}
    for name, body in re.findall(r'^static const struct bt_field (\w+)_fields\[\] = \{\n(.*?)^\};',
                                 model, re.M | re.S):
        fields = {}
        for attr, field in re.findall(r'^\t[A-Z]\((?:\w+, )?([A-Z0-9_]+), "([a-z0-9-]+)"', body,
                                      re.M):
            fields[attr] = field
        for attr, field in re.findall(r'^\tFIELD\(\w+, \w+, BOWTIE_A_[A-Z]+_([A-Z0-9_]+), '
                                      r'"([a-z0-9-]+)"', body, re.M):
            fields[attr] = field
        out[name] = fields
    return out


def enums(model):
    """{"hash": ["skb", ...]}"""
    return {name: re.findall(r'^\t\[\w+\] = "([^"]+)"', body, re.M) for name, body in
            re.findall(r'^static const char \*const (\w+)_list\[\] = \{\n(.*?)^\};', model,
                       re.M | re.S)}


def plain(page):
    """a manual page as a set of words"""
    return set(re.findall(r'[a-z0-9-]+', page.replace('\\-', '-')))


def main():
    spec = yaml.safe_load(read('Documentation/netlink/specs/bowtie.yaml'))
    model = read(MODEL)
    sets = {one['name']: one['attributes'] for one in spec['attribute-sets']}
    have = tables(model)
    # A prefix takes two attributes, and a list is one field whatever it is wrapped in
    for name in ('stats', 'link', 'tunnel', 'nexthop', 'route', 'sa', 'selector'):
        want = {a['name'] for a in sets[name] if a['name'] != 'pad'}
        if name in ('selector', 'route'):
            want = {a for a in want if a != 'len' and not a.endswith('-len')}
        got = {attr.lower().replace('_', '-') for attr in have[name]}
        check(want == got, f'{name}: every attribute has its field', want ^ got)
        # The only name that differs: there are many of it
        wrong = {attr: field for attr, field in have[name].items()
                 if attr.lower().replace('_', '-') not in (field, field.removesuffix('s'))}
        check(not wrong, f'{name}: under the same name', wrong)

    wanted = {one['name']: [e['name'] for e in one['entries']]
              for one in spec['definitions'] if one['type'] == 'enum'}
    aliases = {'hash-policy': 'hash', 'admin-state': 'admin', 'oper-state': 'oper'}
    names = enums(model)
    for enum, entries in wanted.items():
        if enum != 'mode':
            got = names.get(aliases.get(enum, enum).replace('-', '_'))
            check(got == entries, f'names of {enum}', f'{got} != {entries}')

    words = plain(read(MANUAL))
    settable = {op['name']: op['settable'] for op in spec['operations']['list']
                if op['name'] in ('link-set', 'tunnel-new')}
    settings = set(settable['link-set']['link']) | set(settable['tunnel-new']['tunnel'])
    settings = {re.sub('[46]$', '', s) for s in settings} - {'selectors'} | {'selector'}
    check(settings <= words, 'the manual has every setting', settings - words)
    counters = set(have['stats'].values())
    check(counters <= words, 'the manual has every counter', counters - words)
    values = {value for enum in wanted if enum != 'mode' for value in wanted[enum]}
    check(values <= words, 'the manual has every value of a choice', values - words)

    if shutil.which('man'):
        done = subprocess.run(['man', '-l', '--warnings=w', os.path.join(TOP, MANUAL)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              check=False, env=dict(os.environ, MANWIDTH='80', LC_ALL='C.UTF-8'))
        check(done.returncode == 0 and not done.stderr, 'the manual is clean', done.stderr)
    print(f'1..{COUNT}')
    return 1 if FAILED else 0


if __name__ == '__main__':
    raise SystemExit(main())
