#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/policy.h"

static void the_nearest_limit_decides(void **state)
{
    (void)state;
    const struct {
        struct session_clocks clocks;
        enum session_step step;
    } rows[] = {
        {{60000, 30000, 60000, 60000, 60000}, STEP_PASS},
        {{30001, 1, 60000, 60000, 1}, STEP_PASS},
        {{30000, 0, 60000, 60000, 1}, STEP_PASS_AND_RENEW},
        {{1, -29999, 60000, 60000, 1}, STEP_PASS_AND_RENEW},
        {{0, -30000, 60000, 60000, 1}, STEP_RENEW_FIRST},
        {{-5, -5, 60000, 60000, 1}, STEP_RENEW_FIRST},
        {{INT64_MAX, INT64_MAX, 60000, 60000, 1}, STEP_PASS},
        {{60000, 60000, 60000, 60000, 0}, STEP_TOUCH},
        {{0, 0, 60000, 60000, 0}, STEP_TOUCH},
        {{60000, 60000, 0, 60000, 1}, STEP_ENDED},
        {{60000, 60000, 60000, 0, 1}, STEP_ENDED},
        {{0, 0, -1, -1, -1}, STEP_ENDED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(policy_for_call(rows[i].clocks), rows[i].step);
}

static void a_short_lived_token_is_not_refreshed_by_every_call(void **state)
{
    (void)state;
    assert_int_equal(policy_refresh_ahead_ms(30000, 300000, 0), 30000);
    assert_int_equal(policy_refresh_ahead_ms(30000, 30000, 0), 7500);
    assert_int_equal(policy_refresh_ahead_ms(0, 30000, 0), 0);
    assert_int_equal(policy_refresh_ahead_ms(30000, 0, 0), 0);
}

static void tokens_granted_together_are_not_refreshed_together(void **state)
{
    (void)state;
    assert_int_equal(policy_refresh_ahead_ms(30000, 300000, UINT8_MAX), 7500);
    assert_int_equal(policy_refresh_ahead_ms(30000, 30000, UINT8_MAX), 1875);
    assert_int_equal(policy_refresh_ahead_ms(0, 30000, UINT8_MAX), 0);
    for (uint8_t spread = 0; spread < UINT8_MAX; spread++) {
        int64_t step_ms = policy_refresh_ahead_ms(30000, 300000, spread) -
                          policy_refresh_ahead_ms(30000, 300000, spread + 1);
        assert_in_range(step_ms, 22500 / 256, 22500 / 255 + 1);
    }
}

static void a_refused_token_is_refreshed_only_if_nobody_has_done_so(void **state)
{
    (void)state;
    assert_true(policy_must_refresh(3, 3));
    assert_false(policy_must_refresh(3, 4));
    assert_true(policy_must_refresh(4, 3));
    assert_true(policy_must_refresh(0, 3));
    assert_true(policy_must_refresh(3, 0));
}

static void retry_after_is_whole_seconds_and_never_zero(void **state)
{
    (void)state;
    assert_int_equal(policy_retry_after_s(-5), 1);
    assert_int_equal(policy_retry_after_s(0), 1);
    assert_int_equal(policy_retry_after_s(1000), 1);
    assert_int_equal(policy_retry_after_s(1001), 2);
    assert_int_equal(policy_retry_after_s(30000), 30);
}

#define FAR INT64_MAX

/* At 100.25 s: nginx uses what it keeps until the last second that is named has gone by. */
static void what_nginx_keeps_ends_before_anything_changes(void **state)
{
    (void)state;
    const struct {
        struct session_clocks clocks;
        uint32_t keep_s;
        int64_t last_s;
    } rows[] = {
        {{FAR, FAR, FAR, FAR, FAR}, 1, 101},     {{FAR, FAR, FAR, FAR, FAR}, 10, 110},
        {{1750, FAR, FAR, FAR, FAR}, 1, 101}, /* all of second 101 is before 102.00 */
        {{1749, FAR, FAR, FAR, FAR}, 1, 100},    {{FAR, 1749, FAR, FAR, FAR}, 1, 100},
        {{FAR, FAR, 1749, FAR, FAR}, 1, 100},    {{FAR, FAR, FAR, 1749, FAR}, 1, 100},
        {{FAR, FAR, FAR, FAR, 1749}, 1, 100},    {{FAR, FAR, FAR, FAR, 750}, 1, 100},
        {{FAR, FAR, FAR, FAR, 749}, 1, 0},       {{749, FAR, FAR, FAR, FAR}, 1, 0},
        {{FAR, 0, FAR, FAR, FAR}, 1, 0},         {{-5000, FAR, FAR, FAR, FAR}, 1, 0},
        {{FAR, INT64_MIN, FAR, FAR, FAR}, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(policy_keep_until_s(rows[i].clocks, 100250, rows[i].keep_s),
                         rows[i].last_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_limit_decides),
        cmocka_unit_test(what_nginx_keeps_ends_before_anything_changes),
        cmocka_unit_test(a_short_lived_token_is_not_refreshed_by_every_call),
        cmocka_unit_test(tokens_granted_together_are_not_refreshed_together),
        cmocka_unit_test(a_refused_token_is_refreshed_only_if_nobody_has_done_so),
        cmocka_unit_test(retry_after_is_whole_seconds_and_never_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
