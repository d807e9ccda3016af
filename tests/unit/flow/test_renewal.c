/*
 * What a refresh comes to, for each answer of the store's and each verdict of the backend's. Both
 * are played here: their names stand before those of the archives.
 */
#include "../../assert_str.h"

#include "base/log.h"
#include "flow/breaker.h"
#include "flow/grant.h"
#include "flow/renewal.h"
#include "flow/revoke.h"

#define ANSWERS_MAX 4

static struct config config;
static struct breaker breaker;
static struct tools tools;
static struct arena arena;
static struct session_name name;
static const struct caller caller = {.request_id = {"r1", 2}};

/* What is answered, and what was asked. */
static struct played {
    enum bff_err begin_err;
    struct begin begin;
    enum refresh_verdict verdict;
    struct backend_tokens tokens;
    enum bff_err commits[ANSWERS_MAX]; /* one after the other; the last one stays */
    enum commit_result committed;
    struct session stored;
    enum bff_err reject_err, fail_err, load_err;
    enum reject_result rejected;
    int64_t wait_ms;

    unsigned n_commits, n_rejects, n_fails, n_loads, n_touches;
    bool was_probe;
    struct session_tokens given;
    struct str revoked;
} play;

enum bff_err store_begin(struct store *s, const struct session_name *n, uint64_t seen,
                         struct arena *a, struct begin *out)
{
    (void)s, (void)n, (void)seen, (void)a;
    *out = play.begin;
    return play.begin_err;
}

enum bff_err store_commit(struct store *s, const struct session_name *n, const struct session *old,
                          const struct session_tokens *tokens, struct arena *a,
                          enum commit_result *result, struct session *out)
{
    (void)s, (void)n, (void)old, (void)a;
    play.given = *tokens;
    *result = play.committed;
    *out = play.stored;
    unsigned at = play.n_commits++;
    return play.commits[at < ANSWERS_MAX ? at : ANSWERS_MAX - 1];
}

enum bff_err store_reject(struct store *s, const struct session_name *n, uint64_t generation,
                          uint64_t epoch, enum reject_result *result, int64_t *wait_ms)
{
    (void)s, (void)n, (void)generation, (void)epoch;
    play.n_rejects++;
    *result = play.rejected;
    *wait_ms = play.wait_ms;
    return play.reject_err;
}

enum bff_err store_fail(struct store *s, const struct session_name *n, uint64_t generation,
                        uint64_t epoch, bool is_probe, int64_t *wait_ms)
{
    (void)s, (void)n, (void)generation, (void)epoch;
    play.n_fails++;
    play.was_probe = is_probe;
    *wait_ms = play.wait_ms;
    return play.fail_err;
}

enum bff_err store_load(struct store *s, const struct session_name *n, bool touch, struct arena *a,
                        struct session *out)
{
    (void)s, (void)n, (void)touch, (void)a;
    play.n_loads++;
    *out = play.stored;
    return play.load_err;
}

enum bff_err store_touch(struct store *s, const struct session_name *n, struct arena *a,
                         struct session *out)
{
    (void)s, (void)n, (void)a;
    play.n_touches++;
    *out = play.stored;
    return play.load_err;
}

int64_t store_tracked_for(const struct store *s)
{
    (void)s;
    return 7;
}

const char *store_last_error(const struct store *s)
{
    (void)s;
    return "as played";
}

enum refresh_verdict grant_ask(struct tools *t, struct str access, struct str refresh,
                               const struct caller *c, struct arena *a,
                               struct backend_tokens *tokens, struct str *why)
{
    (void)t, (void)access, (void)refresh, (void)c, (void)a;
    *tokens = play.tokens;
    *why = STR("as played");
    return play.verdict;
}

enum revoke_result revoke_or_queue(struct tools *t, struct str access, struct str refresh,
                                   const struct caller *c, struct arena *a)
{
    (void)t, (void)access, (void)c, (void)a;
    play.revoked = refresh;
    return REVOKE_DONE;
}

