# SPDX-License-Identifier: GPL-2.0-only
"""Watches the kernel log for complaints."""

import os
import re

# What no test may provoke, however green its own checks are
_SPLAT = re.compile('|'.join((
    r'\bWARNING:', r'\bBUG:', r'\bOops\b', r'\bKASAN\b', r'\bKCSAN\b', r'\bUBSAN\b',
    r'general protection fault', r'kernel panic', r'stack-protector',
    r'refcount_t:', r'refcount leaked', r'ref_tracker:', r'leaked reference',
    r'unregister_netdevice: waiting',
    r'possible circular locking', r'possible recursive locking', r'inconsistent lock state',
    r'possible irq lock inversion', r'bad unlock balance', r'held lock freed',
    r'lock held when returning', r'suspicious RCU usage', r'DEBUG_LOCKS_WARN_ON',
    r'scheduling while atomic', r'sleeping function called',
    r'INFO: task .* blocked for more than', r'rcu: INFO: .* detected', r'soft lockup',
    r'kmemleak: \d+ new suspected', r'list_(?:add|del) corruption', r'ODEBUG:',
    r'Objects remaining in', r'slab .*(?:corrupt|overwritten)', r'page allocation failure',
)), re.IGNORECASE)

_CONTEXT = 70  # lines shown from a complaint on


class KernelLog:
    """Records of /dev/kmsg from the moment of creation on."""

    def __init__(self, path='/dev/kmsg'):
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(self._fd, 0, os.SEEK_END)

    def read(self):
        """The lines logged since the last call."""
        lines = []
        while True:
            try:
                record = os.read(self._fd, 8192)
            except BlockingIOError:
                return lines
            except BrokenPipeError:
                lines.append('(kernel messages lost: the log overflowed)')
                continue
            prefix, _, text = record.decode(errors='replace').partition(';')
            stamp = int(prefix.split(',')[2]) / 1e6
            # What follows the first line are the record's properties
            lines.append(f'[{stamp:12.6f}] {text.partition(chr(10))[0]}')


def splat(lines):
    """The first complaint among lines with what follows it, or []."""
    for number, line in enumerate(lines):
        if _SPLAT.search(line):
            return lines[number:number + _CONTEXT]
    return []
