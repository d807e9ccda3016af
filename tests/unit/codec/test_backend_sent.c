/* Logins and captures: what a browser sent becomes what the backend gets. */
#include "codec/backend.h"
#include "codec/json.h"
#include "fixtures.h"

#define FORM STR("application/x-www-form-urlencoded")
#define JSON STR("application/json")

static struct arena arena;
static struct config_capture capture;

static int set_up(void **state)
{
    (void)state;
    arena = arena_make(ROOM);
    capture = (struct config_capture){.request = {STR("POST"), STR("/o/token/")},
                                      .send = {.kind = SEND_BODY}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct backend_request composed(const struct backend_sent *sent)
{
    struct backend_request r;
    assert_int_equal(backend_compose_login(&capture, sent, &arena, &r), BFF_OK);
    assert_str(r.method, STR("POST"));
    assert_int_equal(r.cookie.n + r.authorization.n + r.attach_header.n + r.pending_header.n +
                         r.csrf_token.n + r.accept_language.n + r.user_agent.n +
                         r.client_address.n + r.request_id.n + r.forwarded_host.n +
                         r.forwarded_proto.n,
                     0);
    return r;
}

static void assert_refused(const struct backend_sent *sent)
{
    struct backend_request r = {.user_agent = STR("untouched")};
    assert_int_equal(backend_compose_login(&capture, sent, &arena, &r), BFF_ERR_BAD_REQUEST);
    assert_str(r.user_agent, STR("untouched"));
}

static void a_body_passes_as_it_came(void **state)
{
    (void)state;
    const struct backend_sent sent = {.content_type = STR("multipart/form-data; boundary=x"),
                                      .accept = STR("text/html"),
                                      .body = STR("--x\r\n\0\xFF$username")};
    struct backend_request r = composed(&sent);
    assert_str(r.path, STR("/o/token/"));
    assert_str(r.content_type, sent.content_type);
    assert_str(r.accept, sent.accept);
    assert_str(r.body, sent.body);
}

static void without_accept_json_is_asked_for(void **state)
{
    (void)state;
    const struct backend_sent sent = {.content_type = JSON, .body = STR("{}")};
    assert_str(composed(&sent).accept, JSON);
}

static void a_query_goes_on_to_the_backend(void **state)
{
    (void)state;
    struct backend_sent sent = {.query = STR("next=%2Fhome&a=$b")};
    assert_str(composed(&sent).path, STR("/o/token/?next=%2Fhome&a=$b"));
    capture.request.path = STR("/login?client=web");
    assert_str(composed(&sent).path, STR("/login?client=web&next=%2Fhome&a=$b"));
}

static void a_query_that_would_change_the_request_line_is_refused(void **state)
{
    (void)state;
    const struct str bad[] = {STR("a b"),  STR("a\r\nX: y"), STR("a#b"), STR("a\0"),
                              STR("\x7F"), STR("\xC3\xA9"),  STR("\t")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct backend_sent sent = {.query = bad[i]};
        assert_refused(&sent);
    }
}

static void a_form_is_filled_from_json_or_a_form(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
    } rows[] = {
        {"application/json", "{\"username\":\"al ice&\",\"password\":\"\\u00e9=\",\"x\":[]}"},
        {"Application/JSON; charset=utf-8",
         "{\"password\":\"\xC3\xA9=\",\"username\":\"al ice&\"}"},
        {"", "{\"username\":\"al ice&\",\"password\":\"\xC3\xA9=\"}"},
        {"application/x-www-form-urlencoded", "username=al+ice%26&x=y&password=%C3%A9="},
        {"application/x-www-form-urlencoded;charset=UTF-8",
         "password=%c3%a9%3d&username=al%20ice%26"},
    };
    capture.send = (struct config_send){
        SEND_FORM, STR("grant_type=password&username=$username&password=$password")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct backend_sent sent = {.content_type = str_from(rows[i].type),
                                          .body = str_from(rows[i].body)};
        struct backend_request r = composed(&sent);
        assert_str(r.content_type, FORM);
        assert_str(r.body, STR("grant_type=password&username=al%20ice%26&password=%C3%A9%3D"));
    }
}

static void json_is_filled_and_cannot_be_broken_out_of(void **state)
{
    (void)state;
    capture.send = (struct config_send){
        SEND_JSON, STR("{\"user\": {\"name\": \"$username\"}, \"p\": \"$p\"}")};
    const struct backend_sent sent = {
        .content_type = FORM,
        .body =
            STR("username=%22%7D%2C%22admin%22%3Atrue%2C%22x%22%3A%22&p=%5C%0A%FF%00$username")};
    struct backend_request r = composed(&sent);
    assert_str(r.content_type, JSON);
    json_t *root = json_read(r.body);
    assert_int_equal(json_object_size(root), 2);
    assert_string_equal(json_string_value(json_at(root, STR("/user/name"))),
                        "\"},\"admin\":true,\"x\":\"");
    const json_t *p = json_at(root, STR("/p"));
    const struct str text = {json_string_value(p), json_string_length(p)};
    assert_str(text, STR("\\\n\xEF\xBF\xBD\0$username"));
    json_decref(root);
}

static void numbers_and_truths_are_text_too(void **state)
{
    (void)state;
    capture.send = (struct config_send){SEND_FORM, STR("a=$a&b=$b&c=$c&d=$d&a2=$a")};
    const struct backend_sent sent = {.content_type = JSON,
                                      .body = STR("{\"a\":-12,\"b\":true,\"c\":false,\"d\":1.5}")};
    assert_str(composed(&sent).body, STR("a=-12&b=true&c=false&d=1.5&a2=-12"));
}

static void a_field_may_be_empty_but_not_absent(void **state)
{
    (void)state;
    capture.send = (struct config_send){SEND_FORM, STR("a=$a&b=$b")};
    const struct backend_sent sent = {.content_type = JSON, .body = STR("{\"a\":\"\",\"b\":\"\"}")};
    assert_str(composed(&sent).body, STR("a=&b="));
    const char *bodies[] = {"{\"a\":\"\"}", "{}", "{\"A\":1,\"b\":2}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct backend_sent lacking = {.content_type = JSON, .body = str_from(bodies[i])};
        assert_refused(&lacking);
    }
}

static void what_is_no_body_with_fields_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
    } rows[] = {
        {"application/json", ""},
        {"application/json", "[]"},
        {"application/json", "{\"a\":1"},
        {"application/json", "{\"a\":1,\"a\":2}"},
        {"application/json", "{\"a\":null}"},
        {"application/json", "{\"a\":{\"b\":1}}"},
        {"application/json", "{\"a\":[1]}"},
        {"application/json", "{\"a\":\"\xFF\"}"},
        {"application/json", "a=1"},
        {"", "a=1"},
        {"text/plain", "{\"a\":1}"},
        {"application/jsonp", "{\"a\":1}"},
        {"multipart/form-data; boundary=x", "a=1"},
        {"application/x-www-form-urlencoded", ""},
        {"application/x-www-form-urlencoded", "{\"a\":1}"},
        {"application/x-www-form-urlencoded", "a=1&a=2"},
        {"application/x-www-form-urlencoded", "a=%"},
        {"application/x-www-form-urlencoded", "a=%zz"},
        {"application/x-www-form-urlencoded, application/json", "a=1"},
    };
    capture.send = (struct config_send){SEND_FORM, STR("a=$a")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct backend_sent sent = {.content_type = str_from(rows[i].type),
                                          .body = str_from(rows[i].body)};
        assert_refused(&sent);
    }
}

