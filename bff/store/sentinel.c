#include "store/sentinel.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static bool read_address(const redisReply *reply, struct redis_address *out)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return false;
    struct str host = {reply->element[0]->str, (size_t)reply->element[0]->len};
    struct str port = {reply->element[1]->str, (size_t)reply->element[1]->len};
    return redis_address_read(host, port, out);
}

static struct connection sentinel_at(struct topology *t, size_t which, uint32_t limit_ms)
{
    return (struct connection){
        .address = t->place.seeds[which],
        .connect_ms = limit_ms,
        .command_ms = limit_ms,
        .user = t->sentinel.user,
        .password = t->sentinel.password,
        .is_sentinel = true,
        .error = t->error,
    };
}

/* false: it does not know; c->error says why. */
static bool ask(struct connection *c, const char *name, struct redis_address *out)
{
    if (connection_ready(c, NULL) != BFF_OK)
        return false;
    const char *argv[] = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", name};
    redisReply *reply = connection_call(c, 3, argv, NULL);
    if (!reply)
        return false;
    bool ok = false;
    if (reply->type == REDIS_REPLY_ERROR)
        connection_refused(c, reply);
    else if (reply->type == REDIS_REPLY_NIL)
        connection_fail(c, "it knows no primary of that name");
    else if (!(ok = read_address(reply, out)))
        connection_fail(c, "it answered what bffd does not understand");
    freeReplyObject(reply);
    return ok;
}

enum bff_err sentinel_find_primary(struct topology *t, struct redis_address *out)
{
    char why[CONNECTION_ERROR_MAX - REDIS_NAME_MAX - 40] = "there was no time to ask";
    size_t n = t->place.n_seeds;
    int64_t until_ms = clock_mono_ms() + t->connect_ms;
    for (size_t asked = 0; asked < n; asked++) {
        int64_t left_ms = until_ms - clock_mono_ms();
        /* Shared out evenly, so that a sentinel that hangs leaves time for the others. */
        int64_t share_ms = left_ms / (int64_t)(n - asked);
        if (share_ms < 1)
            break;
        size_t which = (t->next_sentinel + asked) % n;
        struct connection c = sentinel_at(t, which, (uint32_t)(share_ms + 1) / 2);
        bool known = ask(&c, t->place.name, out);
        connection_drop(&c);
        if (known) {
            t->next_sentinel = which;
            return BFF_OK;
        }
        snprintf(why, sizeof why, "%.*s", (int)sizeof why - 1, t->error);
    }
    snprintf(t->error, sizeof t->error, "no sentinel names the primary of \"%s\"; the last one: %s",
             t->place.name, why);
    return BFF_ERR_STORE_UNAVAILABLE;
}

static void take_another(struct topology *t, struct connection *c)
{
    connection_drop(c);
    t->next_sentinel = (t->next_sentinel + 1) % t->place.n_seeds;
}

void sentinel_inquire(struct topology *t, struct connection *c)
{
    int done = 0;
    if (!c->redis) {
        *c = sentinel_at(t, t->next_sentinel, t->connect_ms / 4 + 1);
        if (connection_ready(c, NULL) != BFF_OK) {
            take_another(t, c);
            return;
        }
    }
    bool sent = redisAppendCommand(c->redis, "SENTINEL GET-MASTER-ADDR-BY-NAME %s",
                                   t->place.name) == REDIS_OK;
    while (sent && !done)
        sent = redisBufferWrite(c->redis, &done) == REDIS_OK;
    if (!sent)
        take_another(t, c);
}

bool sentinel_hear(struct topology *t, struct connection *c, const struct redis_address *known)
{
    void *reply = NULL;
    bool ok = redisBufferRead(c->redis) == REDIS_OK;
    while (ok && redisReaderGetReply(c->redis->reader, &reply) == REDIS_OK && reply) {
        struct redis_address named;
        ok = read_address(reply, &named);
        freeReplyObject(reply);
        if (ok && (named.port != known->port || strcmp(named.host, known->host) != 0))
            return true;
    }
    if (!ok)
        take_another(t, c);
    return false;
}

enum bff_err sentinel_verify_primary(struct connection *c)
{
    const char *argv[] = {"ROLE"};
    redisReply *reply = connection_call(c, 1, argv, NULL);
    if (!reply)
        return BFF_ERR_STORE_UNAVAILABLE;
    enum bff_err err = BFF_OK;
    if (reply->type == REDIS_REPLY_ERROR) {
        connection_refused(c, reply);
        connection_drop(c);
        err = BFF_ERR_STORE_UNAVAILABLE;
    } else if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
               reply->element[0]->type != REDIS_REPLY_STRING ||
               strcmp(reply->element[0]->str, "master") != 0) {
        err = connection_fail(c, "the sentinels name a server that is no primary (yet)");
    }
    freeReplyObject(reply);
    return err;
}
