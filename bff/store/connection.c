#include "store/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wipe.h"

/* What Redis may refuse with. Scripts report the code in the middle of a sentence. `elsewhere`: a
 * new connection may reach another server (after a failover) or sign in with success. */
static const struct refusal {
    const char *code, *sentence;
    bool elsewhere;
} refusals[] = {
    {"NOAUTH", "Redis wants a password: set redis.password_file", true},
    {"WRONGPASS", "Redis refuses the password in redis.password_file", true},
    {"NOPERM", "the Redis user may not run what bffd needs (scripts, hashes, publish)", true},
    {"LOADING", "Redis is loading its data", false},
    {"READONLY", "Redis is a read-only replica: point redis.url at the primary", true},
    {"MASTERDOWN", "this Redis replica has lost its primary", true},
    {"NOREPLICAS", "Redis has too few replicas to take writes", false},
    {"OOM", "Redis is full: raise its maxmemory", false},
    {"MISCONF", "Redis takes no writes because it cannot save to disk", false},
    {"CLUSTERDOWN", "the Redis cluster is down", true},
    {"MOVED", "Redis is a cluster: redis.url must name a single server", true},
    {"BUSY", "Redis is busy running a script", false},
};

static char *copy_cstr(struct str s)
{
    char *p = malloc(s.n + 1);
    if (!p)
        return NULL;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

bool connection_init(struct connection *c, const struct store_options *options)
{
    const struct config *config = options->config;
    *c = (struct connection){
        .connect_ms = config->redis.connect_ms,
        .command_ms = config->redis.command_ms,
        .user = copy_cstr(config->redis.user),
        .password = copy_cstr(options->password),
    };
    c->has_address = redis_url_parse(config->redis.url, &c->address);
    if (c->user && c->password)
        return true;
    connection_close(c);
    return false;
}

void connection_drop(struct connection *c)
{
    if (c->redis)
        redisFree(c->redis);
    c->redis = NULL;
}

void connection_close(struct connection *c)
{
    connection_drop(c);
    if (c->password)
        wipe(c->password, strlen(c->password));
    free(c->password);
    free(c->user);
    c->user = c->password = NULL;
}

static enum bff_err unavailable(struct connection *c, const char *what)
{
    snprintf(c->error, sizeof c->error, "%s", what);
    connection_drop(c);
    return BFF_ERR_STORE_UNAVAILABLE;
}

/* The context's own words: system errors and protocol errors, never a command's arguments. */
static enum bff_err broken(struct connection *c)
{
    const redisContext *r = c->redis;
    bool timed_out = r->err == REDIS_ERR_IO && (errno == EAGAIN || errno == ETIMEDOUT);
    if (timed_out)
        return unavailable(c, "Redis did not answer in time");
    char why[sizeof r->errstr];
    snprintf(why, sizeof why, "%s", r->errstr);
    snprintf(c->error, sizeof c->error, "the connection to Redis broke: %s", why);
    connection_drop(c);
    return BFF_ERR_STORE_UNAVAILABLE;
}

void connection_refused(struct connection *c, const redisReply *reply)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (!strstr(reply->str, refusals[i].code))
            continue;
        snprintf(c->error, sizeof c->error, "%s", refusals[i].sentence);
        if (refusals[i].elsewhere)
            connection_drop(c);
        return;
    }
    size_t word = strspn(reply->str, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    snprintf(c->error, sizeof c->error, "Redis answered with an error (%.*s)",
             (int)(word < 32 ? word : 32), reply->str);
}

redisReply *connection_call(struct connection *c, int argc, const char **argv,
                            const size_t *lengths)
{
    errno = 0;
    redisReply *reply = redisCommandArgv(c->redis, argc, argv, lengths);
    if (!reply)
        broken(c);
    return reply;
}

static enum bff_err expect_ok(struct connection *c, redisReply *reply)
{
    if (!reply)
        return broken(c);
    enum bff_err err = BFF_OK;
    if (reply->type == REDIS_REPLY_ERROR) {
        connection_refused(c, reply);
        connection_drop(c);
        err = BFF_ERR_STORE_UNAVAILABLE;
    }
    freeReplyObject(reply);
    return err;
}

static bool send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* AUTH, sent past hiredis' output buffer, which is freed without being wiped. */
static enum bff_err authenticate(struct connection *c)
{
    const char *argv[3] = {"AUTH", c->user, c->password};
    int argc = 3;
    if (!*c->user) {
        argv[1] = c->password;
        argc = 2;
    }
    char *text;
    int n = redisFormatCommandArgv(&text, argc, argv, NULL);
    if (n < 0)
        return BFF_ERR_NO_MEMORY;
    bool sent = send_all(c->redis->fd, text, (size_t)n);
    wipe(text, (size_t)n);
    redisFreeCommand(text);
    if (!sent)
        return unavailable(c, "the connection to Redis broke");
    void *reply = NULL;
    errno = 0;
    if (redisGetReply(c->redis, &reply) != REDIS_OK)
        return broken(c);
    return expect_ok(c, reply);
}

static struct timeval timeval_of(uint32_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

static enum bff_err dial(struct connection *c)
{
    if (!c->has_address)
        return unavailable(c, "redis.url is neither redis://HOST[:PORT][/DB] nor "
                              "unix:///PATH[?db=N]");
    struct timeval connect = timeval_of(c->connect_ms), command = timeval_of(c->command_ms);
    bool is_unix = !c->address.host[0];
    c->redis = is_unix ? redisConnectUnixWithTimeout(c->address.path, connect)
                       : redisConnectWithTimeout(c->address.host, c->address.port, connect);
    if (!c->redis)
        return BFF_ERR_NO_MEMORY;
    if (c->redis->err) {
        snprintf(c->error, sizeof c->error, "cannot connect to Redis: %s", c->redis->errstr);
        connection_drop(c);
        return BFF_ERR_STORE_UNAVAILABLE;
    }
    fcntl(c->redis->fd, F_SETFD, FD_CLOEXEC);
    if (redisSetTimeout(c->redis, command) != REDIS_OK ||
        (!is_unix && redisEnableKeepAlive(c->redis) != REDIS_OK))
        return broken(c);
    return BFF_OK;
}

static enum bff_err select_db(struct connection *c)
{
    if (c->address.db == 0)
        return BFF_OK;
    errno = 0;
    return expect_ok(c, redisCommand(c->redis, "SELECT %d", (int)c->address.db));
}

/* Nothing to read on a connection that waits for nothing: else it is closed, or out of step. */
static bool is_quiet(const struct connection *c)
{
    char byte;
    ssize_t n = recv(c->redis->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

enum bff_err connection_ready(struct connection *c, bool *is_new)
{
    if (is_new)
        *is_new = false;
    if (c->redis && is_quiet(c))
        return BFF_OK;
    connection_drop(c);
    if (is_new)
        *is_new = true;
    enum bff_err err = dial(c);
    if (err == BFF_OK && *c->password)
        err = authenticate(c);
    if (err == BFF_OK)
        err = select_db(c);
    if (err != BFF_OK)
        connection_drop(c);
    return err;
}
