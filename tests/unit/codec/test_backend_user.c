/* Whose the tokens are: the claims, and the user object of an answer over them. */
#include "answers.h"
#include "codec/json.h"

static struct backend_tokens described(const char *payload, const char *user)
{
    struct str token = payload ? jwt_of(&arena, payload) : STR("opaque"), body;
    struct backend_tokens t;
    assert_true(
        arena_printf(&arena, &body, "{\"access\":\"%.*s\",\"user\":%s}", STR_ARG(token), user));
    const struct backend_answer answer = answer_of(200, body);
    config.session.claims = (struct config_words){
        .words = {STR("user_id"), STR("email"), STR("name"), STR("key")}, .n = 4};
    config.login.user = STR("/user");
    (void)taken(&answer, &t);
    return t;
}

static void members_of_the_user_object_stand_over_the_claims(void **state)
{
    (void)state;
    static const struct {
        const char *payload, *user, *shown;
    } rows[] = {
        {"{\"user_id\":7,\"name\":\"old\"}", "{\"name\":\"new\",\"email\":\"a@b\"}",
         "{\"user_id\":7,\"name\":\"new\",\"email\":\"a@b\"}"},
        {"{\"user_id\":7}", "{\"password\":\"x\",\"is_staff\":true}", "{\"user_id\":7}"},
        {NULL, "{\"email\":\"a@b\",\"x\":1}", "{\"email\":\"a@b\"}"},
        {"{\"user_id\":7}", "{}", "{\"user_id\":7}"},
        {"{\"user_id\":7}", "null", "{\"user_id\":7}"},
        {"{\"user_id\":7}", "\"alice\"", "{\"user_id\":7}"},
        {"{\"user_id\":7}", "[{\"name\":1}]", "{\"user_id\":7}"},
        {NULL, "7", "{}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_str(described(rows[i].payload, rows[i].user).user, str_from(rows[i].shown));
}

static void the_claim_is_the_id_before_the_object_is(void **state)
{
    (void)state;
    static const struct {
        const char *payload, *user, *id;
    } rows[] = {
        {"{\"user_id\":7}", "{\"id\":8}", "7"},
        {"{\"sub\":\"s\"}", "{\"user_id\":8}", "s"},
        {NULL, "{\"sub\":\"d\",\"pk\":3,\"id\":2,\"user_id\":\"1\"}", "1"},
        {NULL, "{\"sub\":\"d\",\"pk\":3,\"id\":2}", "2"},
        {NULL, "{\"sub\":\"d\",\"pk\":3}", "3"},
        {NULL, "{\"sub\":\"d\"}", "d"},
        {"{\"email\":\"a@b\"}", "{\"id\":\"8\"}", "8"},
        {NULL, "{\"id\":null,\"pk\":[1],\"sub\":\"\"}", ""},
        {NULL, "null", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_str(described(rows[i].payload, rows[i].user).user_id, str_from(rows[i].id));
}

/* The session endpoint shows this to the page. */
static void a_user_object_cannot_carry_a_token_to_the_page(void **state)
{
    (void)state;
    struct backend_tokens t;
    struct str why, jwt = jwt_of(&arena, "{}"), body;
    config.session.claims = (struct config_words){.words = {STR("key"), STR("name")}, .n = 2};
    config.login.user = STR("/user");
    const struct str secrets[] = {STR("an-opaque-token-of-28-bytes."), jwt};
    for (size_t i = 0; i < 2; i++) {
        assert_true(arena_printf(&arena, &body,
                                 "{\"access\":\"an-opaque-token-of-28-bytes.\",\"user\":"
                                 "{\"id\":3,\"name\":\"A\",\"key\":[\"%.*s\"]}}",
                                 STR_ARG(secrets[i])));
        const struct backend_answer answer = answer_of(200, body);
        assert_int_equal(backend_judge_refresh(&config, &answer, &arena, &t, &why),
                         REFRESH_GRANTED);
        assert_str(t.user, STR("{}"));
        assert_str(t.user_id, STR("3"));
    }
}

static void tokens_inside_the_user_object_are_taken_out_first(void **state)
{
    (void)state;
    struct backend_tokens t;
    const struct backend_answer answer =
        answer_of(200, STR("{\"data\":{\"key\":\"short\",\"name\":\"A\",\"pk\":3}}"));
    config.session.claims = (struct config_words){.words = {STR("key"), STR("name")}, .n = 2};
    config.login.access = at("json:/data/key");
    config.login.user = STR("/data");
    assert_str(taken(&answer, &t), STR("{\"data\":{\"name\":\"A\",\"pk\":3}}"));
    assert_str(t.user, STR("{\"name\":\"A\"}"));
    assert_str(t.user_id, STR("3"));
}

static void a_refresh_answer_may_describe_the_user_too(void **state)
{
    (void)state;
    struct backend_tokens t;
    struct str why;
    config.login.user = STR("/user");
    struct backend_answer answer =
        answer_of(200, STR("{\"access\":\"a\",\"user\":{\"user_id\":9}}"));
    assert_int_equal(backend_judge_refresh(&config, &answer, &arena, &t, &why), REFRESH_GRANTED);
    assert_str(t.user, STR("{\"user_id\":9}"));
    assert_str(t.user_id, STR("9"));
    answer = answer_of(200, STR("{\"access\":\"a\"}"));
    assert_int_equal(backend_judge_refresh(&config, &answer, &arena, &t, &why), REFRESH_GRANTED);
    assert_str(t.user, STR("{}"));
    assert_int_equal(t.user_id.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members_of_the_user_object_stand_over_the_claims),
        TEST(the_claim_is_the_id_before_the_object_is),
        TEST(a_user_object_cannot_carry_a_token_to_the_page),
        TEST(tokens_inside_the_user_object_are_taken_out_first),
        TEST(a_refresh_answer_may_describe_the_user_too),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
