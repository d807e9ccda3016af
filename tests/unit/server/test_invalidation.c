/* What the watch says, as the hot thread hears it. The watch is played here. */
#include "../../assert_str.h"

#include <string.h>

#include "base/log.h"
#include "server/invalidation.h"

#define SESSIONS_MAX 1024 /* kept by name; beyond that everybody looks again */

static struct config config;
static struct lane_shared shared;
static struct invalidation *invalidation;
static struct watch_callbacks watch;
static unsigned n_wakes;

struct watch *watch_start(const struct store_options *options,
                          const struct watch_callbacks *callbacks)
{
    assert_ptr_equal(options->config, &config);
    watch = *callbacks;
    return (struct watch *)&watch;
}

void watch_stop(struct watch *w)
{
    assert_ptr_equal(w, &watch);
    watch.connected(watch.self, 0);
}

struct store_options lane_store_options(const struct lane_shared *s)
{
    return (struct store_options){.config = s->config};
}

void lane_wake(const struct lane_shared *s)
{
    assert_ptr_equal(s, &shared);
    n_wakes++;
}

static int set_up(void **state)
{
    (void)state;
    log_setup(SEVERITY_ERROR, false);
    config = (struct config){.redis.prefix = STR("bff:")};
    shared = (struct lane_shared){.config = &config, .fence = fence_create()};
    invalidation = invalidation_start(&shared);
    n_wakes = 0;
    return shared.fence && invalidation ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    invalidation_stop(invalidation);
    fence_destroy(shared.fence);
    return 0;
}

static struct session_name session(unsigned n)
{
    unsigned char hash[SESSION_HASH_BYTES] = {(unsigned char)n, (unsigned char)(n >> 8)};
    struct session_name name;
    session_name_of_hash(&config, hash, &name);
    return name;
}

static struct str key_of(const struct session_name *name)
{
    return (struct str){name->key, name->key_length};
}

static void a_change_makes_what_is_cached_of_this_session_void(void **state)
{
    (void)state;
    struct session_name name = session(1), other = session(2);
    uint32_t before = fence_read(shared.fence, name.hash);
    uint32_t of_other = fence_read(shared.fence, other.hash);
    unsigned epoch = invalidation_epoch(invalidation);
    watch.changed(watch.self, key_of(&name));
    assert_int_not_equal(fence_read(shared.fence, name.hash), before);
    assert_int_equal(fence_read(shared.fence, other.hash), of_other);
    assert_int_equal(invalidation_epoch(invalidation), epoch);
}

static void what_is_no_session_changes_nothing(void **state)
{
    (void)state;
    unsigned char hash[SESSION_HASH_BYTES];
    bool all;
    watch.changed(watch.self, STR("bff:u:{00}"));
    watch.refreshed(watch.self, STR("bff:u:{00}"));
    assert_false(invalidation_next_refreshed(invalidation, hash, &all));
    assert_int_equal(n_wakes, 0);
}

static void a_flush_makes_everything_void(void **state)
{
    (void)state;
    unsigned epoch = invalidation_epoch(invalidation);
    watch.changed(watch.self, (struct str){NULL, 0});
    assert_int_not_equal(invalidation_epoch(invalidation), epoch);
}

static void the_cache_is_believed_while_the_watch_is_up(void **state)
{
    (void)state;
    assert_false(invalidation_is_up(invalidation));
    watch.connected(watch.self, 17);
    assert_true(invalidation_is_up(invalidation));
    assert_int_equal(*invalidation_redirect(invalidation), 17);
    unsigned epoch = invalidation_epoch(invalidation);
    watch.connected(watch.self, 0);
    assert_false(invalidation_is_up(invalidation));
    assert_int_not_equal(invalidation_epoch(invalidation), epoch);
    epoch = invalidation_epoch(invalidation);
    watch.connected(watch.self, WATCH_UNTRACKED);
    assert_true(invalidation_is_up(invalidation));
    assert_int_not_equal(invalidation_epoch(invalidation), epoch);
    assert_int_equal(n_wakes, 3);
}

static void refreshed_sessions_are_told_each(void **state)
{
    (void)state;
    struct session_name one = session(1), two = session(2);
    unsigned char hash[SESSION_HASH_BYTES];
    bool all;
    watch.refreshed(watch.self, key_of(&one));
    watch.refreshed(watch.self, key_of(&two));
    assert_int_equal(n_wakes, 2);
    bool has_one = false, has_two = false;
    for (int i = 0; i < 2; i++) {
        assert_true(invalidation_next_refreshed(invalidation, hash, &all));
        assert_false(all);
        has_one |= memcmp(hash, one.hash, sizeof hash) == 0;
        has_two |= memcmp(hash, two.hash, sizeof hash) == 0;
    }
    assert_true(has_one && has_two);
    assert_false(invalidation_next_refreshed(invalidation, hash, &all));
}

static void when_too_many_are_refreshed_all_look_again(void **state)
{
    (void)state;
    unsigned char hash[SESSION_HASH_BYTES];
    bool all, some;
    for (unsigned i = 0; i < SESSIONS_MAX + 1; i++) {
        struct session_name name = session(i);
        watch.refreshed(watch.self, key_of(&name));
    }
    assert_true(invalidation_next_refreshed(invalidation, hash, &all));
    assert_true(all);
    unsigned n = 1;
    while ((some = invalidation_next_refreshed(invalidation, hash, &all))) {
        assert_false(all);
        n++;
    }
    assert_int_equal(n, SESSIONS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(a_change_makes_what_is_cached_of_this_session_void),
        T(what_is_no_session_changes_nothing),
        T(a_flush_makes_everything_void),
        T(the_cache_is_believed_while_the_watch_is_up),
        T(refreshed_sessions_are_told_each),
        T(when_too_many_are_refreshed_all_look_again),
#undef T
    };
    return cmocka_run_group_tests_name("server/invalidation", tests, NULL, NULL);
}
