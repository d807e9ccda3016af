#include "server/lane.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define LOOK_S 1 /* as often as the watch looks at its own connection */

struct job_list {
    struct job *first, **last;
    unsigned n;
};

struct lane {
    const struct lane_shared *shared;
    unsigned queue_max;
    pthread_mutex_t mutex;
    pthread_cond_t wanted;
    struct job_list queue, done;
    uint64_t refused;
    bool stopping;
    unsigned n_threads;
    pthread_t threads[];
};

struct store_options lane_store_options(const struct lane_shared *shared)
{
    return (struct store_options){
        .config = shared->config,
        .keys = shared->keys,
        .password = shared->password,
        .sentinel_password = shared->sentinel_password,
    };
}

bool lane_open_tools(const struct lane_shared *shared, struct tools *tools)
{
    struct store_options options = lane_store_options(shared);
    *tools = (struct tools){
        .config = shared->config,
        .keys = shared->keys,
        .client_secret = shared->client_secret,
        .fence = shared->fence,
        .microcache = shared->microcache,
        .revocations = shared->revocations,
        .breaker = shared->breaker,
        .store = store_open(&options),
        .backend = backend_open(shared->config),
    };
    return tools->store && tools->backend;
}

void lane_close_tools(struct tools *tools)
{
    store_close(tools->store);
    backend_close(tools->backend);
}

void lane_wake(const struct lane_shared *shared)
{
    uint64_t one = 1;
    if (write(shared->wake_fd, &one, sizeof one) != sizeof one)
        log_event(SEVERITY_ERROR, "wake_failed", LOG_NUMBER("errno", errno));
}

static void list_clear(struct job_list *l)
{
    *l = (struct job_list){.first = NULL, .last = &l->first};
}

static void list_push(struct job_list *l, struct job *job)
{
    job->next = NULL;
    *l->last = job;
    l->last = &job->next;
    l->n++;
}

static struct job *list_pop(struct job_list *l)
{
    struct job *job = l->first;
    l->first = job->next;
    if (!l->first)
        l->last = &l->first;
    l->n--;
    return job;
}

static int wait_for_job(struct lane *lane, bool must_look)
{
    struct timespec until;
    if (!must_look)
        return pthread_cond_wait(&lane->wanted, &lane->mutex);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_S;
    return pthread_cond_clockwait(&lane->wanted, &lane->mutex, CLOCK_MONOTONIC, &until);
}

/* Waits for a job, or with `must_look` for LOOK_S: then it is NULL. false: the lane stops. */
static bool next_job(struct lane *lane, bool must_look, struct job **job)
{
    int waited = 0;
    pthread_mutex_lock(&lane->mutex);
    while (!lane->stopping && !lane->queue.first && waited == 0)
        waited = wait_for_job(lane, must_look);
    bool stopping = lane->stopping;
    *job = !stopping && lane->queue.first ? list_pop(&lane->queue) : NULL;
    pthread_mutex_unlock(&lane->mutex);
    return !stopping;
}

static void hand_back(struct lane *lane, struct job *job)
{
    pthread_mutex_lock(&lane->mutex);
    bool wake = !lane->done.first;
    list_push(&lane->done, job);
    pthread_mutex_unlock(&lane->mutex);
    if (wake)
        lane_wake(lane->shared);
}

void lane_forget_lost_reads(const struct lane_shared *shared, bool lost)
{
    if (!lost)
        return;
    atomic_fetch_add(shared->cache_epoch, 1);
    microcache_forget_all(shared->microcache);
}

/* A thread that has nothing to do looks at its connection all the same: Redis may have closed it
 * (`timeout`, CLIENT KILL), and then nobody tells of changes of what was read through it. */
static void run_jobs(struct lane *lane, struct tools *tools)
{
    struct job *job;
    while (next_job(lane, store_tracked_for(tools->store) != 0, &job)) {
        if (job) {
            store_redirect(tools->store, atomic_load(lane->shared->redirect_client));
            job->run(job, tools);
        } else {
            store_look(tools->store);
        }
        lane_forget_lost_reads(lane->shared, store_lost_reads(tools->store));
        if (job)
            hand_back(lane, job);
    }
}

static void *thread_main(void *self)
{
    struct lane *lane = self;
    struct tools tools;
    /* A thread without its tools would leave jobs unanswered; the supervisor starts afresh. */
    if (!lane_open_tools(lane->shared, &tools))
        abort();
    run_jobs(lane, &tools);
    lane_close_tools(&tools);
    return NULL;
}

struct lane *lane_start(const struct lane_shared *shared, unsigned threads, unsigned queue)
{
    struct lane *lane = calloc(1, sizeof *lane + threads * sizeof lane->threads[0]);
    if (!lane)
        return NULL;
    lane->shared = shared;
    lane->queue_max = queue;
    list_clear(&lane->queue);
    list_clear(&lane->done);
    if (pthread_mutex_init(&lane->mutex, NULL) != 0 ||
        pthread_cond_init(&lane->wanted, NULL) != 0) {
        free(lane);
        return NULL;
    }
    for (; lane->n_threads < threads; lane->n_threads++) {
        if (pthread_create(&lane->threads[lane->n_threads], NULL, thread_main, lane) != 0) {
            lane_stop(lane);
            return NULL;
        }
    }
    return lane;
}

bool lane_submit(struct lane *lane, struct job *job)
{
    pthread_mutex_lock(&lane->mutex);
    bool room = lane->queue.n < lane->queue_max;
    if (room)
        list_push(&lane->queue, job);
    else
        lane->refused++;
    pthread_mutex_unlock(&lane->mutex);
    /* Not while the mutex is held: the thread would wake only to wait for it. */
    if (room)
        pthread_cond_signal(&lane->wanted);
    return room;
}

struct lane_counters lane_counters(struct lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    struct lane_counters now = {lane->queue.n, lane->refused};
    pthread_mutex_unlock(&lane->mutex);
    return now;
}

struct job *lane_done(struct lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    struct job *first = lane->done.first;
    list_clear(&lane->done);
    pthread_mutex_unlock(&lane->mutex);
    return first;
}

void lane_stop(struct lane *lane)
{
    if (!lane)
        return;
    pthread_mutex_lock(&lane->mutex);
    lane->stopping = true;
    pthread_cond_broadcast(&lane->wanted);
    pthread_mutex_unlock(&lane->mutex);
    for (unsigned i = 0; i < lane->n_threads; i++)
        pthread_join(lane->threads[i], NULL);
    pthread_cond_destroy(&lane->wanted);
    pthread_mutex_destroy(&lane->mutex);
    free(lane);
}
