/* Tokens that stand in several places, and what stands beside them. */
#include "answers.h"
#include "codec/json.h"

#define ACCESS "access-token-of-30-characters."
#define REFRESH "refresh-token-of-31-characters."
#define PENDING "pending-token-of-31-characters."

static void the_first_place_that_holds_something_counts(void **state)
{
    (void)state;
    static const struct {
        const char *places, *body, *cookie, *token;
    } rows[] = {
        {"json:/a json:/b", "{\"a\":\"one\",\"b\":\"two\"}", NULL, "one"},
        {"json:/b json:/a", "{\"a\":\"one\",\"b\":\"two\"}", NULL, "two"},
        {"json:/a json:/b", "{\"a\":\"\",\"b\":\"two\"}", NULL, "two"},
        {"json:/a json:/b", "{\"a\":null,\"b\":\"two\"}", NULL, "two"},
        {"json:/a json:/b", "{\"b\":\"two\"}", NULL, "two"},
        {"json:/a cookie:c", "{\"a\":\"one\"}", "c=three", "one"},
        {"json:/a cookie:c", "{\"a\":\"\"}", "c=three", "three"},
        {"cookie:c json:/a", "{\"a\":\"one\"}", "c=three", "three"},
        {"cookie:c json:/a", "{\"a\":\"one\"}", "c=; Max-Age=0", "one"},
        {"cookie:c json:/a", "{\"a\":\"one\"}", "d=three", "one"},
        {"cookie:x json:/x cookie:c json:/a", "{\"a\":\"one\"}", "c=three", "three"},
        {"cookie:c json:/a", "{\"a\":[1]}", "c=three", "three"},
        {"json:/a json:/b", "{\"a\":\"one\",\"b\":7}", NULL, "one"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct backend_answer answer = answer_of(200, str_from(rows[i].body));
        struct backend_tokens t;
        config.login.access = at(rows[i].places);
        if (rows[i].cookie)
            add_cookie(&answer, str_from(rows[i].cookie));
        struct str body = taken(&answer, &t);
        assert_str(t.access, str_from(rows[i].token));
        assert_false(backend_shows_token(body));
        /* Every place is emptied, whichever counted. */
        if (!str_contains(str_from(rows[i].places), STR("json:/b")))
            continue;
        assert_str(body, STR("{}"));
    }
}

/* dj-rest-auth: the refresh token is in the body or, with JWT_AUTH_HTTPONLY, empty there and in a
 * cookie. */
static void one_configuration_fits_both_modes_of_a_backend(void **state)
{
    (void)state;
    struct backend_tokens t;
    config.login.access = at("json:/access cookie:jwt-auth");
    config.login.refresh = at("json:/refresh cookie:jwt-refresh");
    struct backend_answer answer =
        answer_of(200, STR("{\"access\":\"a.b\",\"refresh\":\"\",\"user\":{\"pk\":1}}"));
    add_cookie(&answer, STR("jwt-auth=a.b; HttpOnly; Path=/"));
    add_cookie(&answer, STR("jwt-refresh=c.d; HttpOnly; Path=/"));
    assert_str(taken(&answer, &t), STR("{\"user\":{\"pk\":1}}"));
    assert_str(t.access, STR("a.b"));
    assert_str(t.refresh, STR("c.d"));
    answer = answer_of(200, STR("{\"access\":\"a.b\",\"refresh\":\"e.f\",\"user\":{\"pk\":1}}"));
    assert_str(taken(&answer, &t), STR("{\"user\":{\"pk\":1}}"));
    assert_str(t.refresh, STR("e.f"));
}

static void elements_of_an_array_are_taken_without_shifting_the_others(void **state)
{
    (void)state;
    struct backend_tokens t;
    config.login.access = at("json:/t/0");
    config.login.refresh = at("json:/t/1");
    const struct backend_answer answer =
        answer_of(200, STR("{\"t\":[\"short\",\"other\",\"kind\"]}"));
    assert_str(taken(&answer, &t), STR("{\"t\":[null,null,\"kind\"]}"));
    assert_str(t.refresh, STR("other"));
}

static void with_a_token_in_a_cookie_the_body_may_be_anything(void **state)
{
    (void)state;
    const char *bodies[] = {"", "Welcome.", "<html>", "null", "[1]", "\"text\"", " {\"a\" : 1.10}"};
    config.login.access = at("json:/access cookie:access");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct backend_answer answer = answer_of(201, str_from(bodies[i]));
        struct backend_tokens t;
        add_cookie(&answer, STR("access=a.b"));
        assert_str(taken(&answer, &t), answer.body);
        assert_str(t.access, STR("a.b"));
        answer.n_set_cookie = 0;
        assert_not_taken(&answer, BFF_ERR_MISSING);
    }
}

