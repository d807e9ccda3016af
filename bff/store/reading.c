#include "store/reading.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "store/script.h"

#define COMMAND_MAX (SESSION_KEY_MAX + 64)

static void add_commands(struct buf *b, bool asking, const struct str *keys, size_t n)
{
    buf_add(b, STR("*1\r\n$4\r\nTIME\r\n"));
    if (asking)
        buf_add(b, STR("*1\r\n$6\r\nASKING\r\n"));
    for (size_t i = 0; i < n; i++) {
        buf_add(b, STR("*2\r\n$3\r\nGET\r\n$"));
        buf_add_i64(b, (int64_t)keys[i].n);
        buf_add(b, STR("\r\n"));
        buf_add(b, keys[i]);
        buf_add(b, STR("\r\n"));
    }
}

static struct str text_of(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING ? (struct str){r->str, (size_t)r->len}
                                         : (struct str){NULL, 0};
}

static bool read_ms(const redisReply *time, int64_t *out)
{
    uint64_t s, us;
    if (time->type != REDIS_REPLY_ARRAY || time->elements != 2 ||
        !str_to_u64(text_of(time->element[0]), UINT32_MAX, &s) ||
        !str_to_u64(text_of(time->element[1]), 999999, &us))
        return false;
    *out = (int64_t)(s * 1000 + us / 1000);
    return true;
}

static bool is_other_type(const redisReply *value)
{
    return value->type == REDIS_REPLY_ERROR && strncmp(value->str, "WRONGTYPE", 9) == 0;
}

/* What was asked for in one write: each has its reply. */
struct round {
    struct connection *connection;
    size_t due;
};

/* The next reply, if it is not a refusal. */
static redisReply *receive(struct round *r)
{
    redisReply *reply = connection_receive(r->connection);
    r->due--;
    if (!reply || reply->type != REDIS_REPLY_ERROR || is_other_type(reply))
        return reply;
    connection_refused(r->connection, reply);
    freeReplyObject(reply);
    return NULL;
}

static enum bff_err receive_time(struct round *r, int64_t *now_ms)
{
    redisReply *reply = receive(r);
    if (!reply)
        return BFF_ERR_STORE_UNAVAILABLE;
    bool ok = read_ms(reply, now_ms);
    freeReplyObject(reply);
    return ok ? BFF_OK : script_misunderstood(r->connection);
}

static enum bff_err receive_asking(struct round *r)
{
    redisReply *reply = receive(r);
    freeReplyObject(reply);
    return reply ? BFF_OK : BFF_ERR_STORE_UNAVAILABLE;
}

static enum bff_err receive_value(struct round *r, struct reading *out)
{
    redisReply *reply = receive(r);
    if (!reply)
        return BFF_ERR_STORE_UNAVAILABLE;
    out->reply = reply;
    if (reply->type == REDIS_REPLY_STRING) {
        out->what = READING_VALUE;
        out->value = text_of(reply);
    } else if (reply->type == REDIS_REPLY_NIL) {
        out->what = READING_NOTHING;
    } else if (is_other_type(reply)) {
        out->what = READING_OTHER_TYPE;
    } else {
        freeReplyObject(reply);
        return script_misunderstood(r->connection);
    }
    return BFF_OK;
}

static enum bff_err receive_all(struct round *r, size_t n, struct reading *out)
{
    int64_t now_ms = 0;
    size_t got = 0;
    enum bff_err err = receive_time(r, &now_ms);
    if (err == BFF_OK && r->connection->asking)
        err = receive_asking(r);
    while (err == BFF_OK && got < n) {
        out[got] = (struct reading){.now_ms = now_ms};
        err = receive_value(r, &out[got]);
        got += err == BFF_OK;
    }
    while (err != BFF_OK && got > 0)
        reading_free(&out[--got]);
    return err;
}

/* Replies that are still to come must not be taken for those to what is asked next. */
static void pass_the_rest(struct round *r)
{
    for (; r->due > 0 && r->connection->redis; r->due--)
        freeReplyObject(connection_receive(r->connection));
}

enum bff_err readings_take(struct connection *c, const struct str *keys, size_t n,
                           struct reading *out)
{
    char memory[READINGS_MAX * COMMAND_MAX];
    struct buf commands = buf_make(memory, sizeof memory);
    struct round round = {c, n + (c->asking ? 2U : 1U)};
    add_commands(&commands, c->asking, keys, n);
    assert(!commands.overflowed);
    if (!connection_send(c, buf_str(&commands)))
        return BFF_ERR_STORE_UNAVAILABLE;
    enum bff_err err = receive_all(&round, n, out);
    pass_the_rest(&round);
    return err;
}

void reading_free(struct reading *r)
{
    freeReplyObject(r->reply);
    r->reply = NULL;
}
