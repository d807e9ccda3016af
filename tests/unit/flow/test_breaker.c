#include "../../assert_str.h"

#include "flow/breaker.h"

#define NOW 1000000

static bool admits(struct breaker *b, int64_t now_ms)
{
    int64_t wait_ms;
    return breaker_admits(b, now_ms, &wait_ms);
}

static void without_trouble_every_attempt_goes_out(void **state)
{
    (void)state;
    struct breaker b = {0};
    assert_true(admits(&b, NOW));
    assert_true(admits(&b, NOW));
    breaker_tell(&b, true, NOW);
    assert_true(admits(&b, NOW));
}

static void after_a_failure_one_attempt_a_second_goes_out(void **state)
{
    (void)state;
    struct breaker b = {0};
    int64_t wait_ms;
    breaker_tell(&b, false, NOW);
    assert_false(breaker_admits(&b, NOW + 1, &wait_ms));
    assert_int_equal(wait_ms, BREAKER_PROBE_MS - 1);
    assert_true(admits(&b, NOW + BREAKER_PROBE_MS));
    assert_false(breaker_admits(&b, NOW + BREAKER_PROBE_MS, &wait_ms));
    assert_int_equal(wait_ms, BREAKER_PROBE_MS);
    breaker_tell(&b, false, NOW + BREAKER_PROBE_MS + 10);
    assert_false(admits(&b, NOW + 2 * BREAKER_PROBE_MS - 1));
    assert_true(admits(&b, NOW + 2 * BREAKER_PROBE_MS));
}

/* Many were under way when the backend went: the last of them to fail does not put it off. */
static void failures_in_a_row_do_not_put_the_next_attempt_off(void **state)
{
    (void)state;
    struct breaker b = {0};
    breaker_tell(&b, false, NOW);
    breaker_tell(&b, false, NOW + 900);
    assert_true(admits(&b, NOW + BREAKER_PROBE_MS));
}

static void an_answer_ends_the_trouble_for_all(void **state)
{
    (void)state;
    struct breaker b = {0};
    breaker_tell(&b, false, NOW);
    assert_true(admits(&b, NOW + BREAKER_PROBE_MS));
    breaker_tell(&b, true, NOW + BREAKER_PROBE_MS + 5);
    assert_true(admits(&b, NOW + BREAKER_PROBE_MS + 5));
    assert_true(admits(&b, NOW + BREAKER_PROBE_MS + 5));
}

/* For a worker whom nobody asked for long, a trouble that it knows of may be over. */
static void a_trouble_is_as_long_as_attempts_have_failed(void **state)
{
    (void)state;
    struct breaker b = {0};
    assert_false(breaker_is_in_trouble(&b));
    assert_int_equal(breaker_trouble_ms(&b), 0);
    breaker_tell(&b, false, NOW);
    assert_true(breaker_is_in_trouble(&b));
    assert_int_equal(breaker_trouble_ms(&b), 0);
    breaker_tell(&b, false, NOW + 2500);
    assert_int_equal(breaker_trouble_ms(&b), 2500);
    breaker_tell(&b, true, NOW + 3000);
    assert_false(breaker_is_in_trouble(&b));
    breaker_tell(&b, false, NOW + 9000);
    assert_int_equal(breaker_trouble_ms(&b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_trouble_every_attempt_goes_out),
        cmocka_unit_test(after_a_failure_one_attempt_a_second_goes_out),
        cmocka_unit_test(failures_in_a_row_do_not_put_the_next_attempt_off),
        cmocka_unit_test(an_answer_ends_the_trouble_for_all),
        cmocka_unit_test(a_trouble_is_as_long_as_attempts_have_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
