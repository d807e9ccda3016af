#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
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
static size_t n_run;

static void wait_at_gate(struct job *job, struct tools *tools)
{
    (void)job;
    (void)tools;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

static void count(struct job *job, struct tools *tools)
{
    (void)job;
    (void)tools;
    n_run++;
}

static int set_up(void **state)
{
    (void)state;
    config = (struct config){.redis.url = STR("redis://127.0.0.1:1/0")};
    shared = (struct lane_shared){.config = &config,
                                  .redirect_client = &nobody,
                                  .cache_epoch = &epoch,
                                  .wake_fd = eventfd(0, 0)};
    n_run = 0;
    lane = lane_start(&shared, 1, JOBS);
    return lane && shared.wake_fd >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    lane_stop(lane);
    close(shared.wake_fd);
    return 0;
}

/* Until the thread has taken the first job, which takes one place. */
static void submit_first(struct job *first)
{
    pthread_mutex_lock(&gate);
    assert_true(lane_submit(lane, first));
    while (lane_counters(lane).waiting > 0)
        sched_yield();
}

static void take_back(struct job *next, size_t n)
{
    for (size_t back = 0; back < n;) {
        uint64_t times;
        assert_int_equal(read(shared.wake_fd, &times, sizeof times), sizeof times);
        for (struct job *job = lane_done(lane); job; job = job->next, back++)
            assert_ptr_equal(job, next + back);
    }
}

static void jobs_are_run_and_come_back_in_their_order(void **state)
{
    (void)state;
    struct job jobs[JOBS] = {{.run = wait_at_gate}};
    submit_first(&jobs[0]);
    for (size_t i = 1; i < JOBS; i++) {
        jobs[i] = (struct job){.run = count};
        assert_true(lane_submit(lane, &jobs[i]));
    }
    pthread_mutex_unlock(&gate);
    take_back(jobs, JOBS);
    assert_int_equal(n_run, JOBS - 1);
    assert_null(lane_done(lane));
}

static void a_full_queue_refuses_and_counts(void **state)
{
    (void)state;
    struct job jobs[JOBS + 2] = {{.run = wait_at_gate}};
    submit_first(&jobs[0]);
    for (size_t i = 1; i < JOBS + 2; i++) {
        jobs[i] = (struct job){.run = count};
        assert_int_equal(lane_submit(lane, &jobs[i]), i <= JOBS);
    }
    assert_int_equal(lane_counters(lane).waiting, JOBS);
    assert_int_equal(lane_counters(lane).refused, 1);
    pthread_mutex_unlock(&gate);
    take_back(jobs, JOBS + 1);
    assert_int_equal(n_run, JOBS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(jobs_are_run_and_come_back_in_their_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_queue_refuses_and_counts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
