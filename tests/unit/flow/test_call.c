#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/call.h"

#define VALUE "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_abcde"

static const struct config config = {.redis.prefix = {"bff:", 4}};

static struct call a_get(const char *cookies)
{
    return (struct call){
        .csrf = {.method = STR("GET")},
        .cookie_header = str_from(cookies),
        .caller = {.request_id = STR("r-1")},
    };
}

static void a_well_formed_cookie_names_a_session(void **state)
{
    (void)state;
    struct call call = a_get("__Host-session=" VALUE);
    assert_int_equal(call_admit(&call, &config), BFF_OK);
    assert_true(call.has_session);
    assert_true(str_eq(call.name.cookie, STR(VALUE)));
}

static void what_is_planted_or_malformed_is_no_session(void **state)
{
    (void)state;
    struct call rows[] = {
        a_get(NULL),
        a_get("__Host-session=short"),
        a_get("__Host-session=" VALUE "; __Host-session=" VALUE),
        a_get("__Host-session=" VALUE),
    };
    rows[3].cookie_duplicated = true;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(call_admit(&rows[i], &config), BFF_OK);
        assert_false(rows[i].has_session);
    }
}

static void forgery_is_refused_before_any_session_is_looked_at(void **state)
{
    (void)state;
    struct call call = a_get("__Host-session=" VALUE);
    call.csrf.sec_fetch_site = STR("cross-site");
    assert_int_equal(call_admit(&call, &config), BFF_ERR_CSRF_FAILED);
    assert_false(call.has_session);
}

static bool has(const struct reply *r, const char *name, const char *value)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq(str_from(r->headers[i].name), str_from(name)))
            return str_eq(r->headers[i].value, str_from(value));
    return false;
}

static bool has_any(const struct reply *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq(str_from(r->headers[i].name), str_from(name)))
            return true;
    return false;
}

static void only_the_end_of_a_session_clears_the_cookie_and_only_the_503s_say_when(void **state)
{
    (void)state;
    const struct {
        enum bff_err err;
        bool clears, waits;
    } rows[] = {
        {BFF_ERR_NOT_AUTHENTICATED, false, false},
        {BFF_ERR_SESSION_EXPIRED, true, false},
        {BFF_ERR_CSRF_FAILED, false, false},
        {BFF_ERR_REFRESH_UNAVAILABLE, false, true},
        {BFF_ERR_STORE_UNAVAILABLE, false, true},
        {BFF_ERR_OVERLOADED, false, true},
        {BFF_ERR_BACKEND_UNAVAILABLE, false, false},
        {BFF_ERR_BACKEND_TIMEOUT, false, false},
        {BFF_ERR_INTERNAL, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena = arena_make(4096);
        struct call call = a_get(NULL);
        struct reply r;
        reply_problem(&r, rows[i].err, &call.caller, 2001, &arena);
        assert_int_equal(r.status, err_status(rows[i].err));
        assert_true(str_contains(r.body, err_code(rows[i].err)));
        assert_true(str_contains(r.body, STR("r-1")));
        assert_int_equal(has_any(&r, "Set-Cookie"), rows[i].clears);
        assert_int_equal(has(&r, "Retry-After", "3"), rows[i].waits);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_well_formed_cookie_names_a_session),
        cmocka_unit_test(what_is_planted_or_malformed_is_no_session),
        cmocka_unit_test(forgery_is_refused_before_any_session_is_looked_at),
        cmocka_unit_test(only_the_end_of_a_session_clears_the_cookie_and_only_the_503s_say_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
