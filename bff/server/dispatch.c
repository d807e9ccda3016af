#include "base/clock.h"
#include "base/log.h"
#include "flow/authorize.h"
#include "flow/end.h"
#include "flow/login.h"
#include "server/worker_state.h"

#define RETRY_SOON_MS 1000

/* --- answers, by what the leg's asker understands --- */

static void refuse(struct worker *w, struct conn *c, enum bff_err e, int64_t wait_ms)
{
    bool nobody = e == BFF_ERR_NOT_AUTHENTICATED || e == BFF_ERR_SESSION_EXPIRED;
    if (c->call.leg == LEG_AUTHORIZE)
        authorize_refuse(e, wait_ms, &c->arena, &c->reply);
    else if (c->call.leg == LEG_SESSION && nobody)
        session_reply(NULL, w->now_ms, &c->arena, &c->reply);
    else
        reply_problem(&c->reply, e, &c->call.caller, wait_ms, &c->arena);
    worker_answer(w, c);
}

static void pass(struct worker *w, struct conn *c, const struct live_session *live)
{
    switch (c->call.leg) {
    case LEG_AUTHORIZE:
        authorize_pass(live, w->config, &c->arena, &c->reply);
        break;
    case LEG_RENEW:
        renew_retry(live, w->config, &c->arena, &c->reply);
        break;
    case LEG_SESSION:
        session_reply(live, w->now_ms, &c->arena, &c->reply);
        break;
    case LEG_LOGIN:
    case LEG_LOGOUT:
    case LEG_HEALTH:
    case LEG_READY:
    case LEG_UNKNOWN:
        reply_problem(&c->reply, BFF_ERR_INTERNAL, &c->call.caller, 0, &c->arena);
        break;
    }
    worker_answer(w, c);
}

/* --- session tasks --- */

static void run_task(struct job *job, struct tools *tools)
{
    struct session_task *task = (struct session_task *)job;
    if (task->kind == TASK_LOAD)
        renewal_load(tools, &task->name, task->touch, &task->arena, &task->renewal);
    else
        renewal_run(tools, &task->name, task->seen, &task->caller, &task->arena, &task->renewal);
}

static void task_done(struct job *job, void *worker);

static bool submit_task(struct worker *w, struct session_task *task)
{
    task->state = TASK_RUNNING;
    task->woken = false;
    task->watch_epoch = invalidation_epoch(w->invalidation);
    task->job.run = run_task;
    task->job.done = task_done;
    return lane_submit(task->kind == TASK_LOAD ? w->store_lane : w->backend_lane, &task->job);
}

static size_t task_arena_limit(const struct config *config)
{
    return (size_t)config->backend.answer_bytes * 4 + 512 * 1024;
}

/* NULL: the lane is full, or memory is out. */
static struct session_task *start_task(struct worker *w, enum task_kind kind,
                                       const struct call *call, uint64_t seen, bool touch)
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

/* Park the request until the session's task of this kind is done; start it if there is none. */
static void wait_for(struct worker *w, struct conn *c, enum task_kind kind, uint64_t seen,
                     bool touch)
{
    struct session_task *task = tasks_find(w->tasks, kind, c->call.name.hash);
    c->seen = seen;
    if (task && task->state == TASK_RESTING) {
        refuse(w, c, BFF_ERR_REFRESH_UNAVAILABLE, task->due_ms - w->now_ms);
        return;
    }
    if (w->n_parked < w->config->server.parked && !task)
        task = start_task(w, kind, &c->call, seen, touch);
    if (w->n_parked >= w->config->server.parked || !task) {
        refuse(w, c, BFF_ERR_OVERLOADED, RETRY_SOON_MS);
        return;
    }
    task_park(task, c, c->started_us / 1000 + w->config->server.park_ms);
    w->n_parked++;
}

static void renew_ahead(struct worker *w, const struct conn *c, uint64_t generation)
{
    if (tasks_find(w->tasks, TASK_REFRESH, c->call.name.hash))
        return;
    /* A full lane only means that the next request tries. */
    if (!start_task(w, TASK_REFRESH, &c->call, generation, false))
        log_event(SEVERITY_DEBUG, "refresh_ahead_put_off",
                  LOG_TEXT("request_id", c->call.caller.request_id));
}

