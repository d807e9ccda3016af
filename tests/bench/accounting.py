"""What the kernel says that processes have used: proc(5)."""

from pathlib import Path


def _read(path):
    """None when the process, or the thread, has ended."""
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None


def cpu_ns(pids):
    """Processor time of all threads there are. (A thread that ends takes its time out of this.)"""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*"):
            text = _read(task / "schedstat")
            total += int(text.split()[0]) if text else 0
    return total


def _memory_kib(pids, field):
    total = 0
    for pid in pids:
        text = _read(f"/proc/{pid}/smaps_rollup") or ""
        lines = (line.split() for line in text.splitlines())
        total += sum(int(words[1]) for words in lines if words[0] == f"{field}:")
    return total


def pss_kib(pids):
    """Memory, with what processes share divided among them."""
    return _memory_kib(pids, "Pss")


def rss_kib(pids):
    """Memory, with what processes share counted for each of them."""
    return _memory_kib(pids, "Rss")


def family(pid):
    """A process and all that descend from it."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        text = _read(stat)
        if text:
            parent = int(text[text.rindex(")") + 2 :].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return sorted(found)


class Usage:
    """Processor time by part, from its making to used()."""

    def __init__(self, parts):
        self._before = {name: cpu_ns(pids) for name, pids in parts.items()}

    def used_ns(self, parts):
        return {name: cpu_ns(pids) - self._before.get(name, 0) for name, pids in parts.items()}
