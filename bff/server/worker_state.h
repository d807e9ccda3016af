/* What the files of the hot thread share (worker.c, loop.c, dispatch.c, waiting.c, reads.c). */
#ifndef BFF_SERVER_WORKER_STATE_H
#define BFF_SERVER_WORKER_STATE_H

#include "flow/authorize.h"
#include "flow/breaker.h"
#include "server/invalidation.h"
#include "server/reads.h"
#include "server/tasks.h"
#include "server/worker.h"
#include "store/cache.h"

/* What measure_worker() has counted of things that count for themselves. */
struct measured {
    struct cache_counters cache;
    uint64_t store_refused, backend_refused;
};

/* Retry-After where nothing better is known. */
#define RETRY_SOON_MS 1000

struct worker {
    const struct worker_setup *setup;
    const struct config *config;
    int epoll_fd, wake_fd, signal_fd;
    struct lane_shared shared;
    struct reads reads;        /* sessions from Redis, in this thread */
    struct lane *store_lane;   /* Redis only: never waits for the backend */
    struct lane *backend_lane; /* login, refresh, logout, revoke */
    struct cache *cache;
    unsigned cache_epoch; /* the watch's epoch for which the cache was filled */
    struct invalidation *invalidation;
    struct breaker breaker; /* for the backend's refresh endpoint */
    struct tasks *tasks;
    bool some_wait_for_backend; /* tasks that rest until the breaker closes */
    struct conn *conns;
    unsigned n_conns, n_parked, n_in_lane;
    bool listening; /* the listening socket is in the epoll set */
    bool draining;
    int64_t drain_until_ms;
    int64_t now_ms;  /* of this turn of the loop */
    int64_t tend_ms; /* when the micro-cache wants to be tended next */
    struct job revoke_job;
    bool revoke_running;
    struct measured measured;
};

/* dispatch.c: what becomes of requests. */

/* A request has come. */
void dispatch_call(struct worker *w, struct conn *c);
/* The request's session is known: answer, or wait for more. */
void dispatch_settle(struct worker *w, struct conn *c, const struct live_session *live);
/* Answer an error in the form that the leg's asker understands; wait_ms goes with a 503. */
void dispatch_refuse(struct worker *w, struct conn *c, enum bff_err e, int64_t wait_ms);

/* waiting.c: session tasks, and the requests that are parked on them. */

/* Park the request until the session's task of this kind is done; start the task if there is none.
 * Answers at once when nothing can be waited for. */
void waiting_park(struct worker *w, struct conn *c, enum task_kind kind, uint64_t seen,
                  enum touch touch);
/* Refresh in the background, unless that is under way. */
void waiting_renew_ahead(struct worker *w, const struct conn *c, uint64_t generation);
/* A task has run: its renewal says what came of it. */
void waiting_has_run(struct worker *w, struct session_task *task);
/* The hot thread cannot read what this LOAD needs. */
void waiting_needs_lane(struct worker *w, struct session_task *task);
/* A refresh of this session ended somewhere: who waits for it looks again. */
void waiting_refreshed(struct worker *w, const unsigned char *hash);
/* Deadlines of tasks and parked requests. */
void waiting_timers(struct worker *w);
/* When waiting_timers() wants to be called next. */
int64_t waiting_next_timer(struct worker *w);

/* loop.c: connections, time, and what wakes the hot thread. */

/* Accept requests, or for now do not. */
void worker_listen(struct worker *w, bool on);
/* Until it is drained. */
void worker_serve(struct worker *w);
/* Write c->reply, then wait for the connection's next request, or free it. */
void worker_answer(struct worker *w, struct conn *c);
/* Let a lane run the request to its end; `run` answers it by conn_answer() and sets c->kept.
 * false: the lane is full. */
BFF_MUST_CHECK bool worker_hand_over(struct worker *w, struct conn *c, struct lane *lane,
                                     void (*run)(struct job *job, struct tools *tools));
/* Close the connection, and with it whatever waited on it. */
void worker_forget(struct worker *w, struct conn *c);

#endif
