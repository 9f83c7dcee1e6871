#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The README's "Install it on a gateway", line by line, below another root: what it leaves
passes "bowtied --check" and comes back after a reboot."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.environ.get('BOWTIE_TOP') or os.path.realpath(os.path.join(HERE, '../../..'))
sys.path.insert(0, os.path.join(HERE, '../selftests/bowtie'))
# pylint: disable=wrong-import-position
import lib_tap as tap

# What is not tried here says only that it was called
STUBS = ('make', 'systemctl', 'sysctl', 'bowtie', 'install-deps.sh')
CHECK = '''#!/bin/sh
sed 's|/etc/bowtie/|{root}/etc/bowtie/|' {root}/etc/bowtie/bowtie.yaml >{root}/checked.yaml
exec {program} -c {root}/checked.yaml "$@"
'''


def read(path):
    try:
        with open(path, encoding='utf-8') as file:
            return file.read()
    except OSError as error:
        return f'({error})'


def block(root):
    """the commands, with the paths of the other root"""
    text = read(os.path.join(TOP, 'README.md'))
    part = re.search(r'^## Install it on a gateway\n\n((?:    .*\n|\n)+)', text, re.M)
    lines = re.sub(r'(?m)^    ', '', part.group(1)) if part else ''
    return re.sub(r'(?<![\w.*])/(etc|usr)/', rf'{root}/\1/', lines).replace('scripts/', '')


def script(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, 0o755)


def prepare(root):
    examples = os.path.join(root, 'usr/local/share/doc/bowtie/examples')
    shutil.copytree(os.path.join(TOP, 'userspace/examples'), examples)
    for name in ('etc/bowtie', 'etc/bird', 'etc/sysctl.d', 'stubs'):
        os.makedirs(os.path.join(root, name))
    with open(os.path.join(root, 'etc/bird/bird.conf'), 'w', encoding='utf-8') as file:
        file.write('log syslog all;\n')
    for name in STUBS:
        script(os.path.join(root, 'stubs', name),
               f'#!/bin/sh\necho "{name} $*" >>{root}/calls\n')
    script(os.path.join(root, 'stubs/bowtied'),
           CHECK.format(root=root, program=os.path.join(TOP, 'build/userspace/bowtied')))


def run(root):
    # Line by line, as they are pasted: what a line reads is not the next line
    env = dict(os.environ, PATH=f'{root}/stubs:{os.environ["PATH"]}')
    return subprocess.run(['bash', '-e', '-c', block(root)], input='secret\n' * 8, cwd=root,
                          env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=60)


def installed(root):
    done = run(root)
    tap.ok(done.returncode == 0, 'every line succeeds, bowtied --check among them',
           block(root) + done.stdout)
    calls = read(os.path.join(root, 'calls'))
    enabled = ' '.join(re.findall(r'systemctl enable (.*)', calls))
    for unit in ('bowtied', 'strongswan', 'bird'):
        tap.ok(unit in enabled.split(), f'{unit} is enabled', calls)
    tap.ok('install-deps.sh build peers' in calls, 'what it needs is installed first', calls)
    tap.eq(read(f'{root}/etc/systemd/system/bird.service.d/bowtie.conf'),
           read(f'{TOP}/userspace/examples/bird-restart.conf'), 'a restart of BIRD is harmless')
    for name in sorted(os.listdir(f'{root}/etc/bowtie')):
        if name.endswith('.psk'):
            tap.eq(oct(os.stat(f'{root}/etc/bowtie/{name}').st_mode & 0o777), oct(0o600),
                   f'{name} is secret')
    settings = ''.join(read(f'{root}/etc/sysctl.d/{name}')
                       for name in os.listdir(f'{root}/etc/sysctl.d') if name.endswith('.conf'))
    tap.ok(re.search(r'^net\.ipv4\.ip_forward ?= ?1$', settings, re.M),
           'forwarding outlives a reboot', settings)


