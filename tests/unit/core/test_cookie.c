#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/cookie.h"

#define VALUE "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_abcde"
#define OTHER "ZZZdEfGhIjKlMnOpQrStUvWxYz0123456789-_abcde"

struct find_case {
    const char *header;
    enum bff_err err;
};

static void the_cookie_is_found_only_when_it_stands_there_once_and_whole(void **state)
{
    (void)state;
    const struct find_case cases[] = {
        {"__Host-session=" VALUE, BFF_OK},
        {"a=b; __Host-session=" VALUE "; c=d", BFF_OK},
        {"a=b;__Host-session=" VALUE ";c=d", BFF_OK},
        {";;; ; __Host-session=" VALUE ";", BFF_OK},
        {"", BFF_ERR_MISSING},
        {"a=b", BFF_ERR_MISSING},
        {"__Host-session", BFF_ERR_MISSING},
        {"x__Host-session=" VALUE, BFF_ERR_MISSING},
        {"__host-session=" VALUE, BFF_ERR_MISSING},
        {"a=__Host-session=" VALUE, BFF_ERR_MISSING},
        {"__Host-session=", BFF_ERR_MALFORMED},
        {"__Host-session=" VALUE "x", BFF_ERR_MALFORMED},
        {"__Host-session=\"" VALUE "\"", BFF_ERR_MALFORMED},
        {"__Host-session=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_abcd=", BFF_ERR_MALFORMED},
        {"__Host-session=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_abc/e", BFF_ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str value = STR("untouched");
        assert_int_equal(cookie_find(str_from(cases[i].header), &value), cases[i].err);
        assert_true(str_eq(value, cases[i].err == BFF_OK ? STR(VALUE) : STR("untouched")));
    }
}

static void a_planted_second_cookie_is_never_chosen(void **state)
{
    (void)state;
    struct str value = STR("untouched");
    const char *headers[] = {
        "__Host-session=" VALUE "; __Host-session=" OTHER,
        "__Host-session=; __Host-session=" VALUE,
        "__Host-session=" VALUE "; a=b; __Host-session=" VALUE,
    };
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(cookie_find(str_from(headers[i]), &value), BFF_ERR_DUPLICATE);
    assert_true(str_eq(value, STR("untouched")));
}

static void a_header_above_the_limit_is_refused(void **state)
{
    (void)state;
    static char long_header[COOKIE_HEADER_MAX + 1];
    struct str value;
    memset(long_header, 'a', sizeof long_header);
    assert_int_equal(cookie_find((struct str){long_header, sizeof long_header}, &value),
                     BFF_ERR_TOO_LARGE);
    assert_int_equal(cookie_find((struct str){long_header, sizeof long_header - 1}, &value),
                     BFF_ERR_MISSING);
}

static void the_set_cookie_fields_have_exactly_these_bytes(void **state)
{
    (void)state;
    char memory[256];
    struct buf b = buf_make(memory, sizeof memory);
    cookie_add_set(&b, STR(VALUE));
    assert_true(str_eq(buf_str(&b),
                       STR("__Host-session=" VALUE "; Path=/; Secure; HttpOnly; SameSite=Strict")));
    b = buf_make(memory, sizeof memory);
    cookie_add_clear(&b);
    assert_true(str_eq(
        buf_str(&b), STR("__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")));
}

static void the_pending_cookie_is_another_one_with_the_same_guards(void **state)
{
    (void)state;
    char memory[256];
    struct str value = STR("untouched");
    const char *header = "__Host-session=" VALUE "; __Host-pending=half-way";
    assert_int_equal(cookie_find_pending(str_from(header), &value), BFF_OK);
    assert_true(str_eq(value, STR("half-way")));
    assert_int_equal(cookie_find_pending(STR("__Host-session=" VALUE), &value), BFF_ERR_MISSING);
    assert_int_equal(cookie_find_pending(STR("__Host-pending=a; __Host-pending=b"), &value),
                     BFF_ERR_DUPLICATE);
    struct buf b = buf_make(memory, sizeof memory);
    cookie_add_set_pending(&b, STR("half-way"), 900);
    assert_true(str_eq(buf_str(&b), STR("__Host-pending=half-way; Path=/; Max-Age=900; Secure; "
                                        "HttpOnly; SameSite=Strict")));
    b = buf_make(memory, sizeof memory);
    cookie_add_clear_pending(&b);
    assert_true(str_eq(
        buf_str(&b), STR("__Host-pending=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")));
}

static void a_backends_set_cookie_is_read_by_name(void **state)
{
    (void)state;
    struct str value;
    assert_true(cookie_read_set(STR("access=abc; HttpOnly; Path=/"), STR("access"), &value));
    assert_true(str_eq(value, STR("abc")));
    assert_true(cookie_read_set(STR(" access = \"abc\" "), STR("access"), &value));
    assert_true(str_eq(value, STR("abc")));
    assert_true(cookie_read_set(STR("access="), STR("access"), &value));
    assert_int_equal(value.n, 0);
    assert_false(cookie_read_set(STR("accessx=abc"), STR("access"), &value));
    assert_false(cookie_read_set(STR("x=1; access=abc"), STR("access"), &value));
    assert_false(cookie_read_set(STR("access"), STR("access"), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cookie_is_found_only_when_it_stands_there_once_and_whole),
        cmocka_unit_test(a_planted_second_cookie_is_never_chosen),
        cmocka_unit_test(a_header_above_the_limit_is_refused),
        cmocka_unit_test(the_set_cookie_fields_have_exactly_these_bytes),
        cmocka_unit_test(the_pending_cookie_is_another_one_with_the_same_guards),
        cmocka_unit_test(a_backends_set_cookie_is_read_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