/* What the pointers lead to could not be taken out, and another parser might find it. */
static void a_body_that_only_starts_as_json_is_refused(void **state)
{
    (void)state;
    const char *bodies[] = {"{\"refresh\":\"secret\"", "{\"refresh\":\"a\",\"refresh\":\"b\"}",
                            "\xEF\xBB\xBF{\"refresh\":\"secret\"}", " [\"\xFF\"]",
                            "\r\n\t{\"refresh\":\"secret\"}trailing"};
    config.login.access = at("cookie:access");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct backend_answer answer = answer_of(200, str_from(bodies[i]));
        struct backend_tokens t;
        config.login.refresh = at("json:/refresh");
        add_cookie(&answer, STR("access=a.b"));
        assert_not_taken(&answer, BFF_ERR_MALFORMED);
        config.login.refresh = at("cookie:refresh");
        assert_str(taken(&answer, &t), answer.body);
    }
}

static void a_token_of_any_place_may_not_stand_elsewhere_too(void **state)
{
    (void)state;
    config.login.access = at("json:/access cookie:access");
    config.login.refresh = at("json:/refresh json:/old");
    config.pending.token = at("json:/meta/session_token");
    const char *bodies[] = {
        "{\"access\":\"other\",\"key\":\"" ACCESS "\"}",
        "{\"access\":\"" ACCESS "\",\"key\":\"" ACCESS "\"}",
        "{\"access\":\"a\",\"refresh\":\"b\",\"old\":\"" REFRESH "\",\"key\":\"x " REFRESH "\"}",
        "{\"access\":\"a\",\"meta\":{\"session_token\":\"" PENDING "\"},\"key\":\"" PENDING "\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct backend_answer answer = answer_of(200, str_from(bodies[i]));
        add_cookie(&answer, STR("access=" ACCESS));
        assert_not_taken(&answer, BFF_ERR_MALFORMED);
    }
}

static void the_pending_token_goes_with_the_others(void **state)
{
    (void)state;
    static const struct {
        const char *body, *rest;
    } rows[] = {
        {"{\"meta\":{\"session_token\":\"s\",\"access\":\"a\",\"x\":1}}", "{\"meta\":{\"x\":1}}"},
        {"{\"meta\":{\"session_token\":null,\"access\":\"a\"}}", "{\"meta\":{}}"},
        {"{\"meta\":{\"session_token\":{\"x\":1},\"access\":\"a\"}}", "{\"meta\":{}}"},
        {"{\"meta\":{\"access\":\"a\"}}", "{\"meta\":{}}"},
    };
    config.login.access = at("json:/meta/access");
    config.pending.token = at("json:/meta/session_token");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct backend_answer answer = answer_of(200, str_from(rows[i].body));
        struct backend_tokens t;
        assert_str(taken(&answer, &t), str_from(rows[i].rest));
    }
}

static void a_capture_has_places_of_its_own(void **state)
{
    (void)state;
    struct backend_tokens t;
    struct str body;
    const struct backend_answer answer =
        answer_of(201, STR("{\"tokens\":{\"access\":\"a.b\",\"refresh\":\"c.d\"},\"id\":3}"));
    config.captures[0] = (struct config_capture){.access = at("json:/tokens/access"),
                                                 .refresh = at("json:/tokens/refresh")};
    assert_int_equal(backend_take_tokens(&config, &config.captures[0], &answer, &arena, &t, &body),
                     BFF_OK);
    assert_str(t.refresh, STR("c.d"));
    assert_str(body, STR("{\"tokens\":{},\"id\":3}"));
    assert_not_taken(&answer, BFF_ERR_MISSING);
}

