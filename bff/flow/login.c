#include "flow/login.h"

#include "base/clock.h"
#include "base/log.h"
#include "codec/json.h"
#include "core/cookie.h"
#include "flow/authorize.h"
#include "flow/caller.h"
#include "flow/end.h"
#include "flow/revoke.h"

static void refuse(const struct call *call, enum bff_err e, struct str reason, struct arena *arena,
                   struct reply *reply)
{
    log_event(SEVERITY_WARN, "login_failed", LOG_TEXT("code", err_code(e)),
              LOG_TEXT("reason", reason), LOG_TEXT("request_id", call->caller.request_id));
    reply_problem(reply, e, &call->caller, 1000, arena);
}

/* The backend's own answer: bad credentials, an MFA step, a throttle, its 500. */
static void relay(const struct call *call, const struct backend_answer *answer, struct arena *arena,
                  struct reply *reply)
{
    if (backend_shows_token(answer->body)) {
        refuse(call, BFF_ERR_BACKEND_UNREADABLE,
               STR("the answer holds a token where the configuration expects none"), arena, reply);
        return;
    }
    *reply = (struct reply){
        .status = answer->status,
        .content_type = answer->content_type,
        .body = answer->body,
    };
    if (answer->retry_after.n > 0)
        reply_header(reply, "Retry-After", answer->retry_after);
    if (answer->www_authenticate.n > 0)
        reply_header(reply, "WWW-Authenticate", answer->www_authenticate);
    log_event(SEVERITY_INFO, "login_refused", LOG_NUMBER("status", answer->status),
              LOG_TEXT("request_id", call->caller.request_id));
}

static enum bff_err ask_backend(struct tools *tools, const struct call *call, struct arena *arena,
                                struct backend_answer *answer)
{
    struct backend_request request = {
        .method = tools->config->login.request.method,
        .path = tools->config->login.request.path,
        .content_type = call->content_type,
        .accept = call->accept,
        .body = call->body,
    };
    caller_describe(&call->caller, &request);
    return backend_call(tools->backend, &request, BACKEND_FRESH, arena, answer);
}

/* The answer's object with the member "session"; a body that is no object stays as it is. */
static bool add_session(struct str body, const struct live_session *live, struct arena *arena,
                        struct str *out)
{
    struct str described;
    if (!session_describe(live, clock_mono_ms(), arena, &described))
        return false;
    json_t *root = json_read(body);
    *out = body;
    if (!json_is_object(root)) {
        json_decref(root);
        return true;
    }
    bool ok = json_object_set_new(root, "session", json_read(described)) == 0 &&
              json_write(root, arena, out);
    json_decref(root);
    return ok;
}

static void end_old_session(struct tools *tools, const struct call *call, struct arena *arena)
{
    if (call->has_session &&
        session_end(tools, &call->name, &call->caller, arena) == END_STORE_DOWN)
        log_event(SEVERITY_WARN, "old_session_kept",
                  LOG_TEXT("reason", str_from(store_last_error(tools->store))),
                  LOG_TEXT("request_id", call->caller.request_id));
}

/* The tokens are out of the answer: make the session and say so. */
static enum bff_err sign_in(struct tools *tools, const struct call *call,
                            const struct backend_tokens *found, int status, struct str body,
                            struct arena *arena, struct reply *reply)
{
    char cookie[COOKIE_VALUE_LENGTH], tag[SESSION_TAG_MAX];
    struct session_name name;
    struct session session;
    struct session_tokens tokens = {
        .access = found->access,
        .refresh = found->refresh,
        .access_life_ms = found->access_life_ms,
        .refresh_life_ms = found->refresh_life_ms,
        .user_id = found->user_id,
        .user = found->user,
    };
    seal_new_cookie(cookie);
    session_name_make(tools->config, (struct str){cookie, sizeof cookie}, &name);
    enum bff_err err = store_create(tools->store, &name, &tokens, arena, &session);
    if (err != BFF_OK)
        return err;
    end_old_session(tools, call, arena);
    struct live_session live = live_session_from(&session, tools->config, clock_mono_ms());
    if (!add_session(body, &live, arena, &body))
        return BFF_ERR_NO_MEMORY;
    reply_json(reply, status, body);
    if (!reply_cookie(reply, name.cookie, arena))
        return BFF_ERR_NO_MEMORY;
    log_event(SEVERITY_INFO, "signed_in", LOG_TEXT("session", session_tag(&name, tag)),
              LOG_TEXT("request_id", call->caller.request_id));
    return BFF_OK;
}

void login_run(struct tools *tools, const struct call *call, struct arena *arena,
               struct reply *reply)
{
    const struct config *config = tools->config;
    struct backend_answer answer;
    struct backend_tokens tokens;
    struct str body;
    /* Asked first: a login that cannot be stored must not be spent. */
    if (store_check(tools->store) != BFF_OK) {
        refuse(call, BFF_ERR_STORE_UNAVAILABLE, str_from(store_last_error(tools->store)), arena,
               reply);
        return;
    }
    enum bff_err err = ask_backend(tools, call, arena, &answer);
    if (err != BFF_OK) {
        refuse(call, err, str_from(backend_last_error(tools->backend)), arena, reply);
        return;
    }
    if (!backend_matches(&config->login.success, &answer, arena)) {
        relay(call, &answer, arena, reply);
        return;
    }
    err = backend_take_tokens(config, &answer, arena, &tokens, &body);
    if (err == BFF_ERR_MISSING) {
        relay(call, &answer, arena, reply); /* a further step is asked for: no session yet */
        return;
    }
    if (err != BFF_OK || backend_shows_token(body)) {
        refuse(call, BFF_ERR_BACKEND_UNREADABLE,
               STR("the tokens are not where login.access and login.refresh say"), arena, reply);
        return;
    }
    err = sign_in(tools, call, &tokens, answer.status, body, arena, reply);
    if (err != BFF_OK) {
        refuse(call, err, str_from(store_last_error(tools->store)), arena, reply);
        revoke_or_queue(tools, tokens.access, tokens.refresh, &call->caller, arena);
    }
}
