/*
 * An answer of a token endpoint: whatever it is, it grants only what it holds, rejects only what is
 * configured, and shows a browser no token, but placeholders where they stood.
 * Input: one byte that chooses the configuration, one the status, lines of Set-Cookie up to an
 * empty line, the body.
 */

#include "codec/backend.h"
#include "codec/json.h"
#include "codec/placeholder.h"
#include "codec/token.h"
#include "fuzz.h"
#include "fuzz_json.h"

#define BY_COOKIE 1      /* the access token stands in a cookie */
#define REFRESH_COOKIE 2 /* and the refresh token */
#define NESTED 4         /* pointers of two parts */
#define DEAD_BY_VALUE 8
#define SEVERAL 16    /* other places come before these */
#define BY_RULE 32    /* lives are told by /expires_in and Max-Age */
#define BY_TIME 64    /* lives are told by /expires_at */
#define DESCRIBED 128 /* there is a user object at /user and a pending token at /pending */

static void add_place(struct config_token *token, enum token_place place, struct str name)
{
    token->places[token->n++] = (struct config_place){place, name};
}

static void set_places(struct config_capture *c, uint8_t choice)
{
    bool nested = choice & NESTED;
    if (choice & SEVERAL) {
        add_place(&c->access, TOKEN_IN_JSON, STR("/key"));
        add_place(&c->access, TOKEN_IN_COOKIE, STR("jwt"));
        add_place(&c->refresh, TOKEN_IN_COOKIE, STR("jwt-refresh"));
        add_place(&c->refresh, TOKEN_IN_JSON, STR("/tokens/refresh"));
    }
    if (choice & BY_COOKIE)
        add_place(&c->access, TOKEN_IN_COOKIE, STR("access"));
    else
        add_place(&c->access, TOKEN_IN_JSON, nested ? STR("/t/0") : STR("/access"));
    if (choice & REFRESH_COOKIE)
        add_place(&c->refresh, TOKEN_IN_COOKIE, STR("refresh"));
    else
        add_place(&c->refresh, TOKEN_IN_JSON, nested ? STR("/t/1") : STR("/refresh"));
}

static void set_rules(struct config_capture *c, uint8_t choice)
{
    if (choice & BY_RULE) {
        c->access_expiry = (struct config_expiry){EXPIRY_SECONDS, STR("/expires_in"), 0};
        c->refresh_expiry = (struct config_expiry){.kind = EXPIRY_MAX_AGE};
    }
    if (choice & BY_TIME)
        c->access_expiry = (struct config_expiry){EXPIRY_TIME, STR("/expires_at"), 0};
    if (choice & DESCRIBED)
        c->user = STR("/user");
}

static struct config config_of(uint8_t choice)
{
    struct config c = {.session.claims = {.words = {STR("user_id"), STR("name")}, .n = 2}};
    set_places(&c.login, choice);
    set_rules(&c.login, choice);
    c.refresh.access = c.login.access;
    c.refresh.refresh = c.login.refresh;
    c.refresh.access_expiry = c.login.access_expiry;
    c.refresh.refresh_expiry = c.login.refresh_expiry;
    c.refresh.dead = (struct config_match){.statuses = {400, 401, 403}, .n_statuses = 3};
    if (choice & DEAD_BY_VALUE)
        c.refresh.dead = (struct config_match){.pointer = STR("/dead"), .value = STR("true")};
    if (choice & DESCRIBED)
        add_place(&c.pending.token, TOKEN_IN_JSON, STR("/pending"));
    return c;
}

static void read_input(struct str in, struct backend_answer *out)
{
    static const int statuses[] = {200, 201, 204, 301, 400, 401, 403, 429, 500, 503};
    *out = (struct backend_answer){.received_s = 1700000000, .body = in};
    if (in.n == 0)
        return;
    out->status = statuses[(uint8_t)in.p[0] % (sizeof statuses / sizeof *statuses)];
    struct str_cut line = {.tail = {in.p + 1, in.n - 1}};
    do {
        line = str_cut(line.tail, '\n');
        if (line.head.n > 0 && out->n_set_cookie < BACKEND_MAX_COOKIES)
            out->set_cookie[out->n_set_cookie++] = line.head;
    } while (line.found && line.head.n > 0);
    out->body = line.tail;
}

