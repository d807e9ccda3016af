#include "answers.h"
#include "codec/json.h"
#include "heap.h"

static void a_login_answer_keeps_everything_but_the_tokens(void **state)
{
    (void)state;
    struct str token = jwt_of(&arena, "{\"exp\":1700000300,\"user_id\":\"7\"}");
    const struct backend_answer answer =
        answer_of(200, body_with("{\"z\":1,\"refresh\":\"r.r\",\"access\":\"@\",\"user\":{\"id\":7,"
                                 "\"name\":\"\xC3\xA9\"},\"a\":[1.5,null]}",
                                 token));
    struct backend_tokens t;
    struct str body = taken(&answer, &t);
    assert_str(body, STR("{\"z\":1,\"user\":{\"id\":7,\"name\":\"\xC3\xA9\"},\"a\":[1.5,null]}"));
    assert_false(backend_shows_token(body));
    assert_str(t.access, token);
    assert_str(t.refresh, STR("r.r"));
    assert_int_equal(t.access_life_ms, 300000);
    assert_str(t.user_id, STR("7"));
    assert_str(t.user, STR("{\"user_id\":\"7\"}"));
}

static void an_empty_or_null_token_member_is_removed_too(void **state)
{
    (void)state;
    const char *bodies[] = {"{\"access\":\"a.b\",\"refresh\":\"\"}",
                            "{\"access\":\"a.b\",\"refresh\":null}", "{\"access\":\"a.b\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct backend_answer answer = answer_of(200, str_from(bodies[i]));
        struct backend_tokens t;
        assert_str(taken(&answer, &t), STR("{}"));
        assert_int_equal(t.refresh.n, 0);
    }
}

static void nested_tokens_are_taken_out(void **state)
{
    (void)state;
    config.login.access = at("json:/meta/access_token");
    config.login.refresh = at("json:/meta/refresh_token");
    const struct backend_answer answer =
        answer_of(200, STR("{\"status\":200,\"meta\":{\"access_token\":\"a\","
                           "\"is_authenticated\":true,\"refresh_token\":\"b\"}}"));
    struct backend_tokens t;
    assert_str(taken(&answer, &t), STR("{\"status\":200,\"meta\":{\"is_authenticated\":true}}"));
}

static void with_tokens_in_cookies_the_body_passes_as_it_came(void **state)
{
    (void)state;
    config.login.access = at("cookie:access");
    config.login.refresh = at("cookie:refresh");
    struct backend_answer answer = answer_of(200, STR(" {\"user\" : 1.10} "));
    answer.set_cookie[0] = STR("access=a.b");
    answer.set_cookie[1] = STR("refresh=c.d");
    answer.n_set_cookie = 2;
    struct backend_tokens t;
    struct str body = taken(&answer, &t);
    assert_str(body, answer.body);
    assert_str(t.access, STR("a.b"));
    assert_str(t.refresh, STR("c.d"));
    answer.n_set_cookie = 0;
    assert_not_taken(&answer, BFF_ERR_MISSING);
}

static void with_one_token_in_a_cookie_the_other_is_taken_out_of_the_body(void **state)
{
    (void)state;
    config.login.refresh = at("cookie:refresh");
    struct backend_answer answer = answer_of(200, STR("{\"access\":\"a.b\",\"refresh\":\"\"}"));
    answer.set_cookie[0] = STR("refresh=c.d");
    answer.n_set_cookie = 1;
    struct backend_tokens t;
    assert_str(taken(&answer, &t), STR("{\"refresh\":\"\"}"));
    assert_str(t.refresh, STR("c.d"));
}

static void a_login_answer_without_an_access_token_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum bff_err e;
    } rows[] = {
        {"{}", BFF_ERR_MISSING},
        {"{\"access\":null,\"refresh\":\"r\"}", BFF_ERR_MISSING},
        {"{\"access\":\"\"}", BFF_ERR_MISSING},
        {"{\"mfa_required\":true}", BFF_ERR_MISSING},
        {"", BFF_ERR_MALFORMED},
        {"<html>", BFF_ERR_MALFORMED},
        {"[]", BFF_ERR_MALFORMED},
        {"{\"access\":\"a.b\"", BFF_ERR_MALFORMED},
        {"{\"access\":[\"a.b\"]}", BFF_ERR_MALFORMED},
        {"{\"access\":\"a\\tb\"}", BFF_ERR_MALFORMED},
        {"{\"access\":\"a\",\"refresh\":true}", BFF_ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct backend_answer answer = answer_of(200, str_from(rows[i].body));
        assert_not_taken(&answer, rows[i].e);
    }
    struct str token = filled(&arena, 'x', BACKEND_TOKEN_MAX + 1);
    const struct backend_answer answer = answer_of(200, body_with("{\"access\":\"@\"}", token));
    assert_not_taken(&answer, BFF_ERR_TOO_LARGE);
}

