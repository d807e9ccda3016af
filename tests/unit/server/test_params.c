#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/params.h"

static char *env(const char *text)
{
    return (char *)(uintptr_t)text; /* params_read() takes libfcgi's char **, and writes nothing */
}

static void the_leg_and_the_headers_are_read(void **state)
{
    (void)state;
    char *envp[] = {
        env("BFF_LEG=renew"),
        env("REQUEST_METHOD=POST"),
        env("BFF_STATUS=401"),
        env("BFF_NOTE=7"),
        env("HTTP_COOKIE=a=b; c=d"),
        env("HTTP_ORIGIN=https://app.example"),
        env("REQUEST_SCHEME=https"),
        env("BFF_HOST=app.example"),
        env("CONTENT_LENGTH="),
        env("HTTP_X_UNKNOWN=whatever"),
        NULL,
    };
    struct call call;
    assert_int_equal(params_read(envp, &call), BFF_OK);
    assert_int_equal(call.leg, LEG_RENEW);
    assert_true(call.django_refused);
    assert_int_equal(call.generation, 7);
    assert_int_equal(call.refusal, BFF_OK);
    assert_true(str_eq(call.cookie_header, STR("a=b; c=d")));
    assert_true(str_eq(call.csrf.origin, STR("https://app.example")));
    assert_true(str_eq(call.csrf.host, STR("app.example")));
    assert_true(str_eq(call.caller.proto, STR("https")));
}

static void a_path_of_the_backends_comes_with_its_query(void **state)
{
    (void)state;
    static char long_query[PARAMS_QUERY_MAX + 32] = "BFF_QUERY=";
    char *envp[] = {env("BFF_LEG=endpoint"), env("BFF_PATH=/api/caf\xC3\xA9/"),
                    env("BFF_QUERY=code=a%0Ab"), NULL};
    struct call call;
    assert_int_equal(params_read(envp, &call), BFF_OK);
    assert_int_equal(call.leg, LEG_ENDPOINT);
    assert_true(str_eq(call.path, STR("/api/caf\xC3\xA9/")));
    assert_true(str_eq(call.query, STR("code=a%0Ab")));
    envp[1] = env("BFF_PATH=/api/token/\n");
    assert_int_equal(params_read(envp, &call), BFF_ERR_BAD_REQUEST);
    envp[1] = long_query;
    memset(long_query + 10, 'a', PARAMS_QUERY_MAX);
    envp[2] = NULL;
    assert_int_equal(params_read(envp, &call), BFF_OK);
    memset(long_query + 10, 'a', PARAMS_QUERY_MAX + 1);
    assert_int_equal(params_read(envp, &call), BFF_ERR_BAD_REQUEST);
}

static void a_refusal_comes_with_its_wait(void **state)
{
    (void)state;
    char *envp[] = {env("BFF_LEG=renew"), env("BFF_NOTE=refresh_unavailable 12"),
                    env("BFF_STATUS="), NULL};
    struct call call;
    assert_int_equal(params_read(envp, &call), BFF_OK);
    assert_int_equal(call.refusal, BFF_ERR_REFRESH_UNAVAILABLE);
    assert_int_equal(call.refusal_wait_s, 12);
    assert_int_equal(call.generation, 0);
    assert_false(call.django_refused);
    envp[1] = env("BFF_NOTE=");
    assert_int_equal(params_read(envp, &call), BFF_OK);
    assert_int_equal(call.refusal, BFF_OK);
}

static void of_several_upstreams_the_last_status_counts(void **state)
{
    (void)state;
    char *first[] = {env("BFF_STATUS=502, 401"), NULL};
    char *second[] = {env("BFF_STATUS=401, 200"), NULL};
    struct call call;
    assert_int_equal(params_read(first, &call), BFF_OK);
    assert_true(call.django_refused);
    assert_int_equal(params_read(second, &call), BFF_OK);
    assert_false(call.django_refused);
}

