"""Express and Fastify: the same shape, put together by express/server.js and fastify/server.js."""

import re
import secrets
import shutil
import subprocess

import components

from peers.peer import HERE, PROCESSES, Peer


def node_version():
    if not shutil.which("node"):
        return ()
    said = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    return tuple(map(int, re.findall(r"\d+", said)))


def install(source):
    """What package-lock.json names, unless it is there already."""
    lock, installed = source / "package-lock.json", source / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=source,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise components.ComponentFailed(f"npm ci has failed in {source}:\n{done.stderr}")


class Node(components.Component):
    def __init__(self, directory, source, **environment):
        self.name = source.name
        super().__init__(directory)
        self.port = components.free_port()
        self._source = source
        self._environment = {**environment, "PORT": str(self.port), "NODE_ENV": "production"}

    def command(self):
        return [components.find_program("node"), self._source / "server.js"]

    def environment(self):
        return {**super().environment(), **self._environment}

    def is_ready(self):
        everyone = len(self.children()) == PROCESSES
        return everyone and components.status_of(self.port, "/api/item") is not None


class NodePeer(Peer):
    source = None
    oldest_node = ()

    @classmethod
    def missing(cls):
        if not shutil.which("npm"):
            return "npm"
        if node_version() < cls.oldest_node:
            return f"node {'.'.join(map(str, cls.oldest_node))} or newer"
        return None

    def server(self):
        install(self.source)
        return Node(
            self.directory / "node",
            self.source,
            WORKERS=str(PROCESSES),
            UPSTREAM=f"http://{self.upstream.address}",
            BACKEND=self.accounts.url,
            REDIS_SOCKET=str(self.redis.socket),
            SESSION_SECRET=secrets.token_hex(32),
        )


class Express(NodePeer):
    name = "Express"
    cookie = "connect.sid"
    source = HERE / "express"
    oldest_node = (18,)


class Fastify(NodePeer):
    name = "Fastify"
    cookie = "sessionId"
    source = HERE / "fastify"
    oldest_node = (20, 18, 1)  # undici's, below @fastify/http-proxy
