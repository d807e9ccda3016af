#include "../arena_fixture.h"
#include "codec/backend.h"
#include "codec/json.h"
#include "fixtures.h"

static const struct config_call call = {{"POST", 4}, {"/api/token/refresh/", 19}};

static struct backend_request composed(enum send_kind kind, const char *text, const char *access,
                                       const char *refresh)
{
    const struct config_send send = {kind, str_from(text)};
    struct backend_request r;
    assert_int_equal(backend_compose(&call, &send, str_from(access), str_from(refresh), &arena, &r),
                     BFF_OK);
    assert_str(r.method, STR("POST"));
    assert_str(r.path, STR("/api/token/refresh/"));
    assert_str(r.accept, STR("application/json"));
    assert_int_equal(r.authorization.n + r.attach_header.n + r.accept_language.n + r.user_agent.n +
                         r.client_address.n + r.request_id.n + r.forwarded_host.n +
                         r.forwarded_proto.n,
                     0);
    return r;
}

static void a_json_template_is_filled_and_escaped(void **state)
{
    (void)state;
    struct backend_request r =
        composed(SEND_JSON, "{\"refresh\": \"$refresh\", \"a\": \"$access\", \"c\": \"$1\"}", "acc",
                 "a\"b\\c");
    assert_str(r.content_type, STR("application/json"));
    assert_str(r.body, STR("{\"refresh\": \"a\\\"b\\\\c\", \"a\": \"acc\", \"c\": \"$1\"}"));
    assert_int_equal(r.cookie.n, 0);
    json_t *read = json_read(r.body);
    assert_string_equal(json_string_value(json_at(read, STR("/refresh"))), "a\"b\\c");
    json_decref(read);
}

static void a_form_template_is_filled_and_percent_encoded(void **state)
{
    (void)state;
    struct backend_request r = composed(
        SEND_FORM, "grant_type=refresh_token&refresh_token=$refresh", "", "aZ09-._~+/=&%\"x");
    assert_str(r.content_type, STR("application/x-www-form-urlencoded"));
    assert_str(r.body, STR("grant_type=refresh_token&refresh_token="
                           "aZ09-._~%2B%2F%3D%26%25%22x"));
}

static void a_cookie_carries_the_refresh_token(void **state)
{
    (void)state;
    struct backend_request r = composed(SEND_COOKIE, "refresh_token", "", "a.b.c");
    assert_str(r.cookie, STR("refresh_token=a.b.c"));
    assert_int_equal(r.body.n + r.content_type.n, 0);
}

static void a_call_may_carry_nothing(void **state)
{
    (void)state;
    struct backend_request r = composed(SEND_NONE, "", "a", "b");
    assert_int_equal(r.body.n + r.content_type.n + r.cookie.n, 0);
}

static void a_placeholder_inside_a_token_is_only_text(void **state)
{
    (void)state;
    struct backend_request r =
        composed(SEND_JSON, "[\"$refresh\",\"$access\"]", "$refresh", "$access$access");
    assert_str(r.body, STR("[\"$access$access\",\"$refresh\"]"));
}

static void a_placeholder_may_stand_twice_or_be_empty(void **state)
{
    (void)state;
    struct backend_request r = composed(SEND_FORM, "$refresh&$refresh&$access", "", "+++");
    assert_str(r.body, STR("%2B%2B%2B&%2B%2B%2B&"));
    assert_str(composed(SEND_JSON, "{}", "", "").body, STR("{}"));
}

static void assert_no_compose(enum send_kind kind, struct str access, struct str refresh)
{
    const struct config_send send = {kind, STR("name")};
    struct backend_request r = {.user_agent = STR("untouched")};
    assert_int_equal(backend_compose(&call, &send, access, refresh, &arena, &r), BFF_ERR_MALFORMED);
    assert_str(r.user_agent, STR("untouched"));
}

static void a_token_that_would_split_a_header_is_refused(void **state)
{
    (void)state;
    const struct str bad[] = {STR("a\r\nX: y"), STR("a b"), STR("\0"), STR("a\x7F"),
                              STR("\xC3\xA9")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_no_compose(SEND_COOKIE, STR(""), bad[i]);
        assert_no_compose(SEND_JSON, STR(""), bad[i]);
        assert_no_compose(SEND_FORM, bad[i], STR(""));
    }
}

static void a_token_that_would_start_another_cookie_is_refused(void **state)
{
    (void)state;
    const struct str bad[] = {STR("a;b=c"), STR("a,b"), STR("\"a\""), STR("a\\b")};
    const struct config_attach attach = {ATTACH_COOKIE, STR("access"), STR("$access")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct backend_request r = {.cookie = STR("x=y")};
        assert_no_compose(SEND_COOKIE, STR(""), bad[i]);
        assert_int_equal(backend_attach(&attach, bad[i], &arena, &r), BFF_ERR_MALFORMED);
        assert_str(r.cookie, STR("x=y"));
    }
}

