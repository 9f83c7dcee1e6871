# SPDX-License-Identifier: GPL-2.0-only
"""Runs the selftests of a queue in several guests at the same time.

Each guest runs tools/testing/run.py, which takes tests from the queue and
tells through lines of its output what it does. A guest that dies takes only
the test that it ran with it: another is booted for what is left.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from . import suite, tap

EVENT_PREFIX = '@@ '  # as in run.py
_STALL = 90  # seconds beyond a test's own deadline after which its guest is dead


class Queue:
    """A directory with one file for each test; run.py claims by renaming."""

    def __init__(self, path, names):
        self.path = path
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        for number, name in enumerate(names):
            with open(os.path.join(path, f'{number:03}-{name}'), 'w', encoding='utf-8'):
                pass

    def left(self):
        return [entry.partition('-')[2] for entry in sorted(os.listdir(self.path))
                if not entry.startswith('.')]


class Pool:
    """All guests of one run."""

    # pylint: disable=too-many-arguments
    def __init__(self, worker, vm, queue, logs, summary, deadline):
        self.worker = worker
        self.vm = vm
        self.queue = queue
        self.logs = logs
        self.summary = summary
        self.tests = suite.all_tests()
        self.end = time.monotonic() + deadline
        self.lock = threading.Lock()  # for summary: one test's output at a time

    def run(self, count, scale):
        workers = [_Guest(self, f'guest {number + 1}' if self.vm else 'this kernel', scale)
                   for number in range(count)]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        except BaseException:
            for worker in workers:
                worker.kill()
            raise
        for name in self.queue.left():
            self.summary.note_failure(name, 'was not run: no time or no guest left')

    def command(self):
        left = max(1, int(self.end - time.monotonic()))
        if not self.vm:
            return self.worker
        return [*self.vm, '--timeout', str(left), '--', *self.worker]


class _Guest(threading.Thread):
    """Boots guests, one after the other, until the queue is empty."""

    def __init__(self, pool, name, scale):
        super().__init__(name=name, daemon=True)
        self.pool = pool
        self.scale = scale
        self.child = None
        self.current = None  # (test name, start time)
        self.ended = 0

    def run(self):
        while self.pool.queue.left() and time.monotonic() < self.pool.end:
            before = self.ended
            self._boot()
            if self.ended == before:
                return  # it would only fail again

    def kill(self, number=signal.SIGTERM):
        if self.child and self.child.poll() is None:
            self.child.send_signal(number)

    def _boot(self):
        with tempfile.TemporaryFile('w+') as errors:
            with subprocess.Popen(self.pool.command(), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=errors, text=True,
                                  errors='replace') as self.child:
                watchdog = _Watchdog(self)
                chatter = []
                for line in self.child.stdout:
                    if line.startswith(EVENT_PREFIX):
                        self._event(json.loads(line[len(EVENT_PREFIX):]))
                    else:
                        chatter.append(line)
                watchdog.stop()
            errors.seek(0)
            self._judge_end(self.child.returncode, ''.join(chatter) + errors.read(),
                            watchdog.fired)

    def _event(self, event):
        name = event['test']
        with self.pool.lock:
            if event['event'] == 'start':
                self.current = (name, time.monotonic())
                self.pool.summary.begin(name, self.name)
                return
            if not self.current:
                # Not a test: "module unload"
                self.pool.summary.note_failure(name, '\n'.join(event['failures']))
                return
            result = tap.Result()
            for field in ('passed', 'failed', 'skipped', 'failures', 'skips'):
                setattr(result, field, event[field])
            self.pool.summary.end(name, result, event['seconds'], self._log(name), self.name)
            self.current = None
            self.ended += 1

    def _log(self, name):
        try:
            with open(os.path.join(self.pool.logs, name + '.log'), encoding='utf-8',
                      errors='replace') as log:
                return log.read()
        except FileNotFoundError:
            return ''

    def _judge_end(self, status, text, stalled):
        with self.pool.lock:
            if self.current:
                name, since = self.current
                self.current = None
                self.ended += 1
                parser = tap.Parser()
                log = self._log(name)
                for line in log.splitlines():
                    parser.feed(line)
                result = parser.result
                why = 'hung' if stalled else f'died (status {status})'
                result.fail(f'{self.name} {why} while this test ran')
                self.pool.summary.end(name, result, time.monotonic() - since, log + text,
                                      self.name)
            elif status not in (0, 1) or text:
                # run.py itself ends with 1 when a test failed, and is silent
                self.pool.summary.note_failure(self.name, text or f'ended with status {status}')


class _Watchdog:
    """Ends a guest whose current test goes on long after its own deadline."""

    def __init__(self, guest):
        self._guest = guest
        self._stop = threading.Event()
        self.fired = False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._stop.wait(1):
            current = self._guest.current
            if not current:
                continue
            test = self._guest.pool.tests[current[0]]
            if time.monotonic() > current[1] + test.timeout * self._guest.scale + _STALL:
                self.fired = True
                # scripts/vm has the kernel tell what it waits for, then kills it
                self._guest.kill(signal.SIGUSR1 if self._guest.pool.vm else signal.SIGTERM)
                return

    def stop(self):
        self._stop.set()
        self._thread.join()
