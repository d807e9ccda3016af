#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/backend.h"
#include "flow/authorize.h"

#define NOW 1000000

static struct arena arena;
static struct config config;

static int set_up(void **state)
{
    (void)state;
    arena = arena_make(64 * 1024);
    config = (struct config){
        .session = {.touch_s = 60, .refresh_ahead_s = 30},
        .backend.attach = {ATTACH_HEADER, STR("Authorization"), STR("Bearer $access")},
    };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* Its share of the spread is none, in the third generation. */
static const struct session_name unspread = {.hash = {(unsigned char)(256 - 3 * 97 % 256)}};

static struct live_session session_with(struct str access)
{
    struct session s = {
        .asked_ms = NOW,
        .generation = 3,
        .access = access,
        .user = STR("{\"user_id\":7}"),
        .access_left_ms = 20000,
        .access_life_ms = 40000,
        .idle_left_ms = 90500,
        .absolute_left_ms = 60900,
        .since_touch_ms = 15000,
    };
    return live_session_from(&unspread, &s, &config, &arena);
}

static struct live_session some_session(void)
{
    return session_with(STR("aaa.bbb.ccc"));
}

static const struct reply_header *header(const struct reply *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq(str_from(r->headers[i].name), str_from(name)))
            return &r->headers[i];
    return NULL;
}

static void durations_become_moments_and_back(void **state)
{
    (void)state;
    struct live_session live = some_session();
    struct session_clocks c = live_session_clocks(&live, NOW + 1000);
    assert_int_equal(c.access_left_ms, 19000);
    assert_int_equal(c.renew_due_ms, 9000); /* a quarter of its life before its end */
    assert_int_equal(c.idle_left_ms, 89500);
    assert_int_equal(c.absolute_left_ms, 59900);
    assert_int_equal(c.touch_due_ms, 44000);
}

static void a_life_that_is_not_known_never_ends(void **state)
{
    (void)state;
    struct session s = {.asked_ms = NOW,
                        .access_left_ms = TOKEN_LIFE_UNKNOWN,
                        .access_life_ms = TOKEN_LIFE_UNKNOWN,
                        .idle_left_ms = 1,
                        .absolute_left_ms = 1};
    struct live_session live = live_session_from(&unspread, &s, &config, &arena);
    struct session_clocks c = live_session_clocks(&live, INT64_MAX - 1);
    assert_int_equal(c.access_left_ms, INT64_MAX);
    assert_int_equal(c.renew_due_ms, INT64_MAX);
}

static void passing_names_the_token_and_its_generation(void **state)
{
    (void)state;
    struct live_session live = some_session();
    struct reply r;
    authorize_pass(&live, &config, &arena, &r);
    assert_int_equal(r.status, 204);
    assert_true(str_eq(header(&r, "Authorization")->value, STR("Bearer aaa.bbb.ccc")));
    assert_true(str_eq(header(&r, "Note")->value, STR("3")));
    assert_true(r.for_nginx);
    assert_null(header(&r, "Cookie"));
}

static void only_a_yes_may_be_kept(void **state)
{
    (void)state;
    struct live_session live = some_session();
    struct reply r;
    authorize_pass(&live, &config, &arena, &r);
    assert_null(header(&r, "X-Accel-Expires"));
    authorize_keep(1795258368, &arena, &r);
    assert_true(str_eq(header(&r, "X-Accel-Expires")->value, STR("@1795258368")));
    authorize_refuse(BFF_ERR_CSRF_FAILED, 0, &arena, &r);
    authorize_keep(1795258368, &arena, &r);
    assert_null(header(&r, "X-Accel-Expires"));
}

static void a_token_may_travel_as_a_cookie_or_in_another_header(void **state)
{
    (void)state;
    struct live_session live;
    struct reply r;
    config.backend.attach = (struct config_attach){ATTACH_COOKIE, STR("access"), STR("$access")};
    live = some_session();
    authorize_pass(&live, &config, &arena, &r);
    assert_true(str_eq(header(&r, "Cookie")->value, STR("access=aaa.bbb.ccc")));
    assert_null(header(&r, "Authorization"));
    config.backend.attach = (struct config_attach){ATTACH_HEADER, STR("X-Token"), STR("t $access")};
    live = some_session();
    authorize_pass(&live, &config, &arena, &r);
    assert_true(str_eq(header(&r, "Attach")->value, STR("t aaa.bbb.ccc")));
    assert_null(header(&r, "Authorization"));
}

