#include "../../assert_str.h"

#include "base/log.h"
#include "codec/json.h"
#include "core/cookie.h"
#include "flow/relay.h"
#include "flow/step.h"

#define JWT "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
#define OPAQUE "0123456789abcdef0123"

static struct arena arena;
static struct config config;
static struct tools tools;
static struct keyring *keys;

static int set_up(void **state)
{
    (void)state;
    struct str message;
    char line[SEAL_KEY_LINE + 1];
    arena = arena_make(256 * 1024);
    keyring_generate(line);
    if (!keyring_parse(&arena, str_from(line), &keys, &message))
        return 1;
    config = (struct config){
        .login.name = STR("login"),
        .pending = {.header = STR("X-Session-Token"), .lifetime_s = 900},
    };
    tools = (struct tools){.config = &config, .keys = keys};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    keyring_free(keys);
    arena_free(&arena);
    return 0;
}

static struct call a_call(struct str cookies)
{
    return (struct call){
        .leg = LEG_LOGIN,
        .capture = &config.login,
        .cookie_header = cookies,
        .caller = {.request_id = STR("r-1")},
    };
}

static struct reply relayed(const struct backend_answer *answer)
{
    struct call call = a_call(STR(""));
    struct reply reply;
    relay_answer(&tools, &call, answer, &arena, &reply);
    return reply;
}

static struct str header(const struct reply *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq(str_from(r->headers[i].name), str_from(name)))
            return r->headers[i].value;
    return (struct str){NULL, 0};
}

static void an_answer_passes_as_it_is_but_for_its_cookies(void **state)
{
    (void)state;
    struct backend_answer answer = {
        .status = 401,
        .content_type = STR("application/json; charset=utf-8"),
        .body = STR("{ \"flows\": [] }"),
        .retry_after = STR("17"),
        .www_authenticate = STR("Bearer realm=\"api\""),
        .location = STR("/next"),
        .set_cookie = {STR("sessionid=x")},
        .n_set_cookie = 1,
    };
    struct reply r = relayed(&answer);
    assert_int_equal(r.status, 401);
    assert_str(r.content_type, answer.content_type);
    assert_str(r.body, answer.body);
    assert_str(header(&r, "Retry-After"), answer.retry_after);
    assert_str(header(&r, "WWW-Authenticate"), answer.www_authenticate);
    assert_str(header(&r, "Location"), answer.location);
    assert_int_equal(header(&r, "Set-Cookie").n, 0);
}

static void an_answer_in_which_a_token_can_be_seen_is_refused(void **state)
{
    (void)state;
    struct backend_answer rows[] = {
        {.status = 200, .body = STR("{\"token\":\"" JWT "\"}")},
        {.status = 400, .body = STR("<p>" JWT)},
        {.status = 302, .location = STR("/app#" JWT)},
        {.status = 401, .www_authenticate = STR("Bearer was=\"" JWT "\"")},
        {.status = 200, .body = STR("{\"access_token\":\"" OPAQUE "\"}")},
        {.status = 200, .body = STR("{\"data\":[{\"refresh_token\":\"" OPAQUE "\"}]}")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reply r = relayed(&rows[i]);
        assert_int_equal(r.status, 502);
        assert_int_equal(r.err, BFF_ERR_BACKEND_UNREADABLE);
        assert_false(str_contains(r.body, STR("eyJ")) || str_contains(r.body, STR(OPAQUE)));
        assert_int_equal(r.n_headers, 0);
    }
}

static void what_is_only_called_a_token_passes(void **state)
{
    (void)state;
    const struct str bodies[] = {
        STR("{\"access_token\":null}"),
        STR("{\"access_token\":[\"This field is required.\"]}"),
        STR("{\"refresh_token\":\"expired\"}"),
        STR("[\"access_token\"]"),
        STR("not JSON"),
        STR(""),
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct backend_answer answer = {.status = 400, .body = bodies[i]};
        struct reply r = relayed(&answer);
        assert_int_equal(r.status, 400);
        assert_str(r.body, bodies[i]);
    }
}

/* What a browser would send back after this answer. */
static struct str kept_cookie(const struct reply *r)
{
    return str_cut(header(r, "Set-Cookie"), ';').head;
}

static void expect_pending(void)
{
    config.pending.token =
        (struct config_token){.places = {{TOKEN_IN_JSON, STR("/session_token")}}, .n = 1};
}

static void the_pending_token_goes_through_the_browser_unseen(void **state)
{
    (void)state;
    expect_pending();
    struct backend_answer answer = {.status = 401, .body = STR("{\"session_token\":\"secret\"}")};
    struct reply r = relayed(&answer);
    assert_str(r.body, STR("{}"));
    assert_false(str_contains(header(&r, "Set-Cookie"), STR("secret")));
    struct call next = a_call(kept_cookie(&r));
    struct backend_request request = {0};
    assert_int_equal(step_resume(&tools, &next, &arena, &request), BFF_OK);
    assert_str(request.pending_header, STR("X-Session-Token: secret"));
    struct reply last = {.status = 200};
    assert_true(step_end(&next, &arena, &last));
    assert_true(str_starts(header(&last, "Set-Cookie"), STR(COOKIE_PENDING_NAME "=; Path=/")));
}

static void a_cookie_that_is_not_ours_resumes_nothing(void **state)
{
    (void)state;
    expect_pending();
    struct call rows[] = {a_call(STR("")), a_call(STR("a=b")),
                          a_call(STR(COOKIE_PENDING_NAME "=made-up")),
                          a_call(STR(COOKIE_PENDING_NAME "="))};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct backend_request request = {0};
        assert_int_equal(step_resume(&tools, &rows[i], &arena, &request), BFF_OK);
        assert_int_equal(request.pending_header.n, 0);
    }
    struct reply r = {.status = 200};
    assert_true(step_end(&rows[1], &arena, &r));
    assert_int_equal(r.n_headers, 0);
}

static void where_nothing_is_pending_no_cookie_is_looked_at(void **state)
{
    (void)state;
    struct backend_answer answer = {.status = 401, .body = STR("{\"session_token\":\"secret\"}")};
    expect_pending();
    struct reply r = relayed(&answer);
    struct call next = a_call(kept_cookie(&r));
    struct backend_request request = {0};
    config.pending.token.n = 0;
    assert_int_equal(step_resume(&tools, &next, &arena, &request), BFF_OK);
    assert_int_equal(request.pending_header.n, 0);
    assert_str(relayed(&answer).body, answer.body);
}

static void memory_that_is_out_is_an_answer(void **state)
{
    (void)state;
    struct arena none = arena_make(0);
    struct call call = a_call(STR(""));
    struct backend_answer answer = {.status = 401, .body = STR("{\"session_token\":\"secret\"}")};
    struct reply r;
    expect_pending();
    relay_answer(&tools, &call, &answer, &none, &r);
    assert_int_equal(r.status, 500);
    assert_int_equal(r.err, BFF_ERR_NO_MEMORY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    json_init();
    if (!seal_init())
        return 1;
    log_setup(SEVERITY_ERROR, false);
    const struct CMUnitTest tests[] = {
        TEST(an_answer_passes_as_it_is_but_for_its_cookies),
        TEST(an_answer_in_which_a_token_can_be_seen_is_refused),
        TEST(what_is_only_called_a_token_passes),
        TEST(the_pending_token_goes_through_the_browser_unseen),
        TEST(a_cookie_that_is_not_ours_resumes_nothing),
        TEST(where_nothing_is_pending_no_cookie_is_looked_at),
        TEST(memory_that_is_out_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
