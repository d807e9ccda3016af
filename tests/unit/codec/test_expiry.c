#include "codec/expiry.h"
#include "fixtures.h"

#define NOW 1700000000
#define UNKNOWN TOKEN_LIFE_UNKNOWN
#define MAX TOKEN_LIFE_MAX_MS

static const struct config_expiry by_exp = {.kind = EXPIRY_EXP},
                                  by_max_age = {.kind = EXPIRY_MAX_AGE};

/* The life of a token whose `exp` is 60 seconds away, so that 60000 is the fallback. */
static int64_t life_of(enum expiry_kind kind, const char *body, const char *set_cookie)
{
    const struct config_expiry rule = {kind, {"/e", 2}, 0};
    struct expiry_evidence evidence = {
        .received_s = NOW,
        .has_exp = true,
        .exp_s = NOW + 60,
        .body = body ? json_read(str_from(body)) : NULL,
        .set_cookie = str_from(set_cookie),
    };
    int64_t life_ms = expiry_life_ms(&rule, &evidence);
    json_decref(evidence.body);
    return life_ms;
}

struct row {
    const char *text;
    int64_t life_ms;
};

static void assert_lives(enum expiry_kind kind, const struct row *rows, size_t n)
{
    bool in_cookie = kind == EXPIRY_MAX_AGE;
    for (size_t i = 0; i < n; i++) {
        int64_t life_ms =
            life_of(kind, in_cookie ? "{}" : rows[i].text, in_cookie ? rows[i].text : NULL);
        if (life_ms != rows[i].life_ms)
            fail_msg("%s: %lld", rows[i].text, (long long)life_ms);
    }
}

#define ASSERT_LIVES(kind, rows) assert_lives(kind, rows, sizeof rows / sizeof *rows)

static void without_a_rule_the_claim_decides(void **state)
{
    (void)state;
    struct expiry_evidence e = {.received_s = NOW, .has_exp = true, .exp_s = NOW + 300};
    assert_true(expiry_life_ms(&by_exp, &e) == 300000);
    e.exp_s = NOW;
    assert_true(expiry_life_ms(&by_exp, &e) == 0);
    e.exp_s = INT64_MIN;
    assert_true(expiry_life_ms(&by_exp, &e) == 0);
    e.exp_s = INT64_MAX, e.received_s = INT64_MIN;
    assert_true(expiry_life_ms(&by_exp, &e) == MAX);
    e.has_exp = false;
    assert_true(expiry_life_ms(&by_exp, &e) == UNKNOWN);
}

static void a_number_of_seconds_is_a_life(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"e\":3600}", 3600000},
        {"{\"e\":0}", 0},
        {"{\"e\":299.7}", 299000},
        {"{\"e\":\"3600\"}", 3600000},
        {"{\"e\":9223372036854775807}", MAX},
        {"{\"e\":\"99999999999999999999999999\"}", MAX},
        {"{\"e\":1e12}", MAX},
    };
    ASSERT_LIVES(EXPIRY_SECONDS, rows);
}

static void a_time_is_a_life_from_the_answer_on(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"e\":\"2023-11-14T22:18:20.123456Z\"}", 300000}, /* NOW is 22:13:20 */
        {"{\"e\":\"2023-11-14T22:18:20+00:00\"}", 300000},
        {"{\"e\":\"2023-11-14 22:18:20\"}", 300000},
        {"{\"e\":\"2023-11-14T23:18:20+01:00\"}", 300000},
        {"{\"e\":1700000300}", 300000},
        {"{\"e\":1700000300.75}", 300000},
        {"{\"e\":\"1700000300\"}", 300000},
        {"{\"e\":\"2023-11-14T22:13:20Z\"}", 0},
        {"{\"e\":\"1970-01-01T00:00:00Z\"}", 0},
        {"{\"e\":-9223372036854775808}", 0},
        {"{\"e\":0}", 0},
        {"{\"e\":9223372036854775807}", MAX},
        {"{\"e\":\"9999-12-31T23:59:59Z\"}", MAX},
    };
    ASSERT_LIVES(EXPIRY_TIME, rows);
}

static void what_the_body_does_not_say_the_claim_does(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{}", 60000},
        {"{\"e\":null}", 60000},
        {"{\"e\":true}", 60000},
        {"{\"e\":\"\"}", 60000},
        {"{\"e\":\"soon\"}", 60000},
        {"{\"e\":[3600]}", 60000},
        {"{\"e\":{}}", 60000},
        {"{\"e\":\"-3600\"}", 60000},
        {"{\"e\":\"3600 \"}", 60000},
        {"{\"e\":1e300}", 60000},
        {"{\"e\":\"1e3\"}", 60000},
        {"{\"x\":{\"e\":5}}", 60000},
    };
    ASSERT_LIVES(EXPIRY_SECONDS, rows);
    ASSERT_LIVES(EXPIRY_TIME, rows);
    assert_true(life_of(EXPIRY_SECONDS, NULL, NULL) == 60000);
    assert_true(life_of(EXPIRY_TIME, NULL, NULL) == 60000);
}