def bird(root):
    conf = read(f'{root}/etc/bird/bird.conf')
    tap.ok(re.search(r'^protocol device', conf, re.M), 'BIRD knows the devices', conf)
    tap.ok(re.search(r'^include "\S*/run/bowtie\*/bird\.conf";', conf, re.M),
           "BIRD reads bowtied's part", conf)
    olds = [name for name in os.listdir(f'{root}/etc/bird')
            if 'log syslog' in read(f'{root}/etc/bird/{name}')]
    tap.ok(olds, 'what was there before is not lost', os.listdir(f'{root}/etc/bird'))
    program = shutil.which('bird', path='/usr/sbin:/usr/local/sbin:/usr/bin')
    if program:
        done = subprocess.run([program, '-p', '-c', f'{root}/etc/bird/bird.conf'],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=60)
        tap.ok(done.returncode == 0, 'BIRD takes it', done.stdout)


KEYS = ('hold_routes', 'hold_withdrawn', 'on_change', 'on_change_timeout', 'backups',
        'graceful_restart', 'restart_time', 'recovery_time')


def example(root):
    """what the example has as comments is right, too"""
    text = read(f'{TOP}/userspace/examples/bowtie.yaml')
    used = re.sub(r'(?m)^( *)#(\w+:)', r'\1\2', text).replace('/etc/bowtie/on-change', '/bin/true')
    for key in KEYS:
        tap.ok(re.search(rf'\b{key}:', used), f'the example speaks of {key}')
        tap.ok(f'"{key}: ' in read(f'{TOP}/tools/testing/fuzz/config.dict'),
               f'the fuzzer knows {key}')
    tap.ok(used.count('\n') == text.count('\n') and used != text, 'there are comments to use')
    with open(f'{root}/etc/bowtie/bowtie.yaml', 'w', encoding='utf-8') as file:
        file.write(used)
    done = subprocess.run([f'{root}/stubs/bowtied', '--check'], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    tap.ok(done.returncode == 0, 'all of them at once pass the check', done.stdout)


def stop_bird(root, state):
    """what the drop-in does to stop BIRD, in this state of the system"""
    line = re.search(r'(?m)^ExecStop=(.*)', read(f'{TOP}/userspace/examples/bird-restart.conf'))
    words = [re.sub(r'/usr/s?bin/(?=birdc|systemctl)', f'{root}/stubs/', word).replace('$$', '$')
             for word in shlex.split(line.group(1))]
    script(f'{root}/stubs/systemctl', f'#!/bin/sh\n[ "$1" != is-system-running ] || echo {state}\n')
    script(f'{root}/stubs/birdc', f'#!/bin/sh\necho "$*" >>{root}/birdc\n')
    with open(f'{root}/birdc', 'w', encoding='utf-8'):
        pass
    done = subprocess.run(words, check=False, timeout=60,
                          env=dict(os.environ, PATH=f'{root}/stubs:{os.environ["PATH"]}'))
    return done.returncode, read(f'{root}/birdc')


def bird_stop(root):
    for state in ('running', 'degraded', ''):
        tap.eq(stop_bird(root, state), (0, 'graceful restart\n'),
               f'BIRD is stopped while the system is "{state}": forwarding goes on')
    tap.eq(stop_bird(root, 'stopping'), (0, ''),
           'the system goes down: BIRD may say goodbye')


def guide(_root):
    text = read(f'{TOP}/Documentation/admin/install.rst')
    for what in ('aws1 aws2 aws3 aws4', '/etc/sysctl.d/', 'bird-restart.conf', 'bird.conf',
                 'systemctl enable bowtied strongswan bird'):
        tap.ok(what in text, f'install.rst has {what}, too')


def main():
    with tempfile.TemporaryDirectory() as root:
        prepare(root)
        tap.main(lambda: installed(root), lambda: bird(root), lambda: example(root), lambda: bird_stop(root),
                 lambda: guide(root))


main()
