/* What a row takes for a value: each edge of each small grammar, without a file around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/config_internal.h"

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define HUNDRED SIXTY TEN TEN TEN TEN

struct row {
    const char *text;
    bool is_taken;
};

static bool takes(enum config_id id, config_reader *reader, struct str text)
{
    struct config field = {.server.workers = 0}; /* at least as large as any field */
    struct config_refusal refusal = {{NULL, 0}, false};
    return reader(&config_options[id], text, &field, &refusal);
}

static void expect_rows(enum config_id id, config_reader *reader, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (takes(id, reader, str_from(rows[i].text)) != rows[i].is_taken)
            fail_msg("%s is %s", rows[i].text, rows[i].is_taken ? "refused" : "taken");
}

#define EXPECT(id, reader, rows) expect_rows(id, reader, rows, sizeof(rows) / sizeof(rows)[0])

static void an_object_is_json_of_plain_members(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{}", true},
        {"{ }", true},
        {"{\t\"a\" : 1 , \"b\":[ ] }", true},
        {"{\"a\":[1,\"x\",true,false,null,{\"b\":[-2]}]}", true},
        {"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", true},
        {"{\"a\":123456789012345}", true},
        {"{\"a\":0}", true},
        {"{\"a\":-0}", true},
        {"{\"a\":1234567890123456}", false},
        {"{\"a\":01}", false},
        {"{\"a\":-}", false},
        {"{\"a\":1.5}", false},
        {"{\"a\":\"\\u0041\"}", false},
        {"{\"a\":\"\\x\"}", false},
        {"{\"a\":\"\\", false},
        {"{\"a\":\"\x01\"}", false},
        {"{\"a\":\"\x7F\"}", false},
        {"{\"a\":\"b}", false},
        {"{\"a\":tru}", false},
        {"{\"a\":}", false},
        {"{\"a\":", false},
        {"{\"a\"}", false},
        {"{\"a\" 1}", false},
        {"{a:1}", false},
        {"{\"a\":1,}", false},
        {"{\"a\":1", false},
        {"{\"a\":1}}", false},
        {"{\"a\":1} x", false},
        {"{\"a\":[1,]}", false},
        {"{\"a\":[1}", false},
        {"{\"a\":1,\"a\":2}", false},
        {"{\"$a\":1}", false},
        {"{\"a\\n\":1}", false},
        {"[]", false},
        {"\"a\"", false},
        {"", false},
        {"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}", true},
        {"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}", true},
        {"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}", false},
        {"{\"a\":[[[[[[[1]]]]]]]}", false},
        {"{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
         "\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1}",
         true},
        {"{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
         "\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1,\"q\":1}",
         false},
    };
    EXPECT(OPTION_compat_refused, config_read_object, rows);
}

static void a_match_is_statuses_or_one_value_of_json(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"200", true},
        {"200 201\t204", true},
        {"json:/ok=true", true},
        {"json:/ok=\"a b\"", true},
        {"json:/a/b~1c~0d=-1", true},
        {"", false},
        {"20", false},
        {"0200", false},
        {"20x", false},
        {"199", false},
        {"300", false},
        {"200 201 202 203 204 205 206 207 208 209 210 211 212 213 214 215", true},
        {"200 201 202 203 204 205 206 207 208 209 210 211 212 213 214 215 216", false},
        {"json:/ok", false},
        {"json:/ok=", false},
        {"json:/ok=yes", false},
        {"json:/ok={}", false},
        {"json:/ok=1 2", false},
        {"json:ok=1", false},
        {"json:/=1", false},
        {"json:/a~2=1", false},
        {"json:/a~=1", false},
        {"json:/a b=1", false},
    };
    EXPECT(OPTION_login_success, config_read_match, rows);
}

