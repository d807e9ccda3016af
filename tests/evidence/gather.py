"""Brings the facts of a run together for the checker."""

import datetime
import re

import ledger as ledgers
from facts import Evidence, Held, Stored
from until import until
from vault import Vault, session_key


def stored(stacks):
    found = []
    for stack in stacks:
        for event in stack.bffd.events("refreshed"):
            at = datetime.datetime.fromisoformat(event["ts"]).timestamp()
            found.append(
                Stored(event["session"], int(event["generation"]), event["request_id"], at)
            )
    return found


ANSWERED = re.compile(r'" (\d+) \d+ [\d.]+ ([0-9a-f]{32}) "')


def answered(stack):
    """{request id: status} of a host's nginx."""
    log = stack.nginx.access_log.read_text()
    return {request_id: int(status) for status, request_id in ANSWERED.findall(log)}


def held(redis, key_file, visitors, ledger, now):
    """What Redis holds for each visitor, opened. Wait until all is quiet."""
    vault, found = Vault(key_file), []
    for visitor in visitors:
        names = ("gen", "access", "refresh")
        values = dict(zip(names, redis.hmget(session_key(visitor.cookie), names)))
        generation = int(values["gen"]) if values["gen"] else None
        jtis = {}
        for name in ("access", "refresh"):
            text = values[name] and vault.unseal(values[name], visitor.cookie, generation, name)
            token = ledger.token(text)
            jtis[name] = token.jti if token and token.kind == name else None
        found.append(
            Held(visitor.tag, visitor.user, generation, jtis["access"], jtis["refresh"], now)
        )
    return found


def wait_for_quiet(redis, visitors, seconds=30):
    """No refresh is under way, and no lease stands."""

    def is_quiet():
        now_s, now_us = redis.time()
        for visitor in visitors:
            state, lease = redis.hmget(session_key(visitor.cookie), "state", "lease")
            if state == b"refreshing" and int(lease) > now_s * 1000 + now_us // 1000:
                return False
        return True

    until(is_quiet, seconds, "no refresh is under way")


def evidence(stacks, backend_directory, redis, key_file, visitors, seen, now, **more):
    ledger = ledgers.read(backend_directory)
    records = held(redis, key_file, visitors, ledger, now)
    return Evidence(ledger, seen, stored(stacks), records, **more)
