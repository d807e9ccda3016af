#include "store/user_set.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/base64url.h"
#include "base/buf.h"
#include "base/clock.h"

void keyed_name_make(const struct keyring *keys, struct str text, struct keyed_name *out)
{
    keyed_name_make_by(keys, 0, text, out);
}

void keyed_name_make_by(const struct keyring *keys, size_t i, struct str text,
                        struct keyed_name *out)
{
    *out = (struct keyed_name){{0}};
    if (text.n > 0)
        seal_user_hash(keys, i, text, (unsigned char *)out->bytes);
}

struct str keyed_name_str(const struct keyed_name *name)
{
    return (struct str){name->bytes, sizeof name->bytes};
}

void keyed_name_write(struct buf *key, struct str name)
{
    char text[BASE64URL_CHARS(KEYED_NAME_BYTES)];
    assert(name.n == KEYED_NAME_BYTES);
    base64url_encode((const unsigned char *)name.p, name.n, text);
    buf_add(key, (struct str){text, sizeof text});
}

bool user_set_name(const struct config *config, struct str user, struct session_name *out)
{
    static const struct keyed_name nobody;
    if (user.n != KEYED_NAME_BYTES || str_eq(user, keyed_name_str(&nobody)))
        return false;
    *out = (struct session_name){.key_length = 0};
    struct buf key = buf_make(out->key, sizeof out->key - 1);
    buf_add(&key, config->redis.prefix);
    buf_add(&key, STR("u:{"));
    keyed_name_write(&key, user);
    buf_add_char(&key, '}');
    out->key_length = key.n;
    return true;
}

/* Read the replies to pipelined commands. Whether Redis refused one does not matter here, but for
 * where a cluster points. */
static void drain(struct connection *c, int replies)
{
    c->refusal = REFUSAL_OTHER;
    for (int i = 0; i < replies; i++) {
        void *reply = NULL;
        if (redisGetReply(c->redis, &reply) != REDIS_OK) {
            connection_drop(c);
            return;
        }
        const redisReply *r = reply;
        if (c->in_cluster && r->type == REDIS_REPLY_ERROR &&
            redirect_read((struct str){r->str, (size_t)r->len}, &c->address, &c->redirect))
            c->refusal = REFUSAL_REDIRECTED;
        freeReplyObject(reply);
    }
}

struct set_change {
    struct session_name set;
    const unsigned char *member;
    bool is_removal;
    int64_t now_s, end_s;
};

static int append_asking(struct connection *c)
{
    return c->asking && redisAppendCommand(c->redis, "ASKING") == REDIS_OK;
}

static void send_change(struct connection *c, const struct set_change *change)
{
    const char *key = change->set.key;
    redisContext *r = c->redis;
    int sent = append_asking(c);
    if (change->is_removal) {
        sent += redisAppendCommand(r, "ZREM %s %b", key, change->member,
                                   (size_t)SESSION_HASH_BYTES) == REDIS_OK;
        drain(c, sent);
        return;
    }
    sent +=
        redisAppendCommand(r, "ZREMRANGEBYSCORE %s -inf %" PRId64, key, change->now_s) == REDIS_OK;
    sent += append_asking(c);
    sent += redisAppendCommand(r, "ZADD %s %" PRId64 " %b", key, change->end_s, change->member,
                               (size_t)SESSION_HASH_BYTES) == REDIS_OK;
    sent += append_asking(c);
    sent += redisAppendCommand(r, "PEXPIREAT %s %" PRId64, key, change->end_s * 1000) == REDIS_OK;
    drain(c, sent);
}

/* All of it can be done twice: a redirection is followed though a command before it went through.
 */
static void make_change(struct topology *t, struct connection *c, const struct set_change *change)
{
    struct str key = {change->set.key, change->set.key_length};
    int64_t began_ms = clock_mono_ms();
    if (c->in_cluster && topology_connect(t, key, &c, NULL) != BFF_OK)
        return;
    if (!c->redis)
        return;
    send_change(c, change);
    if (c->in_cluster && c->refusal == REFUSAL_REDIRECTED && topology_can_repeat(t, c, began_ms) &&
        topology_connect(t, key, &c, NULL) == BFF_OK)
        send_change(c, change);
}

void user_set_add(struct topology *t, struct connection *c, const struct config *config,
                  struct str user, const struct session_name *name, int64_t now_ms)
{
    struct set_change change = {
        .member = name->hash,
        .now_s = now_ms / 1000,
        .end_s = (now_ms + 999) / 1000 + (int64_t)config->session.absolute_s,
    };
    if (user_set_name(config, user, &change.set))
        make_change(t, c, &change);
}

void user_set_remove(struct topology *t, struct connection *c, const struct config *config,
                     struct str user, const struct session_name *name)
{
    struct set_change change = {.member = name->hash, .is_removal = true};
    if (user_set_name(config, user, &change.set))
        make_change(t, c, &change);
}