/* --- deciding, once the session is known --- */

static void settle_authorize(struct worker *w, struct conn *c, const struct live_session *live)
{
    struct session_clocks clocks = live_session_clocks(live, w->now_ms);
    if (c->has_touched)
        clocks.touch_due_ms = 1;
    if (c->has_renewed && clocks.access_left_ms <= 0)
        clocks.access_left_ms = 1; /* just granted: whether it is good is Django's to say */
    switch (policy_for_call(clocks, (int64_t)w->config->session.refresh_ahead_s * 1000)) {
    case STEP_ENDED:
        refuse(w, c, BFF_ERR_SESSION_EXPIRED, 0);
        break;
    case STEP_TOUCH:
        wait_for(w, c, TASK_LOAD, 0, true);
        break;
    case STEP_RENEW_FIRST:
        wait_for(w, c, TASK_REFRESH, live->generation, false);
        break;
    case STEP_PASS_AND_RENEW:
        if (!c->has_renewed)
            renew_ahead(w, c, live->generation);
        pass(w, c, live);
        break;
    case STEP_PASS:
        pass(w, c, live);
        break;
    }
}

static void settle(struct worker *w, struct conn *c, const struct live_session *live)
{
    struct session_clocks clocks = live_session_clocks(live, w->now_ms);
    if (c->call.leg == LEG_AUTHORIZE)
        settle_authorize(w, c, live);
    else if (clocks.idle_left_ms <= 0 || clocks.absolute_left_ms <= 0)
        refuse(w, c, BFF_ERR_SESSION_EXPIRED, 0);
    else if (c->call.leg == LEG_RENEW && !c->has_renewed &&
             policy_must_refresh(c->call.generation, live->generation))
        wait_for(w, c, TASK_REFRESH, c->call.generation, false);
    else
        pass(w, c, live);
}

/* What the cache knows, or else what Redis knows. */
static void look_up(struct worker *w, struct conn *c)
{
    struct cached_session hit;
    unsigned epoch = invalidation_epoch(w->invalidation);
    if (epoch != w->cache_epoch) {
        cache_clear(w->cache);
        w->cache_epoch = epoch;
    }
    if (!invalidation_is_up(w->invalidation) ||
        !cache_get(w->cache, w->setup->fence, c->call.name.hash, w->now_ms, &hit)) {
        wait_for(w, c, TASK_LOAD, 0, c->call.leg == LEG_AUTHORIZE);
        return;
    }
    struct live_session live = {
        .generation = hit.generation,
        .access = hit.attach,
        .user = hit.user,
        .access_until_ms = hit.access_until_ms,
        .idle_until_ms = hit.idle_until_ms,
        .absolute_until_ms = hit.absolute_until_ms,
        .touch_at_ms = hit.touch_due_ms,
    };
    settle(w, c, &live);
}

static void remember(struct worker *w, const struct session_task *task,
                     const struct live_session *live)
{
    if (task->watch_epoch != w->cache_epoch || !invalidation_is_up(w->invalidation) ||
        w->config->session.cache_ms == 0)
        return;
    struct cached_session entry = {
        .generation = live->generation,
        .attach = live->access,
        .user = live->user,
        .access_until_ms = live->access_until_ms,
        .idle_until_ms = live->idle_until_ms,
        .absolute_until_ms = live->absolute_until_ms,
        .touch_due_ms = live->touch_at_ms,
        .entry_until_ms = w->now_ms + w->config->session.cache_ms,
    };
    /* What does not fit is asked again next time. */
    if (!cache_put(w->cache, task->name.hash, task->renewal.ticket, &entry))
        log_event(SEVERITY_DEBUG, "cache_put_refused", LOG_NUMBER("bytes", live->access.n));
}

/* --- when a task has run --- */

