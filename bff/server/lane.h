/*
 * The I/O lane: a bounded queue and a few threads that run blocking flows, each thread with a Redis
 * connection and a curl handle of its own. A full queue refuses at once.
 *
 *   hot thread --lane_submit()--> queue --> thread: job->run() --> done list + eventfd --> hot
 * thread
 */
#ifndef BFF_SERVER_LANE_H
#define BFF_SERVER_LANE_H

#include <stdatomic.h>

#include "flow/tools.h"

struct job {
    struct job *next;
    /* In an I/O thread. The job belongs to that thread until it comes back by lane_done(). */
    void (*run)(struct job *job, struct tools *tools);
    /* In the hot thread, after run. */
    void (*done)(struct job *job, void *worker);
};

/* What every thread of a worker's lanes shares. */
struct lane_shared {
    const struct config *config;
    const struct keyring *keys;
    struct str password;          /* for Redis */
    struct str sentinel_password; /* for the sentinels */
    struct str client_secret;     /* for the backend */
    struct fence *fence;
    struct microcache *microcache; /* NULL: there is none */
    struct revocations *revocations;
    struct breaker *breaker;
    const _Atomic int64_t *redirect_client; /* of the watch; 0 while it is down */
    _Atomic unsigned *cache_epoch;          /* moved on when what is cached must be forgotten */
    int wake_fd;                            /* eventfd of the hot thread */
};

struct store_options lane_store_options(const struct lane_shared *shared);

/* One thread's tools; false: out of memory. Close them either way. */
BFF_MUST_CHECK bool lane_open_tools(const struct lane_shared *shared, struct tools *tools);
void lane_close_tools(struct tools *tools);

/* Make the hot thread look at what has been left for it. */
void lane_wake(const struct lane_shared *shared);

/* With `lost`: nobody tells of changes of what was read before, so all of it must be forgotten. */
void lane_forget_lost_reads(const struct lane_shared *shared, bool lost);

struct lane;

/* NULL: out of memory or threads. `shared` outlives the lane. */
struct lane *lane_start(const struct lane_shared *shared, unsigned threads, unsigned queue);

/* false: the queue is full. */
BFF_MUST_CHECK bool lane_submit(struct lane *lane, struct job *job);

struct lane_counters {
    unsigned waiting;
    uint64_t refused; /* since it was started */
};
struct lane_counters lane_counters(struct lane *lane);

/* Jobs that have run since the last call, oldest first, as a list by `next`. */
struct job *lane_done(struct lane *lane);

/* Let running jobs end, drop those that have not begun, join the threads. NULL is fine. */
void lane_stop(struct lane *lane);

#endif
