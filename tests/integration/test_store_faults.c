/* Redis in trouble: what a call then answers, and that the next one works again by itself. */
#include <time.h>

#include "store_fixture.h"

static enum bff_err load_with(struct store *who)
{
    struct session s;
    return store_load(who, &name, false, &arena, &s);
}

static void assert_unavailable(struct store *who, const char *reason)
{
    assert_int_equal(load_with(who), BFF_ERR_STORE_UNAVAILABLE);
    if (!strstr(store_last_error(who), reason))
        fail_msg("\"%s\" does not say \"%s\"", store_last_error(who), reason);
}

static void scripts_are_loaded_again_when_redis_lost_them(void **state)
{
    (void)state;
    create_session();
    ask("SCRIPT FLUSH");
    assert_ok(load_with(worker));
    struct begin b = begin_and_go(worker);
    ask("SCRIPT FLUSH");
    struct session s;
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
}

static void a_connection_that_was_closed_while_idle_is_not_noticed(void **state)
{
    (void)state;
    create_session();
    ask("CLIENT KILL TYPE normal SKIPME yes");
    assert_ok(load_with(worker));
}

static void a_stopped_redis_is_unavailable_and_its_return_is_noticed(void **state)
{
    (void)state;
    create_session();
    redisFree(raw);
    private_redis_stop(&redis);
    assert_unavailable(worker, "cannot connect to Redis");
    assert_unavailable(worker, "cannot connect to Redis");
    private_redis_start(&redis, NULL);
    open_raw();
    assert_int_equal(load_with(worker), BFF_ERR_MISSING);
    create_session();
    assert_ok(load_with(worker));
}

static void a_killed_redis_is_unavailable_and_its_return_is_noticed(void **state)
{
    (void)state;
    create_session();
    redisFree(raw);
    private_redis_kill(&redis);
    assert_int_equal(load_with(worker), BFF_ERR_STORE_UNAVAILABLE);
    private_redis_start(&redis, NULL);
    open_raw();
    create_session();
    assert_ok(load_with(worker));
}

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct store *impatient_store(void)
{
    config.redis.connect_ms = config.redis.command_ms = 50;
    struct store_options options = options_now();
    struct store *s = store_open(&options);
    assert_non_null(s);
    return s;
}

static void a_hanging_redis_is_given_up_in_time(void **state)
{
    (void)state;
    create_session();
    struct store *impatient = impatient_store();
    assert_ok(load_with(impatient));
    private_redis_pause(&redis);
    int64_t start = clock_ms();
    enum bff_err warm = load_with(impatient);
    enum bff_err cold = load_with(impatient);
    int64_t took = clock_ms() - start;
    private_redis_resume(&redis);
    assert_int_equal(warm, BFF_ERR_STORE_UNAVAILABLE);
    assert_int_equal(cold, BFF_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(store_last_error(impatient), "in time"));
    assert_in_range(took, 90, 1500);
    store_close(impatient);
}

static void a_late_reply_is_not_taken_for_the_next_commands(void **state)
{
    (void)state;
    create_session();
    struct store *impatient = impatient_store();
    assert_ok(load_with(impatient));
    private_redis_pause(&redis);
    assert_int_equal(load_with(impatient), BFF_ERR_STORE_UNAVAILABLE);
    private_redis_resume(&redis);
    struct session_name stranger;
    char other_cookie[43];
    seal_new_cookie(other_cookie);
    session_name_make(&config, (struct str){other_cookie, sizeof other_cookie}, &stranger);
    struct session s;
    enum bff_err err = BFF_ERR_STORE_UNAVAILABLE;
    for (int looks = 0; err == BFF_ERR_STORE_UNAVAILABLE;) {
        err = store_load(impatient, &stranger, false, &arena, &s);
        if (err == BFF_ERR_STORE_UNAVAILABLE)
            look_again(&looks);
    }
    assert_int_equal(err, BFF_ERR_MISSING);
    store_close(impatient);
}

static void a_loading_redis_is_unavailable_until_it_is_done(void **state)
{
    (void)state;
    create_session();
    ask("DEBUG POPULATE 3000");
    ask("SAVE");
    redisFree(raw);
    private_redis_stop(&redis);
    static const char *const slow[] = {"--key-load-delay", "1000",
                                       "--loading-process-events-interval-bytes", "1024", NULL};
    private_redis_start(&redis, slow);
    assert_unavailable(worker, "loading");
    open_raw();
    int looks = 0;
    while (load_with(worker) != BFF_OK)
        look_again(&looks);
    redisFree(raw);
    private_redis_stop(&redis);
    private_redis_start(&redis, NULL);
    open_raw();
}

