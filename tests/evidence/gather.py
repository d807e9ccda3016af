"""Brings the facts of a run together for the checker."""

import datetime
from dataclasses import replace

import ledger as ledgers
from clocks import true_time
from facts import Evidence, Held, Stored
from until import until
from vault import Vault, session_key


def moment(event):
    """When it was, by its line in the log."""
    return datetime.datetime.fromisoformat(event["ts"]).timestamp()


def stored(stacks):
    found = []
    for stack in stacks:
        for event in stack.bffd.events("refreshed"):
            generation, request_id = int(event["generation"]), event["request_id"]
            found.append(Stored(event["session"], generation, request_id, moment(event)))
    return found


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
    return Evidence(ledger, seen, _with_true_times(stored(stacks), ledger), records, **more)


def _with_true_times(found, ledger):
    """A host's clock may be off by whole hours: Django's, who had answered just before, tells."""
    asked_at = {use.request_id: use.at for use in ledger.uses_of("refresh")}
    return [
        replace(s, at=true_time(s.at, asked_at[s.request_id])) if s.request_id in asked_at else s
        for s in found
    ]
