/* What a worker hears of changes that others make. */
#include <pthread.h>
#include <stdio.h>

#include "store/watch.h"
#include "store_fixture.h"

/* What the callbacks have told, in their thread; read in the test's. */
static struct {
    pthread_mutex_t lock;
    int64_t client;
    int connects, losses, flushes, changed, refreshed;
    char last_changed[SESSION_KEY_MAX], last_refreshed[SESSION_KEY_MAX];
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct watch *watch;

static void keep_key(char *to, struct str key)
{
    snprintf(to, SESSION_KEY_MAX, "%.*s", STR_ARG(key));
}

static void on_changed(void *self, struct str key)
{
    (void)self;
    pthread_mutex_lock(&heard.lock);
    if (key.p) {
        heard.changed++;
        keep_key(heard.last_changed, key);
    } else {
        heard.flushes++;
    }
    pthread_mutex_unlock(&heard.lock);
}

static void on_refreshed(void *self, struct str key)
{
    (void)self;
    pthread_mutex_lock(&heard.lock);
    heard.refreshed++;
    keep_key(heard.last_refreshed, key);
    pthread_mutex_unlock(&heard.lock);
}

static void on_connected(void *self, int64_t client)
{
    (void)self;
    pthread_mutex_lock(&heard.lock);
    heard.client = client;
    if (client)
        heard.connects++;
    else
        heard.losses++;
    pthread_mutex_unlock(&heard.lock);
}

static int64_t told_count(const int *count)
{
    pthread_mutex_lock(&heard.lock);
    int n = *count;
    pthread_mutex_unlock(&heard.lock);
    return n;
}

static int64_t told_client(void)
{
    pthread_mutex_lock(&heard.lock);
    int64_t client = heard.client;
    pthread_mutex_unlock(&heard.lock);
    return client;
}

#define told(count) told_count(&heard.count)

#define wait_until(condition)                                                                      \
    for (int looks = 0; !(condition);)                                                             \
    look_again(&looks)

static int start_watch(void **state)
{
    if (set_up(state) != 0)
        return -1;
    heard.client = 0;
    heard.connects = heard.losses = heard.flushes = heard.changed = heard.refreshed = 0;
    heard.last_changed[0] = heard.last_refreshed[0] = 0;
    static const struct watch_callbacks callbacks = {
        .changed = on_changed, .refreshed = on_refreshed, .connected = on_connected};
    struct store_options options = options_now();
    watch = watch_start(&options, &callbacks);
    if (!watch)
        return -1;
    wait_until(told_client() != 0);
    store_redirect(worker, told_client());
    return 0;
}

static int stop_watch(void **state)
{
    watch_stop(watch);
    return tear_down(state);
}

static void a_change_of_what_was_read_is_told(void **state)
{
    (void)state;
    create_session();
    load_session();
    assert_int_equal(store_tracked_for(worker), told_client());
    set_field("seen", redis_now_ms());
    wait_until(told(changed) == 1);
    assert_string_equal(heard.last_changed, name.key);
}

static void a_sign_out_elsewhere_is_told(void **state)
{
    (void)state;
    create_session();
    load_session();
    struct session s;
    assert_ok(store_logout(other, &name, &arena, &s));
    wait_until(told(changed) >= 1);
    wait_until(told(refreshed) == 1);
    assert_string_equal(heard.last_changed, name.key);
}

static void an_expired_key_is_told(void **state)
{
    (void)state;
    create_session();
    ask("PEXPIRE %s 300", name.key);
    wait_until(told(changed) == 1);
    load_session();
    wait_until(told(changed) == 2);
    assert_no_session();
}

static void flushing_redis_empties_everything(void **state)
{
    (void)state;
    create_session();
    load_session();
    int64_t before = told(flushes);
    ask("FLUSHALL");
    wait_until(told(flushes) > before);
}

/* One change by another client must be told after each of our own calls. */
static void assert_still_told(const char *after)
{
    int64_t before = told(changed);
    set_field("fails", 0);
    int looks = 0;
    while (told(changed) == before) {
        if (looks > 400)
            fail_msg("after %s changes are not told any more", after);
        look_again(&looks);
    }
}

static void our_own_writes_do_not_end_the_telling(void **state)
{
    (void)state;
    store_redirect(worker, told_client());
    create_session();
    assert_still_told("create");
    set_field("seen", redis_now_ms() - 10 * MINUTE_MS);
    struct session s;
    assert_ok(store_load(worker, &name, true, &arena, &s));
    assert_int_equal(s.since_touch_ms, 0);
    assert_still_told("a touch");
    struct begin b = begin_and_go(worker);
    assert_still_told("begin");
    int64_t wait_ms;
    assert_ok(store_fail(worker, &name, 1, b.epoch, false, &wait_ms));
    assert_still_told("fail");
    set_field("backoff", 0);
    b = begin_and_go(worker);
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    assert_still_told("commit");
    assert_int_equal(begin_as(worker, 1).result, BEGIN_FRESH);
    assert_still_told("fresh");
    begin_and_go(worker);
    run_out_lease();
    b = begin_and_go(worker);
    assert_int_equal(reject_as(worker, &b, &wait_ms), REJECT_WAIT);
    assert_still_told("a rejection that waits");
}

static void our_own_touch_is_not_told_to_ourselves(void **state)
{
    (void)state;
    create_session();
    set_field("seen", redis_now_ms() - 10 * MINUTE_MS);
    wait_until(told(changed) == 1);
    struct session s;
    assert_ok(store_load(worker, &name, true, &arena, &s));
    assert_int_equal(s.since_touch_ms, 0);
    /* Messages keep their order: had there been one of the touch, it would come before this. */
    set_field("fails", 0);
    wait_until(told(changed) >= 2);
    ask("PUBLISH test:refresh last");
    wait_until(told(refreshed) == 1);
    assert_int_equal(told(changed), 2);
}

static void the_end_of_a_refresh_is_told(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(other);
    struct session s;
    assert_int_equal(told(refreshed), 0);
    assert_int_equal(commit_as(other, &b, &second_tokens, &s), COMMIT_STORED);
    wait_until(told(refreshed) == 1);
    assert_string_equal(heard.last_refreshed, name.key);
    unsigned char hash[SESSION_HASH_BYTES];
    assert_true(session_key_hash(&config, str_from(heard.last_refreshed), hash));
    assert_memory_equal(hash, name.hash, sizeof hash);
    b = begin_and_go(other);
    int64_t wait_ms;
    assert_ok(store_fail(other, &name, 2, b.epoch, false, &wait_ms));
    wait_until(told(refreshed) == 2);
    set_field("backoff", 0);
    b = begin_and_go(other);
    assert_int_equal(reject_as(other, &b, &wait_ms), REJECT_ENDED);
    wait_until(told(refreshed) == 3);
}

static void a_lost_connection_is_told_and_comes_back(void **state)
{
    (void)state;
    int64_t first = told_client();
    ask("CLIENT KILL ID %lld", (long long)first);
    wait_until(told(connects) == 2);
    assert_int_equal(told(losses), 1);
    assert_true(told_client() != first);
    store_redirect(worker, told_client());
    create_session();
    load_session();
    assert_int_equal(store_tracked_for(worker), told_client());
    assert_still_told("coming back");
}

static void reads_for_a_subscriber_that_is_gone_are_not_taken_for_tracked(void **state)
{
    (void)state;
    create_session();
    store_redirect(worker, 987654321);
    load_session();
    assert_true(store_tracked_for(worker) != 987654321);
    store_redirect(worker, 0);
    load_session();
    assert_int_equal(store_tracked_for(worker), 0);
}

static void that_the_connection_of_reads_was_closed_is_seen_while_it_is_idle(void **state)
{
    (void)state;
    create_session();
    load_session();
    store_look(worker);
    assert_false(store_lost_reads(worker));
    ask("CLIENT KILL TYPE normal SKIPME yes");
    wait_until((store_look(worker), store_lost_reads(worker)));
    assert_false(store_lost_reads(worker)); /* it is said once */
    load_session();
    assert_int_equal(store_tracked_for(worker), told_client());
    assert_int_equal(told(losses), 0);
}

static void a_restarted_redis_is_found_again(void **state)
{
    (void)state;
    redisFree(raw);
    private_redis_stop(&redis);
    wait_until(told(losses) == 1);
    assert_int_equal(told_client(), 0);
    private_redis_start(&redis, NULL);
    open_raw();
    wait_until(told(connects) == 2);
    store_redirect(worker, told_client());
    create_session();
    assert_still_told("a restart");
}

static void a_hanging_redis_counts_as_lost(void **state)
{
    (void)state;
    private_redis_pause(&redis);
    wait_until(told(losses) == 1);
    private_redis_resume(&redis);
    wait_until(told(connects) == 2);
}

static void stopping_while_redis_is_away_is_prompt(void **state)
{
    (void)state;
    redisFree(raw);
    private_redis_stop(&redis);
    wait_until(told(losses) == 1);
    watch_stop(watch);
    watch = NULL;
    private_redis_start(&redis, NULL);
    open_raw();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, start_watch, stop_watch)
        T(a_change_of_what_was_read_is_told),
        T(a_sign_out_elsewhere_is_told),
        T(an_expired_key_is_told),
        T(flushing_redis_empties_everything),
        T(our_own_writes_do_not_end_the_telling),
        T(our_own_touch_is_not_told_to_ourselves),
        T(the_end_of_a_refresh_is_told),
        T(a_lost_connection_is_told_and_comes_back),
        T(reads_for_a_subscriber_that_is_gone_are_not_taken_for_tracked),
        T(that_the_connection_of_reads_was_closed_is_seen_while_it_is_idle),
        T(a_restarted_redis_is_found_again),
        T(a_hanging_redis_counts_as_lost),
        T(stopping_while_redis_is_away_is_prompt),
    };
    return cmocka_run_group_tests_name("watch", tests, start_redis, remove_redis);
}