static void a_read_only_replica_still_says_who_is_signed_in(void **state)
{
    (void)state;
    create_session();
    begin_and_go(worker);
    run_out_lease();
    set_field("seen", redis_now_ms() - 10 * MINUTE_MS);
    ask("REPLICAOF 127.0.0.1 1");
    struct session s;
    enum bff_err load = store_load(worker, &name, true, &arena, &s);
    struct begin b;
    enum bff_err begin = store_begin(worker, &name, 0, &arena, &b);
    ask("REPLICAOF NO ONE");
    assert_ok(load);
    assert_in_range(s.since_touch_ms, 10 * MINUTE_MS, 11 * MINUTE_MS);
    assert_int_equal(begin, BFF_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(store_last_error(worker), "read-only"));
    assert_int_equal(begin_as(worker, 0).result, BEGIN_GO);
}

static void a_replica_without_its_primary_is_unavailable(void **state)
{
    (void)state;
    create_session();
    ask("CONFIG SET replica-serve-stale-data no");
    ask("REPLICAOF 127.0.0.1 1");
    enum bff_err err = load_with(worker);
    ask("REPLICAOF NO ONE");
    ask("CONFIG SET replica-serve-stale-data yes");
    assert_int_equal(err, BFF_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(store_last_error(worker), "lost its primary"));
    assert_ok(load_with(worker));
}

static void a_full_redis_takes_no_new_session_but_reads_and_signs_out(void **state)
{
    (void)state;
    create_session();
    set_field("seen", redis_now_ms() - 10 * MINUTE_MS);
    ask("CONFIG SET maxmemory 1");
    struct session s;
    enum bff_err load = store_load(worker, &name, true, &arena, &s);
    enum bff_err end = store_logout(worker, &name, &arena, &s);
    enum bff_err create = store_create(worker, &name, &first_tokens, &arena, &s);
    ask("CONFIG SET maxmemory 0");
    assert_ok(load);
    assert_ok(end);
    assert_int_equal(create, BFF_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(store_last_error(worker), "full"));
}

static void a_password_is_asked_for_and_used(void **state)
{
    (void)state;
    create_session();
    ask("CONFIG SET requirepass opensesame");
    struct store_options options = options_now();
    struct store *without = store_open(&options);
    options.password = STR("wrong-word");
    struct store *wrong = store_open(&options);
    options.password = STR("opensesame");
    struct store *right = store_open(&options);
    enum bff_err err_without = load_with(without), err_wrong = load_with(wrong),
                 err_right = load_with(right);
    ask("CONFIG SET requirepass %s", "");
    assert_int_equal(err_without, BFF_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(store_last_error(without), "redis.password_file"));
    assert_int_equal(err_wrong, BFF_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(store_last_error(wrong), "refuses the password"));
    assert_null(strstr(store_last_error(wrong), "wrong-word"));
    assert_ok(err_right);
    store_close(without);
    store_close(wrong);
    store_close(right);
}

static void another_user_and_database_can_be_named(void **state)
{
    (void)state;
    ask("ACL SETUSER bff on >opensesame ~* &* +@all");
    char url[128];
    snprintf(url, sizeof url, "%s?db=3", redis.url);
    config.redis.url = str_from(url);
    config.redis.user = STR("bff");
    struct store_options options = options_now();
    options.password = STR("opensesame");
    struct store *s = store_open(&options);
    struct session session;
    assert_ok(store_create(s, &name, &first_tokens, &arena, &session));
    store_close(s);
    assert_int_equal(ask("EXISTS %s", name.key), 0);
    redisReply *reply = redisCommand(raw, "SELECT 3");
    assert_non_null(reply);
    freeReplyObject(reply);
    assert_int_equal(ask("EXISTS %s", name.key), 1);
}

static void a_bad_url_is_told(void **state)
{
    (void)state;
    config.redis.url = STR("http://localhost");
    struct store_options options = options_now();
    struct store *s = store_open(&options);
    assert_unavailable(s, "redis.url");
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(scripts_are_loaded_again_when_redis_lost_them),
        T(a_connection_that_was_closed_while_idle_is_not_noticed),
        T(a_stopped_redis_is_unavailable_and_its_return_is_noticed),
        T(a_killed_redis_is_unavailable_and_its_return_is_noticed),
        T(a_hanging_redis_is_given_up_in_time),
        T(a_late_reply_is_not_taken_for_the_next_commands),
        T(a_loading_redis_is_unavailable_until_it_is_done),
        T(a_read_only_replica_still_says_who_is_signed_in),
        T(a_replica_without_its_primary_is_unavailable),
        T(a_full_redis_takes_no_new_session_but_reads_and_signs_out),
        T(a_password_is_asked_for_and_used),
        T(another_user_and_database_can_be_named),
        T(a_bad_url_is_told),
    };
    return cmocka_run_group_tests_name("store: faults", tests, start_redis, remove_redis);
}