/* Seen as "does not expire", which is not for us to believe. */
static void a_life_below_zero_is_none(void **state)
{
    (void)state;
    static const struct row rows[] = {{"{\"e\":-1}", 60000}, {"{\"e\":-1.5}", 60000}};
    ASSERT_LIVES(EXPIRY_SECONDS, rows);
}

static void a_cookie_lives_by_max_age_before_expires(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"t=a.b; Max-Age=300", 300000},
        {"t=a.b; HttpOnly; max-age = 300 ; Path=/", 300000},
        {"t=a.b; Max-Age=300; Max-Age=400", 400000},
        {"t=a.b; Max-Age=300; Max-Age=soon", 300000},
        {"t=a.b; Max-Age=0", 0},
        {"t=a.b; Max-Age=-1", 0},
        {"t=a.b; Max-Age=-99999999999999999999999", 0},
        {"t=a.b; Max-Age=99999999999999999999999", MAX},
        {"t=a.b; Expires=Tue, 14 Nov 2023 22:18:20 GMT", 300000},
        {"t=a.b; expires=\"Tue, 14-Nov-23 22:18:20 GMT\"", 300000},
        {"t=a.b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"t=a.b; Expires=Fri, 31 Dec 9999 23:59:59 GMT", MAX},
        {"t=a.b; Expires=never; Expires=Tue, 14 Nov 2023 22:18:20 GMT", 300000},
        {"t=a.b; Expires=Tue, 14 Nov 2023 22:18:20 GMT; Expires=never", 300000},
        {"t=a.b; Max-Age=100; Expires=Tue, 14 Nov 2023 22:18:20 GMT", 100000},
        {"t=a.b; Expires=Tue, 14 Nov 2023 22:18:20 GMT; Max-Age=100", 100000},
        {"t=a.b; Expires=Tue, 14 Nov 2023 22:18:20 GMT; Max-Age=", 300000},
        {"t=a.b; Expires=Tue, 14 Nov 2023 22:18:20 GMT; Max-Age=1d", 300000},
    };
    ASSERT_LIVES(EXPIRY_MAX_AGE, rows);
}

static void a_cookie_without_a_readable_life_lives_by_the_claim(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", 60000},
        {"t=a.b", 60000},
        {"Max-Age=300", 60000}, /* the cookie's name and value */
        {"t=a.b; Path=/; HttpOnly", 60000},
        {"t=a.b; Max-Age", 60000},
        {"t=a.b; Max-Age=", 60000},
        {"t=a.b; Max-Age=-", 60000},
        {"t=a.b; Max-Age=+300", 60000},
        {"t=a.b; Max-Age=\"300\"", 60000},
        {"t=a.b; Max-Age=3e2", 60000},
        {"t=a.b; X-Max-Age=300", 60000},
        {"t=a.b; Expires=never", 60000},
        {"t=a.b; Expires", 60000},
        {";;;=;=;", 60000},
    };
    ASSERT_LIVES(EXPIRY_MAX_AGE, rows);
    struct expiry_evidence opaque = {.received_s = NOW, .set_cookie = STR("t=a.b")};
    assert_true(expiry_life_ms(&by_max_age, &opaque) == UNKNOWN);
}

static void a_fixed_life_asks_nobody(void **state)
{
    (void)state;
    const struct config_expiry rule = {.kind = EXPIRY_AFTER, .after_ms = 300000};
    struct expiry_evidence e = {.received_s = NOW, .has_exp = true, .exp_s = NOW - 1};
    assert_true(expiry_life_ms(&rule, &e) == 300000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_rule_the_claim_decides),
        cmocka_unit_test(a_number_of_seconds_is_a_life),
        cmocka_unit_test(a_time_is_a_life_from_the_answer_on),
        cmocka_unit_test(what_the_body_does_not_say_the_claim_does),
        cmocka_unit_test(a_life_below_zero_is_none),
        cmocka_unit_test(a_cookie_lives_by_max_age_before_expires),
        cmocka_unit_test(a_cookie_without_a_readable_life_lives_by_the_claim),
        cmocka_unit_test(a_fixed_life_asks_nobody),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
