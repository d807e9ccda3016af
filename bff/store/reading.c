#include "store/reading.h"

#include <assert.h>
#include <string.h>

#include "store/script.h"

void reading_add_time(struct buf *b)
{
    buf_add(b, STR("*1\r\n$4\r\nTIME\r\n"));
}

void reading_add_get(struct buf *b, struct str key)
{
    buf_add(b, STR("*2\r\n$3\r\nGET\r\n$"));
    buf_add_i64(b, (int64_t)key.n);
    buf_add(b, STR("\r\n"));
    buf_add(b, key);
    buf_add(b, STR("\r\n"));
}

static struct str text_of(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING ? (struct str){r->str, (size_t)r->len}
                                         : (struct str){NULL, 0};
}

bool reading_of_time(const redisReply *reply, int64_t *now_ms)
{
    uint64_t s, us;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        !str_to_u64(text_of(reply->element[0]), UINT32_MAX, &s) ||
        !str_to_u64(text_of(reply->element[1]), 999999, &us))
        return false;
    *now_ms = (int64_t)(s * 1000 + us / 1000);
    return true;
}

static bool is_other_type(const redisReply *value)
{
    return value->type == REDIS_REPLY_ERROR && strncmp(value->str, "WRONGTYPE", 9) == 0;
}

bool reading_of_value(const redisReply *reply, struct reading *out)
{
    if (reply->type == REDIS_REPLY_STRING)
        out->what = READING_VALUE;
    else if (reply->type == REDIS_REPLY_NIL)
        out->what = READING_NOTHING;
    else if (is_other_type(reply))
        out->what = READING_OTHER_TYPE;
    else
        return false;
    out->value = text_of(reply);
    return true;
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
    bool ok = reading_of_time(reply, now_ms);
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
    out->reply = receive(r);
    if (!out->reply)
        return BFF_ERR_STORE_UNAVAILABLE;
    if (reading_of_value(out->reply, out))
        return BFF_OK;
    reading_free(out);
    return script_misunderstood(r->connection);
}

/* Replies that are still to come must not be taken for those to what is asked next. */
static void pass_the_rest(struct round *r)
{
    for (; r->due > 0 && r->connection->redis; r->due--)
        freeReplyObject(connection_receive(r->connection));
}

enum bff_err reading_take(struct connection *c, struct str key, struct reading *out)
{
    char memory[READING_TIME_MAX + 32 + READING_GET_MAX];
    struct buf commands = buf_make(memory, sizeof memory);
    struct round round = {c, c->asking ? 3 : 2};
    reading_add_time(&commands);
    if (c->asking)
        buf_add(&commands, STR("*1\r\n$6\r\nASKING\r\n"));
    reading_add_get(&commands, key);
    assert(!commands.overflowed);
    if (!connection_send(c, buf_str(&commands)))
        return BFF_ERR_STORE_UNAVAILABLE;
    enum bff_err err = receive_time(&round, &out->now_ms);
    if (err == BFF_OK && c->asking)
        err = receive_asking(&round);
    if (err == BFF_OK)
        err = receive_value(&round, out);
    pass_the_rest(&round);
    return err;
}

void reading_free(struct reading *r)
{
    freeReplyObject(r->reply);
    r->reply = NULL;
}
