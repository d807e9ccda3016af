#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixtures.h"
#include "store/cache.h"

#define KIB 1024

static struct fence *fence;
static struct cache *cache;

static int set_up(void **state)
{
    (void)state;
    fence = fence_create();
    cache = cache_open(64 * KIB);
    return fence && cache ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cache_close(cache);
    fence_destroy(fence);
    return 0;
}

/* The hash of session number `n`: all of them in one bucket of any table. */
static const unsigned char *hash_of(unsigned n)
{
    static unsigned char hash[SESSION_HASH_BYTES];
    hash[0] = (unsigned char)n;
    hash[1] = (unsigned char)(n >> 8);
    return hash;
}

static struct cached_session session_until(int64_t until_ms)
{
    return (struct cached_session){
        .generation = 5,
        .attached = STR("Bearer token"),
        .user = STR("{}"),
        .access_until_ms = until_ms,
        .idle_until_ms = until_ms,
        .absolute_until_ms = until_ms,
        .entry_until_ms = until_ms,
    };
}

static bool put(unsigned n)
{
    struct cached_session s = session_until(1000);
    return cache_put(cache, hash_of(n), fence_read(fence, hash_of(n)), &s);
}

static bool has(unsigned n)
{
    struct cached_session s;
    return cache_get(cache, fence, hash_of(n), 0, &s);
}

static void what_was_put_comes_back_as_a_copy(void **state)
{
    (void)state;
    char text[] = "Bearer first";
    struct cached_session s = session_until(1000), got;
    s.attached = (struct str){text, sizeof text - 1};
    s.touch_due_ms = 77;
    assert_true(cache_put(cache, hash_of(1), 0, &s));
    memset(text, 'x', sizeof text);
    assert_true(cache_get(cache, fence, hash_of(1), 0, &got));
    assert_str(got.attached, STR("Bearer first"));
    assert_str(got.user, STR("{}"));
    assert_int_equal(got.generation, 5);
    assert_int_equal(got.touch_due_ms, 77);
    assert_false(has(2));
}

static void putting_again_replaces(void **state)
{
    (void)state;
    put(1);
    struct cached_session s = session_until(1000), got;
    s.generation = 6;
    assert_true(cache_put(cache, hash_of(1), 0, &s));
    assert_true(cache_get(cache, fence, hash_of(1), 0, &got));
    assert_int_equal(got.generation, 6);
    assert_int_equal(cache_counters(cache).entries, 1);
}

static void an_entry_can_be_put_back_from_its_own_views(void **state)
{
    (void)state;
    put(1);
    struct cached_session got;
    assert_true(cache_get(cache, fence, hash_of(1), 0, &got));
    assert_true(cache_put(cache, hash_of(1), 0, &got));
    assert_true(cache_get(cache, fence, hash_of(1), 0, &got));
    assert_str(got.attached, STR("Bearer token"));
}

