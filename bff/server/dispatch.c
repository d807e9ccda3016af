#include <time.h>

#include "base/clock.h"
#include "flow/compat.h"
#include "flow/end.h"
#include "flow/sessions.h"
#include "flow/signin.h"
#include "server/measure.h"
#include "server/worker_state.h"

/* --- answers, by what the leg's asker understands --- */

void dispatch_refuse(struct worker *w, struct conn *c, enum bff_err e, int64_t wait_ms)
{
    bool nobody = e == BFF_ERR_NOT_AUTHENTICATED || e == BFF_ERR_SESSION_EXPIRED;
    bool is_of_api = c->call.leg == LEG_RENEW || c->call.leg == LEG_REFRESH;
    if (c->call.leg == LEG_AUTHORIZE)
        authorize_refuse(e, wait_ms, &c->arena, &c->reply);
    else if (c->call.leg == LEG_SESSION && nobody)
        session_reply(NULL, w->now_ms, &c->arena, &c->reply);
    else if (is_of_api && nobody && w->config->compat.enabled)
        reply_as_refused(&c->reply, e, w->config, &c->arena);
    else
        reply_problem(&c->reply, e, &c->call.caller, wait_ms, &c->arena);
    worker_answer(w, c);
}

/*
 * A yes that nginx may keep: to a request of the kind that it keeps them for, and only what is in
 * the session cache, for of that Redis tells us when it changes. It is noted first, and
 * then looked whether it still holds: whoever moves the fence or the epoch does so before he takes
 * away what has been handed out.
 */
static void let_nginx_keep(struct worker *w, struct conn *c, const struct live_session *live)
{
    struct microcache *microcache = w->shared.microcache;
    if (!microcache || !c->from_cache || !csrf_is_own_read(&c->call.csrf))
        return;
    int64_t epoch_ms = clock_real_ms();
    int64_t until_s = policy_keep_until_s(live_session_clocks(live, w->now_ms), epoch_ms,
                                          w->config->server.microcache_s);
    int64_t until_ms = w->now_ms + (until_s + 1) * 1000 - epoch_ms + MICROCACHE_SETTLE_MS;
    if (until_s == 0 || !microcache_hand_out(microcache, &c->call.name, until_ms, w->now_ms))
        return;
    if (fence_read(w->setup->fence, c->call.name.hash) == c->ticket &&
        invalidation_epoch(w->invalidation) == w->cache_epoch)
        authorize_keep(until_s, &c->arena, &c->reply);
}

static void pass(struct worker *w, struct conn *c, const struct live_session *live)
{
    switch (c->call.leg) {
    case LEG_AUTHORIZE:
        authorize_pass(live, w->config, &c->arena, &c->reply);
        let_nginx_keep(w, c, live);
        break;
    case LEG_RENEW:
        renew_retry(live, w->config, &c->arena, &c->reply);
        break;
    case LEG_SESSION:
        session_reply(live, w->now_ms, &c->arena, &c->reply);
        break;
    case LEG_REFRESH:
        compat_refreshed(live, w->config, w->now_ms, (int64_t)time(NULL), &c->call.caller,
                         &c->arena, &c->reply);
        break;
    case LEG_ENDPOINT:
    case LEG_LOGIN:
    case LEG_LOGOUT:
    case LEG_SESSIONS:
    case LEG_HEALTH:
    case LEG_READY:
    case LEG_METRICS:
    case LEG_STATUS:
    case LEG_UNKNOWN:
        reply_problem(&c->reply, BFF_ERR_INTERNAL, &c->call.caller, 0, &c->arena);
        break;
    }
    worker_answer(w, c);
}

/* --- deciding, once the session is known --- */

/* A page that refreshes placeholders is treated like one that calls the API: it is active, and an
 * access token that has expired is renewed. */
static bool is_activity(const struct call *call)
{
    return call->leg == LEG_AUTHORIZE || call->leg == LEG_REFRESH;
}

static void settle_activity(struct worker *w, struct conn *c, const struct live_session *live)
{
    struct session_clocks clocks = live_session_clocks(live, w->now_ms);
    if (c->has_touched)
        clocks.touch_due_ms = 1;
    if (c->has_renewed && clocks.access_left_ms <= 0)
        clocks.access_left_ms = 1; /* just granted: whether it is good is Django's to say */
    switch (policy_for_call(clocks)) {
    case STEP_ENDED:
        dispatch_refuse(w, c, BFF_ERR_SESSION_EXPIRED, 0);
        break;
    case STEP_TOUCH:
        waiting_park(w, c, TASK_LOAD, 0, TOUCH_NOW);
        break;
    case STEP_RENEW_FIRST:
        waiting_park(w, c, TASK_REFRESH, live->generation, TOUCH_NOT);
        break;
    case STEP_PASS_AND_RENEW:
        if (!c->has_renewed)
            waiting_renew_ahead(w, c, live->generation);
        pass(w, c, live);
        break;
    case STEP_PASS:
        pass(w, c, live);
        break;
    }
}

/* Django refused a token. One that is newer and still lives is tried at once; else a refresh of
 * what is stored, be it older than what was refused: a failover may have lost a write. */
