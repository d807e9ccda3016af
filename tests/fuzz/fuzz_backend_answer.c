/*
 * An answer of a token endpoint: whatever it is, it grants only what it holds, rejects only what is
 * configured, and shows a browser no token.
 * Input: one byte that chooses the configuration, one the status, lines of Set-Cookie up to an
 * empty line, the body.
 */
#include <stdlib.h>

#include "codec/backend.h"
#include "codec/json.h"

#define BY_COOKIE 1      /* the access token stands in a cookie */
#define REFRESH_COOKIE 2 /* and the refresh token */
#define NESTED 4         /* pointers of two parts */
#define DEAD_BY_VALUE 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool fact)
{
    if (!fact)
        abort();
}

static struct config config_of(uint8_t choice)
{
    struct config c = {.session.claims = {.words = {STR("user_id")}, .n = 1}};
    struct config_token access = {TOKEN_IN_JSON, STR("/access")};
    struct config_token refresh = {TOKEN_IN_JSON, STR("/refresh")};
    if (choice & NESTED)
        access.name = STR("/t/0"), refresh.name = STR("/t/1");
    if (choice & BY_COOKIE)
        access = (struct config_token){TOKEN_IN_COOKIE, STR("access")};
    if (choice & REFRESH_COOKIE)
        refresh = (struct config_token){TOKEN_IN_COOKIE, STR("refresh")};
    c.login.access = c.refresh.access = access;
    c.login.refresh = c.refresh.refresh = refresh;
    c.refresh.dead = (struct config_match){.statuses = {400, 401, 403}, .n_statuses = 3};
    if (choice & DEAD_BY_VALUE)
        c.refresh.dead = (struct config_match){.pointer = STR("/dead"), .value = STR("true")};
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

static void check_tokens(const struct backend_tokens *t)
{
    demand(t->access.n > 0 && t->access.n <= BACKEND_TOKEN_MAX);
    demand(t->refresh.n <= BACKEND_TOKEN_MAX);
    demand(t->access_life_ms >= 0 && t->refresh_life_ms >= 0);
    for (size_t i = 0; i < t->access.n; i++)
        demand(t->access.p[i] > ' ' && t->access.p[i] < 0x7F);
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

static void check_login(const struct config *config, const struct backend_answer *answer,
                        struct arena *arena)
{
    struct backend_tokens t;
    struct str body;
    if (backend_take_tokens(config, answer, arena, &t, &body) != BFF_OK)
        return;
    check_tokens(&t);
    demand(t.access.n < 16 || !str_contains(body, t.access));
    demand(t.refresh.n < 16 || !str_contains(body, t.refresh));
    struct backend_request r = {.method = {NULL, 0}};
    const struct config_send send = {SEND_JSON, STR("{\"r\":\"$refresh\",\"a\":\"$access\"}")};
    const struct config_call call = {STR("POST"), STR("/")};
    demand(backend_compose(&call, &send, t.access, t.refresh, arena, &r) == BFF_OK);
    json_t *sent = json_read(r.body);
    demand(json_is_object(sent) && json_object_size(sent) == 2);
    json_decref(sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready)
        json_init();
    is_ready = true;
    if (size == 0)
        return 0;
    struct arena arena = arena_make(4 << 20);
    struct config config = config_of(data[0]);
    struct backend_answer answer;
    read_input((struct str){(const char *)data + 1, size - 1}, &answer);
    check_refresh(&config, &answer, &arena);
    check_login(&config, &answer, &arena);
    (void)backend_shows_token(answer.body);
    arena_free(&arena);
    return 0;
}
