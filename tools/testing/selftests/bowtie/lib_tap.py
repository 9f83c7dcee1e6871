# SPDX-License-Identifier: GPL-2.0-only
"""TAP, waiting and network namespaces, for tests in Python as lib.sh for those in
shell:

	import lib_tap as tap

	def routes():
	    with tap.case("a route is there"):
	        tap.same(get(), {...})
	    tap.ok(x == 1, "another subtest", f"it is {x}")

	tap.main(routes, ...)

A case passes if nothing is raised in it. Whatever a function raises outside of a
case fails the test, which then goes on with the next function.
"""
import atexit
import contextlib
import ctypes
import os
import random
import signal
import string
import subprocess
import sys
import time
import traceback

CLONE_NEWNET = 0x40000000
WAIT = int(os.environ.get("WAIT", "30"))  # generous: for what never happens

_libc = ctypes.CDLL(None, use_errno=True)
_counts = {"ran": 0, "failed": 0}
LAST = []  # functions that main() calls in the end


def diag(text):
    """comment lines"""
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def ok(condition, name, why=""):
    """one subtest"""
    _counts["ran"] += 1
    if not condition:
        _counts["failed"] += 1
    print(f"{'ok' if condition else 'not ok'} {_counts['ran']} - {name}", flush=True)
    if not condition and why:
        diag(why)
    return bool(condition)


def skip(name, reason):
    """one subtest that cannot run here"""
    _counts["ran"] += 1
    print(f"ok {_counts['ran']} - {name} # SKIP {reason}", flush=True)


def skip_all(reason):
    """nothing of this test can run here"""
    print(f"1..0 # SKIP {reason}", flush=True)
    sys.exit(4)


def eq(got, wanted, name):
    """one subtest: two values are the same"""
    return ok(got == wanted, name, _difference(got, wanted))


def _difference(got, wanted):
    return f"got:    {got!r}\nwanted: {wanted!r}"


@contextlib.contextmanager
def case(name):
    """one subtest: nothing is raised in the block"""
    try:
        yield
    except Exception as error:  # pylint: disable=broad-except
        where = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in where if f.filename == sys.argv[0]), where[-1].lineno)
        ok(False, name, f"line {line}: {type(error).__name__}: {error}")
    else:
        ok(True, name)


def same(got, wanted, what=""):
    """within a case: raise unless two values are the same"""
    if got != wanted:
        raise AssertionError(f"{what}\n{_difference(got, wanted)}".strip())


def true(condition, why):
    """within a case: raise unless"""
    if not condition:
        raise AssertionError(why)


def main(*functions):
    """run all of a test; does not return"""
    print("TAP version 13", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for function in (*functions, *LAST):
        try:
            function()
        except Exception:  # pylint: disable=broad-except
            ok(False, f"{function.__name__} runs to its end", traceback.format_exc())
    print(f"1..{_counts['ran']}", flush=True)
    sys.exit(1 if _counts["failed"] else 0)


def wait_for(condition, what, seconds=WAIT):
    """poll until condition() is true; its value"""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def run(*argv, stdin=None):
    """a command that must succeed; its output"""
    done = subprocess.run([str(arg) for arg in argv], input=stdin, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))} -> {done.returncode}: {done.stdout}")
    return done.stdout


class Netns:
    """A network namespace of this test. "with ns:" lives in it: sockets made there
    stay in it for good."""

    def __init__(self, label):
        unique = "".join(random.choices(string.ascii_lowercase, k=6))
        self.name = f"bt-{label}-{unique}"
        run("ip", "netns", "add", self.name)
        self.file = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        self.outside = []
        self.at_delete = []  # functions to be called before
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        atexit.register(self.delete)

    def __enter__(self):
        self.outside.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        _enter(self.file)
        return self

    def __exit__(self, *_):
        outside = self.outside.pop()
        _enter(outside)
        os.close(outside)

    def ip(self, *words):
        """ip(8) in it"""
        return run("ip", "-n", self.name, *words)

    def delete(self):
        """its name and our hold on it; once"""
        if self.file is None:
            return
        for function in self.at_delete:
            function()
        os.close(self.file)
        self.file = None
        subprocess.run(["ip", "netns", "delete", self.name], check=False,
                       stderr=subprocess.DEVNULL)


def _enter(file):
    if _libc.setns(file, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
