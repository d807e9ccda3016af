#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/revoke.h"
#include "server/measure.h"
#include "server/worker_state.h"

#define EVENTS_MAX 256
#define ACCEPTS_AT_ONCE 16 /* then the other workers have a go */
#define SWEEP_MS 500

/* --- connections --- */

void worker_forget(struct worker *w, struct conn *c)
{
    if (c->state == CONN_PARKED) {
        task_unpark(c);
        w->n_parked--;
    }
    if (c->next)
        c->next->previous = c->previous;
    if (c->previous)
        c->previous->next = c->next;
    else
        w->conns = c->next;
    w->n_conns--;
    conn_free(c);
}

/* Edge-triggered: each tells that something has come, or that the other side has gone. */
static struct epoll_event conn_events(struct conn *c)
{
    return (struct epoll_event){.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = c};
}

/* Reads what has come on a connection that is idle or half read. */
static void receive(struct worker *w, struct conn *c)
{
    switch (conn_receive(c, w->now_ms)) {
    case CONN_REQUEST:
        dispatch_call(w, c);
        break;
    case CONN_REFUSED:
        dispatch_refuse(w, c, BFF_ERR_BAD_REQUEST, 0);
        break;
    case CONN_WAITS:
        if (w->draining && c->state == CONN_IDLE)
            worker_forget(w, c);
        break;
    case CONN_CLOSED:
        worker_forget(w, c);
        break;
    }
}

/* What has come already is looked at in the next turn of the loop: here it would be in the middle
 * of the answer to what came before it, one deeper for each request that somebody sends without
 * waiting, and nobody else would have a turn. What has been read already no event tells of, but
 * that there is room for an answer to it. */
static void look_again(struct worker *w, struct conn *c)
{
    struct epoll_event event = conn_events(c);
    if (c->n_held > 0)
        event.events |= EPOLLOUT;
    if (epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, c->fd, &event) != 0)
        worker_forget(w, c);
}

static void after_answer(struct worker *w, struct conn *c, bool kept)
{
    c->state = CONN_IDLE;
    c->since_ms = w->now_ms;
    if (!kept)
        worker_forget(w, c);
    else if (c->event_missed)
        look_again(w, c);
}

void worker_answer(struct worker *w, struct conn *c)
{
    after_answer(w, c, conn_answer(c, !w->draining));
}

static void lane_has_answered(struct job *job, void *worker)
{
    struct worker *w = worker;
    struct conn *c = (struct conn *)job;
    w->n_in_lane--;
    after_answer(w, c, c->kept);
}

bool worker_hand_over(struct worker *w, struct conn *c, struct lane *lane,
                      void (*run)(struct job *job, struct tools *tools))
{
    c->job.run = run;
    c->job.done = lane_has_answered;
    c->state = CONN_IN_LANE;
    if (!lane_submit(lane, &c->job)) {
        c->state = CONN_HOT;
        return false;
    }
    w->n_in_lane++;
    return true;
}

void worker_listen(struct worker *w, bool on)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &w->listening};
    if (on == w->listening)
        return;
    if (epoll_ctl(w->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, w->setup->listen_fd, &event) !=
        0)
        log_event(SEVERITY_ERROR, "epoll_failed", LOG_NUMBER("errno", errno));
    else
        w->listening = on;
}

static void adopt(struct worker *w, int fd)
{
    struct conn *c = conn_make(fd, w->config);
    struct epoll_event event = conn_events(c);
    if (!c) {
        close(fd);
        return;
    }
    c->since_ms = w->now_ms;
    c->next = w->conns;
    if (c->next)
        c->next->previous = c;
    w->conns = c;
    w->n_conns++;
    if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        worker_forget(w, c);
}

static void accept_some(struct worker *w)
{
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        if (w->n_conns >= w->config->server.connections) {
            worker_listen(w, false); /* the sweep listens again when there is room */
            return;
        }
        int fd = accept4(w->setup->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            adopt(w, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log_event(SEVERITY_ERROR, "accept_failed", LOG_NUMBER("errno", errno),
                      LOG_NUMBER("connections", w->n_conns));
            worker_listen(w, false);
        }
        return;
    }
}

static void conn_event(struct worker *w, struct conn *c, uint32_t events)
{
    switch (c->state) {
    case CONN_IDLE:
    case CONN_PARTIAL:
        receive(w, c);
        break;
    case CONN_PARKED:
        /* The browser has gone, and nginx with it: nobody waits for this answer. */
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            worker_forget(w, c);
        else
            c->event_missed = true;
        break;
    case CONN_HOT:
    case CONN_IN_LANE:
        c->event_missed = true;
        break;
    }
}

/* --- time --- */

/* Idle connections go when their time has come, half-sent requests sooner; when draining, idle ones
 * go at once, unless a request has just come. */
static void sweep_conns(struct worker *w)
{
    struct conn *next;
    for (struct conn *c = w->conns; c; c = next) {
        next = c->next;
        int64_t age_ms = w->now_ms - c->since_ms;
        bool is_late = (c->state == CONN_PARTIAL && age_ms >= w->config->server.read_ms) ||
                       (c->state == CONN_IDLE && age_ms >= w->config->server.idle_ms);
        if (is_late)
            worker_forget(w, c);
        else if (c->state == CONN_IDLE && w->draining)
            receive(w, c);
    }
}

