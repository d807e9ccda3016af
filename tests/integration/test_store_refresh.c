/* One refresh at a time: BEGIN, COMMIT, REJECT, FAIL and LOGOUT in every order that matters. */
#include "store_fixture.h"

static void begin_hands_the_refresh_token_to_one_worker_only(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_as(worker, 1);
    assert_int_equal(b.result, BEGIN_GO);
    assert_str(b.session.refresh, first_tokens.refresh);
    assert_int_equal(b.session.generation, 1);
    assert_false(b.ambiguous);
    struct begin second = begin_as(other, 1);
    assert_int_equal(second.result, BEGIN_BUSY);
    assert_in_range(second.wait_ms, 1, STORE_LOOK_AGAIN_MS);
    assert_int_equal(begin_as(worker, 1).result, BEGIN_BUSY);
}

static void begin_without_a_session_is_none(void **state)
{
    (void)state;
    assert_int_equal(begin_as(worker, 1).result, BEGIN_NONE);
}

static void commit_moves_the_generation_and_keeps_who_the_user_is(void **state)
{
    (void)state;
    struct session made = create_session();
    struct begin b = begin_and_go(worker);
    struct session s;
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    assert_int_equal(s.generation, 2);
    assert_str(s.access, second_tokens.access);
    assert_int_equal(s.access_left_ms, 5 * MINUTE_MS);
    struct session loaded = stored_session();
    assert_int_equal(loaded.generation, 2);
    assert_str(loaded.access, second_tokens.access);
    assert_str(loaded.refresh, second_tokens.refresh);
    assert_str(loaded.user, first_tokens.user);
    assert_str(loaded.user_id, first_tokens.user_id);
    assert_int_equal(loaded.created_ms, made.created_ms);
}

static void who_comes_after_a_commit_gets_the_fresh_tokens(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(worker);
    struct session s;
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    struct begin late = begin_as(other, 1);
    assert_int_equal(late.result, BEGIN_FRESH);
    assert_str(late.session.access, second_tokens.access);
    assert_int_equal(begin_as(other, 2).result, BEGIN_GO);
}

static void an_unrotated_refresh_token_is_kept_with_its_own_end(void **state)
{
    (void)state;
    create_session();
    long long end = field("refresh_exp");
    struct begin b = begin_and_go(worker);
    struct session_tokens access_only = second_tokens;
    access_only.refresh = (struct str){NULL, 0};
    access_only.refresh_life_ms = 0;
    struct session s;
    assert_int_equal(commit_as(worker, &b, &access_only, &s), COMMIT_STORED);
    assert_str(s.refresh, first_tokens.refresh);
    assert_str(stored_session().refresh, first_tokens.refresh);
    assert_int_equal(field("refresh_exp"), end);
}

static void commit_does_not_count_as_activity(void **state)
{
    (void)state;
    create_session();
    int64_t before = redis_now_ms() - 10 * MINUTE_MS;
    set_field("seen", before);
    struct begin b = begin_and_go(worker);
    struct session s;
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    assert_int_equal(field("seen"), before);
    assert_in_range(ask("PTTL %s", name.key), 49 * MINUTE_MS, 50 * MINUTE_MS);
}

static void a_shorter_refresh_token_shortens_the_session(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(worker);
    struct session_tokens shorter = second_tokens;
    shorter.refresh_life_ms = 2 * MINUTE_MS;
    struct session s;
    assert_int_equal(commit_as(worker, &b, &shorter, &s), COMMIT_STORED);
    assert_int_equal(s.absolute_left_ms, 2 * MINUTE_MS);
    assert_in_range(ask("PTTL %s", name.key), MINUTE_MS, 2 * MINUTE_MS);
}

static void a_commit_may_be_repeated_and_is_stored_once(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(worker);
    struct session s;
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    assert_int_equal(s.generation, 2);
    assert_str(s.access, second_tokens.access);
    assert_int_equal(load_session().generation, 2);
}

static void another_commit_of_the_same_generation_is_stale(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(worker);
    struct session s;
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    struct session_tokens third = second_tokens;
    third.access = STR("access-token-3");
    assert_int_equal(commit_as(other, &b, &third, &s), COMMIT_STALE);
    assert_str(load_session().access, second_tokens.access);
}

static void sign_out_during_a_refresh_wins_over_its_commit(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(worker);
    struct session s;
    assert_ok(store_logout(other, &name, &arena, &s));
    assert_str(s.refresh, first_tokens.refresh);
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_GONE);
    assert_no_session();
}

static void a_rejection_ends_the_session(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(worker);
    int64_t wait_ms;
    assert_int_equal(reject_as(worker, &b, &wait_ms), REJECT_ENDED);
    assert_no_session();
    assert_int_equal(begin_as(other, 1).result, BEGIN_NONE);
}

