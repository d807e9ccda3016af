"""What a thief with root would read: all writable memory of a process (proc(5), /proc/PID/mem)."""


def writable(pid):
    """Every byte that the process could have written."""
    pieces = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            where, permissions = line.split()[:2]
            if "w" not in permissions or line.endswith("[vvar]\n"):
                continue
            start, end = (int(address, 16) for address in where.split("-"))
            try:
                memory.seek(start)
                pieces.append(memory.read(end - start))
            except OSError:
                continue  # a guard page of libsodium, whose content nobody reads
    return b"\n".join(pieces)


def find(heap, secret, around=24):
    """Each place, with what stands before it."""
    places, at = [], heap.find(secret)
    while at >= 0:
        places.append(heap[max(0, at - around) : at])
        at = heap.find(secret, at + 1)
    return places
