#include "../../assert_str.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/metrics.h"

#define SLOTS 4

static int make(void **state)
{
    *state = metrics_create(SLOTS);
    return *state ? 0 : -1;
}

static int destroy(void **state)
{
    metrics_destroy(*state, SLOTS);
    return 0;
}

static void as_worker(struct metrics *m, unsigned slot, int32_t pid)
{
    metrics_worker_stands(m, slot, pid, WORKER_SERVING);
    metrics_use(m, slot);
}

static void what_another_process_counts_is_in_the_sum(void **state)
{
    struct metrics *m = *state;
    as_worker(m, 0, 100);
    metrics_count(METRIC_REPLAYS);
    metrics_worker_stands(m, 1, 101, WORKER_SERVING);
    pid_t child = fork();
    if (child == 0) {
        metrics_use(m, 1);
        metrics_add(METRIC_REPLAYS, 2);
        metrics_request(3, BFF_ERR_OVERLOADED);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(metrics_sum(m, METRIC_REPLAYS), 3);
    assert_int_equal(metrics_sum_requests(m, 3, BFF_ERR_OVERLOADED), 1);
    assert_int_equal(metrics_sum_requests(m, 3, BFF_OK), 0);
}

static void a_worker_leaves_its_counters_and_takes_its_gauges(void **state)
{
    struct metrics *m = *state;
    as_worker(m, 2, 100);
    metrics_count(METRIC_SESSIONS_CREATED);
    metrics_set(METRIC_CACHE_ENTRIES, 7);
    assert_int_equal(metrics_workers(m, WORKER_SERVING), 1);
    metrics_worker_ended(m, 2, true);
    assert_int_equal(metrics_sum(m, METRIC_SESSIONS_CREATED), 1);
    assert_int_equal(metrics_sum(m, METRIC_CACHE_ENTRIES), 0);
    assert_int_equal(metrics_workers(m, WORKER_SERVING), 0);
    assert_int_equal(m->crashes, 1);
    as_worker(m, 2, 101);
    metrics_count(METRIC_SESSIONS_CREATED);
    assert_int_equal(metrics_sum(m, METRIC_SESSIONS_CREATED), 2);
}

static void a_draining_worker_keeps_its_age(void **state)
{
    struct metrics *m = *state;
    as_worker(m, 0, 100);
    m->slots[0].started_s = 1;
    metrics_worker_stands(m, 0, 100, WORKER_DRAINING);
    assert_int_equal(m->slots[0].started_s, 1);
    assert_int_equal(metrics_workers(m, WORKER_DRAINING), 1);
    assert_int_equal(metrics_workers(m, WORKER_SERVING), 0);
}

static void buckets_hold_what_is_at_most_their_bound(void **state)
{
    struct metrics *m = *state;
    as_worker(m, 0, 100);
    metrics_observe(HISTOGRAM_LOGIN, -5);
    metrics_observe(HISTOGRAM_LOGIN, 100);
    metrics_observe(HISTOGRAM_LOGIN, 101);
    metrics_observe(HISTOGRAM_LOGIN, 10000000);
    metrics_observe(HISTOGRAM_LOGIN, 10000001);
    struct histogram_sum sum = metrics_sum_histogram(m, HISTOGRAM_LOGIN);
    assert_int_equal(sum.buckets[0], 2);
    assert_int_equal(sum.buckets[1], 3);
    assert_int_equal(sum.buckets[HISTOGRAM_BUCKETS - 2], 4);
    assert_int_equal(sum.buckets[HISTOGRAM_BUCKETS - 1], 5);
    assert_int_equal(sum.sum_us, 100 + 101 + 10000000 + 10000001);
    assert_int_equal(metrics_sum_histogram(m, HISTOGRAM_REFRESH).buckets[16], 0);
}

static void slots_share_no_cache_line(void **state)
{
    struct metrics *m = *state;
    assert_int_equal((uintptr_t)&m->slots[0] % 128, 0);
    assert_int_equal(sizeof m->slots[0] % 128, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_another_process_counts_is_in_the_sum, make, destroy),
        cmocka_unit_test_setup_teardown(a_worker_leaves_its_counters_and_takes_its_gauges, make,
                                        destroy),
        cmocka_unit_test_setup_teardown(a_draining_worker_keeps_its_age, make, destroy),
        cmocka_unit_test_setup_teardown(buckets_hold_what_is_at_most_their_bound, make, destroy),
        cmocka_unit_test_setup_teardown(slots_share_no_cache_line, make, destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
