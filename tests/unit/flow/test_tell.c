/* What each answer to a revocation means. The backend is played here. */
#include "../../assert_str.h"

#include "base/log.h"
#include "flow/caller.h"
#include "flow/grant.h"
#include "flow/tell.h"

#define CALLS_MAX 2

static struct config config;
static struct tools tools;
static struct arena arena;
static struct revocation tokens;
static const struct caller caller = {.request_id = {"r1", 2}};

/* What is answered, one call after the other, and what was asked. */
static struct played {
    enum bff_err errs[CALLS_MAX];
    int statuses[CALLS_MAX];
    enum refresh_verdict verdict;
    struct backend_tokens granted;
    unsigned n_calls, n_refreshes;
    struct str bodies[CALLS_MAX];
} play;

enum bff_err caller_ask(struct tools *t, enum backend_purpose purpose, const struct caller *c,
                        struct backend_request *request, enum backend_connection connection,
                        struct arena *a, struct backend_answer *answer)
{
    (void)t, (void)c, (void)connection, (void)a;
    assert_int_equal(purpose, CALL_REVOKE);
    assert_true(play.n_calls < CALLS_MAX);
    unsigned at = play.n_calls++;
    play.bodies[at] = request->body;
    *answer = (struct backend_answer){.status = play.statuses[at]};
    return play.errs[at];
}

enum refresh_verdict grant_ask(struct tools *t, struct str access, struct str refresh,
                               const struct caller *c, struct arena *a,
                               struct backend_tokens *granted, struct str *why)
{
    (void)t, (void)access, (void)c, (void)a;
    assert_str(refresh, STR("refresh"));
    play.n_refreshes++;
    *granted = play.granted;
    *why = STR("as played");
    return play.verdict;
}

