"""Several Redis that are one store: three servers with sentinels, or a cluster of six."""

import subprocess
from pathlib import Path

import redis
from redis.cluster import ClusterNode, RedisCluster
from redis.sentinel import Sentinel as SentinelClient

import components
from until import until

SECONDS = 30


class Server(components.Redis):
    """One that is reached over TCP as well."""

    def __init__(self, directory, options):
        self.port = components.free_port()
        super().__init__(directory, {"bind": "127.0.0.1", "enable-debug-command": "no", **options})

    def command(self):
        words = super().command()
        words[words.index("--port") + 1] = self.port
        return words

    def client(self):
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5)

    def ask(self, *words):
        command = [components.find_program("redis-cli"), "-s", self.socket, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout


class Sentinel(Server):
    name = "sentinel"

    def __init__(self, directory, primary):
        super().__init__(directory, {})
        self.primary = primary

    def command(self):
        file = Path(self.directory, "sentinel.conf")
        file.write_text(
            f"port {self.port}\nbind 127.0.0.1\nunixsocket {self.socket}\ndir {self.directory}\n"
            f"sentinel monitor main 127.0.0.1 {self.primary.port} 2\n"
            "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n"
        )
        return [components.find_program("redis-server"), file, "--sentinel"]


class Several:
    """What a Stack asks of its Redis. `servers` are those that hold data, the first a primary."""

    def __init__(self):
        self.servers, self.others = [], []

    @property
    def socket(self):
        return self.servers[0].socket

    def start(self):
        try:
            for part in self.servers + self.others:
                part.start()
            self.join()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for part in self.others + self.servers:
            part.stop()


class WithSentinels(Several):
    def __init__(self, directory):
        super().__init__()
        for i in range(3):
            options = {"min-replicas-to-write": 1, "repl-diskless-sync-delay": 0}
            if i:
                options["replicaof"] = f"127.0.0.1 {self.servers[0].port}"
            self.servers.append(Server(Path(directory, f"server{i}"), options))
        self.others = [Sentinel(Path(directory, f"s{i}"), self.servers[0]) for i in range(3)]

    @property
    def url(self):
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{s.port}" for s in self.others) + "/main"

    def client(self):
        """Of the primary, whichever that is."""
        places = [("127.0.0.1", sentinel.port) for sentinel in self.others]
        return SentinelClient(places, socket_timeout=2).master_for("main", socket_timeout=2)

    def join(self):
        def is_known(sentinel):
            words = sentinel.ask("sentinel", "master", "main").split()
            facts = dict(zip(words[::2], words[1::2]))
            return facts.get("num-slaves") == "2" and facts.get("num-other-sentinels") == "2"

        for sentinel in self.others:
            until(lambda: is_known(sentinel), SECONDS, "sentinels know of each other")


class Cluster(Several):
    def __init__(self, directory):
        super().__init__()
        for i in range(6):
            options = {
                "cluster-enabled": "yes",
                "cluster-port": components.free_port(),
                "cluster-node-timeout": 1000,
                "repl-diskless-sync-delay": 0,
            }
            self.servers.append(Server(Path(directory, f"server{i}"), options))

    @property
    def url(self):
        return "redis+cluster://" + ",".join(f"127.0.0.1:{s.port}" for s in self.servers[:3])

    def client(self):
        nodes = [ClusterNode("127.0.0.1", server.port) for server in self.servers]
        return RedisCluster(startup_nodes=nodes, socket_timeout=2)

    def join(self):
        command = [components.find_program("redis-cli"), "--cluster", "create"]
        command += [f"127.0.0.1:{s.port}" for s in self.servers]
        command += ["--cluster-replicas", "1", "--cluster-yes"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        for server in self.servers:
            until(
                lambda: "cluster_state:ok" in server.ask("cluster", "info"),
                SECONDS,
                "the cluster is complete",
            )
        for replica in self.servers[3:]:
            until(
                lambda: "master_link_status:up" in replica.ask("info", "replication"),
                SECONDS,
                "replicas are in step",
            )
