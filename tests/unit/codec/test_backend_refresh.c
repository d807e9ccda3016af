#include "answers.h"
#include "codec/json.h"

static void assert_verdict(const struct backend_answer *answer, enum refresh_verdict expected,
                           const char *why_expected)
{
    struct backend_tokens t = {.access_life_ms = 42};
    struct str why = {NULL, 0};
    assert_int_equal(backend_judge_refresh(&config, answer, &arena, &t, &why), expected);
    assert_str(why, str_from(why_expected));
    if (expected != REFRESH_GRANTED)
        assert_int_equal(t.access_life_ms, 42);
}

static struct backend_tokens granted(const struct backend_answer *answer)
{
    struct backend_tokens t;
    struct str why;
    assert_int_equal(backend_judge_refresh(&config, answer, &arena, &t, &why), REFRESH_GRANTED);
    assert_str(why, STR("granted"));
    return t;
}

static void a_status_matches_its_set(void **state)
{
    (void)state;
    struct backend_answer answer = answer_of(201, STR("{}"));
    assert_true(backend_matches(&config.login.success, &answer, &arena));
    answer.status = 202;
    assert_false(backend_matches(&config.login.success, &answer, &arena));
}

static void a_pointer_matches_its_value(void **state)
{
    (void)state;
    static const struct {
        const char *pointer, *value, *body;
        bool matches;
    } rows[] = {
        {"/refreshed", "false", "{\"refreshed\":false}", true},
        {"/refreshed", "false", "{\"refreshed\":true}", false},
        {"/refreshed", "false", "{\"refreshed\":null}", false},
        {"/refreshed", "false", "{\"refreshed\":\"false\"}", false},
        {"/refreshed", "false", "{}", false},
        {"/refreshed", "false", "", false},
        {"/refreshed", "false", "{\"refreshed\":false", false},
        {"/refreshed", "false", "<html></html>", false},
        {"/error/code", "\"dead\"", "{\"error\":{\"code\":\"dead\"}}", true},
        {"/code", "3", "{\"code\":3}", true},
        {"/code", "not json", "{\"code\":3}", false},
        {"", "", "{}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct config_match match = {.pointer = str_from(rows[i].pointer),
                                           .value = str_from(rows[i].value)};
        const struct backend_answer answer = answer_of(200, str_from(rows[i].body));
        assert_int_equal(backend_matches(&match, &answer, &arena), rows[i].matches);
    }
}

static void a_refresh_with_rotation_grants_both_tokens(void **state)
{
    (void)state;
    struct str access = jwt_of(&arena, "{\"exp\":1700000030,\"iat\":1690000000,\"user_id\":7}");
    struct str refresh = jwt_of(&arena, "{\"exp\":1700086400}");
    struct str body = body_with("{\"refresh\":\"@\",\"access\":\"~\"}", refresh);
    struct str_cut cut = str_cut(body, '~');
    assert_true(arena_printf(&arena, &body, "%.*s%.*s%.*s", STR_ARG(cut.head), STR_ARG(access),
                             STR_ARG(cut.tail)));
    const struct backend_answer answer = answer_of(200, body);
    struct backend_tokens t = granted(&answer);
    assert_str(t.access, access);
    assert_str(t.refresh, refresh);
    assert_int_equal(t.access_life_ms, 30000);
    assert_int_equal(t.refresh_life_ms, 86400000);
    assert_str(t.user_id, STR("7"));
    assert_str(t.user, STR("{\"user_id\":7}"));
}

static void an_absent_null_or_empty_refresh_member_keeps_the_old_token(void **state)
{
    (void)state;
    const char *bodies[] = {"{\"access\":\"a.b\"}", "{\"access\":\"a.b\",\"refresh\":null}",
                            "{\"access\":\"a.b\",\"refresh\":\"\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct backend_answer answer = answer_of(200, str_from(bodies[i]));
        struct backend_tokens t = granted(&answer);
        assert_str(t.access, STR("a.b"));
        assert_int_equal(t.refresh.n, 0);
        assert_true(t.refresh_life_ms == TOKEN_LIFE_UNKNOWN);
    }
}

static void the_life_of_an_opaque_token_is_unknown(void **state)
{
    (void)state;
    const struct backend_answer answer =
        answer_of(200, STR("{\"access\":\"opaque\",\"refresh\":\"other\"}"));
    struct backend_tokens t = granted(&answer);
    assert_true(t.access_life_ms == TOKEN_LIFE_UNKNOWN);
    assert_true(t.refresh_life_ms == TOKEN_LIFE_UNKNOWN);
    assert_int_equal(t.user_id.n, 0);
    assert_str(t.user, STR("{}"));
}