static void each_deadline_ends_an_entry_but_the_access_tokens(void **state)
{
    (void)state;
    static const struct {
        int64_t access, idle, absolute, entry;
        bool is_hit;
    } rows[] = {
        {500, 1000, 1000, 1000, true},  {1000, 500, 1000, 1000, false},
        {1000, 1000, 500, 1000, false}, {1000, 1000, 1000, 500, false},
        {501, 501, 501, 501, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cached_session s = session_until(0), got;
        s.access_until_ms = rows[i].access;
        s.idle_until_ms = rows[i].idle;
        s.absolute_until_ms = rows[i].absolute;
        s.entry_until_ms = rows[i].entry;
        assert_true(cache_put(cache, hash_of(1), 0, &s));
        assert_int_equal(cache_get(cache, fence, hash_of(1), 500, &got), rows[i].is_hit);
    }
}

static void a_change_makes_its_entry_a_miss_and_no_other(void **state)
{
    (void)state;
    put(1);
    put(2);
    fence_bump(fence, hash_of(1));
    assert_false(has(1));
    assert_true(has(2));
    assert_int_equal(cache_counters(cache).entries, 1);
}

static void a_fill_that_was_overtaken_by_a_change_is_never_used(void **state)
{
    (void)state;
    uint32_t ticket = fence_read(fence, hash_of(1));
    struct cached_session read_before_the_change = session_until(1000);
    fence_bump(fence, hash_of(1));
    cache_put(cache, hash_of(1), ticket, &read_before_the_change);
    assert_false(has(1));
    assert_true(put(1));
    assert_true(has(1));
}

static void a_change_by_another_process_is_seen(void **state)
{
    (void)state;
    put(1);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fence_bump(fence, hash_of(1));
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(has(1));
}

static void the_least_recently_used_goes_first(void **state)
{
    (void)state;
    unsigned n = 0;
    while (cache_counters(cache).evictions == 0) {
        assert_true(put(n++));
        assert_true(has(0));
    }
    assert_true(has(0));
    assert_false(has(1));
    assert_true(has(2));
    assert_true(has(n - 1));
}

static void the_bound_holds_whatever_is_put(void **state)
{
    (void)state;
    static char large[8 * KIB];
    memset(large, 'x', sizeof large);
    for (unsigned n = 0; n < 500; n++) {
        struct cached_session s = session_until(1000);
        s.attached = (struct str){large, n * 37 % sizeof large};
        assert_true(cache_put(cache, hash_of(n), 0, &s));
        assert_true(cache_counters(cache).bytes <= 64 * KIB);
    }
    assert_true(cache_counters(cache).evictions > 0);
}

static void what_is_too_large_is_refused_and_leaves_no_old_entry(void **state)
{
    (void)state;
    static char large[64 * KIB];
    put(1);
    put(2);
    struct cached_session s = session_until(1000);
    s.attached = (struct str){large, sizeof large};
    assert_false(cache_put(cache, hash_of(1), 0, &s));
    assert_false(has(1));
    assert_true(has(2));
}

static void clearing_gives_the_memory_back(void **state)
{
    (void)state;
    size_t empty = cache_counters(cache).bytes;
    for (unsigned n = 0; n < 10; n++)
        put(n);
    assert_true(has(4));
    assert_int_equal(cache_counters(cache).entries, 10);
    cache_clear(cache);
    assert_int_equal(cache_counters(cache).entries, 0);
    assert_int_equal(cache_counters(cache).bytes, empty);
    assert_false(has(4));
    assert_true(put(4));
    assert_true(has(4));
}

static void a_cache_of_no_size_never_holds_anything(void **state)
{
    (void)state;
    struct cache *none = cache_open(0);
    assert_non_null(none);
    struct cached_session s = session_until(1000);
    assert_false(cache_put(none, hash_of(1), 0, &s));
    assert_false(cache_get(none, fence, hash_of(1), 0, &s));
    cache_close(none);
}

static void hits_and_misses_are_counted(void **state)
{
    (void)state;
    put(1);
    has(1);
    has(1);
    has(2);
    assert_int_equal(cache_counters(cache).hits, 2);
    assert_int_equal(cache_counters(cache).misses, 1);
}

static void a_sweep_takes_away_what_is_over_and_nothing_else(void **state)
{
    (void)state;
    assert_true(put(1) && put(2));
    fence_bump(fence, hash_of(1));
    cache_sweep(cache, fence, 0);
    assert_int_equal(cache_counters(cache).entries, 1);
    assert_true(has(2));
    cache_sweep(cache, fence, 1000);
    assert_int_equal(cache_counters(cache).entries, 0);
}

static void sweeps_of_a_large_cache_get_round_it(void **state)
{
    (void)state;
    struct cache *large = cache_open(64 * 1024 * KIB);
    unsigned char hash[SESSION_HASH_BYTES] = {0};
    struct cached_session s = session_until(1);
    for (unsigned i = 0; i < 256; i++) {
        hash[9] = (unsigned char)i;
        assert_true(cache_put(large, hash, fence_read(fence, hash), &s));
    }
    for (int i = 0; i < 4; i++)
        cache_sweep(large, fence, 1);
    assert_int_equal(cache_counters(large).entries, 0);
    cache_close(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(what_was_put_comes_back_as_a_copy),
        T(a_sweep_takes_away_what_is_over_and_nothing_else),
        T(sweeps_of_a_large_cache_get_round_it),
        T(putting_again_replaces),
        T(an_entry_can_be_put_back_from_its_own_views),
        T(each_deadline_ends_an_entry_but_the_access_tokens),
        T(a_change_makes_its_entry_a_miss_and_no_other),
        T(a_fill_that_was_overtaken_by_a_change_is_never_used),
        T(a_change_by_another_process_is_seen),
        T(the_least_recently_used_goes_first),
        T(the_bound_holds_whatever_is_put),
        T(what_is_too_large_is_refused_and_leaves_no_old_entry),
        T(clearing_gives_the_memory_back),
        T(a_cache_of_no_size_never_holds_anything),
        T(hits_and_misses_are_counted),
    };
    return cmocka_run_group_tests_name("store/cache", tests, NULL, NULL);
}
