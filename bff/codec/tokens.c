#include "codec/tokens.h"

#include "codec/claims.h"
#include "codec/expiry.h"
#include "codec/places.h"
#include "codec/user.h"

/* One answer while its tokens are taken out. */
struct taking {
    const struct config *config;
    const struct tokens_source *source;
    const struct backend_answer *answer;
    struct arena *arena;
    json_t *body; /* the answer's object; NULL if it is none */
    struct places_held access, refresh, pending;
};

/* Nothing is known of an opaque token, which is no failure. */
static enum bff_err read_claims(struct str token, const struct config_words *allowed,
                                struct arena *arena, struct claims *out)
{
    *out = (struct claims){.user = STR("{}")};
    enum bff_err e = claims_read(token, allowed, arena, out);
    return e == BFF_ERR_NO_MEMORY ? e : BFF_OK;
}

static enum bff_err read_tokens(struct taking *t)
{
    const struct tokens_source *s = t->source;
    enum bff_err e = places_read(s->access, t->answer, t->body, t->arena, &t->access);
    if (!e && t->access.token.n == 0)
        e = !t->body && places_are_all_in_body(s->access) ? BFF_ERR_MALFORMED : BFF_ERR_MISSING;
    if (!e)
        e = places_read(s->refresh, t->answer, t->body, t->arena, &t->refresh);
    if (e || !s->pending)
        return e;
    /* With the tokens there the sign-in is over, and its pending token only something to hide. */
    e = places_read(s->pending, t->answer, t->body, t->arena, &t->pending);
    return e == BFF_ERR_NO_MEMORY ? e : BFF_OK;
}

static int64_t life_ms(const struct taking *t, const struct config_expiry *rule,
                       const struct places_held *held, const struct claims *claims)
{
    const struct expiry_evidence evidence = {
        .received_s = t->answer->received_s,
        .has_exp = claims->has_exp,
        .exp_s = claims->exp_s,
        .body = t->body,
        .set_cookie = held->set_cookie,
    };
    return held->token.n > 0 ? expiry_life_ms(rule, &evidence) : TOKEN_LIFE_UNKNOWN;
}

static enum bff_err describe_tokens(const struct taking *t, struct backend_tokens *out)
{
    struct claims access, refresh;
    const struct config_words none = {.n = 0};
    enum bff_err e = read_claims(t->access.token, &t->config->session.claims, t->arena, &access);
    if (!e)
        e = read_claims(t->refresh.token, &none, t->arena, &refresh);
    if (e)
        return e;
    *out = (struct backend_tokens){
        .access = t->access.token,
        .refresh = t->refresh.token,
        .access_life_ms = life_ms(t, t->source->access_expiry, &t->access, &access),
        .refresh_life_ms = life_ms(t, t->source->refresh_expiry, &t->refresh, &refresh),
        .user_id = access.user_id,
        .user = access.user,
    };
    return BFF_OK;
}

/* BFF_ERR_MALFORMED: the text shows one of the tokens. */
static enum bff_err check_hidden(const struct taking *t, struct str text)
{
    const struct places_held *all[] = {&t->access, &t->refresh, &t->pending};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct places_search search = places_shown_in(all[i], text, t->arena);
        if (search.out_of_memory)
            return BFF_ERR_NO_MEMORY;
        if (search.shown)
            return BFF_ERR_MALFORMED;
    }
    return BFF_OK;
}

static enum bff_err write_rest(const struct taking *t, bool is_changed, struct str *rest)
{
    *rest = t->answer->body;
    if (is_changed && !json_write(t->body, t->arena, rest))
        return BFF_ERR_NO_MEMORY;
    return check_hidden(t, *rest);
}

/* The members of the answer's user object over those of the claims. */
static enum bff_err add_user(const struct taking *t, struct backend_tokens *tokens)
{
    static const char *const ids[] = {"user_id", "id", "pk", "sub", NULL};
    const json_t *object = t->source->user.n > 0 ? json_at(t->body, t->source->user) : NULL;
    struct str picked;
    if (!json_is_object(object))
        return BFF_OK;
    if (tokens->user_id.n == 0 && !user_find_id(object, ids, t->arena, &tokens->user_id))
        return BFF_ERR_NO_MEMORY;
    if (!user_pick(object, &t->config->session.claims, t->arena, &picked))
        return BFF_ERR_NO_MEMORY;
    /* A page gets to see this. */
    enum bff_err e = backend_shows_token(picked) ? BFF_ERR_MALFORMED : check_hidden(t, picked);
    if (e)
        return e == BFF_ERR_NO_MEMORY ? e : BFF_OK;
    return user_merge(tokens->user, picked, t->arena, &tokens->user) ? BFF_OK : BFF_ERR_NO_MEMORY;
}

static enum bff_err take(struct taking *t, struct backend_tokens *tokens, struct str *rest)
{
    enum bff_err e = read_tokens(t);
    if (!e)
        e = describe_tokens(t, tokens);
    if (e)
        return e;
    bool is_changed = places_remove(t->source->access, t->body);
    is_changed |= places_remove(t->source->refresh, t->body);
    if (t->source->pending)
        is_changed |= places_remove(t->source->pending, t->body);
    e = add_user(t, tokens);
    return e || !rest ? e : write_rest(t, is_changed, rest);
}

enum bff_err tokens_take(const struct config *config, const struct tokens_source *source,
                         const struct backend_answer *answer, struct arena *arena,
                         struct backend_tokens *tokens, struct str *rest)
{
    const struct config_token *in_body[] = {source->access, source->refresh, source->pending};
    struct taking t = {.config = config, .source = source, .answer = answer, .arena = arena};
    struct backend_tokens found;
    struct str left;
    enum bff_err e = places_open_body(in_body, 3, answer->body, &t.body);
    if (!e || !rest)
        e = take(&t, &found, rest ? &left : NULL);
    json_decref(t.body);
    if (e)
        return e;
    *tokens = found;
    if (rest)
        *rest = left;
    return BFF_OK;
}
