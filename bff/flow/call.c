#include "flow/call.h"

#include <assert.h>

#include "core/cookie.h"
#include "core/policy.h"
#include "core/problem.h"

enum bff_err call_admit(struct call *call, const struct config *config)
{
    struct csrf_rules rules = {&config->csrf.origins, config->csrf.require_header};
    struct str cookie;
    call->has_session = false;
    if (!csrf_allows(&rules, &call->csrf))
        return BFF_ERR_CSRF_FAILED;
    if (call->cookie_duplicated || cookie_find(call->cookie_header, &cookie) != BFF_OK)
        return BFF_OK;
    session_name_make(config, cookie, &call->name);
    call->has_session = true;
    return BFF_OK;
}

void reply_header(struct reply *reply, const char *name, struct str value)
{
    assert(reply->n_headers < REPLY_MAX_HEADERS);
    reply->headers[reply->n_headers++] = (struct reply_header){name, value};
}

void reply_json(struct reply *reply, int status, struct str body)
{
    *reply = (struct reply){
        .status = status,
        .content_type = STR("application/json"),
        .body = body,
    };
}

bool reply_cookie(struct reply *reply, struct str value, struct arena *arena)
{
    size_t room = 256;
    char *memory = arena_alloc(arena, room);
    if (!memory)
        return false;
    struct buf b = buf_make(memory, room);
    if (value.n > 0)
        cookie_add_set(&b, value);
    else
        cookie_add_clear(&b);
    if (b.overflowed)
        return false;
    reply_header(reply, "Set-Cookie", buf_str(&b));
    return true;
}

static bool clears_cookie(enum bff_err e)
{
    return e == BFF_ERR_NOT_AUTHENTICATED || e == BFF_ERR_SESSION_EXPIRED;
}

void reply_problem(struct reply *reply, enum bff_err e, const struct caller *caller,
                   int64_t wait_ms, struct arena *arena)
{
    *reply = (struct reply){
        .status = err_status(e),
        .content_type = STR(PROBLEM_CONTENT_TYPE),
        .err = e,
    };
    /* Where memory is out the status alone must do: the body and the headers are a courtesy. */
    char *memory = arena_alloc(arena, PROBLEM_MAX);
    if (memory) {
        struct buf b = buf_make(memory, PROBLEM_MAX);
        problem_add(&b, e, caller->request_id);
        if (!b.overflowed)
            reply->body = buf_str(&b);
    }
    struct str seconds;
    if (reply->status == 503 &&
        arena_printf(arena, &seconds, "%lld", (long long)policy_retry_after_s(wait_ms)))
        reply_header(reply, "Retry-After", seconds);
    if (clears_cookie(e) && !reply_cookie(reply, (struct str){NULL, 0}, arena))
        reply->status = err_status(BFF_ERR_INTERNAL);
}
