"""nginx with Lua: nginx_lua/site.conf and nginx_lua/session.lua, with Debian's modules."""

from pathlib import Path

import components
import site_files
from sites import for_measuring

from peers.peer import HERE, Peer, fill_in

SOURCE = HERE / "nginx_lua"
NGINX_MODULES = Path("/usr/lib/nginx/modules")
LOAD_MODULES = f"""\
load_module {NGINX_MODULES}/ndk_http_module.so;
load_module {NGINX_MODULES}/ngx_http_lua_module.so;
"""
MODULES = {
    "libnginx-mod-http-lua": NGINX_MODULES / "ngx_http_lua_module.so",
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
        return components.Nginx(self.directory / "nginx", self._write_config)

    def _write_config(self, port):
        directory = self.directory / "nginx"
        directory.mkdir(exist_ok=True)
        words = {
            "LUA": SOURCE,
            "REDIS_SOCKET": self.redis.socket,
            "UPSTREAM": self.upstream.address,
            "BACKEND": self.accounts.url,
            "PORT": port,
        }
        fill_in(SOURCE / "site.conf", directory / "site.conf", words)
        main = for_measuring(site_files.nginx_main(directory, ["site.conf"]))
        (directory / "nginx.conf").write_text(LOAD_MODULES + main)