static void a_life_counts_from_receipt_never_from_iat(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        int64_t life_ms;
    } rows[] = {
        {"{\"exp\":1700000060,\"iat\":1700000050}", 60000},
        {"{\"exp\":1700000000}", 0},
        {"{\"exp\":1600000000,\"iat\":1500000000}", 0},
        {"{\"exp\":-9223372036854775808}", 0},
        {"{\"exp\":9223372036854775807}", TOKEN_LIFE_MAX_MS},
        {"{\"iat\":1700000000}", TOKEN_LIFE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str body = body_with("{\"access\":\"@\"}", jwt_of(&arena, rows[i].payload));
        const struct backend_answer answer = answer_of(200, body);
        assert_true(granted(&answer).access_life_ms == rows[i].life_ms);
    }
}

static void a_clock_before_the_epoch_overflows_nothing(void **state)
{
    (void)state;
    struct str token = jwt_of(&arena, "{\"exp\":9223372036854775807}");
    struct backend_answer answer = answer_of(200, body_with("{\"access\":\"@\"}", token));
    answer.received_s = INT64_MIN;
    assert_true(granted(&answer).access_life_ms == TOKEN_LIFE_MAX_MS);
}

static void only_the_dead_set_rejects(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum refresh_verdict verdict;
    } rows[] = {{400, REFRESH_REJECTED},    {401, REFRESH_REJECTED},    {403, REFRESH_REJECTED},
                {404, REFRESH_UNAVAILABLE}, {405, REFRESH_UNAVAILABLE}, {408, REFRESH_UNAVAILABLE},
                {415, REFRESH_UNAVAILABLE}, {429, REFRESH_UNAVAILABLE}, {500, REFRESH_UNAVAILABLE},
                {502, REFRESH_UNAVAILABLE}, {503, REFRESH_UNAVAILABLE}, {504, REFRESH_UNAVAILABLE},
                {301, REFRESH_UNAVAILABLE}, {302, REFRESH_UNAVAILABLE}, {307, REFRESH_UNAVAILABLE},
                {100, REFRESH_UNAVAILABLE}, {0, REFRESH_UNAVAILABLE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct backend_answer answer =
            answer_of(rows[i].status, STR("{\"access\":\"a.b\",\"code\":\"token_not_valid\"}"));
        assert_verdict(&answer, rows[i].verdict,
                       rows[i].verdict == REFRESH_REJECTED ? "rejected" : "status");
    }
}

static void a_2xx_without_a_readable_access_token_is_unavailable(void **state)
{
    (void)state;
    static const struct {
        const char *body, *why;
    } rows[] = {
        {"", "unreadable"},
        {"<!doctype html><title>ok</title>", "unreadable"},
        {"{\"access\":\"a.b\"", "unreadable"},
        {"[\"a.b\"]", "unreadable"},
        {"\"a.b\"", "unreadable"},
        {"null", "unreadable"},
        {"{\"access\":\"a.b\",\"access\":\"c.d\"}", "unreadable"},
        {"{\"access\":7}", "unreadable"},
        {"{\"access\":{\"token\":\"a\"}}", "unreadable"},
        {"{\"access\":\"a b\"}", "unreadable"},
        {"{\"access\":\"a\\r\\nX-Evil: 1\"}", "unreadable"},
        {"{\"access\":\"a\\u0000b\"}", "unreadable"},
        {"{\"access\":\"\\u00e9\"}", "unreadable"},
        {"{\"access\":\"a.b\",\"refresh\":7}", "unreadable"},
        {"{\"access\":\"a.b\",\"refresh\":\"c\\nd\"}", "unreadable"},
        {"{}", "no_access_token"},
        {"{\"access\":null}", "no_access_token"},
        {"{\"access\":\"\",\"refresh\":\"a\"}", "no_access_token"},
        {"{\"refreshed\":false}", "no_access_token"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct backend_answer answer = answer_of(200, str_from(rows[i].body));
        assert_verdict(&answer, REFRESH_UNAVAILABLE, rows[i].why);
    }
}

static void an_oversized_token_is_unavailable(void **state)
{
    (void)state;
    const char *forms[] = {"{\"access\":\"@\"}", "{\"access\":\"a\",\"refresh\":\"@\"}"};
    for (size_t i = 0; i < 2; i++) {
        struct str token = filled(&arena, 'x', BACKEND_TOKEN_MAX + 1);
        struct backend_answer answer = answer_of(200, body_with(forms[i], token));
        assert_verdict(&answer, REFRESH_UNAVAILABLE, "token_too_large");
        token.n--;
        answer.body = body_with(forms[i], token);
        assert_verdict(&answer, REFRESH_GRANTED, "granted");
    }
}

static void a_refusal_in_a_200_is_a_rejection_where_configured(void **state)
{
    (void)state;
    config.refresh.dead =
        (struct config_match){.pointer = STR("/refreshed"), .value = STR("false")};
    struct backend_answer answer = answer_of(200, STR("{\"refreshed\":false,\"access\":\"a\"}"));
    assert_verdict(&answer, REFRESH_REJECTED, "rejected");
    answer.status = 401;
    assert_verdict(&answer, REFRESH_REJECTED, "rejected");
    answer = answer_of(401, STR("{\"detail\":\"no\"}"));
    assert_verdict(&answer, REFRESH_UNAVAILABLE, "status");
    answer = answer_of(200, STR("{\"refreshed\":true,\"access\":\"a\"}"));
    assert_verdict(&answer, REFRESH_GRANTED, "granted");
}

static void a_backend_in_trouble_rejects_nothing_by_its_body(void **state)
{
    (void)state;
    const int statuses[] = {429, 500, 502, 503, 504};
    config.refresh.dead =
        (struct config_match){.pointer = STR("/refreshed"), .value = STR("false")};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        const struct backend_answer answer = answer_of(statuses[i], STR("{\"refreshed\":false}"));
        assert_verdict(&answer, REFRESH_UNAVAILABLE, "status");
    }
}

