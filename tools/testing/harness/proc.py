# SPDX-License-Identifier: GPL-2.0-only
"""Runs one test program with a deadline and leaves no process of it behind."""

import ctypes
import os
import selectors
import signal
import subprocess
import time

_PR_SET_CHILD_SUBREAPER = 36
_GRACE = 15  # seconds that a test's own clean-up may take after its deadline


def become_subreaper():
    """Daemons that a test starts become our children when their parents end."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'prctl(PR_SET_CHILD_SUBREAPER)')


def _children():
    own = os.getpid()
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open(f'/proc/{name}/stat', 'rb') as stat:
                fields = stat.read().rpartition(b')')[2].split()
        except OSError:
            continue
        if int(fields[1]) == own:
            yield int(name)


def reap_leftovers():
    """Kills what the last test left running; returns how many there were."""
    count = 0
    # The children of a killed child become ours: again until none is left
    while pids := list(_children()):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for pid in pids:
            try:
                os.waitpid(pid, 0)
                count += 1
            except ChildProcessError:
                pass
    return count


class _Lines:
    """Cuts a byte stream into lines and hands each on."""

    def __init__(self, sink):
        self._sink = sink
        self._rest = b''

    def feed(self, data):
        *lines, self._rest = (self._rest + data).split(b'\n')
        for line in lines:
            self._sink(line.decode(errors='replace'))

    def end(self):
        if self._rest:
            self.feed(b'\n')


def run(argv, timeout, on_line, **popen):
    """Runs argv, hands its output to on_line; returns (status, timed_out).

    The output is read until the program ends, not until the pipe closes: a
    daemon left behind may hold the pipe for ever.
    """
    # pylint: disable=consider-using-with
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True, **popen)
    out = child.stdout.fileno()
    os.set_blocking(out, False)
    lines = _Lines(on_line)
    pidfd = os.pidfd_open(child.pid)
    deadline = time.monotonic() + timeout
    timed_out = False
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            selector.register(pidfd, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    if timed_out:
                        break
                    # The whole session: a shell runs its traps only after
                    # the command that it waits for has ended
                    timed_out = True
                    deadline += _GRACE
                    os.killpg(child.pid, signal.SIGTERM)
                    continue
                ready = {key.fd for key, _ in selector.select(left)}
                if out in ready and not _drain(out, lines):
                    selector.unregister(out)
                if pidfd in ready:
                    break
        _kill_group(child.pid)
        status = child.wait()
        reap_leftovers()
        _drain(out, lines)
        lines.end()
    finally:
        os.close(pidfd)
        child.stdout.close()
    return status, timed_out


def _kill_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _drain(fd, lines):
    """Reads what is there; false at the end of the stream."""
    while True:
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return True
        if not data:
            return False
        lines.feed(data)