static int set_up(void **state)
{
    (void)state;
    log_setup(SEVERITY_ERROR, false);
    config = (struct config){.refresh.lease_ms = 20000};
    breaker = (struct breaker){0};
    arena = arena_make(64 * 1024);
    tools = (struct tools){.config = &config, .breaker = &breaker, .fence = fence_create()};
    play = (struct played){
        .begin = {.result = BEGIN_GO,
                  .epoch = 9,
                  .session = {.generation = 4,
                              .access = STR("old access"),
                              .refresh = STR("old refresh"),
                              .user_id = STR("1")}},
        .tokens = {.access = STR("new access"),
                   .refresh = STR("new refresh"),
                   .access_life_ms = 60000,
                   .refresh_life_ms = TOKEN_LIFE_UNKNOWN},
        .stored = {.generation = 5, .access_left_ms = 59000},
    };
    return tools.fence ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fence_destroy(tools.fence);
    arena_free(&arena);
    return 0;
}

static struct renewal run(void)
{
    struct renewal out;
    renewal_run(&tools, &name, 4, &caller, &arena, &out);
    return out;
}

static bool is_void_since(uint32_t before)
{
    return fence_read(tools.fence, name.hash) != before;
}

static void each_answer_to_begin_has_its_result(void **state)
{
    (void)state;
    static const struct {
        enum bff_err err;
        enum begin_result begun;
        enum renewal_result result;
        bool is_void; /* for every cache of this host */
    } rows[] = {
        {BFF_OK, BEGIN_NONE, RENEWAL_NONE, false},
        {BFF_OK, BEGIN_FRESH, RENEWAL_SESSION, false},
        {BFF_OK, BEGIN_BUSY, RENEWAL_LATER, false},
        {BFF_OK, BEGIN_BACKOFF, RENEWAL_PUT_OFF, false},
        {BFF_OK, BEGIN_REJECTED, RENEWAL_ENDED, true},
        {BFF_OK, BEGIN_GO, RENEWAL_SESSION, true},
        {BFF_ERR_SEAL_BROKEN, BEGIN_NONE, RENEWAL_NONE, false},
        {BFF_ERR_STORE_UNAVAILABLE, BEGIN_NONE, RENEWAL_STORE_DOWN, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t before = fence_read(tools.fence, name.hash);
        play.begin_err = rows[i].err;
        play.begin.result = rows[i].begun;
        play.begin.wait_ms = 250;
        struct renewal r = run();
        assert_int_equal(r.result, rows[i].result);
        assert_int_equal(r.granted, rows[i].begun == BEGIN_GO && rows[i].err == BFF_OK);
        assert_int_equal(is_void_since(before), rows[i].is_void);
        if (rows[i].result == RENEWAL_LATER || rows[i].result == RENEWAL_PUT_OFF)
            assert_int_equal(r.wait_ms, 250);
    }
    assert_int_equal(play.n_commits, 1);
}

static void what_was_granted_is_stored_and_returned(void **state)
{
    (void)state;
    struct renewal r = run();
    assert_int_equal(r.result, RENEWAL_SESSION);
    assert_true(r.granted);
    assert_int_equal(r.session.generation, 5);
    assert_int_equal(r.tracked_for, 7);
    assert_int_equal(r.ticket, fence_read(tools.fence, name.hash));
    assert_str(play.given.access, STR("new access"));
    assert_int_equal(play.given.refresh_life_ms, TOKEN_LIFE_UNKNOWN);
}

static void the_old_users_picture_gets_what_the_refresh_tells(void **state)
{
    (void)state;
    play.begin.session.user = STR("{\"name\":\"Alice\",\"role\":\"user\"}");
    play.tokens.user_id = STR("1");
    play.tokens.user = STR("{\"role\":\"admin\"}");
    assert_int_equal(run().result, RENEWAL_SESSION);
    assert_str(play.given.user, STR("{\"name\":\"Alice\",\"role\":\"admin\"}"));
}

/* Nobody may be put into another one's session. */
static void the_tokens_of_another_user_are_a_rejection(void **state)
{
    (void)state;
    play.tokens.user_id = STR("2");
    play.rejected = REJECT_ENDED;
    assert_int_equal(run().result, RENEWAL_ENDED);
    assert_int_equal(play.n_commits, 0);
    assert_int_equal(play.n_rejects, 1);
}

static void a_store_that_comes_back_gets_the_tokens_all_the_same(void **state)
{
    (void)state;
    play.commits[0] = play.commits[1] = BFF_ERR_STORE_UNAVAILABLE;
    assert_int_equal(run().result, RENEWAL_SESSION);
    assert_int_equal(play.n_commits, 3);
    assert_true(play.given.access_life_ms < 60000);
    assert_true(play.given.access_life_ms > 0);
}

static void a_store_that_stays_away_is_given_up_after_the_lease(void **state)
{
    (void)state;
    config.refresh.lease_ms = 120;
    for (size_t i = 0; i < ANSWERS_MAX; i++)
        play.commits[i] = BFF_ERR_STORE_UNAVAILABLE;
    uint32_t before = fence_read(tools.fence, name.hash);
    assert_int_equal(run().result, RENEWAL_STORE_DOWN);
    assert_true(play.n_commits > 1);
    assert_false(is_void_since(before));
}

static void tokens_for_which_there_was_no_memory_are_stored_when_there_is_some(void **state)
{
    (void)state;
    play.commits[0] = BFF_ERR_NO_MEMORY;
    assert_int_equal(run().result, RENEWAL_SESSION);
    assert_int_equal(play.n_commits, 2);
}

static void what_no_repetition_mends_is_not_repeated(void **state)
{
    (void)state;
    play.commits[0] = BFF_ERR_TOO_LARGE;
    assert_int_equal(run().result, RENEWAL_STORE_DOWN);
    assert_int_equal(play.n_commits, 1);
}

static void a_life_that_was_over_while_the_store_was_away_is_none(void **state)
{
    (void)state;
    play.tokens.access_life_ms = play.tokens.refresh_life_ms = 20;
    play.commits[0] = BFF_ERR_STORE_UNAVAILABLE; /* 50 ms go by */
    play.stored.access_left_ms = 0;
    struct renewal r = run();
    assert_int_equal(r.result, RENEWAL_UNAVAILABLE);
    assert_false(r.granted);
    assert_int_equal(r.ticket, fence_read(tools.fence, name.hash));
    assert_int_equal(play.given.access_life_ms, 0);
    assert_int_equal(play.given.refresh_life_ms, 0);
}

static void after_a_sign_out_the_newest_refresh_token_is_revoked(void **state)
{
    (void)state;
    play.committed = COMMIT_GONE;
    assert_int_equal(run().result, RENEWAL_NONE);
    assert_str(play.revoked, STR("new refresh"));
    play.tokens.refresh = (struct str){NULL, 0}; /* no rotation */
    assert_int_equal(run().result, RENEWAL_NONE);
    assert_str(play.revoked, STR("old refresh"));
}

static void who_was_overtaken_looks_again_and_revokes_nothing(void **state)
{
    (void)state;
    play.committed = COMMIT_STALE;
    struct renewal r = run();
    assert_int_equal(r.result, RENEWAL_LATER);
    assert_false(r.granted);
    assert_int_equal(play.revoked.n, 0);
}

static void a_rejection_ends_the_session_only_when_the_store_says_so(void **state)
{
    (void)state;
    static const struct {
        enum bff_err err;
        enum reject_result rejected;
        enum renewal_result result;
        bool is_void;
    } rows[] = {
        {BFF_OK, REJECT_ENDED, RENEWAL_ENDED, true},
        {BFF_OK, REJECT_WAIT, RENEWAL_LATER, true},
        {BFF_OK, REJECT_SUPERSEDED, RENEWAL_LATER, true},
        {BFF_ERR_STORE_UNAVAILABLE, REJECT_ENDED, RENEWAL_STORE_DOWN, false},
    };
    play.verdict = REFRESH_REJECTED;
    play.wait_ms = 300;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t before = fence_read(tools.fence, name.hash);
        play.reject_err = rows[i].err;
        play.rejected = rows[i].rejected;
        struct renewal r = run();
        assert_int_equal(r.result, rows[i].result);
        assert_int_equal(is_void_since(before), rows[i].is_void);
        if (r.result == RENEWAL_LATER)
            assert_int_equal(r.wait_ms, 300);
    }
}