static void a_configured_500_does_reject(void **state)
{
    (void)state;
    config.refresh.dead = (struct config_match){.statuses = {401, 500}, .n_statuses = 2};
    const struct backend_answer answer = answer_of(500, STR("<html>"));
    assert_verdict(&answer, REFRESH_REJECTED, "rejected");
}

static void tokens_may_stand_in_cookies(void **state)
{
    (void)state;
    config.refresh.access = at("cookie:access");
    config.refresh.refresh = at("cookie:refresh");
    struct backend_answer answer = answer_of(200, STR("<p>anything</p>"));
    answer.set_cookie[0] = STR("sessionid=zzz; Path=/");
    answer.set_cookie[1] = STR("access=; Max-Age=0");
    answer.set_cookie[2] = STR("access=a.b; HttpOnly; Path=/");
    answer.set_cookie[3] = STR("refresh=\"c.d\"; HttpOnly; Path=/api/token/refresh/");
    answer.n_set_cookie = 4;
    struct backend_tokens t = granted(&answer);
    assert_str(t.access, STR("a.b"));
    assert_str(t.refresh, STR("c.d"));
    answer.n_set_cookie = 2;
    assert_verdict(&answer, REFRESH_UNAVAILABLE, "no_access_token");
    answer.set_cookie[1] = STR("access=a\x01");
    assert_verdict(&answer, REFRESH_UNAVAILABLE, "unreadable");
}

/* dj-rest-auth with JWT_AUTH_HTTPONLY: the rotated refresh token is only in Set-Cookie. */
static void one_token_may_stand_in_the_body_and_one_in_a_cookie(void **state)
{
    (void)state;
    config.refresh.refresh = at("cookie:refresh");
    struct backend_answer answer = answer_of(200, STR("{\"access\":\"a.b\",\"refresh\":\"\"}"));
    answer.set_cookie[0] = STR("refresh=c.d");
    answer.n_set_cookie = 1;
    struct backend_tokens t = granted(&answer);
    assert_str(t.access, STR("a.b"));
    assert_str(t.refresh, STR("c.d"));
}

static void a_backend_without_refresh_tokens_grants_one(void **state)
{
    (void)state;
    config.refresh.access = at("json:/token");
    config.refresh.refresh = at("");
    const struct backend_answer answer = answer_of(200, STR("{\"token\":\"a.b\"}"));
    struct backend_tokens t = granted(&answer);
    assert_str(t.access, STR("a.b"));
    assert_int_equal(t.refresh.n, 0);
}

/* Nobody is shown a refresh answer, and its tokens may be the only ones that are alive. */
static void a_token_that_stands_in_the_body_twice_is_granted_all_the_same(void **state)
{
    (void)state;
    const struct backend_answer answer =
        answer_of(200, STR("{\"access\":\"opaque-token-of-30\",\"token\":\"opaque-token-of-30\"}"));
    assert_str(granted(&answer).access, STR("opaque-token-of-30"));
}

