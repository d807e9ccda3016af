#include "doctor/life.h"

#include "../arena_fixture.h"
#include "fixtures.h"

#define NOW 2000000000

static void a_life_is_said_as_people_say_it(void **state)
{
    (void)state;
    const struct {
        int64_t seconds;
        const char *words;
    } rows[] = {
        {0, "0 seconds"},           {1, "1 second"},
        {45, "45 seconds"},         {300, "5 minutes"},
        {299, "5 minutes"},         {90, "1 minute 30 seconds"},
        {3600, "1 hour"},           {86399, "1 day"},
        {86400, "1 day"},           {93600, "1 day"},
        {129600, "1 day 12 hours"}, {1209600, "14 days"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_str(life_words(rows[i].seconds, &arena), str_from(rows[i].words));
}

static void the_rule_for_an_expiry_is_compared_and_mended(void **state)
{
    (void)state;
    const struct candidate with_exp = {.is_jwt = true, .has_exp = true, .exp_s = NOW + 300};
    const struct candidate opaque = {.has_exp = false}, cookie = {.has_max_age = true};
    const struct config_expiry exp = {.kind = EXPIRY_EXP};
    const struct config_expiry in = {EXPIRY_SECONDS, STR("/expires_in"), 0};
    const struct config_expiry long_after = {EXPIRY_AFTER, {NULL, 0}, 600000};
    const struct {
        const struct candidate *token;
        struct config_expiry rule, seen;
        bool rule_reads;
        int64_t life_ms, answer;
        enum expiry_kind mended;
        size_t changes;
    } rows[] = {
        {&with_exp, exp, exp, true, 300000, 300, EXPIRY_EXP, 0},
        {&with_exp, exp, in, true, 300000, 300, EXPIRY_EXP, 0},
        {&with_exp, in, in, true, 300000, 300, EXPIRY_SECONDS, 0},
        {&with_exp, in, exp, false, 300000, 300, EXPIRY_EXP, 1},
        {&with_exp, long_after, exp, true, 600000, 300, EXPIRY_EXP, 1},
        {&opaque, long_after, exp, true, 600000, 600, EXPIRY_AFTER, 0},
        {&opaque, in, in, true, 36000, 36, EXPIRY_SECONDS, 0},
        {&opaque, exp, in, true, TOKEN_LIFE_UNKNOWN, -1, EXPIRY_SECONDS, 1},
        {&opaque, exp, exp, true, TOKEN_LIFE_UNKNOWN, -1, EXPIRY_EXP, 0},
        {&cookie, exp, exp, true, TOKEN_LIFE_UNKNOWN, -1, EXPIRY_MAX_AGE, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config_expiry rule = rows[i].rule;
        struct report report = report_make(&arena);
        const struct life_question q = {
            .key = "[login] access_expiry",
            .expiry = &rule,
            .token = rows[i].token,
            .seen = &rows[i].seen,
            .rule_reads = rows[i].rule_reads,
            .life_ms = rows[i].life_ms,
            .answered_s = NOW,
        };
        assert_int_equal(life_judge_rule(&q, &report), rows[i].answer);
        assert_int_equal(rule.kind, rows[i].mended);
        assert_int_equal(report_count(&report, FINDING_CHANGE), rows[i].changes);
    }
}

static void lives_are_compared_with_the_session(void **state)
{
    (void)state;
    struct config plan = {
        .session = {.idle_s = 43200, .absolute_s = 1209600, .refresh_ahead_s = 30}};
    const struct {
        int64_t access_s, refresh_s;
        bool rotates;
        size_t ok, note, change;
    } rows[] = {
        {300, 1209600, false, 2, 0, 0}, {300, 86400, false, 1, 1, 0}, {300, 86400, true, 2, 0, 0},
        {300, 3600, true, 1, 1, 0},     {7200, 86400, true, 1, 1, 0}, {0, 86400, true, 1, 0, 1},
        {-1, -1, true, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report report = report_make(&arena);
        life_judge_access(rows[i].access_s, &plan, &report);
        life_judge_refresh(rows[i].refresh_s, rows[i].rotates, &plan, &report);
        assert_int_equal(report_count(&report, FINDING_OK), rows[i].ok);
        assert_int_equal(report_count(&report, FINDING_NOTE), rows[i].note);
        assert_int_equal(report_count(&report, FINDING_CHANGE), rows[i].change);
    }
}

static void clocks_that_differ_are_told(void **state)
{
    (void)state;
    const struct {
        int64_t answered, iat;
        size_t ok, note, change;
    } rows[] = {
        {NOW, NOW, 1, 0, 0},         {NOW + 1, 0, 1, 0, 0},     {NOW - 1, 0, 1, 0, 0},
        {NOW + 5, NOW + 5, 0, 1, 0}, {NOW - 30, 0, 0, 1, 0},    {NOW + 3600, 0, 0, 0, 1},
        {NOW - 3600, 0, 0, 0, 1},    {NOW, NOW + 120, 1, 0, 1}, {NOW, NOW - 120, 1, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report report = report_make(&arena);
        life_judge_clocks(rows[i].answered, rows[i].iat, NOW, NOW, &report);
        assert_int_equal(report_count(&report, FINDING_OK), rows[i].ok);
        assert_int_equal(report_count(&report, FINDING_NOTE), rows[i].note);
        assert_int_equal(report_count(&report, FINDING_CHANGE), rows[i].change);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_is_said_as_people_say_it),
        cmocka_unit_test(the_rule_for_an_expiry_is_compared_and_mended),
        cmocka_unit_test(lives_are_compared_with_the_session),
        cmocka_unit_test(clocks_that_differ_are_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