static void a_listener_is_a_socket_or_a_host_with_its_port(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"unix:/run/bff.sock", true},
        {"localhost:9000", true},
        {"[::1]:9000", true},
        {"[::ffff:127.0.0.1]:9000", true},
        {"my-host_1.example:65535", true},
        {"unix:/", false},
        {"unix:", false},
        {"unix:/run/a b", false},
        {"localhost", false},
        {"localhost:", false},
        {"localhost:0", false},
        {"localhost:65536", false},
        {"loc/alhost:1", false},
        {":9000", false},
        {"[::1]", false},
        {"[::1", false},
        {"[::1]9000", false},
        {"[::1]:", false},
        {"[::g%1]:1", false},
        {"[127.0.0.1]:1", false},
        {"[]:1", false},
        {"", false},
    };
    EXPECT(OPTION_server_listen, config_read_listen, rows);
    assert_false(takes(OPTION_server_listen, config_read_listen,
                       (struct str){"local\0host:1", sizeof "local\0host:1" - 1}));
}

static void each_kind_of_redis_has_its_address(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"redis://localhost", true},
        {"redis://[::1]:6379/15", true},
        {"redis://h/65535", true},
        {"redis://h/65536", false},
        {"redis://h/", false},
        {"redis://h:6379x", false},
        {"unix:///run/redis.sock", true},
        {"unix:///run/redis.sock?db=3", true},
        {"unix:///run/redis.sock?db=", false},
        {"unix:///run/redis.sock?dc=3", false},
        {"unix:///run/redis sock", false},
        {"unix:///" HUNDRED "123456", true},
        {"unix:///" HUNDRED "1234567", false},
        {"unix:///", false},
        {"redis+sentinel://a,b:1,[::1]:2/main", true},
        {"redis+sentinel://a/main/7", true},
        {"redis+sentinel://a/main/x", false},
        {"redis+sentinel://a/ma in", false},
        {"redis+sentinel://a/", false},
        {"redis+sentinel:///main", false},
        {"redis+sentinel://a/" SIXTY "1234", true},
        {"redis+sentinel://a/" SIXTY "12345", false},
        {"redis+cluster://a:1,b:2,c:3,d:4,e:5,f:6,g:7,h:8", true},
        {"redis+cluster://a:1,b:2,c:3,d:4,e:5,f:6,g:7,h:8,i:9", false},
        {"redis+cluster://a:1,", false},
        {"redis+cluster://a/3", false},
        {"rediss://a", false},
        {"http://a", false},
        {"redis://me:secret@a", false},
    };
    EXPECT(OPTION_redis_url, config_read_redis_url, rows);
}

static void an_origin_is_as_a_browser_writes_it(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", true},
        {"https://app.example.com", true},
        {"http://localhost:5173 https://[::1]:8443", true},
        {"http://a:443", true},
        {"https://a:80", true},
        {"http://a:80", false},
        {"https://a:443", false},
        {"https://a:0443", false},
        {"https://a:0", false},
        {"https://A", false},
        {"https://a/", false},
        {"ftp://a", false},
        {"https://", false},
        {"https://a https://a", false},
    };
    EXPECT(OPTION_csrf_origins, config_read_origins, rows);
}

static void words_and_names_have_their_letters(void **state)
{
    (void)state;
    static const struct row prefixes[] = {
        {"bff:", true},
        {"0123456789abcdefABCDEF.._-zZ:"
         "123",
         true},
        {"0123456789abcdefABCDEF.._-zZ:"
         "1234",
         false},
        {"bff{1}", false},
        {"", false},
    };
    static const struct row claims[] = {
        {"", true},
        {"user_id https://example.com/#role a-b", true},
        {"a a", false},
        {"a,b", false},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", true},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", false},
    };
    static const struct row cookies[] = {
        {"csrftoken", true}, {"!#$%&'*+-.^_`|~0aZ", true}, {"a=b", false}, {"a b", false},
        {"", false},
    };
    static const struct row headers[] = {
        {"X-Token", true}, {"Authorization", true}, {"cookie", false}, {"TE", false}, {"X(", false},
    };
    static const struct row modes[] = {
        {"660", true},   {"0660", true},  {"0777", true}, {"0600", true},   {"0599", false},
        {"0668", false}, {"0/60", false}, {"66", false},  {"00660", false}, {"", false},
    };
    EXPECT(OPTION_redis_prefix, config_read_prefix, prefixes);
    EXPECT(OPTION_session_claims, config_read_claims, claims);
    EXPECT(OPTION_backend_csrf_cookie, config_read_cookie_name, cookies);
    EXPECT(OPTION_pending_header, config_read_header_name, headers);
    EXPECT(OPTION_server_socket_mode, config_read_mode, modes);
}

