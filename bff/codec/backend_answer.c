/* What an answer of the backend means, and where its tokens stand. */
#include "codec/json.h"
#include "codec/places.h"
#include "codec/tokens.h"

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
    const struct tokens_source source = {
        .access = &config->refresh.access,
        .refresh = &config->refresh.refresh,
        .access_expiry = &config->refresh.access_expiry,
        .refresh_expiry = &config->refresh.refresh_expiry,
        .user = config->login.user,
    };
    if (is_dead(&config->refresh.dead, answer, arena)) {
        *why = STR("rejected");
        return REFRESH_REJECTED;
    }
    if (answer->status < 200 || answer->status > 299) {
        *why = STR("status");
        return REFRESH_UNAVAILABLE;
    }
    enum bff_err e = tokens_take(config, &source, answer, arena, tokens, NULL);
    *why = e ? unavailable_why(e) : STR("granted");
    return e ? REFRESH_UNAVAILABLE : REFRESH_GRANTED;
}

enum bff_err backend_take_tokens(const struct config *config, const struct config_capture *capture,
                                 const struct backend_answer *answer, struct arena *arena,
                                 struct backend_tokens *tokens, struct str *body)
{
    const struct tokens_source source = {
        .access = &capture->access,
        .refresh = &capture->refresh,
        .pending = &config->pending.token,
        .access_expiry = &capture->access_expiry,
        .refresh_expiry = &capture->refresh_expiry,
        .user = capture->user,
    };
    return tokens_take(config, &source, answer, arena, tokens, body);
}

static enum bff_err cut_out(const struct config_token *place, const struct places_held *held,
                            json_t *object, struct str body, struct arena *arena, struct str *out)
{
    *out = body;
    if (places_remove(place, object) && !json_write(object, arena, out))
        return BFF_ERR_NO_MEMORY;
    struct places_search search = places_shown_in(held, *out, arena);
    if (search.out_of_memory)
        return BFF_ERR_NO_MEMORY;
    return search.shown ? BFF_ERR_MALFORMED : BFF_OK;
}

enum bff_err backend_take_pending(const struct config *config, const struct backend_answer *answer,
                                  struct arena *arena, struct str *token, struct str *body)
{
    const struct config_token *place = &config->pending.token;
    struct places_held held;
    struct str rest = answer->body;
    json_t *object;
    enum bff_err e = places_open_body(&place, 1, answer->body, &object);
    if (!e)
        e = places_read(place, answer, object, arena, &held);
    if (!e && held.token.n > 0)
        e = cut_out(place, &held, object, answer->body, arena, &rest);
    json_decref(object);
    if (e)
        return e;
    *token = held.token;
    *body = rest;
    return BFF_OK;
}