static void settle_renew(struct worker *w, struct conn *c, const struct live_session *live)
{
    /* What nginx keeps may be this very token. */
    microcache_forget(w->shared.microcache, &c->call.name, w->now_ms);
    bool is_expired = live_session_clocks(live, w->now_ms).access_left_ms <= 0;
    bool is_refused = policy_must_refresh(c->call.generation, live->generation);
    if (c->has_renewed || (!is_expired && !is_refused))
        pass(w, c, live);
    else
        waiting_park(w, c, TASK_REFRESH, live->generation, TOUCH_NOT);
}

void dispatch_settle(struct worker *w, struct conn *c, const struct live_session *live)
{
    struct session_clocks clocks = live_session_clocks(live, w->now_ms);
    if (is_activity(&c->call))
        settle_activity(w, c, live);
    else if (clocks.idle_left_ms <= 0 || clocks.absolute_left_ms <= 0)
        dispatch_refuse(w, c, BFF_ERR_SESSION_EXPIRED, 0);
    else if (c->call.leg == LEG_RENEW)
        settle_renew(w, c, live);
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
    c->ticket = fence_read(w->setup->fence, c->call.name.hash);
    if (!invalidation_is_up(w->invalidation) ||
        !cache_get(w->cache, w->setup->fence, c->call.name.hash, w->now_ms, &hit)) {
        waiting_park(w, c, TASK_LOAD, 0, is_activity(&c->call) ? TOUCH_IF_DUE : TOUCH_NOT);
        return;
    }
    struct live_session live = {
        .generation = hit.generation,
        .attached = hit.attached,
        .user = hit.user,
        .access_until_ms = hit.access_until_ms,
        .renew_at_ms = hit.renew_at_ms,
        .idle_until_ms = hit.idle_until_ms,
        .absolute_until_ms = hit.absolute_until_ms,
        .touch_at_ms = hit.touch_due_ms,
    };
    c->from_cache = true;
    dispatch_settle(w, c, &live);
}

/* --- requests that a lane serves from beginning to end --- */

static void run_flow(struct job *job, struct tools *tools)
{
    struct conn *c = (struct conn *)job;
    enum bff_err err = conn_read_body(c, tools->config->server.body_bytes, &c->call.body);
    if (err != BFF_OK)
        reply_problem(&c->reply, err, &c->call.caller, 0, &c->arena);
    else if (c->call.leg == LEG_LOGIN)
        signin_run(tools, &c->call, &c->arena, &c->reply);
    else if (c->call.leg == LEG_SESSIONS)
        sessions_run(tools, &c->call, &c->arena, &c->reply);
    else
        logout_run(tools, &c->call, &c->arena, &c->reply);
    c->kept = conn_answer(c, true);
}

static void to_lane(struct worker *w, struct conn *c)
{
    bool only_reads = c->call.leg == LEG_SESSIONS && !sessions_changes(&c->call);
    /* A path of the backend's has the method that is configured: call_resolve() has looked. */
    if (c->call.leg != LEG_SESSIONS && c->call.path.n == 0 &&
        !str_eq(c->call.csrf.method, STR("POST"))) {
        reply_problem(&c->reply, BFF_ERR_METHOD_NOT_ALLOWED, &c->call.caller, 0, &c->arena);
        reply_header(&c->reply, "Allow", STR("POST"));
        worker_answer(w, c);
        return;
    }
    if (!worker_hand_over(w, c, only_reads ? w->store_lane : w->backend_lane, run_flow))
        dispatch_refuse(w, c, BFF_ERR_OVERLOADED, RETRY_SOON_MS);
}

/* --- requests as they come --- */

/* The worker had refused on the auth leg; here the browser is told why. */
static void explain_refusal(struct worker *w, struct conn *c)
{
    enum bff_err e = c->call.refusal;
    /* No reason came along: the auth leg did not reach a worker. */
    if (e == BFF_OK)
        e = BFF_ERR_OVERLOADED;
    dispatch_refuse(w, c, e, (int64_t)c->call.refusal_wait_s * 1000);
}

static void admit(struct worker *w, struct conn *c)
{
    enum bff_err err = call_resolve(&c->call, w->config);
    if (err == BFF_OK)
        err = call_admit(&c->call, w->config);
    bool in_lane =
        c->call.leg == LEG_LOGIN || c->call.leg == LEG_LOGOUT || c->call.leg == LEG_SESSIONS;
    if (err != BFF_OK)
        dispatch_refuse(w, c, err, 0);
    else if (in_lane)
        to_lane(w, c);
    else if (!c->call.has_session)
        dispatch_refuse(w, c, BFF_ERR_NOT_AUTHENTICATED, 0);
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
    case LEG_ENDPOINT:
    case LEG_LOGIN:
    case LEG_LOGOUT:
    case LEG_SESSIONS:
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
    case LEG_METRICS:
    case LEG_STATUS:
        measure_reply(w, c);
        worker_answer(w, c);
        break;
    case LEG_REFRESH: /* what only call_resolve() makes */
    case LEG_UNKNOWN:
        dispatch_refuse(w, c, BFF_ERR_NOT_FOUND, 0);
        break;
    }
}
