#include "store/user_set.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"

#define HEX_MAX (SESSION_HASH_BYTES * 2)

void keyed_name_make(const struct keyring *keys, struct str text, struct keyed_name *out)
{
    *out = (struct keyed_name){.n = 0};
    if (text.n == 0)
        return;
    unsigned char hash[SESSION_HASH_BYTES];
    seal_user_hash(keys, text, hash);
    struct buf hex = buf_make(out->hex, HEX_MAX);
    buf_add_hex(&hex, hash, sizeof hash);
    out->n = hex.n;
}

struct str keyed_name_str(const struct keyed_name *name)
{
    return (struct str){name->hex, name->n};
}

struct set_names {
    char key[SESSION_KEY_MAX];
    char member[HEX_MAX];
};

static bool name_set(const struct config *config, struct str user, const struct session_name *name,
                     struct set_names *out)
{
    struct buf key = buf_make(out->key, sizeof out->key - 1);
    buf_add(&key, config->redis.prefix);
    buf_add(&key, STR("u:{"));
    buf_add(&key, user);
    buf_add_char(&key, '}');
    struct buf member = buf_make(out->member, sizeof out->member);
    buf_add_hex(&member, name->hash, sizeof name->hash);
    if (key.overflowed)
        return false;
    out->key[key.n] = 0;
    return true;
}

/* Read the replies to pipelined commands; whether Redis refused one does not matter here. */
static void drain(struct connection *c, int replies)
{
    for (int i = 0; i < replies; i++) {
        void *reply = NULL;
        if (redisGetReply(c->redis, &reply) != REDIS_OK) {
            connection_drop(c);
            return;
        }
        freeReplyObject(reply);
    }
}

void user_set_add(struct connection *c, const struct config *config, struct str user,
                  const struct session_name *name, int64_t now_ms)
{
    struct set_names names;
    if (!c->redis || user.n == 0 || !name_set(config, user, name, &names))
        return;
    int64_t end_ms = now_ms + (int64_t)config->session.absolute_s * 1000;
    redisContext *r = c->redis;
    int sent = 0;
    sent +=
        redisAppendCommand(r, "ZREMRANGEBYSCORE %s -inf %" PRId64, names.key, now_ms) == REDIS_OK;
    sent += redisAppendCommand(r, "ZADD %s %" PRId64 " %b", names.key, end_ms, names.member,
                               (size_t)HEX_MAX) == REDIS_OK;
    sent += redisAppendCommand(r, "PEXPIREAT %s %" PRId64, names.key, end_ms) == REDIS_OK;
    drain(c, sent);
}

void user_set_remove(struct connection *c, const struct config *config, struct str user,
                     const struct session_name *name)
{
    struct set_names names;
    if (!c->redis || user.n == 0 || !name_set(config, user, name, &names))
        return;
    if (redisAppendCommand(c->redis, "ZREM %s %b", names.key, names.member, (size_t)HEX_MAX) ==
        REDIS_OK)
        drain(c, 1);
}
