/* Revocations that wait: how long, how many, and what becomes of them. The backend is played here.
 */
#include "../../assert_str.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/revoke.h"

#define HOUR_MS (60 * 60 * 1000)

static struct config config;
static struct tools tools;
static struct arena arena;
static const struct caller caller = {.request_id = {"r1", 2}, .client_address = {"192.0.2.1", 9}};

/* What is answered, and what was told. */
static struct played {
    enum revoke_result result;
    struct str fresh_access, fresh_refresh; /* what an attempt brings; empty: nothing */
    unsigned n;
    char access[64], refresh[64]; /* of the last one; the views are gone by then */
} play;

enum revoke_result tell_backend(struct tools *t, struct revocation *tokens, const struct caller *c,
                                struct arena *a)
{
    (void)t;
    play.n++;
    snprintf(play.access, sizeof play.access, "%.*s", STR_ARG(tokens->access));
    snprintf(play.refresh, sizeof play.refresh, "%.*s", STR_ARG(tokens->refresh));
    assert_str(c->request_id, caller.request_id);
    assert_str(c->client_address, caller.client_address);
    if (play.fresh_access.n > 0) {
        assert_true(arena_copy(a, play.fresh_access, &tokens->access));
        assert_true(arena_copy(a, play.fresh_refresh, &tokens->refresh));
    }
    return play.result;
}

static int set_up(void **state)
{
    (void)state;
    log_setup(SEVERITY_ERROR, false);
    config = (struct config){.revoke.request.method = STR("POST")};
    arena = arena_make(64 * 1024);
    tools = (struct tools){.config = &config, .revocations = revocations_make()};
    play = (struct played){.result = REVOKE_WAITS};
    return tools.revocations ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    revocations_free(tools.revocations);
    arena_free(&arena);
    return 0;
}

static enum revoke_result revoke(void)
{
    return revoke_or_queue(&tools, STR("access"), STR("refresh"), &caller, &arena);
}

static size_t waiting(void)
{
    return revocations_waiting(tools.revocations);
}

/* When one is tried next, from now. */
static int64_t next_in_ms(void)
{
    int64_t oldest_ms, next_ms;
    revocations_look(tools.revocations, &oldest_ms, &next_ms);
    return next_ms - clock_mono_ms();
}

static void a_backend_that_has_no_revocation_is_not_told(void **state)
{
    (void)state;
    config.revoke.request.method = STR("");
    assert_int_equal(revoke(), REVOKE_DONE);
    assert_int_equal(play.n, 0);
}

static void a_call_that_would_carry_no_token_is_not_made(void **state)
{
    (void)state;
    static const struct {
        enum send_kind kind;
        struct str text;
        bool auth_access, is_told;
    } rows[] = {
        {SEND_JSON, {"{\"refresh\": \"$refresh\"}", 23}, false, false},
        {SEND_JSON, {"{\"token\": \"$access\"}", 20}, false, true},
        {SEND_FORM, {"token=$access", 13}, false, true},
        {SEND_COOKIE, {"refresh", 7}, false, false},
        {SEND_NONE, {NULL, 0}, true, true},
    };
    play.result = REVOKE_DONE;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        config.revoke.send = (struct config_send){rows[i].kind, rows[i].text};
        config.revoke.auth_access = rows[i].auth_access;
        unsigned before = play.n;
        assert_int_equal(revoke_or_queue(&tools, STR("access"), STR(""), &caller, &arena),
                         REVOKE_DONE);
        assert_int_equal(play.n - before, rows[i].is_told);
    }
}

static void what_was_told_or_refused_does_not_wait(void **state)
{
    (void)state;
    play.result = REVOKE_REFUSED;
    assert_int_equal(revoke(), REVOKE_REFUSED);
    play.result = REVOKE_DONE;
    assert_int_equal(revoke(), REVOKE_DONE);
    assert_int_equal(waiting(), 0);
}

static void what_waits_is_told_when_it_is_due_and_not_before(void **state)
{
    (void)state;
    assert_int_equal(revoke(), REVOKE_WAITS);
    int64_t now_ms = clock_mono_ms();
    assert_int_equal(waiting(), 1);
    assert_false(revocations_due(tools.revocations, now_ms));
    revocations_retry(&tools, now_ms);
    assert_int_equal(play.n, 1);
    play.result = REVOKE_DONE;
    assert_true(revocations_due(tools.revocations, now_ms + 1000));
    revocations_retry(&tools, now_ms + 1000);
    assert_int_equal(play.n, 2);
    assert_string_equal(play.access, "access");
    assert_string_equal(play.refresh, "refresh");
    assert_int_equal(waiting(), 0);
}

static void a_refusal_later_is_the_end_of_it(void **state)
{
    (void)state;
    revoke();
    play.result = REVOKE_REFUSED;
    revocations_retry(&tools, clock_mono_ms() + 1000);
    assert_int_equal(waiting(), 0);
}