static struct backend_request attached(enum attach_kind kind, struct str name, struct str value,
                                       struct str cookie)
{
    const struct config_attach attach = {kind, name, value};
    struct backend_request r = {.cookie = cookie};
    assert_int_equal(backend_attach(&attach, STR("a.b\"c"), &arena, &r),
                     kind == ATTACH_COOKIE ? BFF_ERR_MALFORMED : BFF_OK);
    if (kind == ATTACH_COOKIE)
        assert_int_equal(backend_attach(&attach, STR("a.b.c"), &arena, &r), BFF_OK);
    return r;
}

static void the_access_token_is_attached_as_configured(void **state)
{
    (void)state;
    struct backend_request r =
        attached(ATTACH_HEADER, STR("authorization"), STR("JWT $access"), STR(""));
    assert_str(r.authorization, STR("JWT a.b\"c"));
    assert_int_equal(r.attach_header.n + r.cookie.n, 0);
    r = attached(ATTACH_HEADER, STR("X-Token"), STR("$access"), STR("x=y"));
    assert_str(r.attach_header, STR("X-Token: a.b\"c"));
    assert_int_equal(r.authorization.n, 0);
    assert_str(r.cookie, STR("x=y"));
    r = attached(ATTACH_COOKIE, STR("access"), STR("$access"), STR(""));
    assert_str(r.cookie, STR("access=a.b.c"));
    r = attached(ATTACH_COOKIE, STR("access"), STR(""), STR("x=y"));
    assert_str(r.cookie, STR("x=y; access=a.b.c"));
    assert_int_equal(r.authorization.n + r.attach_header.n, 0);
}

static void no_unreadable_token_is_attached(void **state)
{
    (void)state;
    const struct config_attach attach = {ATTACH_HEADER, STR("Authorization"),
                                         STR("Bearer $access")};
    const struct str bad[] = {STR(""), STR("a\nb"), STR("a b"), STR("\x80")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct backend_request r = {.method = {NULL, 0}};
        assert_int_equal(backend_attach(&attach, bad[i], &arena, &r), BFF_ERR_MALFORMED);
        assert_int_equal(r.authorization.n, 0);
    }
}

static void a_full_arena_is_an_error(void **state)
{
    (void)state;
    const struct config_send sends[] = {{SEND_JSON, STR("{\"refresh\":\"$refresh\"}")},
                                        {SEND_COOKIE, STR("refresh")}};
    const struct config_attach ways[] = {{ATTACH_HEADER, STR("Authorization"), STR("B $access")},
                                         {ATTACH_HEADER, STR("X-Token"), STR("$access")},
                                         {ATTACH_COOKIE, STR("access"), STR("$access")}};
    for (size_t limit = 0; limit < 16; limit += 8) {
        struct arena small = arena_make(limit);
        struct backend_request r = {.method = {NULL, 0}};
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(backend_compose(&call, &sends[i], STR(""), STR("token"), &small, &r),
                             BFF_ERR_NO_MEMORY);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(backend_attach(&ways[i], STR("token"), &small, &r), BFF_ERR_NO_MEMORY);
        assert_int_equal(r.method.n + r.authorization.n + r.attach_header.n + r.cookie.n, 0);
        arena_free(&small);
    }
    /* Room for the value, none for the header line that holds it. */
    struct arena small = arena_make(16);
    struct backend_request r = {.method = {NULL, 0}};
    assert_int_equal(backend_attach(&ways[1], STR("token"), &small, &r), BFF_ERR_NO_MEMORY);
    assert_int_equal(r.attach_header.n, 0);
    arena_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_json_template_is_filled_and_escaped),
        cmocka_unit_test(a_form_template_is_filled_and_percent_encoded),
        cmocka_unit_test(a_cookie_carries_the_refresh_token),
        cmocka_unit_test(a_call_may_carry_nothing),
        cmocka_unit_test(a_placeholder_inside_a_token_is_only_text),
        cmocka_unit_test(a_placeholder_may_stand_twice_or_be_empty),
        cmocka_unit_test(a_token_that_would_split_a_header_is_refused),
        cmocka_unit_test(a_token_that_would_start_another_cookie_is_refused),
        cmocka_unit_test(the_access_token_is_attached_as_configured),
        cmocka_unit_test(no_unreadable_token_is_attached),
        cmocka_unit_test(a_full_arena_is_an_error),
    };
    json_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
