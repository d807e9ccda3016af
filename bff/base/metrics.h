/*
 * What the workers of this host have done and how they are, as numbers in memory that they share:
 * the supervisor maps it before it forks, each worker writes a slot of its own, and whoever is
 * asked adds the slots up. No lock, and no cache line that two workers write to.
 *
 * Counters are never set back: a worker that takes over the slot of a dead one goes on where that
 * one stopped, so the sums only grow for as long as the supervisor lives. Gauges go when their
 * worker does. Numbers are read one by one while others are written: each is true, all of them
 * together are of no single moment.
 *
 * What is counted here is chosen by these lists alone. Nothing that came in a request becomes a
 * name or a label.
 */
#ifndef BFF_BASE_METRICS_H
#define BFF_BASE_METRICS_H

#include <stdatomic.h>

#include "base/err.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

/* name, kind, family (without "bffd_"), label (or ""), what it says (of the family's first row).
 * Rows of one family stand together. */
#define METRICS(X)                                                                                 \
    X(REFRESH_GRANTED, COUNTER, "refreshes_total", "verdict=\"granted\"",                          \
      "Refreshes at the backend, by what came of them.")                                           \
    X(REFRESH_REJECTED, COUNTER, "refreshes_total", "verdict=\"rejected\"", "")                    \
    X(REFRESH_UNAVAILABLE, COUNTER, "refreshes_total", "verdict=\"unavailable\"", "")              \
    X(REFRESH_SUPERSEDED, COUNTER, "refreshes_total", "verdict=\"superseded\"", "")                \
    X(REFRESH_SIGNED_OUT, COUNTER, "refreshes_total", "verdict=\"signed_out\"", "")                \
    X(REFRESH_NOT_STORED, COUNTER, "refreshes_total", "verdict=\"not_stored\"", "")                \
    X(REPLAYS, COUNTER, "replays_total", "",                                                       \
      "Calls that the backend answered with 401 and nginx was told to send once more.")            \
    X(SESSIONS_CREATED, COUNTER, "sessions_created_total", "",                                     \
      "Sessions made by logins and captures.")                                                     \
    X(ENDED_SIGNED_OUT, COUNTER, "sessions_ended_total", "reason=\"signed_out\"",                  \
      "Sessions ended by a worker, by reason; those that run out are ended by Redis.")             \
    X(ENDED_SIGNED_IN_AGAIN, COUNTER, "sessions_ended_total", "reason=\"signed_in_again\"", "")    \
    X(ENDED_REJECTED, COUNTER, "sessions_ended_total", "reason=\"rejected\"", "")                  \
    X(ENDED_FROM_ANOTHER, COUNTER, "sessions_ended_total", "reason=\"from_another_session\"", "")  \
    X(REVOKED, COUNTER, "revocations_total", "result=\"done\"",                                    \
      "Revocations told to the backend, by what came of it; waits counts each attempt.")           \
    X(REVOKE_REFUSED, COUNTER, "revocations_total", "result=\"refused\"", "")                      \
    X(REVOKE_WAITS, COUNTER, "revocations_total", "result=\"waits\"", "")                          \
    X(REVOKE_GIVEN_UP, COUNTER, "revocations_total", "result=\"given_up\"", "")                    \
    X(REVOCATIONS_WAITING, GAUGE, "revocations_waiting", "",                                       \
      "Revocations that the backend could not be told yet.")                                       \
    X(CACHE_HITS, COUNTER, "cache_hits_total", "",                                                 \
      "Requests whose session was in a worker's cache.")                                           \
    X(CACHE_MISSES, COUNTER, "cache_misses_total", "", "Requests for which Redis was asked.")      \
    X(CACHE_EVICTIONS, COUNTER, "cache_evictions_total", "",                                       \
      "Sessions that left a worker's cache for want of room.")                                     \
    X(CACHE_ENTRIES, GAUGE, "cache_entries", "", "Sessions in the workers' caches.")               \
    X(CACHE_BYTES, GAUGE, "cache_bytes", "", "Memory of the workers' caches.")                     \
    X(CONNECTIONS, GAUGE, "connections", "", "FastCGI connections that are open.")                 \
    X(PARKED, GAUGE, "parked_requests", "", "Requests that wait for a session, without a thread.") \
    X(STORE_QUEUE, GAUGE, "lane_queue", "lane=\"store\"", "Jobs that wait for an I/O thread.")     \
    X(BACKEND_QUEUE, GAUGE, "lane_queue", "lane=\"backend\"", "")                                  \
    X(STORE_REFUSED, COUNTER, "lane_refused_total", "lane=\"store\"",                              \
      "Jobs that were refused because the queue was full.")                                        \
    X(BACKEND_REFUSED, COUNTER, "lane_refused_total", "lane=\"backend\"", "")                      \
    X(REDIS_FAILURES, COUNTER, "redis_failures_total", "",                                         \
      "Questions that Redis did not answer, or answered with an error.")                           \
    X(LOGIN_FAILURES, COUNTER, "backend_failures_total", "call=\"login\"",                         \
      "Calls that the backend did not answer, or with 502, 503 or 504.")                           \
    X(REFRESH_FAILURES, COUNTER, "backend_failures_total", "call=\"refresh\"", "")                 \
    X(REVOKE_FAILURES, COUNTER, "backend_failures_total", "call=\"revoke\"", "")                   \
    X(WITHOUT_REDIS, GAUGE, "workers_without_redis", "",                                           \
      "Workers that hear nothing of Redis: they cache no session.")                                \
    X(WITHOUT_BACKEND, GAUGE, "workers_without_backend", "",                                       \
      "Workers whose breaker is open: one refresh a second goes out.")

