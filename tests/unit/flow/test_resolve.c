#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/call.h"

#define CALL(m, p)                                                                                 \
    {                                                                                              \
        {"" m, sizeof(m) - 1},                                                                     \
        {                                                                                          \
            "" p, sizeof(p) - 1                                                                    \
        }                                                                                          \
    }

static const struct config strict = {
    .login = {.name = {"login", 5}, .request = CALL("POST", "/api/token/")},
    .refresh = {.request = CALL("POST", "/api/token/refresh/")},
    .revoke = {.request = CALL("DELETE", "/api/session")},
    .captures = {{.name = {"register", 8}, .request = CALL("POST", "/api/users/create/")},
                 {.name = {"callback", 8}, .request = CALL("GET", "/api/caf%C3%A9/?via=web")}},
    .n_captures = 2,
};

static struct config compat_of(const struct config *config)
{
    struct config compat = *config;
    compat.compat.enabled = true;
    return compat;
}

static struct call a_call(const char *method, const char *path)
{
    return (struct call){
        .leg = LEG_ENDPOINT,
        .csrf = {.method = str_from(method)},
        .path = str_from(path),
    };
}

struct resolve_case {
    const char *method, *path;
    enum leg leg; /* ENDPOINT: refused */
    const char *capture;
};

static void check(const struct config *config, const struct resolve_case *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct call call = a_call(rows[i].method, rows[i].path);
        bool is_refused = rows[i].leg == LEG_ENDPOINT;
        assert_int_equal(call_resolve(&call, config), is_refused ? BFF_ERR_TOKEN_ENDPOINT : BFF_OK);
        assert_int_equal(call.leg, rows[i].leg);
        assert_int_equal(call.as_backend, !is_refused && config->compat.enabled);
        if (rows[i].capture)
            assert_true(str_eq(call.capture->name, str_from(rows[i].capture)));
        else
            assert_null(call.capture);
    }
}

static void without_compatibility_mode_only_captures_are_run(void **state)
{
    (void)state;
    const struct resolve_case rows[] = {
        {"POST", "/api/users/create/", LEG_LOGIN, "register"},
        {"GET", "/api/caf\xC3\xA9/", LEG_LOGIN, "callback"},
        {"POST", "/api/token/", LEG_ENDPOINT, NULL},
        {"POST", "/api/token/refresh/", LEG_ENDPOINT, NULL},
        {"DELETE", "/api/session", LEG_ENDPOINT, NULL},
    };
    check(&strict, rows, sizeof rows / sizeof rows[0]);
}

static void in_compatibility_mode_each_endpoint_is_answered_at_its_own_path(void **state)
{
    (void)state;
    struct config compat = compat_of(&strict);
    const struct resolve_case rows[] = {
        {"POST", "/api/users/create/", LEG_LOGIN, "register"},
        {"POST", "/api/token/", LEG_LOGIN, "login"},
        {"POST", "/api/token/refresh/", LEG_REFRESH, NULL},
        {"DELETE", "/api/session", LEG_LOGOUT, NULL},
    };
    check(&compat, rows, sizeof rows / sizeof rows[0]);
}

static void another_spelling_or_method_is_refused(void **state)
{
    (void)state;
    struct config compat = compat_of(&strict);
    const struct resolve_case rows[] = {
        {"POST", "/api/token", LEG_ENDPOINT, NULL},
        {"POST", "/api/token/;x", LEG_ENDPOINT, NULL},
        {"POST", "/api/token/refresh", LEG_ENDPOINT, NULL},
        {"POST", "/api/token/refresh/x", LEG_ENDPOINT, NULL},
        {"GET", "/api/token/refresh/", LEG_ENDPOINT, NULL},
        {"post", "/api/token/", LEG_ENDPOINT, NULL},
        {"GET", "/api/session", LEG_ENDPOINT, NULL},
        {"DELETE", "/api/session/", LEG_ENDPOINT, NULL},
        {"POST", "/API/token/", LEG_ENDPOINT, NULL},
        {"POST", "/api/users/create", LEG_ENDPOINT, NULL},
        {"GET", "/api/caf%C3%A9/", LEG_ENDPOINT, NULL},
        {"GET", "/api/caf", LEG_ENDPOINT, NULL},
        {"POST", "", LEG_ENDPOINT, NULL},
    };
    check(&compat, rows, sizeof rows / sizeof rows[0]);
}

static void a_backend_that_cannot_revoke_has_no_path_to_sign_out_at(void **state)
{
    (void)state;
    struct config compat = compat_of(&strict);
    compat.revoke.request = (struct config_call){{NULL, 0}, {NULL, 0}};
    struct call call = a_call("", "");
    assert_int_equal(call_resolve(&call, &compat), BFF_ERR_TOKEN_ENDPOINT);
}

static void bffs_own_endpoints_are_what_they_are(void **state)
{
    (void)state;
    struct config compat = compat_of(&strict);
    struct call call = a_call("POST", "");
    call.leg = LEG_LOGIN;
    assert_int_equal(call_resolve(&call, &compat), BFF_OK);
    assert_ptr_equal(call.capture, &compat.login);
    assert_false(call.as_backend);
    call.leg = LEG_LOGOUT;
    assert_int_equal(call_resolve(&call, &compat), BFF_OK);
    assert_int_equal(call.leg, LEG_LOGOUT);
    assert_false(call.as_backend);
}

static void every_method_is_unsafe_where_it_signs_in(void **state)
{
    (void)state;
    struct call call = a_call("GET", "/api/caf\xC3\xA9/");
    assert_int_equal(call_admit(&call, &strict), BFF_ERR_CSRF_FAILED);
    call.csrf.sec_fetch_site = STR("none");
    assert_int_equal(call_admit(&call, &strict), BFF_ERR_CSRF_FAILED);
    call.csrf.sec_fetch_site = STR("same-origin");
    assert_int_equal(call_admit(&call, &strict), BFF_OK);
    assert_true(str_eq(call.csrf.method, STR("GET")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_compatibility_mode_only_captures_are_run),
        cmocka_unit_test(in_compatibility_mode_each_endpoint_is_answered_at_its_own_path),
        cmocka_unit_test(another_spelling_or_method_is_refused),
        cmocka_unit_test(a_backend_that_cannot_revoke_has_no_path_to_sign_out_at),
        cmocka_unit_test(bffs_own_endpoints_are_what_they_are),
        cmocka_unit_test(every_method_is_unsafe_where_it_signs_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
