"""Brings the facts of a run together for the checker."""

import datetime
import re
import time

import ledger as ledgers
import record
from clocks import true_time
from facts import Evidence, Held, Stored
from until import until
from vault import Vault, session_key


LOG_TICK = 0.001  # its times are cut to the millisecond
STORED_WITHIN_S = 1  # from Django's answer to the line in the log, on a busy machine


def logged_at(event):
    """By the clock of its host."""
    return datetime.datetime.fromisoformat(event["ts"]).timestamp()


def moment(event):
    """When it was. The host's clock may be off by whole hours; nothing that is asked for here is as
    old as half of one."""
    return true_time(logged_at(event), time.time())


def stored(stacks):
    return [
        Stored(event["session"], int(event["generation"]), event["request_id"], moment(event))
        for stack in stacks
        for event in stack.bffd.events("refreshed")
    ]


def kills(stack):
    """When workers of a host were killed."""
    return [moment(e) for e in stack.bffd.events("worker_exited") if e["signal"] == "9"]


def told_at(stack):
    """{(request id, moment)}: when a host's bffd said what had come of a refresh."""
    events = [e for name in ("refreshed", "refresh_rejected") for e in stack.bffd.events(name)]
    return {(event["request_id"], moment(event)) for event in events}


def interrupted(stacks, ledger):
    """The requests whose refresh Django answered, and of which nobody said what came of it, for a
    worker of their host was killed in that time."""
    found = set()
    for stack in stacks:
        killed_at, ours, told = kills(stack), answered(stack), told_at(stack)
        for use in ledger.uses_of("refresh"):
            if use.status is None or use.request_id not in ours:
                continue
            began, limit = use.at - LOG_TICK, use.answered_at + STORED_WITHIN_S
            is_told = any(
                request_id == use.request_id and began <= at <= limit for request_id, at in told
            )
            if not is_told and any(began <= at <= limit for at in killed_at):
                found.add(use.request_id)
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
        stands = record.of(redis, session_key(visitor.cookie))
        generation = stands and stands.generation
        texts = stands and vault.texts(stands, visitor.cookie)
        jtis = {}
        for name in ("access", "refresh"):
            token = ledger.token(texts and texts[name])
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
            stands = record.of(redis, session_key(visitor.cookie))
            now_ms = now_s * 1000 + now_us // 1000
            if stands and stands.state == "refreshing" and stands.lease > now_ms:
                return False
        return True

    until(is_quiet, seconds, "no refresh is under way")


def evidence(
    stacks, backend_directory, redis, key_file, visitors, seen, now, forgotten=frozenset(), **more
):
    """`forgotten`: what of Redis' acknowledgements is as if it had never been, by request."""
    ledger = ledgers.read(backend_directory)
    records = held(redis, key_file, visitors, ledger, now)
    kept = [event for event in stored(stacks) if event.request_id not in forgotten]
    return Evidence(ledger, seen, kept, records, forgotten=forgotten, **more)
