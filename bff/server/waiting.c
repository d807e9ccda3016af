#include "base/crash_point.h"
#include "base/log.h"
#include "server/measure.h"
#include "server/worker_state.h"

/* --- session tasks --- */

static void run_refresh(struct job *job, struct tools *tools)
{
    struct session_task *task = (struct session_task *)job;
    renewal_run(tools, &task->name, task->seen, &task->caller, &task->arena, &task->renewal);
}

static void run_load(struct job *job, struct tools *tools)
{
    struct session_task *task = (struct session_task *)job;
    if (task->touch == TOUCH_NOW)
        renewal_touch(tools, &task->name, &task->arena, &task->renewal);
    else
        renewal_load(tools, &task->name, task->touch == TOUCH_IF_DUE, &task->arena, &task->renewal);
}

static void job_done(struct job *job, void *worker)
{
    waiting_has_run(worker, (struct session_task *)job);
}

static bool submit_to_lane(struct worker *w, struct session_task *task)
{
    bool is_load = task->kind == TASK_LOAD;
    task->job = (struct job){.run = is_load ? run_load : run_refresh, .done = job_done};
    return lane_submit(is_load ? w->store_lane : w->backend_lane, &task->job);
}

static bool submit_task(struct worker *w, struct session_task *task)
{
    task->state = TASK_RUNNING;
    task->woken = false;
    task->watch_epoch = invalidation_epoch(w->invalidation);
    return (task->kind == TASK_LOAD && reads_take(w, task)) || submit_to_lane(w, task);
}

static size_t task_arena_limit(const struct config *config)
{
    return (size_t)config->backend.answer_bytes * 4 + 512 * 1024;
}

/* NULL: the lane is full, or memory is out. */
static struct session_task *start_task(struct worker *w, enum task_kind kind,
                                       const struct call *call, uint64_t seen, enum touch touch)
{
    struct session_task *task = tasks_add(w->tasks, kind, call, task_arena_limit(w->config));
    if (!task)
        return NULL;
    task->seen = seen;
    task->touch = touch;
    if (submit_task(w, task))
        return task;
    tasks_remove(w->tasks, task);
    task_free(task);
    return NULL;
}

/* --- requests come --- */

/* Does the request wait until a task that rests runs again? Once the backend has been away for
 * longer than that, nobody does. */
static bool is_patient(const struct worker *w, const struct conn *c, int64_t due_ms)
{
    int64_t patience_ms = w->config->refresh.patience_ms;
    return breaker_trouble_ms(&w->breaker) < patience_ms &&
           due_ms <= c->started_us / 1000 + patience_ms;
}

/* The refresh that this request waits for goes out in its name: whoever asked before it had an
 * answer. */
static bool wait_out(struct worker *w, struct session_task *task, const struct conn *c)
{
    if (!is_patient(w, c, task->due_ms))
        return false;
    return task->parked || task_renew(task, &c->call, task_arena_limit(w->config));
}

/* Park the request until the session's task of this kind is done; start it if there is none. */
void waiting_park(struct worker *w, struct conn *c, enum task_kind kind, uint64_t seen,
                  enum touch touch)
{
    struct session_task *task = tasks_find(w->tasks, kind, c->call.name.hash);
    c->seen = seen;
    c->from_cache = false;
    if (task && task->state == TASK_RESTING && !wait_out(w, task, c)) {
        dispatch_refuse(w, c, BFF_ERR_REFRESH_UNAVAILABLE, task->due_ms - w->now_ms);
        return;
    }
    if (w->n_parked < w->config->server.parked && !task)
        task = start_task(w, kind, &c->call, seen, touch);
    if (w->n_parked >= w->config->server.parked || !task) {
        dispatch_refuse(w, c, BFF_ERR_OVERLOADED, RETRY_SOON_MS);
        return;
    }
    task_park(w->tasks, task, c, c->started_us / 1000 + w->config->server.park_ms);
    w->n_parked++;
}

void waiting_renew_ahead(struct worker *w, const struct conn *c, uint64_t generation)
{
    if (tasks_find(w->tasks, TASK_REFRESH, c->call.name.hash))
        return;
    /* A full lane only means that the next request tries. */
    if (!start_task(w, TASK_REFRESH, &c->call, generation, TOUCH_NOT))
        log_event(SEVERITY_DEBUG, "refresh_ahead_put_off", LOG_CALLER(&c->call.caller));
}