static void a_backend_that_is_away_ends_nothing(void **state)
{
    (void)state;
    uint32_t before = fence_read(tools.fence, name.hash);
    play.verdict = REFRESH_UNAVAILABLE;
    play.wait_ms = 1000;
    struct renewal r = run();
    assert_int_equal(r.result, RENEWAL_UNAVAILABLE);
    assert_int_equal(r.wait_ms, 1000);
    assert_int_equal(play.n_fails, 1);
    assert_false(play.was_probe);
    play.fail_err = BFF_ERR_STORE_UNAVAILABLE;
    assert_int_equal(run().result, RENEWAL_STORE_DOWN);
    assert_false(is_void_since(before));
}

static void in_trouble_one_asks_and_the_others_look_at_what_is_stored(void **state)
{
    (void)state;
    play.verdict = REFRESH_UNAVAILABLE;
    breaker_tell(&breaker, false, 1); /* long ago: an attempt is due */
    struct renewal r = run();
    assert_int_equal(r.result, RENEWAL_UNAVAILABLE);
    assert_true(r.is_probe && play.was_probe);
    play.stored.generation = 4; /* as this request has seen it */
    r = run();
    assert_int_equal(r.result, RENEWAL_PUT_OFF);
    assert_true(r.is_away && r.wait_ms > 0);
    play.stored.generation = 5; /* another host has refreshed */
    assert_int_equal(run().result, RENEWAL_SESSION);
    play.load_err = BFF_ERR_MISSING;
    assert_int_equal(run().result, RENEWAL_NONE);
    play.load_err = BFF_ERR_SEAL_BROKEN;
    assert_int_equal(run().result, RENEWAL_NONE);
    play.load_err = BFF_ERR_STORE_UNAVAILABLE;
    assert_int_equal(run().result, RENEWAL_STORE_DOWN);
    assert_int_equal(play.n_fails, 1);
    assert_int_equal(play.n_loads, 5);
}

