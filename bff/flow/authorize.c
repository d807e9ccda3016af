#include "flow/authorize.h"

#include "base/buf.h"
#include "codec/backend.h"

#define RETRY_LOCATION "@bff_retry"
#define GENERATION_DIGITS 20

static int64_t until(int64_t now_ms, int64_t left_ms)
{
    return left_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + left_ms;
}

static int64_t left(int64_t until_ms, int64_t now_ms)
{
    return until_ms == INT64_MAX ? INT64_MAX : until_ms - now_ms;
}

/* Once for each token, not for each call: it is kept with the session. */
static struct str attached_form(struct str access, const struct config *config, struct arena *arena)
{
    struct backend_request carrier = {0};
    if (backend_attach(&config->backend.attach, access, arena, &carrier) != BFF_OK)
        return (struct str){NULL, 0};
    if (carrier.cookie.n > 0)
        return carrier.cookie;
    return carrier.authorization.n > 0 ? carrier.authorization
                                       : str_trim(str_cut(carrier.attach_header, ':').tail);
}

/* Even over all sessions, and another one for a session's next token: nobody is always the first.
 */
static uint8_t spread_of(const struct session_name *name, uint64_t generation)
{
    return (uint8_t)(name->hash[0] + generation * 97);
}

struct live_session live_session_from(const struct session_name *name, const struct session *s,
                                      const struct config *config, struct arena *arena)
{
    int64_t ahead_ms = policy_refresh_ahead_ms((int64_t)config->session.refresh_ahead_s * 1000,
                                               s->access_life_ms, spread_of(name, s->generation));
    bool has_end = s->access_left_ms != TOKEN_LIFE_UNKNOWN;
    return (struct live_session){
        .generation = s->generation,
        .attached = attached_form(s->access, config, arena),
        .user = s->user,
        .access_until_ms = until(s->asked_ms, s->access_left_ms),
        .renew_at_ms = has_end ? until(s->asked_ms, s->access_left_ms) - ahead_ms : INT64_MAX,
        .idle_until_ms = until(s->asked_ms, s->idle_left_ms),
        .absolute_until_ms = until(s->asked_ms, s->absolute_left_ms),
        .touch_at_ms = s->asked_ms - s->since_touch_ms + (int64_t)config->session.touch_s * 1000,
    };
}

struct session_clocks live_session_clocks(const struct live_session *live, int64_t now_ms)
{
    return (struct session_clocks){
        .access_left_ms = left(live->access_until_ms, now_ms),
        .renew_due_ms = left(live->renew_at_ms, now_ms),
        .idle_left_ms = left(live->idle_until_ms, now_ms),
        .absolute_left_ms = left(live->absolute_until_ms, now_ms),
        .touch_due_ms = left(live->touch_at_ms, now_ms),
    };
}

static void add_header(struct reply *reply, const char *name, struct str value)
{
    if (value.n > 0)
        reply_header(reply, name, value);
}

/* The token, and where Django asks for it the double submit: nginx puts them where Django looks. It
 * looks each name up in turn: they are short, and differ in their first letter. */
static bool attach(const struct live_session *live, const struct config *config,
                   struct arena *arena, struct reply *reply)
{
    const struct config_attach *where = &config->backend.attach;
    struct backend_request carrier = {0};
    char *digits = arena_alloc(arena, GENERATION_DIGITS);
    if (where->kind == ATTACH_COOKIE)
        carrier.cookie = live->attached;
    if (!digits || live->attached.n == 0 ||
        backend_double_submit(config, arena, &carrier) != BFF_OK)
        return false;
    struct buf generation = buf_make(digits, GENERATION_DIGITS);
    buf_add_i64(&generation, (int64_t)live->generation);
    if (where->kind == ATTACH_HEADER)
        reply_header(reply,
                     str_eq_nocase(where->name, STR("Authorization")) ? "Authorization" : "Attach",
                     live->attached);
    add_header(reply, "Cookie", carrier.cookie);
    add_header(reply, "X-CSRFToken", carrier.csrf_token);
    reply_header(reply, "Note", buf_str(&generation));
    return true;
}

void authorize_pass(const struct live_session *live, const struct config *config,
                    struct arena *arena, struct reply *reply)
{
    *reply = (struct reply){.status = 204, .for_nginx = true};
    if (!attach(live, config, arena, reply))
        authorize_refuse(BFF_ERR_INTERNAL, 0, arena, reply);
}

void authorize_keep(int64_t until_s, struct arena *arena, struct reply *reply)
{
    struct str text;
    /* Absolute, so that it ends then however late nginx reads it. */
    if (reply->status == 204 && arena_printf(arena, &text, "@%lld", (long long)until_s))
        reply_header(reply, "X-Accel-Expires", text);
}

void authorize_refuse(enum bff_err e, int64_t wait_ms, struct arena *arena, struct reply *reply)
{
    struct str code = err_code(e), refusal;
    *reply = (struct reply){.status = 401, .err = e};
    if (err_status(e) != 503 || !arena_printf(arena, &refusal, "%.*s %lld", STR_ARG(code),
                                              (long long)policy_retry_after_s(wait_ms)))
        refusal = code;
    reply_header(reply, "Note", refusal);
}

void renew_retry(const struct live_session *live, const struct config *config, struct arena *arena,
                 struct reply *reply)
{
    *reply = (struct reply){.status = 200, .for_nginx = true};
    reply_header(reply, "X-Accel-Redirect", STR(RETRY_LOCATION));
    if (!attach(live, config, arena, reply))
        *reply = (struct reply){.status = 500, .err = BFF_ERR_INTERNAL};
}

static long long whole_seconds(int64_t ms)
{
    return ms <= 0 ? 0 : ms / 1000;
}

bool session_describe(const struct live_session *live, int64_t now_ms, struct arena *arena,
                      struct str *out)
{
    struct session_clocks c = live_session_clocks(live, now_ms);
    int64_t idle_ms = c.idle_left_ms < c.absolute_left_ms ? c.idle_left_ms : c.absolute_left_ms;
    struct str user = live->user.n > 0 ? live->user : STR("{}");
    return arena_printf(arena, out,
                        "{\"authenticated\":true,\"user\":%.*s,\"expires_in\":%lld,"
                        "\"idle_expires_in\":%lld,\"refreshes\":%llu}",
                        STR_ARG(user), whole_seconds(c.absolute_left_ms), whole_seconds(idle_ms),
                        (unsigned long long)(live->generation - 1));
}

void session_reply(const struct live_session *live, int64_t now_ms, struct arena *arena,
                   struct reply *reply)
{
    struct str body = STR("{\"authenticated\":false}");
    if (live && !session_describe(live, now_ms, arena, &body))
        *reply = (struct reply){.status = 500, .err = BFF_ERR_NO_MEMORY};
    else
        reply_json(reply, 200, body);
}