enum metric {
#define X(name, kind, family, label, help) METRIC_##name,
    METRICS(X)
#undef X
        METRIC_COUNT
};

/* name, family (without "bffd_"), label (or ""), what it says */
#define HISTOGRAMS(X)                                                                              \
    X(REDIS, "redis_duration_seconds", "", "How long questions to Redis took.")                    \
    X(LOGIN, "backend_duration_seconds", "call=\"login\"",                                         \
      "How long bffd's own calls to the backend took.")                                            \
    X(REFRESH, "backend_duration_seconds", "call=\"refresh\"", "")                                 \
    X(REVOKE, "backend_duration_seconds", "call=\"revoke\"", "")                                   \
    X(PARKED, "parked_duration_seconds", "", "How long requests had been parked.")

enum histogram {
#define X(name, family, label, help) HISTOGRAM_##name,
    HISTOGRAMS(X)
#undef X
        HISTOGRAM_COUNT
};

/* Upper bounds in microseconds; above the last one is +Inf. */
#define HISTOGRAM_BOUNDS                                                                           \
    {                                                                                              \
        100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000,     \
            2500000, 5000000, 10000000                                                             \
    }
#define HISTOGRAM_BUCKETS 17

/* Requests are counted by flow (the server's legs) and outcome: an error, or one of these. */
#define METRICS_FLOWS 16
enum { OUTCOME_BACKEND_REFUSED = BFF_ERR_COUNT, OUTCOME_BACKEND_FAILED, OUTCOME_COUNT };

enum worker_standing { WORKER_ABSENT, WORKER_SERVING, WORKER_DRAINING };

/* Begins a pair of cache lines, which some processors fetch together. */
struct metrics_slot {
    _Alignas(128) _Atomic int64_t values[METRIC_COUNT];
    _Atomic uint64_t requests[METRICS_FLOWS][OUTCOME_COUNT];
    struct {
        _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
        _Atomic uint64_t sum_us;
    } histograms[HISTOGRAM_COUNT];
    /* The supervisor's, and written when a worker comes or goes. */
    _Atomic int32_t pid;
    _Atomic int32_t standing;
    _Atomic int64_t started_s;         /* since the epoch */
    _Atomic int64_t oldest_revocation; /* clock_mono_ms() when it began to wait; 0: none waits */
    _Atomic int64_t next_revocation;   /* clock_mono_ms() of its next attempt */
};

struct metrics {
    int64_t started_s; /* of the supervisor, since the epoch */
    _Atomic uint64_t crashes;
    _Atomic uint32_t n_used; /* slots above were never used, and reading them would cost memory */
    struct metrics_slot slots[];
};

/* Zeroed, and shared with processes that are forked. NULL: out of memory. */
struct metrics *metrics_create(unsigned slots);
void metrics_destroy(struct metrics *m, unsigned slots); /* NULL is fine */

/* The supervisor, before it forks a worker for the slot, and when that changes or ends. */
void metrics_worker_stands(struct metrics *m, unsigned slot, int32_t pid, enum worker_standing how);
void metrics_worker_ended(struct metrics *m, unsigned slot, bool has_crashed);

/* --- what this process writes to: a slot of nobody's until metrics_use() --- */

extern struct metrics_slot *metrics_here;
void metrics_use(struct metrics *m, unsigned slot);

static inline void metrics_add(enum metric which, int64_t n)
{
    atomic_fetch_add_explicit(&metrics_here->values[which], n, memory_order_relaxed);
}

static inline void metrics_count(enum metric which)
{
    metrics_add(which, 1);
}

static inline void metrics_set(enum metric gauge, int64_t value)
{
    atomic_store_explicit(&metrics_here->values[gauge], value, memory_order_relaxed);
}

static inline void metrics_request(unsigned flow, unsigned outcome)
{
    atomic_fetch_add_explicit(&metrics_here->requests[flow][outcome], 1, memory_order_relaxed);
}

void metrics_observe(enum histogram which, int64_t us);

/* --- reading --- */

/* Of a gauge, only of workers that are there. */
int64_t metrics_sum(const struct metrics *m, enum metric which);
uint64_t metrics_sum_requests(const struct metrics *m, unsigned flow, unsigned outcome);

struct histogram_sum {
    uint64_t buckets[HISTOGRAM_BUCKETS]; /* each with those below it */
    uint64_t sum_us;
};
struct histogram_sum metrics_sum_histogram(const struct metrics *m, enum histogram which);
unsigned metrics_workers(const struct metrics *m, enum worker_standing how);

struct metric_row {
    enum metric_kind kind;
    struct str family, label, help;
};
const struct metric_row *metric_row(enum metric which);
const struct metric_row *histogram_row(enum histogram which); /* its `kind` says nothing */

#endif
