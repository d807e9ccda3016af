#include "doctor/shape.h"

#include "../arena_fixture.h"
#include "doctor/fields.h"
#include "doctor/ways.h"
#include "fixtures.h"

static void an_answer_is_described_by_status_and_kind_of_body(void **state)
{
    (void)state;
    struct backend_answer html = answer_with(500, "<html></html>");
    html.content_type = STR("text/html; charset=utf-8");
    const struct backend_answer json = answer_with(200, "{}"), empty = answer_with(204, "");
    const struct backend_answer text = answer_with(200, "no JSON");
    assert_str(shape_words(&html, &arena), STR("500 with an HTML page"));
    assert_str(shape_words(&json, &arena), STR("200 with JSON"));
    assert_str(shape_words(&empty, &arena), STR("204 with an empty body"));
    assert_str(shape_words(&text, &arena), STR("200 with a body that is not JSON"));
}

static void the_other_slash_and_where_a_redirect_points(void **state)
{
    (void)state;
    struct str other;
    assert_true(shape_other_slash(STR("/api/token"), &arena, &other));
    assert_str(other, STR("/api/token/"));
    assert_true(shape_other_slash(STR("/api/token/"), &arena, &other));
    assert_str(other, STR("/api/token"));
    const struct {
        const char *location;
        bool is_it;
    } rows[] = {
        {"/api/token/", true},
        {"https://app.example.com/api/token/", true},
        {"/api/token/?next=secret", true},
        {"/accounts/login/", false},
        {"https://app.example.com", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct backend_answer answer = answer_with(301, "");
        answer.location = str_from(rows[i].location);
        assert_int_equal(shape_location_is(&answer, STR("/api/token/")), rows[i].is_it);
        assert_false(str_contains(shape_location(&answer), STR("secret")));
    }
}

static void a_400_names_the_fields_that_it_wants(void **state)
{
    (void)state;
    const struct {
        const char *body, *first;
        size_t n;
    } rows[] = {
        {"{\"email\":[\"This field is required.\"],\"password\":[\"x\"]}", "email", 2},
        {"{\"non_field_errors\":[\"Unable to log in.\"]}", NULL, 0},
        {"{\"detail\":\"no\"}", NULL, 0},
        {"{\"status\":400,\"errors\":[{\"code\":\"required\",\"param\":\"phone\"}]}", "phone", 1},
        {"{\"a field with blanks\":[\"x\"]}", NULL, 0},
        {"{\"refresh\":[]}", NULL, 0},
        {"[]", NULL, 0},
        {"<html>", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct backend_answer answer = answer_with(400, rows[i].body);
        struct str names[4];
        size_t n = shape_wanted_fields(&answer, &arena, names, 4);
        assert_int_equal(n, rows[i].n);
        if (n > 0)
            assert_str(names[0], str_from(rows[i].first));
    }
}

static void an_oauth_error_is_a_word(void **state)
{
    (void)state;
    const struct backend_answer good = answer_with(400, "{\"error\":\"invalid_grant\"}");
    const struct backend_answer bad = answer_with(400, "{\"error\":{\"a\":1}}");
    assert_str(shape_oauth_error(&good, &arena), STR("invalid_grant"));
    assert_int_equal(shape_oauth_error(&bad, &arena).n, 0);
}

static void other_ways_to_send_start_with_what_the_backend_asks_for(void **state)
{
    (void)state;
    const struct config_send tried = {SEND_JSON, STR("{\"refresh_token\": \"$refresh\"}")};
    const struct backend_answer answer = answer_with(400, "{\"token\":[\"required\"]}");
    struct ways ways;
    const struct ways_question q = {&tried, &answer, STR("jwt-refresh"), false};
    assert_int_equal(ways_find(&q, &arena, &ways), BFF_OK);
    assert_int_equal(ways.n, 3);
    assert_str(ways.ways[0].text, STR("{\"token\": \"$refresh\"}"));
    assert_int_equal(ways.ways[1].kind, SEND_COOKIE);
    assert_str(ways.ways[1].text, STR("jwt-refresh"));
    assert_str(ways.ways[2].text, STR("{\"refresh\": \"$refresh\"}"));
}

static void an_oauth_answer_wants_what_the_rfcs_prescribe(void **state)
{
    (void)state;
    const struct config_send tried = {SEND_JSON, STR("{\"refresh\": \"$refresh\"}")};
    const struct backend_answer answer = answer_with(400, "{\"error\":\"invalid_request\"}");
    const struct {
        bool is_revocation;
        const char *text;
    } rows[] = {{false, "grant_type=refresh_token&refresh_token=$refresh"},
                {true, "token=$refresh"}};
    for (size_t i = 0; i < 2; i++) {
        const struct ways_question q = {&tried, &answer, {NULL, 0}, rows[i].is_revocation};
        struct ways ways;
        assert_int_equal(ways_find(&q, &arena, &ways), BFF_OK);
        assert_int_equal(ways.ways[0].kind, SEND_FORM);
        assert_str(ways.ways[0].text, str_from(rows[i].text));
    }
}

static void a_field_that_would_break_the_template_is_no_way(void **state)
{
    (void)state;
    const struct config_send tried = {SEND_FORM, STR("token=$refresh")};
    const struct backend_answer answer = answer_with(400, "{\"a\\\"$b\":[\"required\"]}");
    struct ways ways;
    const struct ways_question q = {&tried, &answer, {NULL, 0}, false};
    assert_int_equal(ways_find(&q, &arena, &ways), BFF_OK);
    assert_int_equal(ways.n, 2);
    assert_str(ways.ways[0].text, STR("refresh=$refresh"));
    assert_str(ways.ways[1].text, STR("refresh_token=$refresh"));
}

static void the_login_gets_the_fields_that_its_template_names(void **state)
{
    (void)state;
    const struct {
        struct config_send send;
        bool is_empty;
        const char *body, *named;
    } rows[] = {
        {{SEND_BODY, {NULL, 0}},
         false,
         "{\"email\":\"al\\\"ice\",\"password\":\"p\\\\w\"}",
         "email and password"},
        {{SEND_BODY, {NULL, 0}}, true, "{}", "email and password"},
        {{SEND_FORM, STR("grant_type=password&u=$login&p=$pwd&again=$login")},
         false,
         "{\"login\":\"al\\\"ice\",\"pwd\":\"p\\\\w\"}",
         "login and pwd"},
        {{SEND_JSON, STR("{\"who\": \"$phone\"}")}, true, "{\"phone\":\"\"}", "phone"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct login_fields fields = {STR("email"), STR("al\"ice"), STR("p\\w"),
                                            rows[i].is_empty};
        struct str body;
        assert_true(fields_write(&rows[i].send, &fields, &arena, &body));
        assert_str(body, str_from(rows[i].body));
        assert_str(fields_named(&rows[i].send, STR("email"), &arena), str_from(rows[i].named));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_described_by_status_and_kind_of_body),
        cmocka_unit_test(the_other_slash_and_where_a_redirect_points),
        cmocka_unit_test(a_400_names_the_fields_that_it_wants),
        cmocka_unit_test(an_oauth_error_is_a_word),
        cmocka_unit_test(other_ways_to_send_start_with_what_the_backend_asks_for),
        cmocka_unit_test(an_oauth_answer_wants_what_the_rfcs_prescribe),
        cmocka_unit_test(a_field_that_would_break_the_template_is_no_way),
        cmocka_unit_test(the_login_gets_the_fields_that_its_template_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
