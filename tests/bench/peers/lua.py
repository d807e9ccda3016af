"""nginx with Lua: nginx_lua/nginx.conf and nginx_lua/session.lua, with Debian's modules."""

import os
from pathlib import Path

import components

from peers.peer import HERE, Peer, fill_in

SOURCE = HERE / "nginx_lua"
MODULES = {
    "libnginx-mod-http-lua": Path("/usr/lib/nginx/modules/ngx_http_lua_module.so"),
    "lua-nginx-redis": Path("/usr/share/lua/5.1/nginx/redis.lua"),
    "lua-cjson": Path("/usr/share/lua/5.1/cjson/util.lua"),
}


class NginxLua(Peer):
    name = "nginx Lua"
    cookie = "session"

    @classmethod
    def missing(cls):
        lacking = [package for package, file in MODULES.items() if not file.exists()]
        return ", ".join(lacking) or None

    def server(self):
        directory = self.directory / "nginx"
        (directory / "temp").mkdir(parents=True)
        return components.Nginx(directory, self._write_config)

    def _write_config(self, port):
        directory = self.directory / "nginx"
        # The module paths of Debian's nginx are relative to its prefix, and ours is another one.
        if not (directory / "modules").exists():
            (directory / "modules").symlink_to("/usr/lib/nginx/modules")
        words = {
            "USER": "user root root;" if os.geteuid() == 0 else "",
            "LUA": SOURCE,
            "REDIS_SOCKET": self.redis.socket,
            "UPSTREAM": self.upstream.address,
            "BACKEND": self.accounts.url,
            "PORT": port,
        }
        fill_in(SOURCE / "nginx.conf", directory / "nginx.conf", words)
