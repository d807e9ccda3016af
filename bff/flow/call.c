#include "flow/call.h"

#include <assert.h>

#include "core/cookie.h"
#include "core/policy.h"
#include "core/problem.h"

static const char *const leg_names[LEG_COUNT] = {
    [LEG_UNKNOWN] = "unknown",   [LEG_AUTHORIZE] = "authorize", [LEG_RENEW] = "renew",
    [LEG_ENDPOINT] = "endpoint", [LEG_LOGIN] = "login",         [LEG_REFRESH] = "refresh",
    [LEG_LOGOUT] = "logout",     [LEG_SESSION] = "session",     [LEG_HEALTH] = "health",
    [LEG_SESSIONS] = "sessions", [LEG_READY] = "ready",         [LEG_METRICS] = "metrics",
    [LEG_STATUS] = "status",
};

const char *leg_name(enum leg leg)
{
    return leg_names[leg];
}

bool leg_is_probe(enum leg leg)
{
    return leg == LEG_HEALTH || leg == LEG_READY || leg == LEG_METRICS || leg == LEG_STATUS;
}

/* nginx has decoded the path; the configured one may be percent-encoded (RFC 3986, 2.1; that it is
 * well so, config_parse() has seen) and have a query. */
static bool is_path(struct str configured, struct str decoded)
{
    struct str c = str_cut(configured, '?').head;
    size_t at = 0;
    for (size_t i = 0; i < c.n; i++, at++) {
        unsigned char byte = (unsigned char)c.p[i];
        if (byte == '%' && c.n - i > 2) {
            byte = (unsigned char)(str_hex_digit(c.p[i + 1]) << 4 | str_hex_digit(c.p[i + 2]));
            i += 2;
        }
        if (at >= decoded.n || (unsigned char)decoded.p[at] != byte)
            return false;
    }
    return at == decoded.n;
}

static bool is_call(const struct config_call *configured, const struct call *call)
{
    return configured->method.n > 0 && str_eq(configured->method, call->csrf.method) &&
           is_path(configured->path, call->path);
}

static const struct config_capture *find_capture(const struct config *config,
                                                 const struct call *call)
{
    for (size_t i = 0; i < config->n_captures; i++)
        if (is_call(&config->captures[i].request, call))
            return &config->captures[i];
    return config->compat.enabled && is_call(&config->login.request, call) ? &config->login : NULL;
}

static enum bff_err resolve_path(struct call *call, const struct config *config)
{
    const struct config_capture *capture = find_capture(config, call);
    if (capture) {
        call->leg = LEG_LOGIN;
        call->capture = capture;
    } else if (config->compat.enabled && is_call(&config->refresh.request, call)) {
        call->leg = LEG_REFRESH;
    } else if (config->compat.enabled && is_call(&config->revoke.request, call)) {
        call->leg = LEG_LOGOUT;
    } else {
        return BFF_ERR_TOKEN_ENDPOINT;
    }
    call->as_backend = config->compat.enabled;
    return BFF_OK;
}

enum bff_err call_resolve(struct call *call, const struct config *config)
{
    if (call->leg == LEG_ENDPOINT)
        return resolve_path(call, config);
    call->capture = &config->login;
    return BFF_OK;
}

enum bff_err call_admit(struct call *call, const struct config *config)
{
    struct csrf_rules rules = {&config->csrf.origins, config->csrf.require_header};
    struct csrf_request request = call->csrf;
    struct str cookie;
    if (call->path.n > 0)
        request.method = STR("POST");
    call->has_session = false;
    if (!csrf_allows(&rules, &request))
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

static bool add_cookie(struct reply *reply, const struct buf *b)
{
    if (!b->overflowed)
        reply_header(reply, "Set-Cookie", buf_str(b));
    return !b->overflowed;
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
    return add_cookie(reply, &b);
}

bool reply_pending_cookie(struct reply *reply, struct str value, uint32_t lifetime_s,
                          struct arena *arena)
{
    char *memory = arena_alloc(arena, COOKIE_PENDING_SET_MAX);
    if (!memory)
        return false;
    struct buf b = buf_make(memory, COOKIE_PENDING_SET_MAX);
    if (value.n > 0)
        cookie_add_set_pending(&b, value, lifetime_s);
    else
        cookie_add_clear_pending(&b);
    return add_cookie(reply, &b);
}

/* false: no memory. */
static bool clear_cookie(struct reply *reply, struct arena *arena)
{
    return reply->err != BFF_ERR_SESSION_EXPIRED ||
           reply_cookie(reply, (struct str){NULL, 0}, arena);
}

void reply_as_refused(struct reply *reply, enum bff_err e, const struct config *config,
                      struct arena *arena)
{
    reply_json(reply, 401, config->compat.refused);
    reply->err = e;
    if (!clear_cookie(reply, arena))
        reply->status = err_status(BFF_ERR_INTERNAL);
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
    if ((reply->status == 503 || reply->status == 429) &&
        arena_printf(arena, &seconds, "%lld", (long long)policy_retry_after_s(wait_ms)))
        reply_header(reply, "Retry-After", seconds);
    if (!clear_cookie(reply, arena))
        reply->status = err_status(BFF_ERR_INTERNAL);
}