static void lives_follow_the_configured_rules(void **state)
{
    (void)state;
    struct backend_tokens t;
    struct backend_answer answer = answer_of(
        200, STR("{\"access\":\"opaque\",\"refresh\":\"" REFRESH "\",\"expires_in\":3600}"));
    add_cookie(&answer, STR("other=" REFRESH "; Max-Age=1"));
    add_cookie(&answer, STR("refresh=old; Max-Age=2"));
    add_cookie(&answer, STR("refresh=" REFRESH "; Max-Age=86400"));
    config.login.access_expiry =
        (struct config_expiry){.kind = EXPIRY_SECONDS, .pointer = STR("/expires_in")};
    config.login.refresh_expiry = (struct config_expiry){.kind = EXPIRY_MAX_AGE};
    config.login.refresh = at("json:/refresh cookie:refresh");
    assert_str(taken(&answer, &t), STR("{\"expires_in\":3600}"));
    assert_int_equal(t.access_life_ms, 3600000);
    /* The cookie says how long, even where the body says the same token first. */
    assert_int_equal(t.refresh_life_ms, 86400000);
    config.login.refresh = at("json:/refresh");
    (void)taken(&answer, &t);
    assert_true(t.refresh_life_ms == TOKEN_LIFE_UNKNOWN);
}

static void a_token_that_is_not_there_has_no_life(void **state)
{
    (void)state;
    struct backend_tokens t;
    const struct backend_answer answer = answer_of(200, STR("{\"access\":\"a.b\"}"));
    config.login.access_expiry = config.login.refresh_expiry =
        (struct config_expiry){.kind = EXPIRY_AFTER, .after_ms = 300000};
    assert_str(taken(&answer, &t), STR("{}"));
    assert_int_equal(t.access_life_ms, 300000);
    assert_true(t.refresh_life_ms == TOKEN_LIFE_UNKNOWN);
}

static void a_refresh_has_rules_of_its_own(void **state)
{
    (void)state;
    struct backend_tokens t;
    struct str why;
    config.login.access_expiry = (struct config_expiry){.kind = EXPIRY_AFTER, .after_ms = 1};
    config.refresh.access_expiry =
        (struct config_expiry){.kind = EXPIRY_TIME, .pointer = STR("/access_expiration")};
    config.refresh.refresh_expiry = (struct config_expiry){.kind = EXPIRY_MAX_AGE};
    config.refresh.refresh = at("cookie:jwt-refresh");
    struct backend_answer answer =
        answer_of(200, STR("{\"access\":\"a\",\"access_expiration\":\"2023-11-14T22:18:20.5Z\"}"));
    add_cookie(&answer, STR("jwt-refresh=r; expires=Wed, 15 Nov 2023 22:13:20 GMT; HttpOnly"));
    assert_int_equal(backend_judge_refresh(&config, &answer, &arena, &t, &why), REFRESH_GRANTED);
    assert_int_equal(t.access_life_ms, 300000);
    assert_int_equal(t.refresh_life_ms, 86400000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_place_that_holds_something_counts),
        TEST(one_configuration_fits_both_modes_of_a_backend),
        TEST(elements_of_an_array_are_taken_without_shifting_the_others),
        TEST(with_a_token_in_a_cookie_the_body_may_be_anything),
        TEST(a_body_that_only_starts_as_json_is_refused),
        TEST(a_token_of_any_place_may_not_stand_elsewhere_too),
        TEST(the_pending_token_goes_with_the_others),
        TEST(a_capture_has_places_of_its_own),
        TEST(lives_follow_the_configured_rules),
        TEST(a_token_that_is_not_there_has_no_life),
        TEST(a_refresh_has_rules_of_its_own),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
