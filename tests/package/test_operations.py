"""What operators do to a site that is in use, step by step as README.md has it ("Operations"): the
configuration, the program, the key and Redis change under load on two hosts, no request fails and
nobody is signed out. (Reloads and restarts again and again: test_supervisor_under_load.py.)"""

import contextlib
import os
import shutil
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import record
import topologies
from client import Browser
from components import run_bffd
from failovers import is_primary
from ground import ACCESS_S, USERS, Ground, served, wait_while
from until import until
from vault import Vault, session_key

# Nothing here is to be refused because the machine is busy.
PATIENT = {"hosts": 2, "holds_sockets": True, "lease_s": 20, "redis.command_timeout": "2s"}


def complaints(ground):
    """What bffd had to say of it."""
    texts = [stack.bffd.log_text() for stack in ground.stacks]
    return [line for text in texts for line in text.splitlines() if "level=info" not in line]


@contextlib.contextmanager
def all_goes_on(ground, capsys, what):
    """Under load from before it until everybody has refreshed after it."""
    with ground.load() as load:
        until(lambda: served(load) == USERS, 10, "all are served")
        yield load
        wait_while(ACCESS_S + 1)
    with capsys.disabled():
        print(f"\n  {what}: {len(load.seen)} requests")
    refused = [seen for seen in load.seen if seen.status != 200]
    assert not refused, (len(refused), refused[:3], complaints(ground)[:6])
    assert not load.broken and not load.repeated, load.broken[:5]
    ground.judge(load)


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with contextlib.ExitStack() as at_end:
        yield Ground(tmp_path_factory.mktemp("hosts"), at_end, **PATIENT)


def test_a_changed_configuration_is_loaded(ground, capsys):
    with all_goes_on(ground, capsys, "configuration reloaded"):
        for stack in ground.stacks:
            assert len(stack.bffd.worker_pids()) == 2
            for count in (3, 2):
                stack.write_config(**{"server.workers": str(count)})
                stack.bffd.reload()
                until(lambda: len(stack.bffd.worker_pids()) == count, 10, "there are so many")


def test_the_program_is_replaced_under_the_held_socket(ground, capsys, tmp_path):
    with all_goes_on(ground, capsys, "program replaced"):
        for number, stack in enumerate(ground.stacks):
            # As dpkg does: beside it, then renamed. The old one runs on without a name.
            new = tmp_path / f"bffd-{number}"
            shutil.copy(stack.bffd.program, f"{new}.dpkg-new")
            os.rename(f"{new}.dpkg-new", new)
            stack.bffd.program = new
            before = stack.bffd.pid
            stack.bffd.restart()
            assert stack.bffd.pid != before
            assert os.readlink(f"/proc/{stack.bffd.pid}/exe") == str(new)


def reload(stack):
    stack.bffd.reload()


def restart(stack):
    stack.bffd.restart()


def sealed_with(ground, key):
    """How many of the visitors' sessions Redis holds sealed with this key, of those it holds."""
    file = ground.directory / "only-this-key"
    file.write_text(key + "\n")
    vault, count = Vault(file), 0
    for visitor in ground.visitors:
        stored = record.of(ground.store, session_key(visitor.cookie))
        count += vault.texts(stored, visitor.cookie) is not None
    return count


def write_keys(stack, *keys):
    """As an editor does: a new file in place of the old one."""
    new = stack.key_file.with_suffix(".new")
    new.touch(0o600)
    new.write_text("".join(f"{key}\n" for key in keys))
    new.replace(stack.key_file)


# A key file that is a credential is read at a restart only.
@pytest.mark.parametrize("read_again", [reload, restart])
def test_the_server_key_is_rotated(ground, capsys, read_again):
    first, second = ground.stacks
    second.key_file = second.directory / "own-key"  # not one file for both, as it comes in tests
    shutil.copy(first.key_file, second.key_file)
    second.write_config()
    old = first.key_file.read_text().strip()
    new = run_bffd("keygen").strip()
    with all_goes_on(ground, capsys, f"key rotated, each host by a {read_again.__name__}"):
        second.bffd.reload()
        for keys in ((old, new), (new, old)):
            for stack in ground.stacks:
                write_keys(stack, *keys)
                read_again(stack)
                # The other host has not got it yet: each opens what the other seals.
                wait_while(ACCESS_S)
        until(lambda: sealed_with(ground, new) == USERS, 10, "all have been refreshed")
        assert sealed_with(ground, old) == 0
        for stack in ground.stacks:
            write_keys(stack, new)
            read_again(stack)


@contextlib.contextmanager
def people_signing_in_and_out(ground, at_once=8):
    """All the time, in threads of their own; all of it succeeds, which Redis has to have written."""
    over, statuses = threading.Event(), Counter()

    def come_and_go(i):
        while not over.is_set():
            browser = Browser(ground.urls[i % len(ground.urls)])
            name = ground.visitors[i].user
            statuses[browser.sign_in(name, name).status] += 1
            statuses[browser.sign_out().status] += 1

    with ThreadPoolExecutor(at_once) as threads:
        try:
            doing = [threads.submit(come_and_go, i) for i in range(at_once)]
            until(lambda: statuses[204] >= at_once, 10, "they come and go")
            yield
        finally:
            over.set()
        for one in doing:
            one.result()
    assert statuses.keys() == {200, 204}, statuses


def clients_of(server):
    """But for whoever asks, and for the other server."""
    clients = server.ask("client", "list").splitlines()
    return sum("cmd=client|list" not in line and "flags=M" not in line for line in clients)


def test_redis_moves_to_another_server(tmp_path, capsys):
    """Its name is what moves: here that of a socket, as well a name in the DNS."""
    old = topologies.Server(tmp_path / "old", {"repl-diskless-sync-delay": 0})
    new = topologies.Server(tmp_path / "new", {"repl-diskless-sync-delay": 0})
    name = tmp_path / "redis.sock"
    name.symlink_to(old.socket)
    with contextlib.ExitStack() as at_end:
        wishes = {**PATIENT, "redis": old, "redis.url": f"unix://{name}"}
        ground = Ground(tmp_path, at_end, **wishes)
        new.start()
        at_end.callback(new.stop)
        people = people_signing_in_and_out(ground)
        with all_goes_on(ground, capsys, "Redis moved") as load, people:
            assert new.ask("replicaof", "127.0.0.1", old.port) == "OK\n"
            until(lambda: "link_status:up" in new.ask("info", "replication"), 10, "it is in step")
            # Who connects anew reaches the replica, where reads are answered and writes wait.
            other = tmp_path / "redis.sock.new"
            other.symlink_to(new.socket)
            other.replace(name)
            assert old.ask("failover", "to", "127.0.0.1", new.port, "timeout", 5000) == "OK\n"
            until(lambda: is_primary(new) and not is_primary(old), 10, "it is the primary")
            ground.store = new.client()
            # What reads only is still with the old one. A connection that is cut costs a request.
            for stack in ground.stacks:
                stack.bffd.reload()
            until(lambda: clients_of(old) == 0, 10, "nobody asks the old one")
            old.stop()
        browser = Browser(ground.urls[0], ground.visitors[0].cookie)
        assert browser.sign_out().status == 204
        assert len({seen.user for seen in load.seen}) == USERS


