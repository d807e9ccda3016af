#include "store/script.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/crash_point.h"

/* Every script has the common head in front. */
static const char touch_lua[] =
#include "store/scripts/session.lua.h"

#include "store/scripts/touch.lua.h"
    ;
static const char create_lua[] =
#include "store/scripts/session.lua.h"

#include "store/scripts/create.lua.h"
    ;
static const char begin_lua[] =
#include "store/scripts/session.lua.h"

#include "store/scripts/begin.lua.h"
    ;
static const char commit_lua[] =
#include "store/scripts/session.lua.h"

#include "store/scripts/commit.lua.h"
    ;
static const char reject_lua[] =
#include "store/scripts/session.lua.h"

#include "store/scripts/reject.lua.h"
    ;
static const char fail_lua[] =
#include "store/scripts/session.lua.h"

#include "store/scripts/fail.lua.h"
    ;
static const char logout_lua[] =
#include "store/scripts/session.lua.h"

#include "store/scripts/logout.lua.h"
    ;
static const char attempt_lua[] =
#include "store/scripts/session.lua.h"

#include "store/scripts/attempt.lua.h"
    ;
static const char members_lua[] =
#include "store/scripts/session.lua.h"

#include "store/scripts/members.lua.h"
    ;

static const struct str sources[SCRIPT_COUNT] = {
    [SCRIPT_TOUCH] = {touch_lua, sizeof touch_lua - 1},
    [SCRIPT_CREATE] = {create_lua, sizeof create_lua - 1},
    [SCRIPT_BEGIN] = {begin_lua, sizeof begin_lua - 1},
    [SCRIPT_COMMIT] = {commit_lua, sizeof commit_lua - 1},
    [SCRIPT_REJECT] = {reject_lua, sizeof reject_lua - 1},
    [SCRIPT_FAIL] = {fail_lua, sizeof fail_lua - 1},
    [SCRIPT_LOGOUT] = {logout_lua, sizeof logout_lua - 1},
    [SCRIPT_ATTEMPT] = {attempt_lua, sizeof attempt_lua - 1},
    [SCRIPT_MEMBERS] = {members_lua, sizeof members_lua - 1},
};

void script_add(struct script_args *args, struct str value)
{
    assert(args->n < SCRIPT_MAX_ARGS);
    args->values[args->n++] = value;
}

void script_add_number(struct script_args *args, int64_t value)
{
    assert(args->n < SCRIPT_MAX_ARGS);
    struct buf b = buf_make(args->numbers[args->n], sizeof args->numbers[0]);
    buf_add_i64(&b, value);
    script_add(args, buf_str(&b));
}

enum bff_err script_misunderstood(struct connection *c)
{
    return connection_fail(c, "Redis answered what bffd does not understand");
}

static enum bff_err load_script(struct scripts *scripts, struct connection *c, enum script which)
{
    const char *argv[] = {"SCRIPT", "LOAD", sources[which].p};
    const size_t lengths[] = {6, 4, sources[which].n};
    redisReply *reply = connection_call(c, 3, argv, lengths);
    if (!reply)
        return BFF_ERR_STORE_UNAVAILABLE;
    enum bff_err err = BFF_OK;
    if (reply->type == REDIS_REPLY_ERROR) {
        connection_refused(c, reply);
        err = BFF_ERR_STORE_UNAVAILABLE;
    } else if (reply->type != REDIS_REPLY_STRING || reply->len != SCRIPT_SHA_LENGTH) {
        err = script_misunderstood(c);
    } else {
        memcpy(scripts->sha[which], reply->str, SCRIPT_SHA_LENGTH);
    }
    freeReplyObject(reply);
    return err;
}

/* `how`: EVALSHA or EVAL, and `what`: the SHA or the source. */
static redisReply *evaluate(struct connection *c, struct str how, struct str what, struct str key,
                            const struct script_args *args)
{
    const char *argv[4 + SCRIPT_MAX_ARGS] = {how.p, what.p, "1", key.p};
    size_t lengths[4 + SCRIPT_MAX_ARGS] = {how.n, what.n, 1, key.n};
    for (size_t i = 0; i < args->n; i++) {
        argv[4 + i] = args->values[i].n ? args->values[i].p : "";
        lengths[4 + i] = args->values[i].n;
    }
    return connection_call(c, (int)(4 + args->n), argv, lengths);
}

static bool is_unknown_script(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0;
}

static bool read_reply(redisReply *reply, struct script_reply *out)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
        reply->elements > SCRIPT_MAX_VALUES + 1)
        return false;
    *out = (struct script_reply){.reply = reply, .n = reply->elements - 1};
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *element = reply->element[i];
        if (element->type != REDIS_REPLY_STRING)
            return false;
        struct str value = {element->str, (size_t)element->len};
        if (i == 0)
            out->outcome = value;
        else
            out->values[i - 1] = value;
    }
    return true;
}

#ifdef BFF_CRASH_POINTS
/* The next two are that it was sent (connection.c), and answered. */
static const enum crash_step first_step[SCRIPT_COUNT] = {
    [SCRIPT_BEGIN] = CRASH_BEGIN_DUE,
    [SCRIPT_COMMIT] = CRASH_COMMIT_DUE,
    [SCRIPT_REJECT] = CRASH_REJECT_DUE,
    [SCRIPT_FAIL] = CRASH_FAIL_DUE,
};
#endif

enum bff_err script_run(struct scripts *scripts, struct connection *c, enum script which,
                        struct str key, const struct script_args *args, struct script_reply *out)
{
    enum bff_err err = BFF_OK;
    if (!scripts->sha[which][0])
        err = load_script(scripts, c, which);
    if (err != BFF_OK)
        return err;
    struct str sha = {scripts->sha[which], SCRIPT_SHA_LENGTH};
    CRASH_POINT_CALL(first_step[which], c->redis->fd);
    redisReply *reply = evaluate(c, STR("EVALSHA"), sha, key, args);
    if (reply && is_unknown_script(reply)) {
        /* Redis was restarted or its scripts were flushed: nothing ran. Loaded again, it could be
         * flushed again. */
        freeReplyObject(reply);
        reply = evaluate(c, STR("EVAL"), sources[which], key, args);
    }
    if (!reply)
        return BFF_ERR_STORE_UNAVAILABLE;
    CRASH_POINT_CALL_ANSWERED(first_step[which], c->redis->fd);
    if (reply->type == REDIS_REPLY_ERROR) {
        connection_refused(c, reply);
        err = BFF_ERR_STORE_UNAVAILABLE;
    } else if (!read_reply(reply, out)) {
        err = script_misunderstood(c);
    } else {
        return BFF_OK;
    }
    freeReplyObject(reply);
    return err;
}

bool script_reply_is(const struct script_reply *reply, struct str outcome, size_t values)
{
    return str_eq(reply->outcome, outcome) && reply->n == values;
}

void script_reply_free(struct script_reply *reply)
{
    freeReplyObject(reply->reply);
    reply->reply = NULL;
}