static void a_touch_is_a_load_that_extends_the_session(void **state)
{
    (void)state;
    struct renewal out;
    renewal_touch(&tools, &name, &arena, &out);
    assert_int_equal(out.result, RENEWAL_SESSION);
    assert_int_equal(out.session.generation, 5);
    assert_int_equal(out.tracked_for, 7);
    assert_int_equal(play.n_touches, 1);
    assert_int_equal(play.n_loads, 0);
    play.load_err = BFF_ERR_MISSING;
    renewal_touch(&tools, &name, &arena, &out);
    assert_int_equal(out.result, RENEWAL_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(each_answer_to_begin_has_its_result),
        T(what_was_granted_is_stored_and_returned),
        T(the_old_users_picture_gets_what_the_refresh_tells),
        T(the_tokens_of_another_user_are_a_rejection),
        T(a_store_that_comes_back_gets_the_tokens_all_the_same),
        T(a_store_that_stays_away_is_given_up_after_the_lease),
        T(tokens_for_which_there_was_no_memory_are_stored_when_there_is_some),
        T(what_no_repetition_mends_is_not_repeated),
        T(a_life_that_was_over_while_the_store_was_away_is_none),
        T(after_a_sign_out_the_newest_refresh_token_is_revoked),
        T(who_was_overtaken_looks_again_and_revokes_nothing),
        T(a_rejection_ends_the_session_only_when_the_store_says_so),
        T(a_backend_that_is_away_ends_nothing),
        T(a_touch_is_a_load_that_extends_the_session),
        T(in_trouble_one_asks_and_the_others_look_at_what_is_stored),
#undef T
    };
    return cmocka_run_group_tests_name("flow/renewal", tests, NULL, NULL);
}
