#include <stdio.h>
#include <string.h>

#include "../arena_fixture.h"
#include "fixtures.h"

static const struct config_token nowhere;

static struct scan scanned(const struct backend_answer *answer)
{
    struct scan scan;
    assert_int_equal(scan_answer(answer, &nowhere, &nowhere, &arena, &scan), BFF_OK);
    return scan;
}

static void tokens_are_found_wherever_they_stand(void **state)
{
    (void)state;
    const struct {
        const char *body, *access, *refresh; /* the pointers; NULL: none */
    } rows[] = {
        {"{\"access\":\"" ACCESS_JWT "\",\"refresh\":\"" REFRESH_JWT "\"}", "/access", "/refresh"},
        {"{\"data\":{\"tokens\":{\"a\":\"" ACCESS_JWT "\",\"b\":\"" REFRESH_JWT "\"}}}",
         "/data/tokens/a", "/data/tokens/b"},
        {"{\"x\":[1,{\"y\":\"" ACCESS_JWT "\"}]}", "/x/1/y", NULL},
        {"{\"a/b\":{\"~\":\"" ACCESS_JWT "\"}}", "/a~1b/~0", NULL},
        {"{\"token\":\"" SLIDING_JWT "\"}", "/token", "/token"},
        {"{\"jwt\":\"" SILENT_JWT "\",\"refreshToken\":\"0123456789abcdef\"}", "/jwt",
         "/refreshToken"},
        {"{\"access_token\":\"opaque-and-long\",\"token_type\":\"Bearer-Token\"}", "/access_token",
         NULL},
        {"{\"key\":\"0123456789abcdef\"}", "/key", NULL},
        {"{\"access\":\"\",\"refresh\":null}", NULL, NULL},
        {"{\"csrf_token\":\"0123456789abcdef\",\"session_token\":\"0123456789abcdef\"}", NULL,
         NULL},
        {"{\"access_expiration\":\"2033-05-18T03:38:20Z\"}", NULL, NULL},
        {"[\"" ACCESS_JWT "\"]", NULL, NULL},
        {"<html>" ACCESS_JWT "</html>", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct backend_answer answer = answer_with(200, rows[i].body);
        struct scan scan = scanned(&answer);
        const struct candidate *access = scan_best(&scan, CANDIDATE_ACCESS);
        const struct candidate *refresh = scan_best(&scan, CANDIDATE_REFRESH);
        assert_str(access ? access->place.name : STR(""), str_from(rows[i].access));
        assert_str(refresh ? refresh->place.name : STR(""), str_from(rows[i].refresh));
    }
}

static void a_token_says_itself_what_it_is_for_whatever_its_name(void **state)
{
    (void)state;
    const struct backend_answer answer = answer_with(200, "{\"access\":\"" REFRESH_JWT "\"}");
    struct scan scan = scanned(&answer);
    assert_int_equal(scan.n, 1);
    assert_int_equal(scan.found[0].kind, CANDIDATE_REFRESH);
    assert_true(scan.found[0].is_told);
    assert_int_equal(scan.found[0].exp_s, 2000086400);
    assert_int_equal(scan.found[0].iat_s, 2000000000);
}

static void a_configured_place_counts_though_its_name_says_nothing(void **state)
{
    (void)state;
    const struct backend_answer answer = answer_with(200, "{\"t\":\"0123456789abcdef\"}");
    const struct config_token access = in_json("/t");
    struct scan scan;
    assert_int_equal(scanned(&answer).n, 0);
    assert_int_equal(scan_answer(&answer, &access, &nowhere, &arena, &scan), BFF_OK);
    assert_int_equal(scan.n, 1);
    assert_int_equal(scan.found[0].kind, CANDIDATE_ACCESS);
    assert_false(scan.found[0].is_jwt);
    assert_non_null(scan_at(&scan, &access.places[0]));
}

static void cookies_are_looked_at_with_their_attributes(void **state)
{
    (void)state;
    struct backend_answer answer = answer_with(200, "{\"refresh\":\"\"}");
    answer.set_cookie[0] = STR("csrftoken=0123456789abcdef; Path=/");
    answer.set_cookie[1] = STR("jwt-auth=" ACCESS_JWT "; HttpOnly; Max-Age=300");
    answer.set_cookie[2] = STR("jwt-refresh=" REFRESH_JWT "; path=/auth/refresh; HttpOnly");
    answer.set_cookie[3] = STR("old=; Max-Age=0");
    answer.n_set_cookie = 4;
    struct scan scan = scanned(&answer);
    assert_int_equal(scan.n, 2);
    assert_str(scan.found[0].place.name, STR("jwt-auth"));
    assert_true(scan.found[0].has_max_age);
    assert_str(scan.found[1].path, STR("/auth/refresh"));
    assert_int_equal(scan.found[1].place.place, TOKEN_IN_COOKIE);
    assert_str(scan.cookies, STR("csrftoken, jwt-auth, jwt-refresh, old"));
}

static void a_cookie_that_no_line_of_bff_conf_can_name_is_passed_over(void **state)
{
    (void)state;
    struct backend_answer answer = answer_with(200, "{}");
    answer.set_cookie[0] = STR("a b=" ACCESS_JWT);
    answer.set_cookie[1] = STR("\x1B[2J=" ACCESS_JWT);
    answer.set_cookie[2] = STR("=" ACCESS_JWT);
    answer.n_set_cookie = 3;
    assert_int_equal(scanned(&answer).n, 0);
}

static void expiry_members_and_a_user_are_found(void **state)
{
    (void)state;
    const struct backend_answer answer = answer_with(
        200, "{\"data\":{\"expires_in\":300},\"refresh_expiration\":\"2033-05-18T03:38:20Z\","
             "\"account\":{\"id\":1},\"user\":\"alice\"}");
    struct scan scan = scanned(&answer);
    assert_int_equal(scan.access_expiry.kind, EXPIRY_SECONDS);
    assert_str(scan.access_expiry.pointer, STR("/data/expires_in"));
    assert_int_equal(scan.refresh_expiry.kind, EXPIRY_TIME);
    assert_str(scan.refresh_expiry.pointer, STR("/refresh_expiration"));
    assert_str(scan.user, STR("/account"));
    assert_str(scan.members, STR("data, refresh_expiration, account, user"));
}

static void a_number_since_the_epoch_is_a_time(void **state)
{
    (void)state;
    const struct backend_answer answer = answer_with(200, "{\"expires_at\":2000000300}");
    assert_int_equal(scanned(&answer).access_expiry.kind, EXPIRY_TIME);
}

static void depth_and_number_are_bounded(void **state)
{
    (void)state;
    char deep[4096] = {0}, wide[8192] = "{";
    for (int i = 0; i < 40; i++)
        strcat(deep, "{\"a\":");
    strcat(deep, "\"" ACCESS_JWT "\"");
    for (int i = 0; i < 40; i++)
        strcat(deep, "}");
    for (int i = 0; i < 60; i++)
        snprintf(wide + strlen(wide), sizeof wide - strlen(wide),
                 "%s\"access%d\":\"0123456789abcdef\"", i > 0 ? "," : "", i);
    strcat(wide, "}");
    const struct backend_answer deep_answer = answer_with(200, deep);
    const struct backend_answer wide_answer = answer_with(200, wide);
    assert_int_equal(scanned(&deep_answer).n, 0);
    assert_int_equal(scanned(&wide_answer).n, SCAN_MAX);
}

static void a_member_that_no_line_of_bff_conf_can_name_is_passed_over(void **state)
{
    (void)state;
    const struct backend_answer answer =
        answer_with(200, "{\"my access\":\"" ACCESS_JWT "\",\"\xC3\xA9\":\"" ACCESS_JWT "\"}");
    assert_int_equal(scanned(&answer).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_found_wherever_they_stand),
        cmocka_unit_test(a_token_says_itself_what_it_is_for_whatever_its_name),
        cmocka_unit_test(a_configured_place_counts_though_its_name_says_nothing),
        cmocka_unit_test(cookies_are_looked_at_with_their_attributes),
        cmocka_unit_test(a_cookie_that_no_line_of_bff_conf_can_name_is_passed_over),
        cmocka_unit_test(expiry_members_and_a_user_are_found),
        cmocka_unit_test(a_number_since_the_epoch_is_a_time),
        cmocka_unit_test(depth_and_number_are_bounded),
        cmocka_unit_test(a_member_that_no_line_of_bff_conf_can_name_is_passed_over),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
