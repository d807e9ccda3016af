#include "codec/backend.h"
#include "codec/seal.h"
#include "fixtures.h"

#define FORM STR("application/x-www-form-urlencoded")

static struct arena arena;
static struct config config;

static int set_up(void **state)
{
    (void)state;
    arena = arena_make(ROOM);
    config = (struct config){.client = {.id = STR("web"), .auth = CLIENT_BASIC}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct backend_request identified(struct str secret, struct str type, struct str body)
{
    struct backend_request r = {.content_type = type, .body = body};
    assert_int_equal(backend_identify(&config, secret, &arena, &r), BFF_OK);
    assert_str(r.content_type, type);
    return r;
}

static void a_backend_without_clients_is_told_nothing(void **state)
{
    (void)state;
    config.client.id = (struct str){NULL, 0};
    struct backend_request r = identified(STR("secret"), FORM, STR("a=b"));
    assert_str(r.body, STR("a=b"));
    assert_int_equal(r.authorization.n, 0);
}

static void basic_has_both_parts_form_encoded(void **state)
{
    (void)state;
    struct backend_request r = identified(STR("secret"), FORM, STR("a=b"));
    assert_str(r.authorization, STR("Basic d2ViOnNlY3JldA==")); /* web:secret */
    assert_str(r.body, STR("a=b"));
    config.client.id = STR("a:b");
    r = identified(STR("p\xC3\xA9+ :"), STR(""), STR(""));
    assert_str(r.authorization, STR("Basic YSUzQWI6cCVDMyVBOSUyQiUyMCUzQQ=="));
    assert_int_equal(r.body.n, 0);
}

static void a_form_gets_two_fields_more(void **state)
{
    (void)state;
    config.client.auth = CLIENT_FORM;
    config.client.id = STR("w&b");
    struct backend_request r = identified(STR("s=c"), FORM, STR("a=b"));
    assert_str(r.body, STR("a=b&client_id=w%26b&client_secret=s%3Dc"));
    assert_int_equal(r.authorization.n, 0);
    r = identified(STR("s=c"), STR("Application/X-WWW-Form-URLencoded ; charset=utf-8"), STR(""));
    assert_str(r.body, STR("client_id=w%26b&client_secret=s%3Dc"));
}

static void a_public_client_sends_its_id_in_the_form(void **state)
{
    (void)state;
    const enum client_auth ways[] = {CLIENT_BASIC, CLIENT_FORM};
    for (size_t i = 0; i < 2; i++) {
        config.client.auth = ways[i];
        struct backend_request r = identified(STR(""), FORM, STR("a=b"));
        assert_str(r.body, STR("a=b&client_id=web"));
        assert_int_equal(r.authorization.n, 0);
    }
}

static void a_body_that_is_no_form_stays_as_it_is(void **state)
{
    (void)state;
    config.client.auth = CLIENT_FORM;
    assert_str(identified(STR("s"), STR("application/json"), STR("{}")).body, STR("{}"));
    assert_int_equal(identified(STR("s"), STR(""), STR("")).body.n, 0);
}

static void without_a_csrf_cookie_nothing_is_submitted(void **state)
{
    (void)state;
    struct backend_request r = {.cookie = STR("a=b")};
    assert_int_equal(backend_double_submit(&config, &arena, &r), BFF_OK);
    assert_str(r.cookie, STR("a=b"));
    assert_int_equal(r.csrf_token.n, 0);
}

/* Django takes 32 or 64 letters and digits and makes a new token of anything else. */
static void a_csrf_token_stands_in_cookie_and_header_alike(void **state)
{
    (void)state;
    struct backend_request r = {.cookie = STR("access_token=x")};
    struct str cookie;
    config.backend.csrf_cookie = STR("csrftoken");
    assert_int_equal(backend_double_submit(&config, &arena, &r), BFF_OK);
    assert_int_equal(r.csrf_token.n, 64);
    for (size_t i = 0; i < 64; i++)
        assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                               r.csrf_token.p[i]));
    assert_true(
        arena_printf(&arena, &cookie, "access_token=x; csrftoken=%.*s", STR_ARG(r.csrf_token)));
    assert_str(r.cookie, cookie);
}

static void every_call_has_a_csrf_token_of_its_own(void **state)
{
    (void)state;
    struct backend_request a = {.method = {NULL, 0}}, b = a;
    config.backend.csrf_cookie = STR("csrftoken");
    assert_int_equal(backend_double_submit(&config, &arena, &a), BFF_OK);
    assert_int_equal(backend_double_submit(&config, &arena, &b), BFF_OK);
    assert_false(str_eq(a.csrf_token, b.csrf_token));
}

static void memory_that_is_out_is_an_error(void **state)
{
    (void)state;
    config.backend.csrf_cookie = STR("csrftoken");
    const enum client_auth ways[] = {CLIENT_BASIC, CLIENT_FORM};
    for (size_t limit = 0; limit <= 64; limit += 8) {
        struct arena small = arena_make(limit);
        struct backend_request r = {.content_type = FORM};
        assert_int_equal(backend_double_submit(&config, &small, &r), BFF_ERR_NO_MEMORY);
        assert_int_equal(r.csrf_token.n, 0);
        arena_free(&small);
    }
    for (size_t i = 0; i < 2; i++) {
        struct arena small = arena_make(8);
        struct backend_request r = {.content_type = FORM};
        config.client.auth = ways[i];
        assert_int_equal(backend_identify(&config, STR("a secret"), &small, &r), BFF_ERR_NO_MEMORY);
        arena_free(&small);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_backend_without_clients_is_told_nothing),
        TEST(basic_has_both_parts_form_encoded),
        TEST(a_form_gets_two_fields_more),
        TEST(a_public_client_sends_its_id_in_the_form),
        TEST(a_body_that_is_no_form_stays_as_it_is),
        TEST(without_a_csrf_cookie_nothing_is_submitted),
        TEST(a_csrf_token_stands_in_cookie_and_header_alike),
        TEST(every_call_has_a_csrf_token_of_its_own),
        TEST(memory_that_is_out_is_an_error),
    };
    return seal_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
