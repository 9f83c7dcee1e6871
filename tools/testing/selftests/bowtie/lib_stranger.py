# SPDX-License-Identifier: GPL-2.0-only
"""Processes of lesser rights, which do what the test asks for:

	def links():
	    return NL.dump("link-get")

	STRANGER = Stranger(links, netns=NS)	-> nobody, in this namespace
	OWNER = Stranger(links, userns=True)	-> nobody, root of namespaces of its own
	STRANGER.links()			-> the result, or what it raises

A function must be given when the process is made. What it opens stays open there, so
that several functions can use it as global variables.
"""
import atexit
import ctypes
import os
import pickle
import signal
import struct

NOBODY = 65534
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(status, what):
    if status:
        raise OSError(ctypes.get_errno(), what)


def _read_exactly(file, size):
    data = b""
    while len(data) < size:
        piece = os.read(file, size - len(data))
        if not piece:
            raise EOFError("the process has ended")
        data += piece
    return data


def _send(file, value):
    data = pickle.dumps(value)
    data = struct.pack("=I", len(data)) + data
    while data:
        data = data[os.write(file, data):]


def _receive(file):
    size, = struct.unpack("=I", _read_exactly(file, 4))
    return pickle.loads(_read_exactly(file, size))


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _become_nobody():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    # Else /proc/self/uid_map belongs to root
    _checked(_libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "PR_SET_DUMPABLE")


def _own_namespaces():
    _checked(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNET), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"0 {NOBODY} 1")
    _write("/proc/self/gid_map", f"0 {NOBODY} 1")


class Stranger:
    """One such process, until the end of the test."""

    def __init__(self, *functions, netns=None, userns=False):
        self.functions = {function.__name__: function for function in functions}
        to_child, self.to_child = os.pipe()
        self.from_child, from_child = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.to_child)
            os.close(self.from_child)
            try:
                self._serve(to_child, from_child, netns, userns)
            finally:
                os._exit(0)
        os.close(to_child)
        os.close(from_child)
        atexit.register(self._end, os.getpid())
        answer = _receive(self.from_child)
        if isinstance(answer, Exception):
            raise answer

    def _serve(self, requests, replies, netns, userns):
        try:
            if netns:
                netns.__enter__()
            _become_nobody()
            if userns:
                _own_namespaces()
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        except Exception as error:  # pylint: disable=broad-except
            _send(replies, error)
            return
        _send(replies, None)
        while True:
            name, args = _receive(requests)
            try:
                _send(replies, self.functions[name](*args))
            except OSError as error:
                _send(replies, OSError(error.errno, str(error)))
            except Exception as error:  # pylint: disable=broad-except
                _send(replies, RuntimeError(f"{name}: {error!r}"))

    def __getattr__(self, name):
        def call(*args):
            _send(self.to_child, (name, args))
            answer = _receive(self.from_child)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return call

    def _end(self, parent):
        if os.getpid() == parent:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
