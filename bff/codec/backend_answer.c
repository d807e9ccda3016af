/* What an answer of the backend means, and where its tokens stand. */
#include "base/buf.h"
#include "codec/backend.h"
#include "codec/claims.h"
#include "codec/json.h"
#include "codec/token.h"
#include "core/cookie.h"

#define SHORTEST_SECRET 16 /* a shorter token may stand in a body by chance */

static bool has_status(const struct config_match *match, int status)
{
    for (size_t i = 0; i < match->n_statuses; i++)
        if (match->statuses[i] == status)
            return true;
    return false;
}

static bool has_value(const struct config_match *match, struct str body)
{
    json_t *root = json_read(body);
    json_t *wanted = json_read(match->value);
    json_t *found = root ? json_at(root, match->pointer) : NULL;
    bool is_equal = found && wanted && json_equal(found, wanted);
    json_decref(wanted);
    json_decref(root);
    return is_equal;
}

bool backend_matches(const struct config_match *match, const struct backend_answer *answer,
                     struct arena *arena)
{
    (void)arena;
    return match->n_statuses > 0 ? has_status(match, answer->status)
                                 : has_value(match, answer->body);
}

/* As in a browser, the last of several Set-Cookie fields counts. */
static struct str cookie_value(const struct backend_answer *answer, struct str name)
{
    struct str value = {NULL, 0};
    for (size_t i = 0; i < answer->n_set_cookie; i++)
        cookie_read_set(answer->set_cookie[i], name, &value);
    return value;
}

/* The token at a place; empty if it is absent, null or empty. */
static enum bff_err read_token(const struct config_token *place,
                               const struct backend_answer *answer, json_t *root,
                               struct arena *arena, struct str *out)
{
    struct str token = {NULL, 0};
    if (place->place == TOKEN_IN_COOKIE)
        token = cookie_value(answer, place->name);
    if (place->place == TOKEN_IN_JSON) {
        const json_t *value = json_at(root, place->name);
        if (value && !json_is_null(value) && !json_is_string(value))
            return BFF_ERR_MALFORMED;
        if (json_is_string(value))
            token = (struct str){json_string_value(value), json_string_length(value)};
    }
    if (token.n > BACKEND_TOKEN_MAX)
        return BFF_ERR_TOO_LARGE;
    if (!token_is_visible(token))
        return BFF_ERR_MALFORMED;
    return arena_copy(arena, token, out) ? BFF_OK : BFF_ERR_NO_MEMORY;
}

/* `iat` plays no part: a refreshed token of simplejwt 5.2 carries that of its refresh token. */
static int64_t life_ms(const struct claims *c, int64_t received_s)
{
    if (!c->has_exp)
        return TOKEN_LIFE_UNKNOWN;
    if (c->exp_s <= received_s)
        return 0;
    uint64_t left_ms_max = TOKEN_LIFE_MAX_MS;
    uint64_t left_s = (uint64_t)c->exp_s - (uint64_t)received_s;
    return left_s > left_ms_max / 1000 ? TOKEN_LIFE_MAX_MS : (int64_t)left_s * 1000;
}

/* Nothing is known of an opaque token, which is no failure. */
static enum bff_err read_claims(struct str token, const struct config_words *allowed,
                                struct arena *arena, struct claims *out)
{
    *out = (struct claims){.user = STR("{}")};
    enum bff_err e = claims_read(token, allowed, arena, out);
    return e == BFF_ERR_NO_MEMORY ? e : BFF_OK;
}

static enum bff_err describe_tokens(const struct config *config, int64_t received_s,
                                    struct arena *arena, struct backend_tokens *t)
{
    struct claims access, refresh;
    const struct config_words none = {.n = 0};
    enum bff_err e = read_claims(t->access, &config->session.claims, arena, &access);
    if (!e)
        e = read_claims(t->refresh, &none, arena, &refresh);
    if (e)
        return e;
    t->access_life_ms = life_ms(&access, received_s);
    t->refresh_life_ms = life_ms(&refresh, received_s);
    t->user_id = access.user_id;
    t->user = access.user;
    return BFF_OK;
}

struct places {
    const struct config_token *access, *refresh;
};

static bool needs_json(const struct places *p)
{
    return p->access->place == TOKEN_IN_JSON || p->refresh->place == TOKEN_IN_JSON;
}

static enum bff_err read_tokens(const struct config *config, const struct places *p,
                                const struct backend_answer *answer, json_t *root,
                                struct arena *arena, struct backend_tokens *out)
{
    struct backend_tokens t = {.access_life_ms = 0};
    enum bff_err e = read_token(p->access, answer, root, arena, &t.access);
    if (!e && t.access.n == 0)
        e = BFF_ERR_MISSING;
    if (!e)
        e = read_token(p->refresh, answer, root, arena, &t.refresh);
    if (!e)
        e = describe_tokens(config, answer->received_s, arena, &t);
    if (!e)
        *out = t;
    return e;
}