static void a_lease_that_ran_out_is_taken_over(void **state)
{
    (void)state;
    create_session();
    struct begin first = begin_and_go(worker);
    run_out_lease();
    struct begin second = begin_as(other, 1);
    assert_int_equal(second.result, BEGIN_GO);
    assert_true(second.epoch > first.epoch);
    assert_true(second.ambiguous);
    assert_int_equal(begin_as(worker, 1).result, BEGIN_BUSY);
}

static void what_redis_promised_before_its_clock_was_set_back_an_hour_is_over(void **state)
{
    (void)state;
    create_session();
    begin_and_go(worker);
    set_field("lease", redis_now_ms() + HOUR_MS);
    assert_int_equal(begin_as(other, 1).result, BEGIN_GO);
    set_field("state", 1); /* idle */
    set_field("backoff", redis_now_ms() + HOUR_MS);
    assert_int_equal(begin_as(worker, 1).result, BEGIN_GO);
}

static void a_lease_runs_out_by_itself(void **state)
{
    (void)state;
    config.refresh.lease_ms = 20;
    create_session();
    begin_and_go(worker);
    int looks = 0;
    while (begin_as(other, 1).result != BEGIN_GO)
        look_again(&looks);
}

static void stats_of_scripts(char *out, size_t size)
{
    redisReply *reply = redisCommand(raw, "INFO commandstats");
    assert_non_null(reply);
    const char *found = strstr(reply->str, "cmdstat_evalsha:");
    snprintf(out, size, "%.24s", found ? found : "");
    freeReplyObject(reply);
}

static void who_reads_that_it_is_his_turn_when_the_lease_may_be_over_asks_again(void **state)
{
    (void)state;
    char stats[32];
    int is_sent = 0;
    void *reply;
    config.refresh.lease_ms = 10;
    create_session();
    ask("CONFIG RESETSTAT");
    redisAppendCommand(raw, "EVAL %s 0", "for i = 1, 3e7 do end return 1"); /* takes its time */
    while (!is_sent)
        assert_int_equal(redisBufferWrite(raw, &is_sent), REDIS_OK);
    assert_int_equal(begin_as(worker, 1).result, BEGIN_GO);
    assert_int_equal(redisGetReply(raw, &reply), REDIS_OK);
    freeReplyObject(reply);
    stats_of_scripts(stats, sizeof stats);
    assert_string_equal(stats, "cmdstat_evalsha:calls=2,");
}

static void a_late_commit_wins_over_a_takeover(void **state)
{
    (void)state;
    create_session();
    struct begin first = begin_and_go(worker);
    run_out_lease();
    struct begin second = begin_and_go(other);
    struct session s;
    assert_int_equal(commit_as(worker, &first, &second_tokens, &s), COMMIT_STORED);
    int64_t wait_ms;
    assert_int_equal(reject_as(other, &second, &wait_ms), REJECT_SUPERSEDED);
    assert_str(load_session().access, second_tokens.access);
    assert_int_equal(begin_as(other, 1).result, BEGIN_FRESH);
}

static void a_late_rejection_loses_to_a_takeover(void **state)
{
    (void)state;
    create_session();
    struct begin first = begin_and_go(worker);
    run_out_lease();
    begin_and_go(other);
    int64_t wait_ms;
    assert_int_equal(reject_as(worker, &first, &wait_ms), REJECT_SUPERSEDED);
    assert_int_equal(load_session().generation, 1);
}

static void a_late_failure_does_not_release_anothers_lease(void **state)
{
    (void)state;
    create_session();
    struct begin first = begin_and_go(worker);
    run_out_lease();
    begin_and_go(other);
    int64_t wait_ms = 7;
    assert_ok(store_fail(worker, &name, 1, first.epoch, false, &wait_ms));
    assert_int_equal(wait_ms, 0);
    assert_int_equal(begin_as(worker, 1).result, BEGIN_BUSY);
}

static void an_ambiguous_rejection_waits_and_then_ends_the_session(void **state)
{
    (void)state;
    create_session();
    begin_and_go(worker);
    run_out_lease();
    struct begin second = begin_and_go(other);
    int64_t wait_ms;
    assert_int_equal(reject_as(other, &second, &wait_ms), REJECT_WAIT);
    assert_in_range(wait_ms, 25000, 30000);
    assert_int_equal(begin_as(worker, 1).result, BEGIN_BUSY);
    assert_int_equal(load_session().generation, 1);
    assert_int_equal(reject_as(other, &second, &wait_ms), REJECT_WAIT);
    set_field("ambiguous", redis_now_ms() - 1);
    assert_int_equal(begin_as(worker, 1).result, BEGIN_REJECTED);
    assert_no_session();
}

