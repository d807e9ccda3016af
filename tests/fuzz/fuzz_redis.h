/* A Redis that has answered already: what it says is the input. */
#ifndef TESTS_FUZZ_REDIS_H
#define TESTS_FUZZ_REDIS_H

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz_keys.h"
#include "store/store_handle.h"

#define COOKIE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static inline const struct config *redis_config(void)
{
    static struct config config;
    static struct arena arena = {.limit = 1 << 20};
    struct str message;
    if (config.redis.url.n > 0)
        return &config;
    demand(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    demand(config_parse(&arena, "fuzz.conf",
                        STR("[server]\nkey_file = /nowhere/key\n"
                            "[backend]\nurl = http://127.0.0.1:1\n"
                            "[redis]\nurl = unix:///nowhere/redis.sock\n"
                            "[csrf]\norigins = https://app.example\n"),
                        &config, &message));
    config.redis.command_ms = 1; /* nothing waits */
    return &config;
}

static inline struct store *redis_store(void)
{
    struct store_options options = {.config = redis_config(), .keys = the_keys()};
    struct store *s = store_open(&options);
    demand(s != NULL);
    for (size_t i = 0; i < SCRIPT_COUNT; i++)
        memset(s->scripts.sha[i], 'a', SCRIPT_SHA_LENGTH);
    return s;
}

/* Of arrays that are said to be long hiredis makes room for all elements before it has read one.
 * What that costs is Redis' own to say; here it would be all that is measured. */
static inline bool has_long_array(struct str said)
{
    for (size_t i = 0; i < said.n; i++) {
        size_t digits = 0;
        if (said.p[i] != '*')
            continue;
        while (++i < said.n && said.p[i] != '\r')
            digits++;
        if (digits > 4)
            return true;
    }
    return false;
}

/* Connects the store with somebody who has said all this, and says no more. The other end, to be
 * closed afterwards. */
static inline int redis_says(struct store *s, struct str said)
{
    int fds[2];
    struct connection *c = s->connection = &s->topology.server;
    connection_drop(c);
    demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    c->redis = redisConnectFd(fds[0]);
    demand(c->redis != NULL);
    c->timeout_ms = c->command_ms;
    while (connection_is_in_doubt(c))
        c->silences++;
    demand(redisReaderFeed(c->redis->reader, said.p ? said.p : "", said.n) == REDIS_OK);
    return fds[1];
}

#endif