/* *root is NULL when no pointer needs it; the caller owns it. */
static enum bff_err read_body(const struct places *p, struct str body, json_t **root)
{
    *root = NULL;
    if (!needs_json(p))
        return BFF_OK;
    json_t *value = json_read(body);
    if (!json_is_object(value)) {
        json_decref(value);
        return BFF_ERR_MALFORMED;
    }
    *root = value;
    return BFF_OK;
}

static struct str unavailable_why(enum bff_err e)
{
    if (e == BFF_ERR_MISSING)
        return STR("no_access_token");
    if (e == BFF_ERR_TOO_LARGE)
        return STR("token_too_large");
    return e == BFF_ERR_NO_MEMORY ? STR("no_memory") : STR("unreadable");
}

/* A backend in trouble may put anything into a body: only a status that was configured as such ends
 * a session then. */
static bool is_dead(const struct config_match *dead, const struct backend_answer *answer,
                    struct arena *arena)
{
    bool in_trouble = answer->status >= 500 || answer->status == 429;
    if (in_trouble && dead->n_statuses == 0)
        return false;
    return backend_matches(dead, answer, arena);
}

enum refresh_verdict backend_judge_refresh(const struct config *config,
                                           const struct backend_answer *answer, struct arena *arena,
                                           struct backend_tokens *tokens, struct str *why)
{
    const struct places p = {&config->refresh.access, &config->refresh.refresh};
    if (is_dead(&config->refresh.dead, answer, arena)) {
        *why = STR("rejected");
        return REFRESH_REJECTED;
    }
    if (answer->status < 200 || answer->status > 299) {
        *why = STR("status");
        return REFRESH_UNAVAILABLE;
    }
    json_t *root;
    enum bff_err e = read_body(&p, answer->body, &root);
    if (!e)
        e = read_tokens(config, &p, answer, root, arena, tokens);
    json_decref(root);
    *why = e ? unavailable_why(e) : STR("granted");
    return e ? REFRESH_UNAVAILABLE : REFRESH_GRANTED;
}

/* A token that stands in the text a second time, where the configuration does not know of it. */
static enum bff_err check_absent(struct str token, struct str text, struct arena *arena)
{
    if (token.n < SHORTEST_SECRET)
        return BFF_OK;
    size_t cap = 2 * token.n;
    char *memory = arena_alloc(arena, cap);
    if (!memory)
        return BFF_ERR_NO_MEMORY;
    struct buf escaped = buf_make(memory, cap);
    buf_add_json(&escaped, token);
    bool is_there = str_contains(text, token) || str_contains(text, buf_str(&escaped));
    return is_there ? BFF_ERR_MALFORMED : BFF_OK;
}

static enum bff_err write_rest(const struct places *p, json_t *root, struct str as_it_came,
                               struct arena *arena, struct str *out)
{
    if (!root) {
        *out = as_it_came;
        return BFF_OK;
    }
    if (p->access->place == TOKEN_IN_JSON)
        json_remove(root, p->access->name);
    if (p->refresh->place == TOKEN_IN_JSON)
        json_remove(root, p->refresh->name);
    return json_write(root, arena, out) ? BFF_OK : BFF_ERR_NO_MEMORY;
}

enum bff_err backend_take_tokens(const struct config *config, const struct backend_answer *answer,
                                 struct arena *arena, struct backend_tokens *tokens,
                                 struct str *body)
{
    const struct places p = {&config->login.access, &config->login.refresh};
    struct backend_tokens t;
    struct str rest;
    json_t *root;
    enum bff_err e = read_body(&p, answer->body, &root);
    if (!e)
        e = read_tokens(config, &p, answer, root, arena, &t);
    if (!e)
        e = write_rest(&p, root, answer->body, arena, &rest);
    json_decref(root);
    if (!e)
        e = check_absent(t.access, rest, arena);
    if (!e)
        e = check_absent(t.refresh, rest, arena);
    if (e)
        return e;
    *tokens = t;
    *body = rest;
    return BFF_OK;
}

static struct str skip(struct str s, size_t n)
{
    return (struct str){s.p + n, s.n - n};
}

/* Part by part, so that the time is linear in the text however often it says "eyJ". */
bool backend_shows_token(struct str text)
{
    while (text.n > 0) {
        size_t n = str_base64url_length(text);
        bool is_header = str_contains((struct str){text.p, n}, STR("eyJ"));
        text = skip(text, n);
        if (is_header && text.n > 0 && text.p[0] == '.') {
            struct str payload = skip(text, 1);
            n = str_base64url_length(payload);
            if (n > 0 && n < payload.n && payload.p[n] == '.')
                return true;
        }
        if (text.n > 0)
            text = skip(text, 1);
    }
    return false;
}