static int set_up(void **state)
{
    (void)state;
    log_setup(SEVERITY_ERROR, false);
    arena = arena_make(64 * 1024);
    config = (struct config){
        .revoke = {.request = {.method = STR("POST"), .path = STR("/logout/")},
                   .send = {SEND_JSON, STR("{\"r\": \"$refresh\"}")},
                   .success = {.statuses = {200, 204}, .n_statuses = 2}},
        .backend.attach = {ATTACH_HEADER, STR("Authorization"), STR("Bearer $access")},
    };
    tools = (struct tools){.config = &config};
    tokens = (struct revocation){STR("access"), STR("refresh")};
    play = (struct played){.statuses = {200, 200},
                           .granted = {.access = STR("access-2"), .refresh = STR("refresh-2")}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static enum revoke_result tell(void)
{
    return tell_backend(&tools, &tokens, &caller, &arena);
}

static void each_answer_is_done_refused_or_to_be_told_again(void **state)
{
    (void)state;
    static const struct {
        enum bff_err err;
        int status;
        enum revoke_result result;
    } rows[] = {
        {BFF_OK, 200, REVOKE_DONE},
        {BFF_OK, 204, REVOKE_DONE},
        {BFF_OK, 205, REVOKE_REFUSED}, /* success says which */
        {BFF_OK, 400, REVOKE_REFUSED},
        {BFF_OK, 401, REVOKE_REFUSED},
        {BFF_OK, 404, REVOKE_REFUSED},
        {BFF_OK, 405, REVOKE_REFUSED},
        {BFF_OK, 429, REVOKE_WAITS},
        {BFF_OK, 500, REVOKE_WAITS},
        {BFF_OK, 503, REVOKE_WAITS},
        {BFF_ERR_BACKEND_UNAVAILABLE, 0, REVOKE_WAITS},
        {BFF_ERR_BACKEND_TIMEOUT, 0, REVOKE_WAITS},
    };
    log_setup(SEVERITY_ERROR + 1, false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        play.n_calls = 0;
        play.errs[0] = rows[i].err;
        play.statuses[0] = rows[i].status;
        assert_int_equal(tell(), rows[i].result);
        assert_int_equal(play.n_calls, 1);
    }
    assert_int_equal(play.n_refreshes, 0);
}

/* A 500 may be in the set by mistake, and still says nothing. */
static void a_failure_is_never_a_success(void **state)
{
    (void)state;
    config.revoke.success.statuses[0] = 500;
    play.statuses[0] = 500;
    assert_int_equal(tell(), REVOKE_WAITS);
}

static void a_call_that_cannot_be_composed_waits(void **state)
{
    (void)state;
    arena_free(&arena);
    arena = arena_make(0);
    assert_int_equal(tell(), REVOKE_WAITS);
    assert_int_equal(play.n_calls, 0);
}

static void a_401_to_the_access_token_is_believed_when_the_refresh_token_is_dead(void **state)
{
    (void)state;
    config.revoke.auth_access = true;
    play.statuses[0] = 401;
    play.verdict = REFRESH_REJECTED;
    assert_int_equal(tell(), REVOKE_DONE);
    assert_int_equal(play.n_calls, 1);
    assert_int_equal(play.n_refreshes, 1);
}

static void a_401_that_cannot_be_looked_into_waits(void **state)
{
    (void)state;
    config.revoke.auth_access = true;
    play.statuses[0] = 401;
    play.verdict = REFRESH_UNAVAILABLE;
    assert_int_equal(tell(), REVOKE_WAITS);
    assert_str(tokens.refresh, STR("refresh"));
}

static void after_a_401_the_call_is_made_once_more_with_what_a_refresh_brings(void **state)
{
    (void)state;
    static const struct {
        int second;
        enum revoke_result result;
    } rows[] = {{200, REVOKE_DONE}, {401, REVOKE_REFUSED}, {503, REVOKE_WAITS}};
    config.revoke.auth_access = true;
    play.verdict = REFRESH_GRANTED;
    play.statuses[0] = 401;
    for (size_t i = 0; i < 3; i++) {
        play.n_calls = 0;
        play.statuses[1] = rows[i].second;
        tokens = (struct revocation){STR("access"), STR("refresh")};
        assert_int_equal(tell(), rows[i].result);
        assert_int_equal(play.n_calls, 2);
        assert_str(play.bodies[0], STR("{\"r\": \"refresh\"}"));
        assert_str(play.bodies[1], STR("{\"r\": \"refresh-2\"}"));
        assert_str(tokens.access, STR("access-2"));
        assert_str(tokens.refresh, STR("refresh-2"));
    }
}

static void without_rotation_the_refresh_token_stays_the_one_to_revoke(void **state)
{
    (void)state;
    config.revoke.auth_access = true;
    play.statuses[0] = 401;
    play.verdict = REFRESH_GRANTED;
    play.granted.refresh = (struct str){NULL, 0};
    assert_int_equal(tell(), REVOKE_DONE);
    assert_str(tokens.access, STR("access-2"));
    assert_str(tokens.refresh, STR("refresh"));
}

static void without_a_refresh_token_a_401_is_a_refusal(void **state)
{
    (void)state;
    config.revoke.auth_access = true;
    tokens.refresh = (struct str){NULL, 0};
    play.statuses[0] = 401;
    assert_int_equal(tell(), REVOKE_REFUSED);
    assert_int_equal(play.n_refreshes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(each_answer_is_done_refused_or_to_be_told_again),
        T(a_failure_is_never_a_success),
        T(a_call_that_cannot_be_composed_waits),
        T(a_401_to_the_access_token_is_believed_when_the_refresh_token_is_dead),
        T(a_401_that_cannot_be_looked_into_waits),
        T(after_a_401_the_call_is_made_once_more_with_what_a_refresh_brings),
        T(without_rotation_the_refresh_token_stays_the_one_to_revoke),
        T(without_a_refresh_token_a_401_is_a_refusal),
#undef T
    };
    return cmocka_run_group_tests_name("flow/tell", tests, NULL, NULL);
}