static void resume(struct worker *w, struct conn *c, const struct session_task *task,
                   const struct live_session *live)
{
    c->state = CONN_HOT;
    w->n_parked--;
    switch (task->renewal.result) {
    case RENEWAL_SESSION:
        if (task->kind == TASK_REFRESH && live->generation > c->seen)
            c->has_renewed = true;
        if (task->kind == TASK_LOAD && task->touch)
            c->has_touched = true;
        settle(w, c, live);
        break;
    case RENEWAL_NONE:
        refuse(w, c, BFF_ERR_NOT_AUTHENTICATED, 0);
        break;
    case RENEWAL_ENDED:
        refuse(w, c, BFF_ERR_SESSION_EXPIRED, 0);
        break;
    case RENEWAL_LATER:
    case RENEWAL_UNAVAILABLE:
        refuse(w, c, BFF_ERR_REFRESH_UNAVAILABLE, task->renewal.wait_ms);
        break;
    case RENEWAL_STORE_DOWN:
        refuse(w, c, BFF_ERR_STORE_UNAVAILABLE, RETRY_SOON_MS);
        break;
    }
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
        live = live_session_from(&task->renewal.session, w->config, w->now_ms);
        remember(w, task, &live);
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

static void task_done(struct job *job, void *worker)
{
    struct session_task *task = (struct session_task *)job;
    struct worker *w = worker;
    switch (task->renewal.result) {
    case RENEWAL_LATER:
        if (task->woken && task->parked) {
            run_again(w, task);
            return;
        }
        task->state = TASK_SLEEPING;
        task->due_ms = w->now_ms + task->renewal.wait_ms;
        break;
    case RENEWAL_UNAVAILABLE:
        task->state = TASK_RESTING;
        task->due_ms = w->now_ms + task->renewal.wait_ms;
        resume_all(w, task, &(struct live_session){0});
        arena_free(&task->arena); /* it runs no more: nothing of the tokens need stay */
        break;
    case RENEWAL_SESSION:
    case RENEWAL_NONE:
    case RENEWAL_ENDED:
    case RENEWAL_STORE_DOWN:
        finish(w, task);
        break;
    }
}

void dispatch_refreshed(struct worker *w, const unsigned char *hash)
{
    struct session_task *task = tasks_find(w->tasks, TASK_REFRESH, hash);
    if (!task)
        return;
    if (task->state == TASK_RUNNING)
        task->woken = true;
    else
        task->due_ms = w->now_ms;
}

/* --- time --- */

static void time_out_parked(struct worker *w, struct session_task *task)
{
    enum bff_err e =
        task->kind == TASK_LOAD ? BFF_ERR_STORE_UNAVAILABLE : BFF_ERR_REFRESH_UNAVAILABLE;
    struct conn *c = task->parked;
    while (c) {
        struct conn *next = c->next_parked;
        if (c->park_until_ms <= w->now_ms) {
            task_unpark(c);
            c->state = CONN_HOT;
            w->n_parked--;
            refuse(w, c, e, RETRY_SOON_MS);
        }
        c = next;
    }
}

static void visit_timer(struct session_task *task, void *worker)
{
    struct worker *w = worker;
    time_out_parked(w, task);
    if (task->state == TASK_RUNNING || task->due_ms > w->now_ms)
        return;
    if (task->state == TASK_SLEEPING && task->parked) {
        run_again(w, task);
        return;
    }
    tasks_remove(w->tasks, task);
    task_free(task);
}

void dispatch_timers(struct worker *w)
{
    tasks_each(w->tasks, visit_timer, w);
}

struct earliest {
    int64_t at_ms;
};

static void visit_earliest(struct session_task *task, void *self)
{
    struct earliest *e = self;
    if (task->state != TASK_RUNNING && task->due_ms < e->at_ms)
        e->at_ms = task->due_ms;
    for (const struct conn *c = task->parked; c; c = c->next_parked)
        if (c->park_until_ms < e->at_ms)
            e->at_ms = c->park_until_ms;
}

int64_t dispatch_next_timer(struct worker *w)
{
    struct earliest e = {INT64_MAX};
    tasks_each(w->tasks, visit_earliest, &e);
    return e.at_ms;
}

/* --- requests that a lane serves from beginning to end --- */

static void run_flow(struct job *job, struct tools *tools)
{
    struct conn *c = (struct conn *)job;
    enum bff_err err = conn_read_body(c, tools->config->server.body_bytes, &c->call.body);
    if (err != BFF_OK)
        reply_problem(&c->reply, err, &c->call.caller, 0, &c->arena);
    else if (c->call.leg == LEG_LOGIN)
        login_run(tools, &c->call, &c->arena, &c->reply);
    else
        logout_run(tools, &c->call, &c->arena, &c->reply);
    c->kept = conn_answer(c, true);
}

static void to_lane(struct worker *w, struct conn *c)
{
    if (!str_eq(c->call.csrf.method, STR("POST"))) {
        reply_problem(&c->reply, BFF_ERR_METHOD_NOT_ALLOWED, &c->call.caller, 0, &c->arena);
        reply_header(&c->reply, "Allow", STR("POST"));
        worker_answer(w, c);
        return;
    }
    if (!worker_hand_over(w, c, w->backend_lane, run_flow))
        refuse(w, c, BFF_ERR_OVERLOADED, RETRY_SOON_MS);
}

/* --- requests as they come --- */

/* The worker had refused on the auth leg; here the browser is told why. */
static void explain_refusal(struct worker *w, struct conn *c)
{
    enum bff_err e = c->call.refusal;
    /* No reason came along: the auth leg did not reach a worker. */
    if (e == BFF_OK)
        e = BFF_ERR_OVERLOADED;
    refuse(w, c, e, (int64_t)c->call.refusal_wait_s * 1000);
}

static void admit(struct worker *w, struct conn *c)
{
    enum bff_err err = call_admit(&c->call, w->config);
    bool in_lane = c->call.leg == LEG_LOGIN || c->call.leg == LEG_LOGOUT;
    if (err != BFF_OK)
        refuse(w, c, err, 0);
    else if (in_lane)
        to_lane(w, c);
    else if (!c->call.has_session)
        refuse(w, c, BFF_ERR_NOT_AUTHENTICATED, 0);
    else
        look_up(w, c);
}

static void answer_session(struct worker *w, struct conn *c)
{
    bool reads =
        str_eq(c->call.csrf.method, STR("GET")) || str_eq(c->call.csrf.method, STR("HEAD"));
    if (reads) {
        admit(w, c);
        return;
    }
    reply_problem(&c->reply, BFF_ERR_METHOD_NOT_ALLOWED, &c->call.caller, 0, &c->arena);
    reply_header(&c->reply, "Allow", STR("GET, HEAD"));
    worker_answer(w, c);
}

static void answer_probe(struct worker *w, struct conn *c)
{
    if (c->call.leg == LEG_READY && !invalidation_is_up(w->invalidation))
        reply_problem(&c->reply, BFF_ERR_STORE_UNAVAILABLE, &c->call.caller, RETRY_SOON_MS,
                      &c->arena);
    else
        reply_json(&c->reply, 200, STR("{\"status\":\"ok\"}"));
    worker_answer(w, c);
}

void dispatch_call(struct worker *w, struct conn *c)
{
    switch (c->call.leg) {
    case LEG_AUTHORIZE:
    case LEG_LOGIN:
    case LEG_LOGOUT:
        admit(w, c);
        break;
    case LEG_RENEW:
        if (c->call.django_refused)
            admit(w, c);
        else
            explain_refusal(w, c);
        break;
    case LEG_SESSION:
        answer_session(w, c);
        break;
    case LEG_HEALTH:
    case LEG_READY:
        answer_probe(w, c);
        break;
    case LEG_UNKNOWN:
        refuse(w, c, BFF_ERR_NOT_FOUND, 0);
        break;
    }
}

void dispatch_refusal(struct worker *w, struct conn *c, enum bff_err e)
{
    refuse(w, c, e, 0);
}