/* There may be room again. And of each that waits only one worker was told (EPOLLEXCLUSIVE), which
 * may have died of something else before it accepted: nobody is told again. */
static void sweep_backlog(struct worker *w)
{
    if (w->draining)
        return;
    worker_listen(w, w->n_conns < w->config->server.connections);
    if (w->listening)
        accept_some(w);
}

static void run_revocations(struct job *job, struct tools *tools)
{
    (void)job;
    revocations_retry(tools, clock_mono_ms());
}

static void revocations_ran(struct job *job, void *worker)
{
    struct worker *w = worker;
    (void)job;
    w->revoke_running = false;
}

static void retry_revocations(struct worker *w)
{
    if (w->revoke_running || !revocations_due(w->shared.revocations, w->now_ms))
        return;
    w->revoke_job = (struct job){.run = run_revocations, .done = revocations_ran};
    w->revoke_running = lane_submit(w->backend_lane, &w->revoke_job);
}

static int sleep_ms(struct worker *w, int64_t next_sweep_ms)
{
    int64_t at = waiting_next_timer(w);
    int64_t read_due_ms = reads_due_ms(w);
    if (read_due_ms < at)
        at = read_due_ms;
    if (w->tend_ms < at)
        at = w->tend_ms;
    if (next_sweep_ms < at)
        at = next_sweep_ms;
    int64_t ms = at - clock_mono_ms();
    return ms < 0 ? 0 : (int)ms + 1;
}

/* --- the loop --- */

static void begin_drain(struct worker *w)
{
    log_event(SEVERITY_INFO, "draining", LOG_NUMBER("pid", getpid()),
              LOG_NUMBER("connections", w->n_conns));
    worker_listen(w, false);
    /* Or a bffd that is started meanwhile would find somebody at its address. */
    close(w->setup->listen_fd);
    w->draining = true;
    w->drain_until_ms = w->now_ms + w->config->server.drain_ms;
}

static void take_signal(struct worker *w)
{
    struct signalfd_siginfo info;
    if (read(w->signal_fd, &info, sizeof info) == sizeof info && !w->draining)
        begin_drain(w);
}

static void finish_jobs(struct worker *w, struct lane *lane)
{
    struct job *job = lane_done(lane);
    while (job) {
        struct job *next = job->next;
        job->done(job, w);
        job = next;
    }
}

static void wake_up_refreshed(struct session_task *task, void *worker)
{
    waiting_refreshed(worker, task->name.hash);
}

/* What other threads have done and heard for this one. */
static void take_news(struct worker *w)
{
    unsigned char hash[SESSION_HASH_BYTES];
    bool all;
    while (invalidation_next_refreshed(w->invalidation, hash, &all)) {
        if (all)
            tasks_each(w->tasks, wake_up_refreshed, w);
        else
            waiting_refreshed(w, hash);
    }
    finish_jobs(w, w->store_lane);
    finish_jobs(w, w->backend_lane);
}

static void take_wake(struct worker *w)
{
    uint64_t count;
    if (read(w->wake_fd, &count, sizeof count) == sizeof count)
        take_news(w);
}

static void take_events(struct worker *w, const struct epoll_event *events, int n)
{
    bool woken = false, answered = false, signalled = false, knocked = false;
    for (int i = 0; i < n; i++) {
        void *source = events[i].data.ptr;
        if (source == &w->wake_fd)
            woken = true;
        else if (source == &w->reads)
            answered = true;
        else if (source == &w->signal_fd)
            signalled = true;
        else if (source == &w->listening)
            knocked = true;
        else
            conn_event(w, source, events[i].events);
    }
    /* These may free connections that stand later in `events`, so they come last. */
    if (answered)
        reads_receive(w);
    if (woken)
        take_wake(w);
    if (knocked && w->listening)
        accept_some(w);
    /* Behind that: of who has knocked here no other worker was told. */
    if (signalled)
        take_signal(w);
}

static bool is_drained(const struct worker *w)
{
    /* Revocations that wait are kept nowhere else: they get the time that requests get. */
    bool is_idle =
        w->n_conns == 0 && !w->revoke_running && revocations_waiting(w->shared.revocations) == 0;
    return w->draining && (is_idle || w->now_ms >= w->drain_until_ms);
}

void worker_serve(struct worker *w)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t next_sweep_ms = 0;
    w->tend_ms = INT64_MAX;
    while (!is_drained(w)) {
        log_flush();
        int n = epoll_wait(w->epoll_fd, events, EVENTS_MAX, sleep_ms(w, next_sweep_ms));
        w->now_ms = clock_mono_ms();
        pulse_beat(w->setup->pulse, w->now_ms);
        if (n > 0)
            take_events(w, events, n);
        waiting_timers(w);
        reads_turn(w);
        w->tend_ms = microcache_tend(w->shared.microcache, w->now_ms);
        if (w->now_ms >= next_sweep_ms || w->draining) {
            take_news(w); /* of which nobody could wake us: see lane_wake() */
            sweep_conns(w);
            sweep_backlog(w);
            cache_sweep(w->cache, w->setup->fence, w->now_ms);
            retry_revocations(w);
            measure_worker(w);
            next_sweep_ms = w->now_ms + (w->draining ? SWEEP_MS / 10 : SWEEP_MS);
        }
    }
}