static void each_failure_doubles_the_wait_up_to_a_minute(void **state)
{
    (void)state;
    static const int64_t waits_ms[] = {2000, 4000, 8000, 16000, 32000, 60000, 60000};
    revoke();
    assert_true(next_in_ms() > 0 && next_in_ms() <= 1000);
    int64_t at_ms = clock_mono_ms() + 1000;
    for (size_t i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++) {
        revocations_retry(&tools, at_ms);
        assert_int_equal(play.n, 2 + i);
        assert_false(revocations_due(tools.revocations, at_ms + waits_ms[i] - 1));
        assert_true(revocations_due(tools.revocations, at_ms + waits_ms[i]));
        at_ms += waits_ms[i];
    }
}

/* The backend is down for all of them. */
static void the_first_failure_ends_the_round(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        revoke();
    revocations_retry(&tools, clock_mono_ms() + 1000);
    assert_int_equal(play.n, 6);
    assert_int_equal(waiting(), 5);
    play.result = REVOKE_DONE;
    revocations_retry(&tools, clock_mono_ms() + 3000);
    assert_int_equal(play.n, 11);
    assert_int_equal(waiting(), 0);
}

static void after_an_hour_it_is_given_up(void **state)
{
    (void)state;
    revoke();
    revocations_retry(&tools, clock_mono_ms() + HOUR_MS - 1000);
    assert_int_equal(waiting(), 1);
    revocations_retry(&tools, clock_mono_ms() + HOUR_MS + 60000);
    assert_int_equal(play.n, 3);
    assert_int_equal(waiting(), 0);
}

static void only_so_many_wait(void **state)
{
    (void)state;
    for (int i = 0; i < REVOCATIONS_MAX + 3; i++)
        assert_int_equal(revoke(), REVOKE_WAITS);
    assert_int_equal(waiting(), REVOCATIONS_MAX);
}

/* An attempt that had to refresh has spent the token that waited. */
static void tokens_that_an_attempt_brought_wait_in_place_of_the_old_ones(void **state)
{
    (void)state;
    revoke();
    play.fresh_access = STR("second access");
    play.fresh_refresh = STR("second refresh");
    int64_t at_ms = clock_mono_ms() + 1000;
    revocations_retry(&tools, at_ms);
    assert_string_equal(play.refresh, "refresh");
    play.fresh_access = (struct str){NULL, 0};
    revocations_retry(&tools, at_ms + 2000);
    assert_string_equal(play.access, "second access");
    assert_string_equal(play.refresh, "second refresh");
    assert_false(revocations_due(tools.revocations, at_ms + 5999));
    assert_true(revocations_due(tools.revocations, at_ms + 6000));
}

static void tokens_that_the_first_attempt_brought_are_those_that_wait(void **state)
{
    (void)state;
    play.fresh_access = STR("second access");
    play.fresh_refresh = STR("second refresh");
    assert_int_equal(revoke(), REVOKE_WAITS);
    revocations_retry(&tools, clock_mono_ms() + 1000);
    assert_string_equal(play.refresh, "second refresh");
}

static void at_the_end_each_gets_a_last_try_though_none_is_due(void **state)
{
    (void)state;
    revoke();
    revoke();
    play.result = REVOKE_DONE;
    revocations_flush(&tools);
    assert_int_equal(play.n, 4);
    assert_int_equal(waiting(), 0);
}

static void what_still_waits_then_is_given_up(void **state)
{
    (void)state;
    revoke();
    revoke();
    revocations_flush(&tools);
    assert_int_equal(play.n, 3);
    assert_int_equal(waiting(), 2); /* wiped and counted when the list is freed */
}

static void the_oldest_and_the_next_are_known(void **state)
{
    (void)state;
    int64_t oldest_ms, next_ms;
    revocations_look(tools.revocations, &oldest_ms, &next_ms);
    assert_int_equal(oldest_ms, 0);
    assert_int_equal(next_ms, 0);
    int64_t before_ms = clock_mono_ms();
    revoke();
    revocations_retry(&tools, before_ms + 5000); /* the older one is due later */
    int64_t between_ms = clock_mono_ms();
    clock_pause_ms(2);
    revoke();
    revocations_look(tools.revocations, &oldest_ms, &next_ms);
    assert_true(oldest_ms >= before_ms && oldest_ms <= between_ms);
    assert_true(next_ms > between_ms && next_ms < before_ms + 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(a_backend_that_has_no_revocation_is_not_told),
        T(a_call_that_would_carry_no_token_is_not_made),
        T(what_was_told_or_refused_does_not_wait),
        T(what_waits_is_told_when_it_is_due_and_not_before),
        T(a_refusal_later_is_the_end_of_it),
        T(each_failure_doubles_the_wait_up_to_a_minute),
        T(the_first_failure_ends_the_round),
        T(after_an_hour_it_is_given_up),
        T(only_so_many_wait),
        T(tokens_that_an_attempt_brought_wait_in_place_of_the_old_ones),
        T(tokens_that_the_first_attempt_brought_are_those_that_wait),
        T(at_the_end_each_gets_a_last_try_though_none_is_due),
        T(what_still_waits_then_is_given_up),
        T(the_oldest_and_the_next_are_known),
#undef T
    };
    return cmocka_run_group_tests_name("flow/revoke", tests, NULL, NULL);
}
