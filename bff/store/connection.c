#include "store/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crash_point.h"
#include "base/send.h"
#include "base/wipe.h"

/* What Redis may refuse with. Scripts report the code in the middle of a sentence. `elsewhere`: a
 * new connection may reach another server (after a failover) or sign in with success. */
static const struct refusal {
    const char *code, *sentence;
    bool elsewhere;
    enum refusal_kind kind;
} refusals[] = {
    {"NOAUTH", "Redis wants a password: set redis.password_file", true, REFUSAL_OTHER},
    {"WRONGPASS", "Redis refuses the password in redis.password_file", true, REFUSAL_OTHER},
    {"NOPERM", "the Redis user may not run what bffd needs (see redis.acl)", true, REFUSAL_OTHER},
    {"user executing the script can't run",
     "the Redis user may not run what bffd needs (see redis.acl)", true, REFUSAL_OTHER},
    {"LOADING", "Redis is loading its data", false, REFUSAL_OTHER},
    {"READONLY", "Redis is a read-only replica: point redis.url at the primary", true,
     REFUSAL_READONLY},
    {"MASTERDOWN", "this Redis replica has lost its primary", true, REFUSAL_OTHER},
    {"NOREPLICAS", "Redis has too few replicas to take writes", true, REFUSAL_ALONE},
    {"OOM", "Redis is full: raise its maxmemory", false, REFUSAL_OTHER},
    {"MISCONF", "Redis takes no writes because it cannot save to disk", false, REFUSAL_OTHER},
    {"cluster support disabled", "this Redis is no cluster: redis.url must be redis://", true,
     REFUSAL_OTHER},
    {"CLUSTERDOWN", "the Redis cluster is down", true, REFUSAL_OTHER},
    {"MOVED", "Redis is a cluster: redis.url must be redis+cluster://", true, REFUSAL_OTHER},
    {"BUSY", "Redis is busy running a script", false, REFUSAL_OTHER},
};

static const struct refusal sentinel_refusals[] = {
    {"NOAUTH", "it wants a password: set redis.sentinel_password_file", true, REFUSAL_OTHER},
    {"WRONGPASS", "it refuses the password in redis.sentinel_password_file", true, REFUSAL_OTHER},
    {"NOPERM", "its user may not run SENTINEL GET-MASTER-ADDR-BY-NAME", true, REFUSAL_OTHER},
    {"unknown command", "it is not a sentinel", true, REFUSAL_OTHER},
};

/* How often a connection has gone silent that was in no doubt: of those opened before it, the first
 * to be silent says so for all. */
static atomic_uint silences;

void connection_is_silent(const struct connection *c)
{
    unsigned seen = c->silences;
    if (!c->is_sentinel)
        atomic_compare_exchange_strong(&silences, &seen, seen + 1);
}

bool connection_is_in_doubt(const struct connection *c)
{
    return !c->is_sentinel && c->silences != atomic_load(&silences);
}

void connection_drop(struct connection *c)
{
    if (c->redis)
        redisFree(c->redis);
    c->redis = NULL;
}

enum bff_err connection_fail(struct connection *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->error, CONNECTION_ERROR_MAX, format, args);
    va_end(args);
    connection_drop(c);
    return BFF_ERR_STORE_UNAVAILABLE;
}

/* The context's own words: system errors and protocol errors, never a command's arguments. */
static enum bff_err broken(struct connection *c)
{
    const redisContext *r = c->redis;
    bool timed_out = r->err == REDIS_ERR_IO && (errno == EAGAIN || errno == ETIMEDOUT);
    if (timed_out) {
        connection_is_silent(c);
        return connection_fail(c, "Redis did not answer in time");
    }
    return connection_fail(c, "the connection to Redis broke: %s", r->errstr);
}

static const struct refusal *find_refusal(const struct refusal *rows, size_t n, const char *reply)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(reply, rows[i].code))
            return &rows[i];
    return NULL;
}