/* Is it in the cache now? */
static bool remember(struct worker *w, const struct session_task *task,
                     const struct live_session *live)
{
    int64_t watch = atomic_load(invalidation_redirect(w->invalidation));
    /* Only what Redis will tell this worker of when it changes. */
    if (w->config->session.cache_ms == 0 || task->watch_epoch != w->cache_epoch || watch == 0 ||
        task->renewal.tracked_for != watch)
        return false;
    struct cached_session entry = {
        .generation = live->generation,
        .attached = live->attached,
        .user = live->user,
        .access_until_ms = live->access_until_ms,
        .renew_at_ms = live->renew_at_ms,
        .idle_until_ms = live->idle_until_ms,
        .absolute_until_ms = live->absolute_until_ms,
        .touch_due_ms = live->touch_at_ms,
        .entry_until_ms = w->now_ms + w->config->session.cache_ms,
    };
    /* What does not fit is asked again next time. */
    bool fits = cache_put(w->cache, task->name.hash, task->renewal.ticket, &entry);
    if (!fits)
        log_event(SEVERITY_DEBUG, "cache_put_refused", LOG_NUMBER("bytes", live->attached.n));
    return fits;
}

/* --- when a task has run --- */

static void resume(struct worker *w, struct conn *c, const struct session_task *task,
                   const struct live_session *live)
{
    c->state = CONN_HOT;
    w->n_parked--;
    measure_wait(w, c);
    CRASH_POINT_REFRESH(task->kind == TASK_REFRESH ? task->caller.request_id : STR(""));
    CRASH_POINT(ANSWER_DUE, c->fd);
    c->from_cache = task->remembered;
    c->ticket = task->renewal.ticket;
    switch (task->renewal.result) {
    case RENEWAL_SESSION:
        if (task->renewal.granted && live->generation > c->seen)
            c->has_renewed = true;
        if (task->kind == TASK_LOAD && task->touch != TOUCH_NOT)
            c->has_touched = true;
        dispatch_settle(w, c, live);
        break;
    case RENEWAL_NONE:
        dispatch_refuse(w, c, BFF_ERR_NOT_AUTHENTICATED, 0);
        break;
    case RENEWAL_ENDED:
        dispatch_refuse(w, c, BFF_ERR_SESSION_EXPIRED, 0);
        break;
    case RENEWAL_LATER:
    case RENEWAL_UNAVAILABLE:
    case RENEWAL_PUT_OFF:
        dispatch_refuse(w, c, BFF_ERR_REFRESH_UNAVAILABLE, task->renewal.wait_ms);
        break;
    case RENEWAL_STORE_DOWN:
        dispatch_refuse(w, c, BFF_ERR_STORE_UNAVAILABLE, RETRY_SOON_MS);
        break;
    }
    CRASH_POINT(ANSWER_SENT, -1);
}

static void resume_all(struct worker *w, struct session_task *task, const struct live_session *live)
{
    struct conn *c = task_take_parked(task);
    while (c) {
        struct conn *next = c->next_parked;
        resume(w, c, task, live);
        c = next;
    }
}

static void finish(struct worker *w, struct session_task *task)
{
    struct live_session live = {0};
    tasks_remove(w->tasks, task);
    if (task->renewal.result == RENEWAL_SESSION) {
        live = live_session_from(&task->name, &task->renewal.session, w->config, &task->arena);
        task->remembered = remember(w, task, &live);
    }
    resume_all(w, task, &live);
    task_free(task);
}

static void run_again(struct worker *w, struct session_task *task)
{
    if (submit_task(w, task))
        return;
    task->renewal = (struct renewal){.result = RENEWAL_UNAVAILABLE, .wait_ms = RETRY_SOON_MS};
    finish(w, task);
}

static void refuse_parked(struct worker *w, struct conn *c, enum bff_err e, int64_t wait_ms)
{
    task_unpark(c);
    c->state = CONN_HOT;
    w->n_parked--;
    measure_wait(w, c);
    dispatch_refuse(w, c, e, wait_ms);
}