static void where_django_asks_for_a_double_submit_cookie_and_header_agree(void **state)
{
    (void)state;
    struct reply first, second;
    config.backend.csrf_cookie = STR("csrftoken");
    config.backend.attach = (struct config_attach){ATTACH_COOKIE, STR("access"), STR("$access")};
    struct live_session live = some_session();
    authorize_pass(&live, &config, &arena, &first);
    renew_retry(&live, &config, &arena, &second);
    struct str csrf = header(&first, "X-CSRFToken")->value;
    struct str cookie = header(&first, "Cookie")->value;
    assert_true(csrf.n >= 32);
    assert_true(str_contains(cookie, csrf));
    assert_true(str_contains(cookie, STR("csrftoken=")));
    assert_true(str_contains(cookie, STR("access=aaa.bbb.ccc")));
    assert_non_null(header(&second, "X-CSRFToken"));
    assert_false(str_eq(header(&second, "X-CSRFToken")->value, csrf));
}

static void where_it_does_not_nothing_of_it_is_sent(void **state)
{
    (void)state;
    struct live_session live = some_session();
    struct reply r;
    authorize_pass(&live, &config, &arena, &r);
    assert_null(header(&r, "X-CSRFToken"));
    assert_null(header(&r, "Cookie"));
}

static void a_token_that_no_header_may_carry_is_not_attached(void **state)
{
    (void)state;
    struct live_session live = session_with(STR("aaa\r\nX-Evil: 1"));
    struct reply r;
    authorize_pass(&live, &config, &arena, &r);
    assert_int_equal(r.status, 401);
    assert_null(header(&r, "Authorization"));
    renew_retry(&live, &config, &arena, &r);
    assert_int_equal(r.status, 500);
    assert_null(header(&r, "X-Accel-Redirect"));
}

static void every_refusal_is_a_401_to_nginx_and_carries_its_reason(void **state)
{
    (void)state;
    struct reply r;
    authorize_refuse(BFF_ERR_CSRF_FAILED, 0, &arena, &r);
    assert_int_equal(r.status, 401);
    assert_true(str_eq(header(&r, "Note")->value, STR("csrf_failed")));
    authorize_refuse(BFF_ERR_REFRESH_UNAVAILABLE, 2500, &arena, &r);
    assert_int_equal(r.status, 401);
    assert_true(str_eq(header(&r, "Note")->value, STR("refresh_unavailable 3")));
}

static void a_retry_is_an_internal_redirect_with_the_new_token(void **state)
{
    (void)state;
    struct live_session live = some_session();
    struct reply r;
    renew_retry(&live, &config, &arena, &r);
    assert_int_equal(r.status, 200);
    assert_true(r.for_nginx);
    assert_true(str_eq(header(&r, "X-Accel-Redirect")->value, STR("@bff_retry")));
    assert_true(str_eq(header(&r, "Authorization")->value, STR("Bearer aaa.bbb.ccc")));
}

static void the_session_is_described_by_its_nearest_limits(void **state)
{
    (void)state;
    struct live_session live = some_session();
    struct reply r;
    session_reply(&live, NOW, &arena, &r);
    assert_int_equal(r.status, 200);
    assert_true(str_eq(r.body, STR("{\"authenticated\":true,\"user\":{\"user_id\":7},"
                                   "\"expires_in\":60,\"idle_expires_in\":60,\"refreshes\":2}")));
    session_reply(NULL, NOW, &arena, &r);
    assert_true(str_eq(r.body, STR("{\"authenticated\":false}")));
}

static void memory_that_is_out_is_an_answer(void **state)
{
    (void)state;
    struct arena none = arena_make(0);
    struct live_session live = some_session();
    struct reply r;
    authorize_pass(&live, &config, &none, &r);
    assert_int_equal(r.status, 401);
    session_reply(&live, NOW, &none, &r);
    assert_int_equal(r.status, 500);
    assert_int_equal(r.err, BFF_ERR_NO_MEMORY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(durations_become_moments_and_back),
        TEST(a_life_that_is_not_known_never_ends),
        TEST(passing_names_the_token_and_its_generation),
        TEST(only_a_yes_may_be_kept),
        TEST(a_token_may_travel_as_a_cookie_or_in_another_header),
        TEST(where_django_asks_for_a_double_submit_cookie_and_header_agree),
        TEST(where_it_does_not_nothing_of_it_is_sent),
        TEST(a_token_that_no_header_may_carry_is_not_attached),
        TEST(every_refusal_is_a_401_to_nginx_and_carries_its_reason),
        TEST(a_retry_is_an_internal_redirect_with_the_new_token),
        TEST(the_session_is_described_by_its_nearest_limits),
        TEST(memory_that_is_out_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
