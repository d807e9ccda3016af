#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server/lane.h"

#define JOBS 6

/* One thread, which the first job holds up until the others stand in the queue. */
static struct lane *lane;
static struct lane_shared shared;
static struct config config;
static _Atomic int64_t nobody;
static _Atomic unsigned epoch;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static size_t batches[JOBS], n_batches;

static void wait_at_gate(struct job *job, struct tools *tools)
{
    (void)job;
    (void)tools;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

static void note_batch(struct job *first, size_t n, struct tools *tools)
{
    (void)tools;
    size_t listed = 0;
    for (; first; first = first->next)
        listed++;
    batches[n_batches++] = listed == n ? n : 0;
}

static void note_other_batch(struct job *first, size_t n, struct tools *tools)
{
    note_batch(first, n, tools);
}

static void note_one(struct job *job, struct tools *tools)
{
    (void)job;
    (void)tools;
    batches[n_batches++] = 1;
}

static int set_up(void **state)
{
    (void)state;
    config = (struct config){.redis.url = STR("redis://127.0.0.1:1/0")};
    shared = (struct lane_shared){.config = &config,
                                  .redirect_client = &nobody,
                                  .cache_epoch = &epoch,
                                  .wake_fd = eventfd(0, 0)};
    n_batches = 0;
    lane = lane_start(&shared, 1, JOBS + 1);
    return lane && shared.wake_fd >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    lane_stop(lane);
    close(shared.wake_fd);
    return 0;
}

/* Run these behind the gate; all of them come back, in their order. */
static void run(struct job *jobs, size_t n)
{
    struct job first = {.run = wait_at_gate};
    pthread_mutex_lock(&gate);
    assert_true(lane_submit(lane, &first));
    for (size_t i = 0; i < n; i++)
        assert_true(lane_submit(lane, &jobs[i]));
    pthread_mutex_unlock(&gate);
    struct job *next = &first;
    for (size_t back = 0; back < n + 1;) {
        uint64_t count;
        assert_int_equal(read(shared.wake_fd, &count, sizeof count), sizeof count);
        for (struct job *job = lane_done(lane); job; job = job->next, back++) {
            assert_ptr_equal(job, next);
            next = &jobs[back];
        }
    }
}

static void jobs_that_can_be_run_together_are(void **state)
{
    (void)state;
    struct job jobs[JOBS];
    for (size_t i = 0; i < JOBS; i++)
        jobs[i] = (struct job){.run_all = note_batch};
    run(jobs, JOBS);
    assert_int_equal(n_batches, 1);
    assert_int_equal(batches[0], JOBS);
}

static void jobs_of_other_kinds_are_not_run_with_them(void **state)
{
    (void)state;
    struct job jobs[JOBS] = {
        {.run_all = note_batch}, {.run_all = note_batch},       {.run = note_one},
        {.run = note_one},       {.run_all = note_other_batch}, {.run_all = note_batch},
    };
    static const size_t expected[] = {2, 1, 1, 1, 1};
    run(jobs, JOBS);
    assert_int_equal(n_batches, 5);
    assert_memory_equal(batches, expected, sizeof expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(jobs_that_can_be_run_together_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jobs_of_other_kinds_are_not_run_with_them, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
