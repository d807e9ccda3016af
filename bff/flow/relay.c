#include "flow/relay.h"

#include "base/log.h"
#include "codec/json.h"
#include "flow/step.h"

#define SHORTEST_SECRET 16 /* what is shorter is a word, not a token */

void relay_refuse(const struct call *call, enum bff_err e, struct str reason, struct arena *arena,
                  struct reply *reply)
{
    log_event(SEVERITY_WARN, "login_failed", LOG_TEXT("code", err_code(e)),
              LOG_TEXT("reason", reason), LOG_TEXT("section", call->capture->name),
              LOG_CALLER(&call->caller));
    reply_problem(reply, e, &call->caller, 1000, arena);
}

static bool is_secret(const json_t *value)
{
    return json_is_string(value) && json_string_length(value) >= SHORTEST_SECRET;
}

/* Opaque tokens cannot be told by their looks, but by the names that RFC 6749, 5.1 gives them.
 * jansson reads nothing that is nested deeper than 2048. NOLINTNEXTLINE(misc-no-recursion) */
static bool names_token(json_t *value)
{
    const char *name;
    size_t i;
    json_t *member;
    if (is_secret(json_object_get(value, "access_token")) ||
        is_secret(json_object_get(value, "refresh_token")))
        return true;
    json_object_foreach(value, name, member)
    {
        if (names_token(member))
            return true;
    }
    json_array_foreach(value, i, member)
    {
        if (names_token(member))
            return true;
    }
    return false;
}

static bool shows_token(struct str body, const struct backend_answer *answer)
{
    if (backend_shows_token(body) || backend_shows_token(answer->location) ||
        backend_shows_token(answer->www_authenticate))
        return true;
    json_t *root = json_read(body);
    bool is_there = root && names_token(root);
    json_decref(root);
    return is_there;
}

void relay_headers(const struct backend_answer *answer, struct reply *reply)
{
    if (answer->retry_after.n > 0)
        reply_header(reply, "Retry-After", answer->retry_after);
    if (answer->www_authenticate.n > 0)
        reply_header(reply, "WWW-Authenticate", answer->www_authenticate);
    if (answer->location.n > 0)
        reply_header(reply, "Location", answer->location);
}

/* *why is set when the answer cannot be passed on. */
static enum bff_err make_reply(struct tools *tools, const struct backend_answer *answer,
                               struct arena *arena, struct reply *reply, struct str *why)
{
    struct str token = {NULL, 0}, body = answer->body;
    enum bff_err e = BFF_OK;
    if (tools->config->pending.token.n > 0)
        e = backend_take_pending(tools->config, answer, arena, &token, &body);
    *why = STR("the pending token cannot be read where pending.token says");
    if (e != BFF_OK)
        return e;
    *why = STR("the answer holds a token where the configuration expects none");
    if (shows_token(body, answer))
        return BFF_ERR_MALFORMED;
    *reply = (struct reply){
        .status = answer->status,
        .content_type = answer->content_type,
        .body = body,
    };
    relay_headers(answer, reply);
    *why = STR("the pending token is too long to be kept in a cookie");
    return token.n > 0 ? step_keep(tools, token, arena, reply) : BFF_OK;
}

void relay_answer(struct tools *tools, const struct call *call, const struct backend_answer *answer,
                  struct arena *arena, struct reply *reply)
{
    struct str why;
    enum bff_err e = make_reply(tools, answer, arena, reply, &why);
    if (e != BFF_OK) {
        relay_refuse(call, e == BFF_ERR_NO_MEMORY ? e : BFF_ERR_BACKEND_UNREADABLE, why, arena,
                     reply);
        return;
    }
    log_event(SEVERITY_INFO, "login_refused", LOG_NUMBER("status", answer->status),
              LOG_TEXT("section", call->capture->name), LOG_CALLER(&call->caller));
}