static void a_call_is_a_method_and_a_path_that_all_read_alike(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"GET /", true},
        {"PUT /a/", true},
        {"PATCH /a.b/~c", true},
        {"DELETE /a?b=c;d&e=%2F", true},
        {"POST /caf%C3%a9/", true},
        {"HEAD /", false},
        {"post /", false},
        {"POST", false},
        {"POST a", false},
        {"POST /a b", false},
        {"POST /a\"", false},
        {"POST //a", false},
        {"POST /a//", false},
        {"POST /./a", false},
        {"POST /a/..", false},
        {"POST /a;b", false},
        {"POST /a%2", false},
        {"POST /a%", false},
        {"POST /a%g0", false},
        {"POST /a%0g", false},
        {"POST /a%1F", false},
        {"POST /a%7f", false},
        {"POST /a%2e", false},
        {"POST /a%2F", false},
        {"POST /a%3B", false},
    };
    EXPECT(OPTION_login_request, config_read_call, rows);
}

static void what_is_sent_is_a_template_that_can_be_filled_in(void **state)
{
    (void)state;
    static const struct row sends[] = {
        {"none", true},
        {"cookie refresh", true},
        {"form grant_type=refresh_token&refresh_token=$refresh", true},
        {"form a=b%20c+d-e.f~g*H", true},
        {"form a=", true},
        {"json {\"a\": \"$refresh $access\"}", true},
        {"none at all", false},
        {"cookie a b", false},
        {"form", false},
        {"form =b", false},
        {"form a=b&", false},
        {"form $a=b", false},
        {"form a=b{c", false},
        {"form a=$b", false},
        {"form a=$", false},
        {"json {\"a\": \"$other\"}", false},
        {"json {\"a\": \"$\"}", false},
        {"json []", false},
        {"body", false},
        {"", false},
    };
    static const struct row logins[] = {
        {"body", true},
        {"json {\"email\": \"$username_1\"}", true},
        {"form a=$b&c=$d", true},
        {"body and soul", false},
        {"json {\"a\": \"$\"}", false},
        {"form a=$", false},
        {"cookie a", false},
    };
    static const struct row attached[] = {
        {"cookie access", true},
        {"header Authorization \"Bearer $access\"", true},
        {"header X-T \"$access\"", true},
        {"cookie", false},
        {"body", false},
        {"header", false},
        {"header X-T", false},
        {"header X-T \"", false},
        {"header X-T $access\"", false},
        {"header X-T \"$access", false},
        {"header X-T \"a\"$access\"", false},
        {"header X-T \"a\\$access\"", false},
        {"header X-T \"a\t$access\"", false},
        {"header X-T \" $access\"", false},
        {"header X-T \"$access $\"", false},
        {"header X-T \"$access $user\"", false},
        {"header X-T \"none\"", false},
    };
    EXPECT(OPTION_refresh_send, config_read_send, sends);
    EXPECT(OPTION_login_send, config_read_login_send, logins);
    EXPECT(OPTION_backend_attach, config_read_attach, attached);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_json_of_plain_members),
        cmocka_unit_test(a_match_is_statuses_or_one_value_of_json),
        cmocka_unit_test(a_listener_is_a_socket_or_a_host_with_its_port),
        cmocka_unit_test(each_kind_of_redis_has_its_address),
        cmocka_unit_test(an_origin_is_as_a_browser_writes_it),
        cmocka_unit_test(words_and_names_have_their_letters),
        cmocka_unit_test(a_call_is_a_method_and_a_path_that_all_read_alike),
        cmocka_unit_test(what_is_sent_is_a_template_that_can_be_filled_in),
    };
    return cmocka_run_group_tests_name("config_values", tests, NULL, NULL);
}