static void a_token_in_a_cookie_is_granted_whatever_the_body_is(void **state)
{
    (void)state;
    const char *bodies[] = {"", "<html>", "{\"access\":", "{\"a\":1,\"a\":2}"};
    config.refresh.access = at("json:/access cookie:access");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct backend_answer answer = answer_of(200, str_from(bodies[i]));
        add_cookie(&answer, STR("access=a.b"));
        assert_str(granted(&answer).access, STR("a.b"));
        answer.n_set_cookie = 0;
        assert_verdict(&answer, REFRESH_UNAVAILABLE, "no_access_token");
    }
}

static void a_full_arena_is_an_error_and_never_a_verdict(void **state)
{
    (void)state;
    struct str token = jwt_of(&arena, "{\"exp\":1700000300,\"user_id\":\"a-user\"}");
    const struct backend_answer answer = answer_of(
        200, body_with("{\"access\":\"@\",\"refresh\":\"0123456789abcdef\",\"u\":1}", token));
    bool fitted = false;
    for (size_t limit = 0; !fitted; limit += 8) {
        struct arena small = arena_make(limit);
        struct backend_tokens t = {.access_life_ms = 42};
        struct str body = STR("untouched"), why;
        enum bff_err e = backend_take_tokens(&config, &config.login, &answer, &small, &t, &body);
        fitted = e == BFF_OK;
        assert_true(fitted || (e == BFF_ERR_NO_MEMORY && t.access_life_ms == 42 &&
                               str_eq(body, STR("untouched"))));
        arena_free(&small);
        small = arena_make(limit);
        enum refresh_verdict v = backend_judge_refresh(&config, &answer, &small, &t, &why);
        assert_true(v == REFRESH_GRANTED ||
                    (v == REFRESH_UNAVAILABLE && str_eq(why, STR("no_memory"))));
        arena_free(&small);
    }
}

static size_t allocations_left;
static json_malloc_t real_malloc;
static json_free_t real_free;

static void *failing_malloc(size_t n)
{
    return allocations_left-- > 0 ? real_malloc(n) : (allocations_left = 0, NULL);
}

static void an_allocation_that_fails_grants_and_rejects_nothing(void **state)
{
    (void)state;
    struct str token = jwt_of(&arena, "{\"exp\":1700000300,\"user_id\":\"a-user\"}");
    const struct backend_answer answer =
        answer_of(200, body_with("{\"access\":\"@\",\"refresh\":\"r.r\",\"u\":[1,2]}", token));
    config.refresh.dead = (struct config_match){.pointer = STR("/u/0"), .value = STR("2")};
    bool fitted = false;
    json_get_alloc_funcs(&real_malloc, &real_free);
    json_set_alloc_funcs(failing_malloc, real_free);
    for (size_t n = 0; !fitted; n++) {
        struct backend_tokens t = {.access_life_ms = 42};
        struct str body = STR("untouched"), why;
        allocations_left = n;
        enum refresh_verdict v = backend_judge_refresh(&config, &answer, &arena, &t, &why);
        assert_int_not_equal(v, REFRESH_REJECTED);
        fitted = v == REFRESH_GRANTED && t.access_life_ms == 300000;
        t = (struct backend_tokens){.access_life_ms = 42};
        allocations_left = n;
        enum bff_err e = backend_take_tokens(&config, &config.login, &answer, &arena, &t, &body);
        assert_true(e == BFF_OK ? str_eq(body, STR("{\"u\":[1,2]}")) : t.access_life_ms == 42);
    }
    json_set_alloc_funcs(real_malloc, real_free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_status_matches_its_set),
        TEST(a_pointer_matches_its_value),
        TEST(a_refresh_with_rotation_grants_both_tokens),
        TEST(an_absent_null_or_empty_refresh_member_keeps_the_old_token),
        TEST(the_life_of_an_opaque_token_is_unknown),
        TEST(a_life_counts_from_receipt_never_from_iat),
        TEST(a_clock_before_the_epoch_overflows_nothing),
        TEST(only_the_dead_set_rejects),
        TEST(a_2xx_without_a_readable_access_token_is_unavailable),
        TEST(an_oversized_token_is_unavailable),
        TEST(a_refusal_in_a_200_is_a_rejection_where_configured),
        TEST(a_backend_in_trouble_rejects_nothing_by_its_body),
        TEST(a_configured_500_does_reject),
        TEST(tokens_may_stand_in_cookies),
        TEST(one_token_may_stand_in_the_body_and_one_in_a_cookie),
        TEST(a_backend_without_refresh_tokens_grants_one),
        TEST(a_token_that_stands_in_the_body_twice_is_granted_all_the_same),
        TEST(a_token_in_a_cookie_is_granted_whatever_the_body_is),
        TEST(a_full_arena_is_an_error_and_never_a_verdict),
        TEST(an_allocation_that_fails_grants_and_rejects_nothing),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
