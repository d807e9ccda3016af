#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/problem.h"

static void a_problem_names_its_code_status_and_request(void **state)
{
    (void)state;
    char memory[PROBLEM_MAX];
    struct buf b = buf_make(memory, sizeof memory);
    problem_add(&b, BFF_ERR_CSRF_FAILED, STR("r-1"));
    assert_true(str_eq(
        buf_str(&b),
        STR("{\"type\":\"about:blank\",\"title\":\"The request did not come from this site.\","
            "\"status\":403,\"code\":\"csrf_failed\",\"request_id\":\"r-1\"}")));
}

static void what_only_our_code_sees_is_internal(void **state)
{
    (void)state;
    char memory[PROBLEM_MAX], internal[PROBLEM_MAX];
    struct buf expected = buf_make(internal, sizeof internal);
    problem_add(&expected, BFF_ERR_INTERNAL, STR("r-1"));
    for (int e = BFF_ERR_INTERNAL + 1; e < BFF_ERR_COUNT; e++) {
        struct buf b = buf_make(memory, sizeof memory);
        problem_add(&b, (enum bff_err)e, STR("r-1"));
        assert_true(str_eq(buf_str(&b), buf_str(&expected)));
    }
}

static void every_error_fits_with_a_long_request_id(void **state)
{
    (void)state;
    char memory[PROBLEM_MAX], id[128];
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = 'f';
    for (int e = 0; e < BFF_ERR_COUNT; e++) {
        struct buf b = buf_make(memory, sizeof memory);
        problem_add(&b, (enum bff_err)e, (struct str){id, sizeof id});
        assert_false(b.overflowed);
    }
}

static void a_request_id_cannot_break_out_of_its_string(void **state)
{
    (void)state;
    char memory[PROBLEM_MAX];
    struct buf b = buf_make(memory, sizeof memory);
    problem_add(&b, BFF_ERR_NOT_FOUND, STR("\",\"admin\":true,\"x\":\"\n"));
    assert_false(str_contains(buf_str(&b), STR("\"admin\":")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_names_its_code_status_and_request),
        cmocka_unit_test(what_only_our_code_sees_is_internal),
        cmocka_unit_test(every_error_fits_with_a_long_request_id),
        cmocka_unit_test(a_request_id_cannot_break_out_of_its_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
