#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

static void every_error_has_a_status_a_code_and_a_sentence(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BFF_ERR_COUNT; i++) {
        enum bff_err e = (enum bff_err)i;
        struct str sentence = err_sentence(e);
        assert_true(e == BFF_OK ? err_status(e) == 200
                                : err_status(e) >= 400 && err_status(e) < 600);
        assert_true(err_code(e).n > 0);
        assert_true(sentence.n > 0 && sentence.p[sentence.n - 1] == '.');
    }
}

static void a_code_names_one_error(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BFF_ERR_COUNT; i++)
        assert_int_equal(err_from_code(err_code((enum bff_err)i)), i);
}

/* A code becomes a header value and a key that scripts compare. */
static void a_code_is_lower_case_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BFF_ERR_COUNT; i++) {
        struct str code = err_code((enum bff_err)i);
        for (size_t k = 0; k < code.n; k++)
            assert_true((code.p[k] >= 'a' && code.p[k] <= 'z') || code.p[k] == '_');
    }
}

static void an_unknown_code_is_an_internal_error(void **state)
{
    (void)state;
    assert_int_equal(err_from_code(STR("no_such_code")), BFF_ERR_INTERNAL);
    assert_int_equal(err_from_code(STR("")), BFF_ERR_INTERNAL);
    assert_int_equal(err_from_code((struct str){NULL, 0}), BFF_ERR_INTERNAL);
}

static void what_a_browser_is_told_has_the_status_of_the_contract(void **state)
{
    (void)state;
    assert_int_equal(err_status(BFF_ERR_NOT_AUTHENTICATED), 401);
    assert_int_equal(err_status(BFF_ERR_SESSION_EXPIRED), 401);
    assert_int_equal(err_status(BFF_ERR_CSRF_FAILED), 403);
    assert_int_equal(err_status(BFF_ERR_TOKEN_ENDPOINT), 404);
    assert_int_equal(err_status(BFF_ERR_REFRESH_UNAVAILABLE), 503);
    assert_int_equal(err_status(BFF_ERR_STORE_UNAVAILABLE), 503);
    assert_int_equal(err_status(BFF_ERR_OVERLOADED), 503);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_status_a_code_and_a_sentence),
        cmocka_unit_test(a_code_names_one_error),
        cmocka_unit_test(a_code_is_lower_case_words),
        cmocka_unit_test(an_unknown_code_is_an_internal_error),
        cmocka_unit_test(what_a_browser_is_told_has_the_status_of_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
