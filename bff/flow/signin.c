#include "flow/signin.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "codec/json.h"
#include "core/cookie.h"
#include "flow/attempts.h"
#include "flow/caller.h"
#include "flow/compat.h"
#include "flow/end.h"
#include "flow/relay.h"
#include "flow/revoke.h"
#include "flow/step.h"

static enum bff_err compose(struct tools *tools, const struct call *call, struct arena *arena,
                            struct backend_request *request)
{
    struct backend_sent sent = {
        .query = call->query,
        .content_type = call->content_type,
        .accept = call->accept,
        .body = call->body,
    };
    enum bff_err err = backend_compose_login(call->capture, &sent, arena, request);
    if (err == BFF_OK)
        err = step_resume(tools, call, arena, request);
    if (err == BFF_OK)
        err = backend_sign(tools->config, tools->client_secret, arena, request);
    return err;
}

static enum bff_err ask_backend(struct tools *tools, const struct call *call, struct arena *arena,
                                struct backend_answer *answer, struct str *why)
{
    struct backend_request request = {0};
    enum bff_err err = compose(tools, call, arena, &request);
    *why = err == BFF_ERR_BAD_REQUEST ? STR("a field that send names did not come") : STR("");
    if (err != BFF_OK)
        return err;
    err = caller_ask(tools, CALL_LOGIN, &call->caller, &request, BACKEND_FRESH, arena, answer);
    *why = str_from(backend_last_error(tools->backend));
    return err;
}

/* The answer's object with the member "session"; a body that is no object stays as it is. */
static enum bff_err add_session(struct str body, const struct live_session *live,
                                struct arena *arena, struct str *out)
{
    struct str described;
    if (!session_describe(live, clock_mono_ms(), arena, &described))
        return BFF_ERR_NO_MEMORY;
    json_t *root = json_read(body);
    *out = body;
    if (!json_is_object(root)) {
        json_decref(root);
        return BFF_OK;
    }
    bool ok = json_object_set_new(root, "session", json_read(described)) == 0 &&
              json_write(root, arena, out);
    json_decref(root);
    return ok ? BFF_OK : BFF_ERR_NO_MEMORY;
}

/* The backend's answer without its tokens, and what the page has use for in their place. */
static enum bff_err make_reply(const struct call *call, const struct backend_answer *answer,
                               struct str body, const struct live_session *live,
                               struct arena *arena, struct reply *reply)
{
    const struct config_capture *capture = call->capture;
    struct placeholders p = compat_expiry(live, clock_mono_ms(), (int64_t)time(NULL));
    struct str text;
    enum bff_err err = call->as_backend ? placeholders_put(&capture->access, &capture->refresh, &p,
                                                           body, arena, &text)
                                        : add_session(body, live, arena, &text);
    if (err != BFF_OK)
        return err;
    reply_json(reply, answer->status, text);
    if (text.p == answer->body.p && answer->content_type.n > 0)
        reply->content_type = answer->content_type;
    relay_headers(answer, reply);
    return BFF_OK;
}

static void end_old_session(struct tools *tools, const struct call *call, struct arena *arena)
{
    if (!call->has_session)
        return;
    if (session_end(tools, &call->name, METRIC_ENDED_SIGNED_IN_AGAIN, &call->caller, arena) ==
        END_STORE_DOWN)
        log_event(SEVERITY_WARN, "old_session_kept",
                  LOG_TEXT("reason", str_from(store_last_error(tools->store))),
                  LOG_CALLER(&call->caller));
}

