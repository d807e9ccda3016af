"""A Redis of several servers changes under its users: a primary dies, with or without what its
replicas had not got yet; a primary hands over; slots move."""

import contextlib
import os
import signal
import time

from redis.exceptions import ResponseError

import record
from gather import stored
from until import until
from vault import session_key

FAILOVER_SECONDS = 30
# No replica takes over sooner: what is acknowledged until then, the dead primary has acknowledged.
NO_SOONER_S = 0.3


def is_primary(server):
    return server.is_running() and "role:master" in server.ask("info", "replication")


def replicas_of(several, primary):
    return [
        server
        for server in several.servers
        if f"master_port:{primary.port}" in server.ask("info", "replication")
    ]


def generations(server, visitors):
    """{session: generation} of those that stand in a server, which may be a replica."""
    client, found = server.client(), {}
    with client.client() as connection, contextlib.closing(client):
        with contextlib.suppress(ResponseError):  # no cluster
            connection.execute_command("READONLY")
        for visitor in visitors:
            with contextlib.suppress(ResponseError):  # another one's slot
                stands = record.of(connection, session_key(visitor.cookie))
                found[visitor.tag] = stands.generation if stands else 0
    return found


def lose_primary(ground, primary, losing=0):
    """Kill it. What it had acknowledged and its heir has not got is told to the ground, by request.
    `losing`: how many refreshes it acknowledges before, without a replica."""
    replicas = replicas_of(ground.redis, primary)
    if losing:
        primary.ask("config", "set", "min-replicas-to-write", 0)
        for replica in replicas:
            os.kill(replica.pid, signal.SIGSTOP)  # or it would be back at once
        primary.ask("client", "kill", "type", "replica")
        before = len(stored(ground.stacks))
        until(lambda: len(stored(ground.stacks)) >= before + losing, 10, "refreshes go on")
    primary.kill()
    died_at = time.time()
    for replica in replicas:
        os.kill(replica.pid, signal.SIGCONT)
    for replica in replicas:
        until(lambda: "master_link_status:up" not in replica.ask("info", "replication"), 5, "alone")
    had = {replica: generations(replica, ground.visitors) for replica in replicas}
    heir = until(
        lambda: next(filter(is_primary, replicas), None), FAILOVER_SECONDS, "a replica takes over"
    )
    ground.failovers.append(died_at)
    ground.forgotten |= {
        event.request_id
        for event in stored(ground.stacks)
        if event.at <= died_at + NO_SOONER_S
        and event.generation > had[heir].get(event.session, event.generation)
    }


def hand_over(ground, primary):
    """In order: nothing is lost."""
    replica = replicas_of(ground.redis, primary)[0]
    assert replica.ask("cluster", "failover").strip() == "OK"
    until(lambda: is_primary(replica), FAILOVER_SECONDS, "it has handed over")


def move_slot(ground, visitor, meanwhile):
    """The slot of his session to another primary, in steps; he goes on `meanwhile`: while it is not
    yet moved, and when it is."""
    key = session_key(visitor.cookie)
    slot, port = ground.store.keyslot(key), ground.store.get_node_from_key(key).port
    primaries = [server for server in ground.redis.servers if is_primary(server)]
    (source,) = (server for server in primaries if server.port == port)
    target = next(server for server in primaries if server is not source)
    names = {server: server.ask("cluster", "myid").strip() for server in (source, target)}
    target.ask("cluster", "setslot", slot, "importing", names[source])
    source.ask("cluster", "setslot", slot, "migrating", names[target])
    meanwhile()
    keys = source.ask("cluster", "getkeysinslot", slot, 100).split()
    assert key.decode() in keys
    moved = source.ask("migrate", "127.0.0.1", target.port, "", 0, 5000, "keys", *keys)
    assert moved.strip() == "OK", moved
    meanwhile()
    for server in (target, source):
        assert server.ask("cluster", "setslot", slot, "node", names[target]).strip() == "OK"
    meanwhile()


def errors(several, code):
    """How often the servers answered so."""
    lines = [line for s in several.servers for line in s.ask("info", "errorstats").split()]
    return sum(int(x.partition("count=")[2]) for x in lines if x.startswith(f"errorstat_{code}:"))
