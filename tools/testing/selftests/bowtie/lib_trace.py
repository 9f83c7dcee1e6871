# SPDX-License-Identifier: GPL-2.0-only
"""What do functions of the kernel return, and how often? As lib_trace.sh."""
import atexit
import functools
import os
import re

import lib_tap as tap

TRACING = "/sys/kernel/tracing"


def _write(path, text):
    # These files cannot seek, which open() would do to append
    file = os.open(f"{TRACING}/{path}", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, text.encode() + b"\n")
    finally:
        os.close(file)


@functools.lru_cache(None)
def results(name, symbol):
    """the one Results of a function"""
    return Results(name, symbol)


class Results:
    """Counts the results of a function (FUNCTION or MODULE:FUNCTION), each an int."""

    def __init__(self, name, symbol):
        if not os.path.exists(f"{TRACING}/kprobe_events"):
            tap.run("mount", "-t", "tracefs", "none", TRACING)
        _write("options/record-cmd", "0")  # see lib_trace.sh
        self.event = f"events/bowtie_test/{name}"
        self.name = name
        _write("kprobe_events", f"r:bowtie_test/{name} {symbol} result=$retval:u32")
        atexit.register(self.remove)
        _write(f"{self.event}/trigger", "hist:keys=result")
        _write(f"{self.event}/enable", "1")

    def _counts(self):
        with open(f"{TRACING}/{self.event}/hist", encoding="ascii") as file:
            return {int(result): int(hits) for result, hits in
                    re.findall(r"^\{ result: +(\d+) \} hitcount: +(\d+)", file.read(), re.M)}

    def count(self, result):
        """how often it has returned that"""
        return self._counts().get(result & 0xFFFFFFFF, 0)

    def other(self, result):
        """how often something else"""
        return sum(self._counts().values()) - self.count(result)

    def remove(self):
        """count no more"""
        _write(f"{self.event}/trigger", "!hist:keys=result")
        _write(f"{self.event}/enable", "0")
        _write("kprobe_events", f"-:bowtie_test/{self.name}")