/* The tokens are out of the answer: make the session and say so. */
static enum bff_err sign_in(struct tools *tools, const struct call *call,
                            const struct backend_tokens *found, const struct backend_answer *answer,
                            struct str body, struct arena *arena, struct reply *reply)
{
    char tag[SESSION_TAG_MAX];
    /* Not on the stack, which nobody wipes. */
    char *cookie = arena_alloc(arena, COOKIE_VALUE_LENGTH);
    struct session_name name;
    struct session session;
    struct session_tokens tokens = {
        .access = found->access,
        .refresh = found->refresh,
        .access_life_ms = found->access_life_ms,
        .refresh_life_ms = found->refresh_life_ms,
        .user_id = found->user_id,
        .user = found->user,
        .device = device_of(call->caller.user_agent),
    };
    if (!cookie)
        return BFF_ERR_NO_MEMORY;
    seal_new_cookie(cookie);
    session_name_make(tools->config, (struct str){cookie, COOKIE_VALUE_LENGTH}, &name);
    enum bff_err err = store_create(tools->store, &name, &tokens, arena, &session);
    if (err != BFF_OK)
        return err;
    end_old_session(tools, call, arena);
    struct live_session live = live_session_from(&name, &session, tools->config, arena);
    err = make_reply(call, answer, body, &live, arena, reply);
    if (err != BFF_OK)
        return err;
    if (!reply_cookie(reply, name.cookie, arena) || !step_end(call, arena, reply))
        return BFF_ERR_NO_MEMORY;
    metrics_count(METRIC_SESSIONS_CREATED);
    log_event(SEVERITY_INFO, "signed_in", LOG_TEXT("session", session_tag(&name, tag)),
              LOG_TEXT("section", call->capture->name), LOG_CALLER(&call->caller));
    return BFF_OK;
}

static bool shows(struct str text, const struct backend_tokens *tokens)
{
    return backend_shows_token(text) || str_contains(text, tokens->access) ||
           (tokens->refresh.n > 0 && str_contains(text, tokens->refresh));
}

/* In a header that is passed on. */
static bool shows_in_header(const struct backend_answer *answer,
                            const struct backend_tokens *tokens)
{
    return shows(answer->location, tokens) || shows(answer->www_authenticate, tokens) ||
           shows(answer->retry_after, tokens) || shows(answer->content_type, tokens);
}

static void use_answer(struct tools *tools, const struct call *call,
                       const struct backend_answer *answer, struct arena *arena,
                       struct reply *reply)
{
    struct backend_tokens tokens;
    struct str body;
    enum bff_err err =
        backend_take_tokens(tools->config, call->capture, answer, arena, &tokens, &body);
    if (err == BFF_ERR_MISSING) {
        relay_answer(tools, call, answer, arena, reply); /* a further step: no session yet */
        return;
    }
    if (err != BFF_OK || backend_shows_token(body) || shows_in_header(answer, &tokens)) {
        relay_refuse(call, BFF_ERR_BACKEND_UNREADABLE,
                     STR("the tokens are not where access and refresh of the section say"), arena,
                     reply);
        return;
    }
    err = sign_in(tools, call, &tokens, answer, body, arena, reply);
    if (err != BFF_OK) {
        relay_refuse(call, err, str_from(store_last_error(tools->store)), arena, reply);
        revoke_or_queue(tools, tokens.access, tokens.refresh, &call->caller, arena);
    }
}

static void ask_and_answer(struct tools *tools, const struct call *call, struct arena *arena,
                           struct reply *reply)
{
    struct backend_answer answer;
    struct str why;
    enum bff_err err = ask_backend(tools, call, arena, &answer, &why);
    if (err != BFF_OK)
        relay_refuse(call, err, why, arena, reply);
    else if (backend_matches(&call->capture->success, &answer, arena))
        use_answer(tools, call, &answer, arena, reply);
    else
        relay_answer(tools, call, &answer, arena, reply);
}

void signin_run(struct tools *tools, const struct call *call, struct arena *arena,
                struct reply *reply)
{
    struct attempts attempts;
    int64_t wait_ms;
    /* Asked first: a login that cannot be stored must not be spent. */
    if (store_check(tools->store) != BFF_OK) {
        relay_refuse(call, BFF_ERR_STORE_UNAVAILABLE, str_from(store_last_error(tools->store)),
                     arena, reply);
        return;
    }
    enum bff_err err = attempts_begin(tools, call, arena, &attempts, &wait_ms);
    if (err == BFF_ERR_TOO_MANY_LOGINS) {
        log_event(SEVERITY_WARN, "login_limited", LOG_NUMBER("wait_ms", wait_ms),
                  LOG_TEXT("request_id", call->caller.request_id));
        reply_problem(reply, err, &call->caller, wait_ms, arena);
    } else if (err != BFF_OK) {
        relay_refuse(call, err, str_from(store_last_error(tools->store)), arena, reply);
    } else {
        ask_and_answer(tools, call, arena, reply);
        attempts_end(tools, &attempts, reply);
    }
}
