/* What an answer between two steps of a sign-in hands out. */
#include "answers.h"
#include "codec/json.h"

#define TOKEN "pending-token-of-31-characters."

static struct str taken_pending(const struct backend_answer *answer, const char *expected)
{
    struct str token = STR("unset"), body;
    assert_int_equal(backend_take_pending(&config, answer, &arena, &token, &body), BFF_OK);
    assert_str(token, str_from(expected));
    return body;
}

static void assert_not_taken_pending(const struct backend_answer *answer, enum bff_err expected)
{
    struct str token = STR("untouched"), body = token;
    assert_int_equal(backend_take_pending(&config, answer, &arena, &token, &body), expected);
    assert_str(token, STR("untouched"));
    assert_str(body, STR("untouched"));
}

static void it_is_taken_out_of_the_body(void **state)
{
    (void)state;
    config.pending.token = at("json:/meta/session_token");
    const struct backend_answer answer =
        answer_of(401, STR("{\"data\":{\"flows\":[{\"id\":\"mfa\"}]},"
                           "\"meta\":{\"session_token\":\"" TOKEN "\",\"x\":false}}"));
    assert_str(taken_pending(&answer, TOKEN),
               STR("{\"data\":{\"flows\":[{\"id\":\"mfa\"}]},\"meta\":{\"x\":false}}"));
}

static void a_cookie_may_carry_it(void **state)
{
    (void)state;
    config.pending.token = at("json:/session_token cookie:sessionid");
    struct backend_answer answer = answer_of(401, STR(" {\"mfa\" : 1.10}"));
    add_cookie(&answer, STR("sessionid=" TOKEN "; HttpOnly"));
    assert_str(taken_pending(&answer, TOKEN), answer.body);
    answer.body = STR("<html>");
    assert_str(taken_pending(&answer, TOKEN), answer.body);
}

static void without_one_the_body_passes_as_it_came(void **state)
{
    (void)state;
    const char *bodies[] = {"",
                            "<html>",
                            "[1]",
                            "null",
                            " {\"meta\" : {\"x\" : 1.10}}",
                            "{\"meta\":{\"session_token\":\"\"}}",
                            " {\"meta\":{\"session_token\":null}}"};
    config.pending.token = at("json:/meta/session_token");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct backend_answer answer = answer_of(400, str_from(bodies[i]));
        assert_str(taken_pending(&answer, ""), answer.body);
    }
    config.pending.token = at("");
    const struct backend_answer answer = answer_of(400, STR("{\"broken"));
    assert_str(taken_pending(&answer, ""), answer.body);
}

static void what_cannot_be_taken_out_whole_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum bff_err e;
    } rows[] = {
        {"{\"s\":7}", BFF_ERR_MALFORMED},
        {"{\"s\":\"a\\nb\"}", BFF_ERR_MALFORMED},
        {"{\"s\":\"\\u00e9\"}", BFF_ERR_MALFORMED},
        {"{\"s\":\"" TOKEN "\",\"t\":\"x" TOKEN "\"}", BFF_ERR_MALFORMED},
        {"{\"s\":\"" TOKEN "\"", BFF_ERR_MALFORMED},
        {"{\"s\":\"a\",\"s\":\"b\"}", BFF_ERR_MALFORMED},
    };
    config.pending.token = at("json:/s");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct backend_answer answer = answer_of(401, str_from(rows[i].body));
        assert_not_taken_pending(&answer, rows[i].e);
    }
    struct str token = filled(&arena, 'x', BACKEND_TOKEN_MAX + 1);
    const struct backend_answer answer = answer_of(401, body_with("{\"s\":\"@\"}", token));
    assert_not_taken_pending(&answer, BFF_ERR_TOO_LARGE);
}

static void memory_that_is_out_is_an_error(void **state)
{
    (void)state;
    const struct backend_answer answer = answer_of(401, STR("{\"s\":\"" TOKEN "\",\"x\":[1,2,3]}"));
    bool fitted = false;
    config.pending.token = at("json:/s");
    for (size_t limit = 0; !fitted; limit += 8) {
        struct arena small = arena_make(limit);
        struct str token = STR("untouched"), body;
        enum bff_err e = backend_take_pending(&config, &answer, &small, &token, &body);
        fitted = e == BFF_OK;
        assert_true(fitted || (e == BFF_ERR_NO_MEMORY && str_eq(token, STR("untouched"))));
        arena_free(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_taken_out_of_the_body),
        TEST(a_cookie_may_carry_it),
        TEST(without_one_the_body_passes_as_it_came),
        TEST(what_cannot_be_taken_out_whole_is_refused),
        TEST(memory_that_is_out_is_an_error),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
