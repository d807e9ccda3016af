"""FastCGI records of every shape, from a seed: what nginx would send, and then changed."""

import random
import struct

BEGIN, ABORT, PARAMS, STDIN = 1, 2, 4, 5
LEGS = ["authorize", "renew", "session", "sessions", "login", "logout", "endpoint", "health",
        "ready", "metrics", "status", "nothing"]
WORDS = ["", "GET", "POST", "DELETE", "1", "401", "same-origin", "cross-site", "application/json",
         "__Host-session=" + "A" * 43, "__Host-session=" + "B" * 43 + "; a=b", "/api/token/",
         "/bff/sessions/" + "0" * 32, "session_expired 3", "9" * 19, "x" * 300, "\x01", "é\"\\"]
NAMES = ["BFF_LEG", "REQUEST_METHOD", "HTTP_COOKIE", "HTTP_X_CSRF", "HTTP_ORIGIN", "BFF_PATH",
         "HTTP_SEC_FETCH_SITE", "CONTENT_LENGTH", "CONTENT_TYPE", "BFF_STATUS", "BFF_NOTE",
         "BFF_TARGET", "BFF_QUERY", "REQUEST_ID", "HTTP_TRACEPARENT", "X" * 200]


def record(kind, content, identity=1, padding=0, version=1, told=None):
    told = (len(content) if told is None else told) & 0xFFFF
    header = struct.pack(">BBHHBB", version, kind, identity, told, padding, 0)
    return header + content + bytes(padding)


def pair(name, value, wide=False):
    name, value = name.encode(), value.encode()

    def length(text):
        is_wide = wide or len(text) > 127
        return struct.pack(">I", len(text) | 1 << 31) if is_wide else bytes([len(text)])

    return length(name) + length(value) + name + value


def begin(keep, identity=1):
    return record(BEGIN, struct.pack(">HB5x", 1, keep), identity)


def request(keep=0, body=b"", **params):
    """A whole one, as nginx sends it."""
    pairs = b"".join(pair(name, value) for name, value in params.items())
    rest = record(STDIN, body) if body else b""
    return begin(keep) + record(PARAMS, pairs) + record(PARAMS, b"") + rest + record(STDIN, b"")


def some_records(pick):
    """One request as a list of records, each as the arguments of record()."""
    params = [pair("BFF_LEG", pick.choice(LEGS)), pair("REQUEST_METHOD", pick.choice(WORDS[1:4]))]
    params += [pair(pick.choice(NAMES), pick.choice(WORDS), pick.random() < 0.2)
               for _ in range(pick.randrange(6))]
    body = pick.randbytes(pick.choice([0, 0, 0, 5, 300, 70000]))
    if body:
        params.append(pair("CONTENT_LENGTH", str(len(body))))
    pairs, cut = b"".join(params), pick.choice([7, 50, 65535])
    rows = [dict(kind=BEGIN, content=struct.pack(">HB5x", 1, pick.randrange(2)))]
    rows += [dict(kind=PARAMS, content=pairs[i:i + cut]) for i in range(0, len(pairs), cut)]
    rows += [dict(kind=PARAMS, content=b"")]
    rows += [dict(kind=STDIN, content=body[i:i + 30000]) for i in range(0, len(body), 30000)]
    return rows + [dict(kind=STDIN, content=b"")]


def change(pick, rows):
    """One of the ways in which a peer can be wrong, or odd and right."""
    at = pick.randrange(len(rows))
    row, what = dict(rows[at]), pick.randrange(11)
    if what == 0:
        row["kind"] = pick.randrange(14)
    elif what == 1:
        row["identity"] = pick.choice([0, 2, 255, 256, 65535])
    elif what == 2:
        row["padding"] = pick.randrange(256)
    elif what == 3:
        row["told"] = len(row["content"]) + pick.choice([-1, 1, 8, 255, 40000])
    elif what == 4:
        row["version"] = pick.randrange(256)
    elif what == 5:
        row["content"] = pick.randbytes(len(row["content"]))
    elif what == 6 and row["content"]:
        content, i = bytearray(row["content"]), pick.randrange(len(row["content"]))
        content[i] = pick.randrange(256)
        row["content"] = bytes(content)
    elif what == 7:
        rows.insert(at, row)
    elif what == 8:
        rows.insert(at, dict(kind=9, identity=0, content=b"\xdd" * pick.randrange(40)))
    elif what == 9:
        del rows[pick.randrange(len(rows)):]
        return
    elif what == 10:
        pick.shuffle(rows)
        return
    rows[at] = row


def conversation(seed):
    """What one peer sends, as the pieces in which it sends it."""
    pick, text = random.Random(seed), b""
    for _ in range(pick.choice([1, 1, 2, 5])):
        rows = some_records(pick)
        for _ in range(pick.choice([0, 1, 1, 3])):
            if rows:
                change(pick, rows)
        text += b"".join(record(**row) for row in rows)
    size = pick.choice([len(text) or 1, 1 + len(text) // 2, 4096, 1 + len(text) // 50])
    return [text[i:i + size] for i in range(0, len(text), size)]
