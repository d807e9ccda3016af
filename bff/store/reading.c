#include "store/reading.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "store/script.h"

#define COMMANDS_MAX (SESSION_KEY_MAX + 64)
#define REPLIES_MAX 3

/* Returns how many they are. */
static size_t add_commands(struct buf *b, bool asking, struct str key)
{
    buf_add(b, STR("*1\r\n$4\r\nTIME\r\n"));
    if (asking)
        buf_add(b, STR("*1\r\n$6\r\nASKING\r\n"));
    buf_add(b, STR("*2\r\n$3\r\nGET\r\n$"));
    buf_add_i64(b, (int64_t)key.n);
    buf_add(b, STR("\r\n"));
    buf_add(b, key);
    buf_add(b, STR("\r\n"));
    return asking ? 3 : 2;
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

/* false: none of what a reading can be. */
static bool read_value(redisReply *value, struct reading *out)
{
    out->reply = value;
    if (value->type == REDIS_REPLY_STRING) {
        out->what = READING_VALUE;
        out->value = text_of(value);
    } else if (value->type == REDIS_REPLY_NIL) {
        out->what = READING_NOTHING;
    } else {
        out->what = READING_OTHER_TYPE;
        return is_other_type(value);
    }
    return true;
}

/* The first is TIME's, the last GET's; in between there may be ASKING's. */
static enum bff_err read_replies(struct connection *c, redisReply *const *replies, size_t n,
                                 struct reading *out)
{
    struct reading r = {0};
    for (size_t i = 0; i < n; i++) {
        if (replies[i]->type == REDIS_REPLY_ERROR && !(i == n - 1 && is_other_type(replies[i]))) {
            connection_refused(c, replies[i]);
            return BFF_ERR_STORE_UNAVAILABLE;
        }
    }
    if (!read_ms(replies[0], &r.now_ms) || !read_value(replies[n - 1], &r))
        return script_misunderstood(c);
    *out = r;
    return BFF_OK;
}

enum bff_err reading_take(struct connection *c, struct str key, struct reading *out)
{
    char memory[COMMANDS_MAX];
    redisReply *replies[REPLIES_MAX] = {NULL};
    struct buf commands = buf_make(memory, sizeof memory);
    size_t due = add_commands(&commands, c->asking, key), n = 0;
    enum bff_err err = BFF_ERR_STORE_UNAVAILABLE;
    assert(!commands.overflowed);
    if (connection_send(c, buf_str(&commands)))
        while (n < due && (replies[n] = connection_receive(c)))
            n++;
    if (n == due)
        err = read_replies(c, replies, n, out);
    if (err == BFF_OK)
        n--; /* the last is kept */
    while (n > 0)
        freeReplyObject(replies[--n]);
    return err;
}

void reading_free(struct reading *r)
{
    freeReplyObject(r->reply);
    r->reply = NULL;
}
