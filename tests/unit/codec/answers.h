/* Answers of a backend, and the configuration of the simplejwt preset to read them with. */
#ifndef TESTS_CODEC_ANSWERS_H
#define TESTS_CODEC_ANSWERS_H

#include "codec/backend.h"
#include "fixtures.h"

#define NOW 1700000000

static struct arena arena;
static struct config config;

/* The simplejwt preset. */
static inline int set_up(void **state)
{
    (void)state;
    arena = arena_make(ROOM);
    config = (struct config){.session.claims = {.words = {STR("user_id")}, .n = 1}};
    config.login.access = config.refresh.access =
        (struct config_token){TOKEN_IN_JSON, STR("/access")};
    config.login.refresh = config.refresh.refresh =
        (struct config_token){TOKEN_IN_JSON, STR("/refresh")};
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

static inline struct str body_with(const char *format, struct str token)
{
    struct str_cut cut = str_cut(str_from(format), '@');
    struct str body;
    assert_true(arena_printf(&arena, &body, "%.*s%.*s%.*s", STR_ARG(cut.head), STR_ARG(token),
                             STR_ARG(cut.tail)));
    return body;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