static void a_header_that_comes_twice_is_marked(void **state)
{
    (void)state;
    const char *names[] = {"HTTP_ORIGIN=a", "HTTP_SEC_FETCH_SITE=a", "HTTP_X_CSRF=1",
                           "HTTP_UPGRADE=websocket"};
    for (size_t i = 0; i < 4; i++) {
        char *envp[] = {env(names[i]), env(names[i]), NULL};
        struct call call;
        assert_int_equal(params_read(envp, &call), BFF_OK);
        assert_true(call.csrf.duplicated);
        assert_false(call.cookie_duplicated);
    }
    char *envp[] = {env("HTTP_COOKIE=a=b"), env("HTTP_COOKIE=c=d"), NULL};
    struct call call;
    assert_int_equal(params_read(envp, &call), BFF_OK);
    assert_true(call.cookie_duplicated);
    assert_false(call.csrf.duplicated);
}

static void a_trace_that_is_not_one_is_left_out(void **state)
{
    (void)state;
#define TRACE "HTTP_TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    static char long_one[PARAMS_TEXT_MAX + 128] = TRACE;
    memset(long_one + sizeof TRACE - 1, '-', PARAMS_TEXT_MAX);
    char *bad[] = {env("HTTP_TRACEPARENT=00-x"), env("HTTP_TRACEPARENT=\r\n"), env(TRACE "\x01"),
                   long_one};
    struct call call;
    char *good[] = {env(TRACE), NULL}, *twice[] = {env(TRACE), env(TRACE), env(TRACE), NULL};
    assert_int_equal(params_read(good, &call), BFF_OK);
    assert_int_equal(call.caller.traceparent.n, 55);
    assert_int_equal(params_read(twice, &call), BFF_OK);
    assert_int_equal(call.caller.traceparent.n, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *envp[] = {bad[i], NULL};
        assert_int_equal(params_read(envp, &call), BFF_OK);
        assert_int_equal(call.caller.traceparent.n, 0);
    }
}

static void control_bytes_long_fields_and_bad_numbers_are_refused(void **state)
{
    (void)state;
    static char long_agent[PARAMS_TEXT_MAX + 32] = "HTTP_USER_AGENT=";
    memset(long_agent + 16, 'a', PARAMS_TEXT_MAX + 1);
    char *bad[] = {
        env("HTTP_ORIGIN=https://app\r\nX: y"),
        env("REQUEST_ID=\x01"),
        env("HTTP_COOKIE=a=\x7f"),
        env("CONTENT_LENGTH=-1"),
        env("CONTENT_LENGTH=1x"),
        long_agent,
        env("BFF_NOTE=99999999999999999999"),
        env("BFF_NOTE=7x"),
        env("BFF_NOTE=refresh_unavailable soon"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *envp[] = {env("BFF_LEG=session"), bad[i], NULL};
        struct call call;
        assert_int_equal(params_read(envp, &call), BFF_ERR_BAD_REQUEST);
        assert_int_equal(call.leg, LEG_SESSION);
    }
}

static void each_control_byte_is_found_wherever_it_stands(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++)
        for (size_t at = 0; at < 24; at++) {
            char origin[] = "HTTP_ORIGIN=https://app.example.org:8", *envp[] = {origin, NULL};
            struct call call;
            origin[sizeof "HTTP_ORIGIN=" - 1 + at] = (char)byte;
            bool is_bad = (byte < 0x20 && byte != '\t') || byte == 0x7f;
            assert_int_equal(params_read(envp, &call), is_bad ? BFF_ERR_BAD_REQUEST : BFF_OK);
        }
}

static void no_header_can_choose_the_leg(void **state)
{
    (void)state;
    char *envp[] = {env("HTTP_BFF_LEG=authorize"), env("HTTP_BFF_STATUS=401"), env("=x"), env("x"),
                    NULL};
    struct call call;
    assert_int_equal(params_read(envp, &call), BFF_OK);
    assert_int_equal(call.leg, LEG_UNKNOWN);
    assert_false(call.django_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_leg_and_the_headers_are_read),
        cmocka_unit_test(a_path_of_the_backends_comes_with_its_query),
        cmocka_unit_test(a_refusal_comes_with_its_wait),
        cmocka_unit_test(of_several_upstreams_the_last_status_counts),
        cmocka_unit_test(a_header_that_comes_twice_is_marked),
        cmocka_unit_test(a_trace_that_is_not_one_is_left_out),
        cmocka_unit_test(control_bytes_long_fields_and_bad_numbers_are_refused),
        cmocka_unit_test(each_control_byte_is_found_wherever_it_stands),
        cmocka_unit_test(no_header_can_choose_the_leg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
