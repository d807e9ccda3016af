"""What others put between a browser and an API, each set up as its own documentation has it for
production: a session in Redis, a cookie that names it, a bearer token towards the upstream. Each
moves the idle timeout of a session with its calls, in the way and as often as it does by itself."""

from peers.lua import NginxLua
from peers.node import Express, Fastify
from peers.openidc import ModAuthOpenidc

PEERS = (NginxLua, Fastify, Express, ModAuthOpenidc)