static bool is_life(int64_t life_ms)
{
    return life_ms == TOKEN_LIFE_UNKNOWN || (life_ms >= 0 && life_ms <= TOKEN_LIFE_MAX_MS);
}

static bool is_shown(struct str token, struct str body)
{
    return token.n >= 16 && str_contains(body, token);
}

static void check_tokens(const struct backend_tokens *t)
{
    demand(t->access.n > 0 && t->access.n <= BACKEND_TOKEN_MAX);
    demand(t->refresh.n <= BACKEND_TOKEN_MAX);
    demand(is_life(t->access_life_ms) && is_life(t->refresh_life_ms));
    demand(t->refresh.n > 0 || t->refresh_life_ms == TOKEN_LIFE_UNKNOWN);
    demand(token_is_visible(t->access) && token_is_visible(t->refresh));
    json_t *user = json_read(t->user);
    demand(json_is_object(user));
    json_decref(user);
}

static void check_refresh(const struct config *config, const struct backend_answer *answer,
                          struct arena *arena)
{
    struct backend_tokens t;
    struct str why = {NULL, 0};
    switch (backend_judge_refresh(config, answer, arena, &t, &why)) {
    case REFRESH_GRANTED:
        demand(answer->status / 100 == 2);
        demand(!backend_matches(&config->refresh.dead, answer, arena));
        check_tokens(&t);
        break;
    case REFRESH_REJECTED:
        demand(backend_matches(&config->refresh.dead, answer, arena));
        demand(answer->status < 500);
        break;
    case REFRESH_UNAVAILABLE:
        break;
    }
    demand(why.n > 0);
}

/* A pointer leads to nothing but a placeholder, or there is no room for one in this body. */
static void check_placeholders(const struct config_capture *c, struct str body, struct arena *arena)
{
    const struct placeholders p = {1700000300, 1700086400};
    struct str out, access;
    demand(placeholders_put(&c->access, &c->refresh, &p, body, arena, &out) == BFF_OK);
    if (str_eq(out, body))
        return;
    demand(placeholder_make(p.access_exp_s, arena, &access) == BFF_OK);
    json_t *root = json_read(out);
    demand(json_is_object(root));
    for (size_t i = 0; i < c->access.n; i++)
        if (c->access.places[i].place == TOKEN_IN_JSON) {
            const json_t *put = json_at(root, c->access.places[i].name);
            demand(json_is_string(put) && str_eq(str_from(json_string_value(put)), access));
            break;
        }
    json_decref(root);
}

static void check_login(const struct config *config, const struct backend_answer *answer,
                        struct arena *arena)
{
    struct backend_tokens t;
    struct str body;
    if (backend_take_tokens(config, &config->login, answer, arena, &t, &body) != BFF_OK)
        return;
    check_tokens(&t);
    demand(!is_shown(t.access, body) && !is_shown(t.refresh, body));
    check_placeholders(&config->login, body, arena);
    struct backend_request r = {.method = {NULL, 0}};
    const struct config_send send = {SEND_JSON, STR("{\"r\":\"$refresh\",\"a\":\"$access\"}")};
    const struct config_call call = {STR("POST"), STR("/")};
    demand(backend_compose(&call, &send, t.access, t.refresh, arena, &r) == BFF_OK);
    json_t *sent = json_read(r.body);
    demand(json_is_object(sent) && json_object_size(sent) == 2);
    json_decref(sent);
}

static void check_pending(const struct config *config, const struct backend_answer *answer,
                          struct arena *arena)
{
    struct str token, body;
    if (backend_take_pending(config, answer, arena, &token, &body) != BFF_OK)
        return;
    demand(token_is_visible(token) && token.n <= BACKEND_TOKEN_MAX);
    demand(token.n > 0 ? !is_shown(token, body) : str_eq(body, answer->body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_once();
    if (size == 0)
        return 0;
    struct arena arena = arena_make(4 << 20);
    struct config config = config_of(data[0]);
    struct backend_answer answer;
    read_input((struct str){(const char *)data + 1, size - 1}, &answer);
    check_refresh(&config, &answer, &arena);
    check_login(&config, &answer, &arena);
    check_pending(&config, &answer, &arena);
    (void)backend_shows_token(answer.body);
    arena_free(&arena);
    return 0;
}