static void a_call_may_carry_nothing(void **state)
{
    (void)state;
    const struct backend_sent sent = {.content_type = JSON, .body = STR("{\"a\":1}")};
    capture.send = (struct config_send){.kind = SEND_NONE};
    struct backend_request r = composed(&sent);
    assert_int_equal(r.body.n + r.content_type.n, 0);
}

static void memory_that_is_out_is_an_error(void **state)
{
    (void)state;
    const struct backend_sent sent = {
        .query = STR("q=0123456789"), .content_type = JSON, .body = STR("{\"a\":\"0123456789\"}")};
    capture.send = (struct config_send){SEND_JSON, STR("{\"b\":\"$a\"}")};
    bool fitted = false;
    for (size_t limit = 0; !fitted; limit += 8) {
        struct arena small = arena_make(limit);
        struct backend_request r = {.user_agent = STR("untouched")};
        enum bff_err e = backend_compose_login(&capture, &sent, &small, &r);
        fitted = e == BFF_OK;
        assert_true(fitted || (e == BFF_ERR_NO_MEMORY && str_eq(r.user_agent, STR("untouched"))));
        arena_free(&small);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_body_passes_as_it_came),
        TEST(without_accept_json_is_asked_for),
        TEST(a_query_goes_on_to_the_backend),
        TEST(a_query_that_would_change_the_request_line_is_refused),
        TEST(a_form_is_filled_from_json_or_a_form),
        TEST(json_is_filled_and_cannot_be_broken_out_of),
        TEST(numbers_and_truths_are_text_too),
        TEST(a_field_may_be_empty_but_not_absent),
        TEST(what_is_no_body_with_fields_is_refused),
        TEST(a_call_may_carry_nothing),
        TEST(memory_that_is_out_is_an_error),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