static void refuse_impatient(struct worker *w, struct session_task *task)
{
    struct conn *c = task->parked;
    while (c) {
        struct conn *next = c->next_parked;
        if (!is_patient(w, c, task->due_ms))
            refuse_parked(w, c, BFF_ERR_REFRESH_UNAVAILABLE, task->due_ms - w->now_ms);
        c = next;
    }
}

/* Until due_ms the backend is not asked for this session. No request causes two refreshes: for
 * whom one has failed just now is answered, and only who was put off may wait for the next. */
static void rest(struct worker *w, struct session_task *task)
{
    task_rest(w->tasks, task, TASK_RESTING, w->now_ms + task->renewal.wait_ms);
    task->is_away = task->renewal.is_away;
    w->some_wait_for_backend |= task->is_away;
    if (task->renewal.result == RENEWAL_PUT_OFF) {
        refuse_impatient(w, task);
        if (task->woken)
            task_rest(w->tasks, task, TASK_RESTING, w->now_ms);
        if (task->parked && task_renew(task, &task->parked->call, task_arena_limit(w->config)))
            return;
        task->renewal.result = RENEWAL_UNAVAILABLE;
    }
    resume_all(w, task, &(struct live_session){0});
    arena_free(&task->arena); /* nothing of the tokens need stay */
}

void waiting_needs_lane(struct worker *w, struct session_task *task)
{
    if (submit_to_lane(w, task))
        return;
    task->renewal = (struct renewal){.result = RENEWAL_STORE_DOWN};
    finish(w, task);
}

void waiting_has_run(struct worker *w, struct session_task *task)
{
    switch (task->renewal.result) {
    case RENEWAL_LATER:
        if (task->woken && task->parked) {
            run_again(w, task);
            return;
        }
        task_rest(w->tasks, task, TASK_SLEEPING, w->now_ms + task->renewal.wait_ms);
        break;
    case RENEWAL_UNAVAILABLE:
    case RENEWAL_PUT_OFF:
        rest(w, task);
        break;
    case RENEWAL_SESSION:
    case RENEWAL_NONE:
    case RENEWAL_ENDED:
    case RENEWAL_STORE_DOWN:
        finish(w, task);
        break;
    }
}

void waiting_refreshed(struct worker *w, const unsigned char *hash)
{
    struct session_task *task = tasks_find(w->tasks, TASK_REFRESH, hash);
    if (!task)
        return;
    if (task->state == TASK_RUNNING)
        task->woken = true;
    else
        task_rest(w->tasks, task, task->state, w->now_ms);
}

/* --- time --- */

static void time_out_parked(struct worker *w, struct session_task *task)
{
    enum bff_err e =
        task->kind == TASK_LOAD ? BFF_ERR_STORE_UNAVAILABLE : BFF_ERR_REFRESH_UNAVAILABLE;
    struct conn *c = task->parked;
    while (c) {
        struct conn *next = c->next_parked;
        if (c->park_until_ms <= w->now_ms)
            refuse_parked(w, c, e, RETRY_SOON_MS);
        c = next;
    }
}

struct turn {
    struct worker *w;
    bool backend_is_there;
};

static void visit_timer(struct session_task *task, void *self)
{
    const struct turn *turn = self;
    struct worker *w = turn->w;
    time_out_parked(w, task);
    bool is_due = task->due_ms <= w->now_ms ||
                  (task->state == TASK_RESTING && task->is_away && turn->backend_is_there);
    if (task->state == TASK_RUNNING || !is_due)
        return;
    if (task->parked) {
        run_again(w, task);
        return;
    }
    tasks_remove(w->tasks, task);
    task_free(task);
}

void waiting_timers(struct worker *w)
{
    struct turn turn = {w, !breaker_is_in_trouble(&w->breaker)};
    bool is_back = w->some_wait_for_backend && turn.backend_is_there;
    if (w->now_ms < tasks_next_due(w->tasks) && !is_back)
        return;
    if (is_back)
        w->some_wait_for_backend = false;
    tasks_each(w->tasks, visit_timer, &turn);
    tasks_look(w->tasks);
}

int64_t waiting_next_timer(struct worker *w)
{
    return tasks_next_due(w->tasks);
}