static void a_late_commit_wins_over_a_rejection_that_waits(void **state)
{
    (void)state;
    create_session();
    struct begin first = begin_and_go(worker);
    run_out_lease();
    struct begin second = begin_and_go(other);
    int64_t wait_ms;
    assert_int_equal(reject_as(other, &second, &wait_ms), REJECT_WAIT);
    struct session s;
    assert_int_equal(commit_as(worker, &first, &second_tokens, &s), COMMIT_STORED);
    assert_int_equal(begin_as(other, 1).result, BEGIN_FRESH);
    struct begin next = begin_as(other, 2);
    assert_int_equal(next.result, BEGIN_GO);
    assert_false(next.ambiguous);
}

static void ambiguity_outlasts_a_failure_in_between(void **state)
{
    (void)state;
    create_session();
    begin_and_go(worker);
    run_out_lease();
    struct begin second = begin_and_go(other);
    int64_t wait_ms;
    assert_ok(store_fail(other, &name, 1, second.epoch, false, &wait_ms));
    set_field("backoff", 0);
    struct begin third = begin_and_go(other);
    assert_true(third.ambiguous);
    assert_int_equal(reject_as(other, &third, &wait_ms), REJECT_WAIT);
}

static void after_the_grace_a_rejection_ends_the_session_at_once(void **state)
{
    (void)state;
    create_session();
    begin_and_go(worker);
    run_out_lease();
    struct begin second = begin_and_go(other);
    set_field("ambiguous", redis_now_ms() - 1);
    int64_t wait_ms;
    assert_int_equal(reject_as(other, &second, &wait_ms), REJECT_ENDED);
    assert_no_session();
}

static void a_failure_backs_everybody_off_for_longer_each_time(void **state)
{
    (void)state;
    static const int64_t most[] = {1000, 2000, 4000, 8000, 8000};
    create_session();
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        struct begin b = begin_and_go(worker);
        int64_t wait_ms;
        assert_ok(store_fail(worker, &name, 1, b.epoch, false, &wait_ms));
        assert_in_range(wait_ms, most[i] * 3 / 4, most[i]);
        struct begin refused = begin_as(other, 1);
        assert_int_equal(refused.result, BEGIN_BACKOFF);
        assert_in_range(refused.wait_ms, 1, wait_ms);
        set_field("backoff", redis_now_ms() - 1);
    }
}

static void a_success_forgets_the_failures(void **state)
{
    (void)state;
    create_session();
    int64_t wait_ms;
    for (int i = 0; i < 3; i++) {
        struct begin b = begin_and_go(worker);
        assert_ok(store_fail(worker, &name, 1, b.epoch, false, &wait_ms));
        set_field("backoff", 0);
    }
    struct begin b = begin_and_go(worker);
    struct session s;
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    b = begin_and_go(worker);
    assert_ok(store_fail(worker, &name, 2, b.epoch, false, &wait_ms));
    assert_in_range(wait_ms, 750, 1000);
}

static void a_failed_refresh_keeps_session_and_tokens(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(worker);
    int64_t wait_ms;
    assert_ok(store_fail(worker, &name, 1, b.epoch, false, &wait_ms));
    struct session s = stored_session();
    assert_int_equal(s.generation, 1);
    assert_str(s.refresh, first_tokens.refresh);
}

static void assert_end_stays(int64_t ttl_ms)
{
    assert_in_range(ask("PTTL %s", name.key), ttl_ms - 10000, ttl_ms);
}

static void only_a_commit_moves_the_end_of_the_key(void **state)
{
    (void)state;
    create_session();
    ask("PEXPIRE %s 1000000", name.key);
    struct begin b = begin_and_go(worker);
    assert_end_stays(1000000);
    int64_t wait_ms;
    assert_ok(store_fail(worker, &name, 1, b.epoch, false, &wait_ms));
    assert_end_stays(1000000);
    set_field("backoff", 0);
    begin_and_go(worker);
    run_out_lease();
    b = begin_and_go(other);
    assert_int_equal(reject_as(other, &b, &wait_ms), REJECT_WAIT);
    assert_end_stays(1000000);
    struct session s;
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    assert_end_stays(HOUR_MS);
}

static void verdicts_without_a_session_change_nothing(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(worker);
    ask("DEL %s", name.key);
    int64_t wait_ms;
    assert_int_equal(reject_as(worker, &b, &wait_ms), REJECT_SUPERSEDED);
    assert_ok(store_fail(worker, &name, 1, b.epoch, false, &wait_ms));
    assert_no_session();
}