void connection_refused(struct connection *c, const redisReply *reply)
{
    if (c->in_cluster &&
        redirect_read((struct str){reply->str, (size_t)reply->len}, &c->address, &c->redirect)) {
        c->refusal = REFUSAL_REDIRECTED;
        snprintf(c->error, CONNECTION_ERROR_MAX, "the Redis cluster is moving this slot");
        return;
    }
    const struct refusal *found =
        c->is_sentinel
            ? find_refusal(sentinel_refusals, sizeof sentinel_refusals / sizeof *sentinel_refusals,
                           reply->str)
            : find_refusal(refusals, sizeof refusals / sizeof *refusals, reply->str);
    c->refusal = found ? found->kind : REFUSAL_OTHER;
    if (!found) {
        size_t word = strspn(reply->str, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        snprintf(c->error, CONNECTION_ERROR_MAX, "Redis answered with an error (%.*s)",
                 (int)(word < 32 ? word : 32), reply->str);
        return;
    }
    snprintf(c->error, CONNECTION_ERROR_MAX, "%s", found->sentence);
    if (found->elsewhere)
        connection_drop(c);
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

#ifdef BFF_CRASH_POINTS
/* What redisGetReply() would do first. */
static void reach_sent(redisContext *redis)
{
    int is_done = 0;
    while (!is_done && redisBufferWrite(redis, &is_done) == REDIS_OK)
        continue;
    if (is_done)
        crash_point_call_sent(redis->fd);
}
#define CRASH_POINT_CALL_SENT(redis) reach_sent(redis)
#else
#define CRASH_POINT_CALL_SENT(redis) ((void)0)
#endif

redisReply *connection_call(struct connection *c, int argc, const char **argv,
                            const size_t *lengths)
{
    c->refusal = REFUSAL_OTHER;
    errno = 0;
    if (c->asking && expect_ok(c, redisCommand(c->redis, "ASKING")) != BFF_OK)
        return NULL;
    void *reply = NULL;
    bool ok = redisAppendCommandArgv(c->redis, argc, argv, lengths) == REDIS_OK;
    CRASH_POINT_CALL_SENT(c->redis);
    if (!ok || redisGetReply(c->redis, &reply) != REDIS_OK) {
        broken(c);
        return NULL;
    }
    return reply;
}

bool connection_send(struct connection *c, struct str commands)
{
    c->refusal = REFUSAL_OTHER;
    errno = 0;
    if (redisAppendFormattedCommand(c->redis, commands.p, commands.n) == REDIS_OK)
        return true;
    broken(c);
    return false;
}

redisReply *connection_receive(struct connection *c)
{
    void *reply = NULL;
    if (redisGetReply(c->redis, &reply) == REDIS_OK)
        return reply;
    broken(c);
    return NULL;
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
    bool sent = send_all(c->redis->fd, (struct str){text, (size_t)n});
    wipe(text, (size_t)n);
    redisFreeCommand(text);
    if (!sent)
        return connection_fail(c, "the connection to Redis broke");
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

static uint32_t least(uint32_t ms, uint32_t limit_ms)
{
    return limit_ms > 0 && limit_ms < ms ? limit_ms : ms;
}

static enum bff_err set_timeout(struct connection *c)
{
    uint32_t ms = least(c->command_ms, c->limit_ms);
    if (c->timeout_ms == ms)
        return BFF_OK;
    if (redisSetTimeout(c->redis, timeval_of(ms)) != REDIS_OK)
        return broken(c);
    c->timeout_ms = ms;
    return BFF_OK;
}

static enum bff_err dial(struct connection *c)
{
    struct timeval connect = timeval_of(least(c->connect_ms, c->limit_ms));
    c->silences = atomic_load(&silences);
    bool is_unix = !c->address.host[0];
    c->redis = is_unix ? redisConnectUnixWithTimeout(c->address.path, connect)
                       : redisConnectWithTimeout(c->address.host, c->address.port, connect);
    if (!c->redis)
        return BFF_ERR_NO_MEMORY;
    if (c->redis->err)
        return connection_fail(c, "cannot connect%s: %s", c->is_sentinel ? "" : " to Redis",
                               c->redis->errstr);
    fcntl(c->redis->fd, F_SETFD, FD_CLOEXEC);
    if (!is_unix && redisEnableKeepAlive(c->redis) != REDIS_OK)
        return broken(c);
    c->timeout_ms = 0;
    return set_timeout(c);
}

static enum bff_err select_db(struct connection *c)
{
    if (c->db == 0)
        return BFF_OK;
    errno = 0;
    return expect_ok(c, redisCommand(c->redis, "SELECT %d", (int)c->db));
}

bool connection_is_open(const struct connection *c)
{
    char byte;
    if (!c->redis || connection_is_in_doubt(c))
        return false;
    ssize_t n = recv(c->redis->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

enum bff_err connection_ready(struct connection *c, bool *is_new)
{
    if (is_new)
        *is_new = false;
    if (connection_is_open(c))
        return set_timeout(c);
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