/* An opaque token has no shape that backend_shows_token() could know. */
static void a_token_that_the_body_shows_a_second_time_is_refused(void **state)
{
    (void)state;
    const char *bodies[] = {
        "{\"access\":\"opaque-token-of-30-characters\",\"key\":\"opaque-token-of-30-characters\"}",
        "{\"access\":\"opaque\\\"token-\\\\of-30\",\"k\":[\"opaque\\\"token-\\\\of-30\"]}",
        "{\"access\":\"a\",\"refresh\":\"0123456789abcdef\",\"x\":\"Token 0123456789abcdef.\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct backend_answer answer = answer_of(200, str_from(bodies[i]));
        assert_not_taken(&answer, BFF_ERR_MALFORMED);
    }
    config.login.access = at("cookie:access");
    config.login.refresh = at("");
    struct backend_answer answer = answer_of(200, STR("{\"access\":\"opaque-token-of-30\"}"));
    answer.set_cookie[0] = STR("access=opaque-token-of-30; HttpOnly");
    answer.n_set_cookie = 1;
    assert_not_taken(&answer, BFF_ERR_MALFORMED);
}

static void what_is_shaped_like_a_jwt_is_seen(void **state)
{
    (void)state;
    const char *shown[] = {"eyJhbGciOiJub25lIn0.eyJleHAiOjV9.",
                           "{\"a\":\"eyJhbGciOiJub25lIn0.eyJleHAiOjV9.c2ln\"}",
                           "Bearer-eyJ0.e30.x",
                           "eyJ.eyJ0eyJ.a.",
                           "a.eyJ_-.b.c",
                           "eyJx!eyJy.z."};
    const char *plain[] = {"",
                           "eyJ",
                           "eyJ.",
                           "eyJ..",
                           "eyJ.a",
                           "eyJ.a!b.",
                           "a.b.c",
                           "eyj.a.b",
                           "{\"a\":\"\"}",
                           "e.y.J",
                           "eyJ a.b.",
                           "eyJa .b.",
                           "https://a.example.org/b.c"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        assert_true(backend_shows_token(str_from(shown[i])));
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        assert_false(backend_shows_token(str_from(plain[i])));
    assert_false(backend_shows_token((struct str){NULL, 0}));
}

static void no_token_of_an_answer_is_left_on_the_heap(void **state)
{
    (void)state;
    char text[] = "{\"access\":\"................................\"}";
    struct str secret = {text + 11, 32}, body;
    randombytes_buf(text + 11, 32);
    for (size_t i = 11; i < 11 + 32; i++)
        text[i] = (char)('a' + (text[i] & 15));
    const struct backend_answer answer = answer_of(200, (struct str){text, sizeof text - 1});
    struct backend_tokens t;
    struct arena own = arena_make(ROOM);
    assert_int_equal(backend_take_tokens(&config, &config.login, &answer, &own, &t, &body), BFF_OK);
    assert_str(t.access, secret);
    arena_free(&own);
    assert_false(heap_holds(secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_login_answer_keeps_everything_but_the_tokens),
        TEST(an_empty_or_null_token_member_is_removed_too),
        TEST(nested_tokens_are_taken_out),
        TEST(with_tokens_in_cookies_the_body_passes_as_it_came),
        TEST(with_one_token_in_a_cookie_the_other_is_taken_out_of_the_body),
        TEST(a_login_answer_without_an_access_token_is_refused),
        TEST(a_token_that_the_body_shows_a_second_time_is_refused),
        TEST(what_is_shaped_like_a_jwt_is_seen),
        TEST(no_token_of_an_answer_is_left_on_the_heap),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
