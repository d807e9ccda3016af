/* What the files of the hot thread share (worker.c, dispatch.c, invalidation.c). */
#ifndef BFF_SERVER_WORKER_STATE_H
#define BFF_SERVER_WORKER_STATE_H

#include "server/invalidation.h"
#include "server/tasks.h"
#include "server/worker.h"
#include "store/cache.h"

struct worker {
    const struct worker_setup *setup;
    const struct config *config;
    int epoll_fd, wake_fd, signal_fd;
    struct lane_shared shared;
    struct lane *store_lane;   /* Redis only: never waits for the backend */
    struct lane *backend_lane; /* login, refresh, logout, revoke */
    struct cache *cache;
    unsigned cache_epoch; /* the watch's epoch for which the cache was filled */
    struct invalidation *invalidation;
    struct tasks *tasks;
    struct conn *conns;
    unsigned n_conns, n_parked, n_in_lane;
    bool listening; /* the listening socket is in the epoll set */
    bool draining;
    int64_t drain_until_ms;
    int64_t now_ms; /* of this turn of the loop */
    struct job revoke_job;
    bool revoke_running;
};

/* dispatch.c: what becomes of requests and tasks. */

/* A request has come. */
void dispatch_call(struct worker *w, struct conn *c);
/* It cannot be read: answer that. */
void dispatch_refusal(struct worker *w, struct conn *c, enum bff_err e);
/* A refresh of this session ended somewhere: who waits for it looks again. */
void dispatch_refreshed(struct worker *w, const unsigned char *hash);
/* Deadlines of tasks and parked requests. */
void dispatch_timers(struct worker *w);
/* When dispatch_timers() wants to be called next. */
int64_t dispatch_next_timer(struct worker *w);

/* worker.c: what dispatch needs from the loop. */

/* Write c->reply, then wait for the connection's next request, or free it. */
void worker_answer(struct worker *w, struct conn *c);
/* Let a lane run the request to its end; `run` answers it by conn_answer() and sets c->kept.
 * false: the lane is full. */
BFF_MUST_CHECK bool worker_hand_over(struct worker *w, struct conn *c, struct lane *lane,
                                     void (*run)(struct job *job, struct tools *tools));

#endif