static void commit_goes_through_though_memory_filled_up_since_begin(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(worker);
    ask("CONFIG SET maxmemory 1");
    struct session s;
    enum commit_result result;
    enum bff_err err = store_commit(worker, &name, &b.session, &second_tokens, &arena, &result, &s);
    struct begin refused;
    enum bff_err begin_err = store_begin(other, &name, 0, &arena, &refused);
    ask("CONFIG SET maxmemory 0");
    assert_ok(err);
    assert_int_equal(result, COMMIT_STORED);
    assert_str(load_session().access, second_tokens.access);
    assert_int_equal(begin_err, BFF_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(store_last_error(other), "full"));
}

/* Redis goes back: a replica that lagged was promoted, or an older dump was loaded. */
static void keep_a_copy(void)
{
    assert_int_equal(ask("COPY %s older REPLACE", name.key), 1);
}

static void go_back_to_the_copy(void)
{
    assert_int_equal(ask("COPY older %s REPLACE", name.key), 1);
}

static void a_commit_is_stored_by_a_redis_that_went_back_behind_it(void **state)
{
    (void)state;
    create_session();
    keep_a_copy();
    struct begin b = begin_and_go(worker);
    struct session s;
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    struct begin next = begin_and_go(other);
    assert_int_equal(next.session.generation, 2);
    go_back_to_the_copy();
    struct session_tokens third = second_tokens;
    third.access = STR("access-token-3");
    third.refresh = STR("refresh-token-3");
    assert_int_equal(commit_as(other, &next, &third, &s), COMMIT_STORED);
    assert_int_equal(s.generation, 3);
    assert_str(stored_session().refresh, third.refresh);
    assert_int_equal(commit_as(other, &next, &third, &s), COMMIT_STORED);
    assert_int_equal(load_session().generation, 3);
}

static void a_lease_that_redis_forgot_is_not_taken_for_a_later_one(void **state)
{
    (void)state;
    create_session();
    keep_a_copy();
    struct begin forgotten = begin_and_go(worker);
    go_back_to_the_copy();
    struct begin b = begin_and_go(other);
    assert_int_equal(b.session.generation, forgotten.session.generation);
    int64_t wait_ms;
    assert_int_equal(reject_as(worker, &forgotten, &wait_ms), REJECT_SUPERSEDED);
    assert_ok(store_fail(worker, &name, 1, forgotten.epoch, false, &wait_ms));
    assert_int_equal(begin_as(worker, 1).result, BEGIN_BUSY);
    struct session s;
    assert_int_equal(commit_as(other, &b, &second_tokens, &s), COMMIT_STORED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(begin_hands_the_refresh_token_to_one_worker_only),
        T(begin_without_a_session_is_none),
        T(commit_moves_the_generation_and_keeps_who_the_user_is),
        T(who_comes_after_a_commit_gets_the_fresh_tokens),
        T(an_unrotated_refresh_token_is_kept_with_its_own_end),
        T(commit_does_not_count_as_activity),
        T(a_shorter_refresh_token_shortens_the_session),
        T(a_commit_may_be_repeated_and_is_stored_once),
        T(another_commit_of_the_same_generation_is_stale),
        T(sign_out_during_a_refresh_wins_over_its_commit),
        T(a_rejection_ends_the_session),
        T(a_lease_that_ran_out_is_taken_over),
        T(a_lease_runs_out_by_itself),
        T(what_redis_promised_before_its_clock_was_set_back_an_hour_is_over),
        T(who_reads_that_it_is_his_turn_when_the_lease_may_be_over_asks_again),
        T(a_late_commit_wins_over_a_takeover),
        T(a_late_rejection_loses_to_a_takeover),
        T(a_late_failure_does_not_release_anothers_lease),
        T(an_ambiguous_rejection_waits_and_then_ends_the_session),
        T(a_late_commit_wins_over_a_rejection_that_waits),
        T(ambiguity_outlasts_a_failure_in_between),
        T(after_the_grace_a_rejection_ends_the_session_at_once),
        T(a_failure_backs_everybody_off_for_longer_each_time),
        T(a_success_forgets_the_failures),
        T(a_failed_refresh_keeps_session_and_tokens),
        T(only_a_commit_moves_the_end_of_the_key),
        T(verdicts_without_a_session_change_nothing),
        T(commit_goes_through_though_memory_filled_up_since_begin),
        T(a_commit_is_stored_by_a_redis_that_went_back_behind_it),
        T(a_lease_that_redis_forgot_is_not_taken_for_a_later_one),
    };
    return cmocka_run_group_tests_name("store: refresh", tests, start_redis, remove_redis);
}
