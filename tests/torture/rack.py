"""Where a process that fail.c is preloaded into is told which of its calls is to fail, and says
what it has called."""

import ctypes
import mmap
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

# As in fail.c.
NAME_MAX_BYTES, CALLS_MAX, HEAPS, SITES = 20, 100, 512, 4096
MODULE_SHIFT = 48


class Call(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char * NAME_MAX_BYTES), ("n_ways", ctypes.c_uint32)]


class Heap(ctypes.Structure):
    _fields_ = [("pid", ctypes.c_int32), ("unused", ctypes.c_uint32), ("blocks", ctypes.c_int64)]


class Site(ctypes.Structure):
    _fields_ = [("at", ctypes.c_uint64), ("call", ctypes.c_uint32), ("seen", ctypes.c_uint32)]


class Torture(ctypes.Structure):
    _fields_ = [
        ("counting", ctypes.c_uint32),
        ("pid", ctypes.c_int32),
        ("at", ctypes.c_uint64),
        ("nth", ctypes.c_uint32),
        ("way", ctypes.c_uint32),
        ("came", ctypes.c_uint32),
        ("failed_in", ctypes.c_int32),
        ("n_heaps", ctypes.c_uint32),
        ("calls", Call * CALLS_MAX),
        ("heaps", Heap * HEAPS),
        ("sites", Site * SITES),
    ]


@dataclass(frozen=True)
class Point:
    """The nth call from this place, and the way in which it fails."""

    at: int
    call: str
    nth: int
    way: int


@dataclass(frozen=True)
class Place:
    """Where calls come from: how many were made while they were counted, and how one may fail."""

    at: int
    call: str
    n_ways: int
    times: int


class Rack:
    """
    library  fail.so
    of       shared libraries whose calls fail, in place of the program's own
    """

    def __init__(self, directory, library, of=()):
        self._path = Path(directory) / "torture"
        self._path.write_bytes(bytes(ctypes.sizeof(Torture)))
        with self._path.open("r+b") as file:
            self._shared = Torture.from_buffer(mmap.mmap(file.fileno(), 0))
        self._library, self._of = library, " ".join(of)

    def environment(self):
        """What is started with it is on the rack."""
        told = {"LD_PRELOAD": str(self._library), "BFF_TORTURE": str(self._path)}
        return {**told, "BFF_TORTURE_OF": self._of} if self._of else told

    def count(self, pid, point=None):
        """From now on, in this process (-PID: in all but this one; 0: in each)."""
        shared = self._shared
        shared.counting = 0
        for site in shared.sites:
            site.seen = 0
        shared.pid, shared.came, shared.failed_in = pid, 0, 0
        shared.at = point.at if point else 0
        shared.nth, shared.way = (point.nth, point.way) if point else (0, 0)
        shared.counting = 1

    def stop(self):
        self._shared.counting = 0

    def came(self):
        """Has it come to the point?"""
        return self._shared.came != 0

    def failed_in(self):
        """The process in which the call failed; 0: it has not come there, or cannot fail so."""
        return self._shared.failed_in

    def places(self):
        """That were called from while it counted."""
        calls = self._shared.calls
        for site in self._shared.sites:
            if site.at and site.seen:
                call = calls[site.call]
                yield Place(site.at, call.name.decode(), call.n_ways, site.seen)

    def blocks(self, pid):
        """How many blocks of memory this process holds."""
        held = [heap.blocks for heap in self._shared.heaps if heap.pid == pid]
        return held[-1] if held else 0


def sentence(program, point):
    """What and where in the source: who called it, through what was inlined. `program` is None
    where the calls are a library's."""
    module, at = divmod(point.at, 1 << MODULE_SHIFT)
    if not program:
        return f"{point.call} #{point.nth} way {point.way} at {hex(at)} of library {module}"
    done = subprocess.run(
        # The call is before what it returns to.
        ["addr2line", "-f", "-i", "-s", "-e", program, hex(at - 1)], capture_output=True, text=True
    )
    words = done.stdout.split("\n")[:-1]
    ours = [
        f"{function} ({line.split(' ')[0]})"
        for function, line in zip(words[::2], words[1::2])
        if ".c:" in line
    ]
    return f"{point.call} #{point.nth} way {point.way} in {' in '.join(ours) or hex(at)}"


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
