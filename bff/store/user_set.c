#include "store/user_set.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base64url.h"
#include "base/buf.h"
#include "base/clock.h"

void keyed_name_make(const struct keyring *keys, struct str text, struct keyed_name *out)
{
    *out = (struct keyed_name){{0}};
    if (text.n > 0)
        seal_user_hash(keys, text, (unsigned char *)out->bytes);
}

struct str keyed_name_str(const struct keyed_name *name)
{
    return (struct str){name->bytes, sizeof name->bytes};
}

struct set_names {
    char key[SESSION_KEY_MAX];
    size_t key_length;
    const unsigned char *member;
};

/* false: nobody's. */
static bool name_set(const struct config *config, struct str user, const struct session_name *name,
                     struct set_names *out)
{
    static const struct keyed_name nobody;
    char text[BASE64URL_CHARS(KEYED_NAME_BYTES)];
    if (user.n != KEYED_NAME_BYTES || str_eq(user, keyed_name_str(&nobody)))
        return false;
    base64url_encode((const unsigned char *)user.p, user.n, text);
    struct buf key = buf_make(out->key, sizeof out->key - 1);
    buf_add(&key, config->redis.prefix);
    buf_add(&key, STR("u:{"));
    buf_add(&key, (struct str){text, sizeof text});
    buf_add_char(&key, '}');
    out->key[key.n] = 0;
    out->key_length = key.n;
    out->member = name->hash;
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
    struct set_names names;
    bool is_removal;
    int64_t now_s, end_s;
};

static int append_asking(struct connection *c)
{
    return c->asking && redisAppendCommand(c->redis, "ASKING") == REDIS_OK;
}

static void send_change(struct connection *c, const struct set_change *change)
{
    const struct set_names *names = &change->names;
    redisContext *r = c->redis;
    int sent = append_asking(c);
    if (change->is_removal) {
        sent += redisAppendCommand(r, "ZREM %s %b", names->key, names->member,
                                   (size_t)SESSION_HASH_BYTES) == REDIS_OK;
        drain(c, sent);
        return;
    }
    sent += redisAppendCommand(r, "ZREMRANGEBYSCORE %s -inf %" PRId64, names->key, change->now_s) ==
            REDIS_OK;
    sent += append_asking(c);
    sent += redisAppendCommand(r, "ZADD %s %" PRId64 " %b", names->key, change->end_s,
                               names->member, (size_t)SESSION_HASH_BYTES) == REDIS_OK;
    sent += append_asking(c);
    sent += redisAppendCommand(r, "PEXPIREAT %s %" PRId64, names->key, change->end_s * 1000) ==
            REDIS_OK;
    drain(c, sent);
}

/* All of it can be done twice: a redirection is followed though a command before it went through.
 */
static void make_change(struct topology *t, struct connection *c, const struct set_change *change)
{
    struct str key = {change->names.key, change->names.key_length};
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
        .now_s = now_ms / 1000,
        .end_s = (now_ms + 999) / 1000 + (int64_t)config->session.absolute_s,
    };
    if (name_set(config, user, name, &change.names))
        make_change(t, c, &change);
}

void user_set_remove(struct topology *t, struct connection *c, const struct config *config,
                     struct str user, const struct session_name *name)
{
    struct set_change change = {.is_removal = true};
    if (name_set(config, user, name, &change.names))
        make_change(t, c, &change);
}
