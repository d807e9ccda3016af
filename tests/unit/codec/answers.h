/* Answers of a backend, and the configuration of the simplejwt preset to read them with. */
#ifndef TESTS_CODEC_ANSWERS_H
#define TESTS_CODEC_ANSWERS_H

#include "codec/backend.h"
#include "fixtures.h"

#define NOW 1700000000

static struct arena arena;
static struct config config;

/* A token's places: "json:/a cookie:b", as in a configuration. */
static inline struct config_token at(const char *text)
{
    struct config_token token = {.n = 0};
    struct str_cut word = {.tail = str_from(text), .found = *text != 0};
    while (word.found) {
        word = str_cut(word.tail, ' ');
        struct str_cut place = str_cut(word.head, ':');
        bool is_cookie = str_eq(place.head, STR("cookie"));
        token.places[token.n++] =
            (struct config_place){is_cookie ? TOKEN_IN_COOKIE : TOKEN_IN_JSON, place.tail};
    }
    return token;
}

/* The simplejwt preset. */
static inline int set_up(void **state)
{
    (void)state;
    arena = arena_make(ROOM);
    config = (struct config){.session.claims = {.words = {STR("user_id")}, .n = 1}};
    config.login.access = config.refresh.access = at("json:/access");
    config.login.refresh = config.refresh.refresh = at("json:/refresh");
    config.login.success = (struct config_match){.statuses = {200, 201}, .n_statuses = 2};
    config.refresh.dead = (struct config_match){.statuses = {400, 401, 403}, .n_statuses = 3};
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static inline struct backend_answer answer_of(int status, struct str body)
{
    return (struct backend_answer){
        .status = status, .received_s = NOW, .content_type = STR("application/json"), .body = body};
}

static inline void add_cookie(struct backend_answer *answer, struct str set_cookie)
{
    assert_true(answer->n_set_cookie < BACKEND_MAX_COOKIES);
    answer->set_cookie[answer->n_set_cookie++] = set_cookie;
}

static inline struct str body_with(const char *format, struct str token)
{
    struct str_cut cut = str_cut(str_from(format), '@');
    struct str body;
    assert_true(arena_printf(&arena, &body, "%.*s%.*s%.*s", STR_ARG(cut.head), STR_ARG(token),
                             STR_ARG(cut.tail)));
    return body;
}

/* The body of an answer of which the tokens are taken, by [login]. */
static inline struct str taken(const struct backend_answer *answer, struct backend_tokens *t)
{
    struct str body;
    assert_int_equal(backend_take_tokens(&config, &config.login, answer, &arena, t, &body), BFF_OK);
    return body;
}

static inline void assert_not_taken(const struct backend_answer *answer, enum bff_err expected)
{
    struct backend_tokens t = {.access_life_ms = 42};
    struct str body = STR("untouched");
    assert_int_equal(backend_take_tokens(&config, &config.login, answer, &arena, &t, &body),
                     expected);
    assert_int_equal(t.access_life_ms, 42);
    assert_str(body, STR("untouched"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
