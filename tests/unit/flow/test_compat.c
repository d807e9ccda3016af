#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"
#include "flow/compat.h"

#define NOW_MS 1000000
#define NOW_S 1700000000

static struct live_session a_session(int64_t idle_s, int64_t absolute_s)
{
    return (struct live_session){
        .generation = 1,
        .access_until_ms = NOW_MS,
        .idle_until_ms = NOW_MS + idle_s * 1000,
        .absolute_until_ms = NOW_MS + absolute_s * 1000,
    };
}

static void a_placeholder_expires_with_the_session_and_not_with_the_token(void **state)
{
    (void)state;
    struct live_session live = a_session(3600, 86400);
    struct placeholders p = compat_expiry(&live, NOW_MS, NOW_S);
    assert_int_equal(p.access_exp_s, NOW_S + 3600);
    assert_int_equal(p.refresh_exp_s, NOW_S + 86400);
}

static void neither_outlives_the_session(void **state)
{
    (void)state;
    struct live_session live = a_session(3600, 60);
    struct placeholders p = compat_expiry(&live, NOW_MS, NOW_S);
    assert_int_equal(p.access_exp_s, NOW_S + 60);
    assert_int_equal(p.refresh_exp_s, NOW_S + 60);
}

static struct config tokens_in_json(void)
{
    return (struct config){
        .refresh = {.access = {.places = {{TOKEN_IN_JSON, STR("/data/access")}}, .n = 1},
                    .refresh = {.places = {{TOKEN_IN_COOKIE, STR("refresh")}}, .n = 1}},
    };
}

static void a_refresh_is_answered_where_the_page_looks(void **state)
{
    (void)state;
    struct config config = tokens_in_json();
    struct live_session live = a_session(3600, 86400);
    struct caller caller = {.request_id = STR("r-1")};
    struct arena arena = arena_make(64 * 1024);
    struct reply r;
    compat_refreshed(&live, &config, NOW_MS, NOW_S, &caller, &arena, &r);
    assert_int_equal(r.status, 200);
    assert_true(str_starts(r.body, STR("{\"data\":{\"access\":\"ey")));
    assert_true(str_eq(r.content_type, STR("application/json")));
    assert_int_equal(r.n_headers, 0);
    arena_free(&arena);
}

static void memory_that_is_out_is_an_answer(void **state)
{
    (void)state;
    struct config config = tokens_in_json();
    struct live_session live = a_session(3600, 86400);
    struct caller caller = {.request_id = STR("r-1")};
    struct arena none = arena_make(0);
    struct reply r;
    compat_refreshed(&live, &config, NOW_MS, NOW_S, &caller, &none, &r);
    assert_int_equal(r.status, 500);
}

static bool has_cookie(const struct reply *r)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq(str_from(r->headers[i].name), STR("Set-Cookie")))
            return str_contains(r->headers[i].value, STR("__Host-session=; Path=/; Max-Age=0"));
    return false;
}

static void a_refusal_is_written_as_the_backend_would(void **state)
{
    (void)state;
    struct config config = {.compat.refused = STR("{\"code\":\"token_not_valid\"}")};
    struct arena arena = arena_make(64 * 1024);
    struct reply r;
    reply_as_refused(&r, BFF_ERR_SESSION_EXPIRED, &config, &arena);
    assert_int_equal(r.status, 401);
    assert_int_equal(r.err, BFF_ERR_SESSION_EXPIRED);
    assert_true(str_eq(r.body, config.compat.refused));
    assert_true(str_eq(r.content_type, STR("application/json")));
    assert_true(has_cookie(&r));
    reply_as_refused(&r, BFF_ERR_NOT_AUTHENTICATED, &config, &arena);
    assert_int_equal(r.status, 401);
    assert_false(has_cookie(&r));
    arena_free(&arena);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_placeholder_expires_with_the_session_and_not_with_the_token),
        cmocka_unit_test(neither_outlives_the_session),
        cmocka_unit_test(a_refresh_is_answered_where_the_page_looks),
        cmocka_unit_test(memory_that_is_out_is_an_answer),
        cmocka_unit_test(a_refusal_is_written_as_the_backend_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
