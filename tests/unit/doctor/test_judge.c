#include "doctor/judge.h"

#include "../arena_fixture.h"
#include "fixtures.h"

static const struct candidate *judged(const char *body, enum candidate_kind kind,
                                      struct config_token *token, struct report *report)
{
    static struct scan scan;
    const struct backend_answer answer = answer_with(200, body);
    const struct judge_question q = {CHAPTER_TOKENS, "[login] place", kind, token};
    bool is_access = kind == CANDIDATE_ACCESS;
    *report = report_make(&arena);
    assert_int_equal(
        scan_answer(&answer, is_access ? token : NULL, is_access ? NULL : token, &arena, &scan),
        BFF_OK);
    return judge_token(&q, &scan, report);
}

#define BOTH "{\"access\":\"" ACCESS_JWT "\",\"refresh\":\"" REFRESH_JWT "\"}"

static void where_a_token_stands_is_compared_and_mended(void **state)
{
    (void)state;
    const struct {
        const char *body;
        enum candidate_kind kind;
        const char *configured, *mended;
        size_t changes;
    } rows[] = {
        {BOTH, CANDIDATE_ACCESS, "/access", "/access", 0},
        {BOTH, CANDIDATE_REFRESH, "/refresh", "/refresh", 0},
        {BOTH, CANDIDATE_ACCESS, "/token", "/access", 1},
        {BOTH, CANDIDATE_ACCESS, "/refresh", "/access", 1},
        {BOTH, CANDIDATE_REFRESH, "/access", "/refresh", 1},
        {"{\"t\":{\"a\":\"" ACCESS_JWT "\"}}", CANDIDATE_ACCESS, "/a", "/t/a", 1},
        {"{\"token\":\"" SLIDING_JWT "\"}", CANDIDATE_ACCESS, "/token", "/token", 0},
        {"{\"token\":\"" SLIDING_JWT "\"}", CANDIDATE_REFRESH, "/token", "/token", 0},
        {"{\"id\":\"0123456789abcdef\"}", CANDIDATE_ACCESS, "/id", "/id", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config_token token = in_json(rows[i].configured);
        struct report report;
        assert_non_null(judged(rows[i].body, rows[i].kind, &token, &report));
        assert_int_equal(report_count(&report, FINDING_CHANGE), rows[i].changes);
        assert_int_equal(token.n, 1);
        assert_str(token.places[0].name, str_from(rows[i].mended));
    }
}

static void what_has_to_change_is_said_as_a_line(void **state)
{
    (void)state;
    struct config_token token = in_json("/token");
    struct report report;
    judged(BOTH, CANDIDATE_ACCESS, &token, &report);
    assert_str(last_finding(&report)->remedy, STR("[login] place = json:/access"));
}

static void a_token_that_nothing_takes_out_gets_a_place(void **state)
{
    (void)state;
    const char *bodies[] = {
        "{\"access\":\"" ACCESS_JWT "\",\"user\":{\"token\":\"" ACCESS_JWT "\"}}",
        "{\"access\":\"opaque-and-long\",\"user\":{\"token\":\"opaque-and-long\"}}",
    };
    for (size_t i = 0; i < 2; i++) {
        struct config_token token = in_json("/access");
        struct report report;
        judged(bodies[i], CANDIDATE_ACCESS, &token, &report);
        assert_int_equal(report_count(&report, FINDING_CHANGE), 1);
        assert_int_equal(token.n, 2);
        assert_str(last_finding(&report)->remedy,
                   STR("[login] place = json:/access json:/user/token"));
    }
}

static void no_token_at_all_is_for_the_caller_to_report(void **state)
{
    (void)state;
    struct config_token token = in_json("/access");
    struct report report;
    assert_null(judged("{\"detail\":\"mail sent\"}", CANDIDATE_ACCESS, &token, &report));
    assert_int_equal(report.n, 0);
    assert_str(token.places[0].name, STR("/access"));
}

static void a_cookie_with_a_narrow_path_is_harmless_and_said(void **state)
{
    (void)state;
    struct backend_answer answer = answer_with(200, "{\"access\":\"" ACCESS_JWT "\"}");
    struct config_token token = in_cookie("r");
    const struct judge_question q = {CHAPTER_TOKENS, "[login] refresh", CANDIDATE_REFRESH, &token};
    struct report report = report_make(&arena);
    struct scan scan;
    answer.set_cookie[0] = STR("r=" REFRESH_JWT "; Path=/api/token/refresh/; HttpOnly");
    answer.n_set_cookie = 1;
    assert_int_equal(scan_answer(&answer, NULL, &token, &arena, &scan), BFF_OK);
    assert_non_null(judge_token(&q, &scan, &report));
    assert_int_equal(report_count(&report, FINDING_CHANGE), 0);
    assert_true(str_contains(last_finding(&report)->says, STR("/api/token/refresh/")));
}

static void an_answer_is_described_by_names_only(void **state)
{
    (void)state;
    const struct backend_answer answer =
        answer_with(200, "{\"message\":\"secret words\",\"code\":7}");
    struct scan scan;
    struct str words;
    assert_int_equal(scan_answer(&answer, NULL, NULL, &arena, &scan), BFF_OK);
    judge_describe_answer(&scan, &arena, &words);
    assert_str(words, STR("its members: message, code"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_a_token_stands_is_compared_and_mended),
        cmocka_unit_test(what_has_to_change_is_said_as_a_line),
        cmocka_unit_test(a_token_that_nothing_takes_out_gets_a_place),
        cmocka_unit_test(no_token_at_all_is_for_the_caller_to_report),
        cmocka_unit_test(a_cookie_with_a_narrow_path_is_harmless_and_said),
        cmocka_unit_test(an_answer_is_described_by_names_only),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
