#include "flow/renewal.h"

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/metrics.h"
#include "codec/user.h"
#include "flow/breaker.h"
#include "flow/grant.h"
#include "flow/revoke.h"

#define COMMIT_RETRY_MS 50

static void store_failed(const char *step, const char *why, struct renewal *out)
{
    log_event(SEVERITY_WARN, "store_failed", LOG_TEXT("step", str_from(step)),
              LOG_TEXT("reason", str_from(why)));
    *out = (struct renewal){.result = RENEWAL_STORE_DOWN};
}

static void store_trouble(struct tools *tools, const char *step, struct renewal *out)
{
    store_failed(step, store_last_error(tools->store), out);
}

void renewal_loaded(const struct store_load *load, const char *why, struct renewal *out)
{
    *out = (struct renewal){
        .ticket = out->ticket, .tracked_for = load->tracked_for, .session = load->session};
    if (load->err == BFF_OK)
        out->result = RENEWAL_SESSION;
    else if (load->err == BFF_ERR_MISSING || load->err == BFF_ERR_SEAL_BROKEN)
        out->result = RENEWAL_NONE;
    else
        store_failed("load", why, out);
    if (load->err == BFF_ERR_SEAL_BROKEN)
        log_event(SEVERITY_ERROR, "seal_broken",
                  LOG_TEXT("reason", STR("a stored session does not open: was its server key "
                                         "removed from server.key_file?")));
}

static void load_now(struct tools *tools, struct store_load *load, struct renewal *out)
{
    out->ticket = fence_read(tools->fence, load->name->hash);
    load->err = load->touch_due ? store_touch(tools->store, load->name, load->arena, &load->session)
                                : store_load(tools->store, load->name, load->touch, load->arena,
                                             &load->session);
    load->tracked_for = store_tracked_for(tools->store);
    renewal_loaded(load, store_last_error(tools->store), out);
}

void renewal_load(struct tools *tools, const struct session_name *name, bool touch,
                  struct arena *arena, struct renewal *out)
{
    load_now(tools, &(struct store_load){.name = name, .arena = arena, .touch = touch}, out);
}

void renewal_touch(struct tools *tools, const struct session_name *name, struct arena *arena,
                   struct renewal *out)
{
    load_now(tools, &(struct store_load){.name = name, .arena = arena, .touch_due = true}, out);
}

static int64_t what_is_left(int64_t life_ms, int64_t age_ms)
{
    if (life_ms == TOKEN_LIFE_UNKNOWN)
        return life_ms;
    return life_ms > age_ms ? life_ms - age_ms : 0;
}

static bool may_come_right(enum bff_err err)
{
    return err == BFF_ERR_STORE_UNAVAILABLE || err == BFF_ERR_NO_MEMORY;
}

/*
 * Store the new tokens. They are the only valid ones, so for the time of a lease a store that fails
 * is tried again, and so is what found no memory: COMMIT may be repeated. Redis counts their lives
 * from then.
 */
static enum bff_err commit(struct tools *tools, const struct session_name *name,
                           const struct session *old, const struct session_tokens *tokens,
                           struct arena *arena, enum commit_result *result, struct session *stored)
{
    int64_t granted_ms = clock_mono_ms();
    int64_t until = granted_ms + tools->config->refresh.lease_ms;
    for (;;) {
        int64_t age_ms = clock_mono_ms() - granted_ms;
        struct session_tokens aged = *tokens;
        aged.access_life_ms = what_is_left(tokens->access_life_ms, age_ms);
        aged.refresh_life_ms = what_is_left(tokens->refresh_life_ms, age_ms);
        enum bff_err err = store_commit(tools->store, name, old, &aged, arena, result, stored);
        if (!may_come_right(err) || clock_mono_ms() >= until)
            return err;
        clock_pause_ms(COMMIT_RETRY_MS);
    }
}

static void granted(struct tools *tools, const struct session_name *name, const struct session *old,
                    const struct backend_tokens *new, const struct caller *caller,
                    struct arena *arena, struct renewal *out)
{
    char tag[SESSION_TAG_MAX];
    enum commit_result result;
    struct session_tokens tokens = {
        .access = new->access,
        .refresh = new->refresh,
        .access_life_ms = new->access_life_ms,
        .refresh_life_ms = new->refresh_life_ms,
        .user_id = new->user_id,
    };
    /* The login's answer may have told more of the user than a refresh does. */
    if (new->user_id.n > 0 && !user_merge(old->user, new->user, arena, &tokens.user))
        tokens.user = (struct str){NULL, 0}; /* no memory: what is stored stays */
    enum bff_err err = commit(tools, name, old, &tokens, arena, &result, &out->session);
    if (err != BFF_OK) {
        store_trouble(tools, "commit", out);
        metrics_count(METRIC_REFRESH_NOT_STORED);
        log_event(SEVERITY_ERROR, "refresh_not_stored", LOG_TEXT("session", session_tag(name, tag)),
                  LOG_CALLER(caller));
        return;
    }
    tools_forget(tools, name);
    CRASH_POINT(FENCED, -1);
    out->ticket++;
    switch (result) {
    case COMMIT_STORED:
        out->result = RENEWAL_SESSION;
        out->granted = true;
        out->tracked_for = store_tracked_for(tools->store);
        metrics_count(METRIC_REFRESH_GRANTED);
        log_event(SEVERITY_INFO, "refreshed", LOG_TEXT("session", session_tag(name, tag)),
                  LOG_CALLER(caller), LOG_NUMBER("generation", out->session.generation));
        CRASH_POINT(LOGGED, -1);
        /* It died while Redis was away. Django's 401 to it would read as a sign-out. */
        if (new->access_life_ms > 0 && out->session.access_left_ms <= 0)
            *out = (struct renewal){.result = RENEWAL_UNAVAILABLE, .ticket = out->ticket};
        break;
    case COMMIT_GONE:
        out->result = RENEWAL_NONE;
        metrics_count(METRIC_REFRESH_SIGNED_OUT);
        log_event(SEVERITY_INFO, "refreshed_after_sign_out",
                  LOG_TEXT("session", session_tag(name, tag)));
        revoke_or_queue(tools, new->access, new->refresh.n > 0 ? new->refresh : old->refresh,
                        caller, arena);
        break;
    case COMMIT_STALE:
        out->result = RENEWAL_LATER;
        metrics_count(METRIC_REFRESH_SUPERSEDED);
        log_event(SEVERITY_INFO, "refresh_superseded", LOG_TEXT("session", session_tag(name, tag)),
                  LOG_CALLER(caller));
        break;
    }
}

/* The backend said no, or gave somebody else's tokens: the session ends, unless an earlier holder
 * of the lease may still bring a successor. */
static void rejected(struct tools *tools, const struct session_name *name,
                     const struct begin *begin, const struct caller *caller, struct str why,
                     struct renewal *out)
{
    char tag[SESSION_TAG_MAX];
    enum reject_result result;
    metrics_count(METRIC_REFRESH_REJECTED);
    if (store_reject(tools->store, name, begin->session.generation, begin->epoch, &result,
                     &out->wait_ms) != BFF_OK) {
        store_trouble(tools, "reject", out);
        return;
    }
    tools_forget(tools, name);
    CRASH_POINT(FENCED, -1);
    out->result = result == REJECT_ENDED ? RENEWAL_ENDED : RENEWAL_LATER;
    if (result != REJECT_ENDED)
        return;
    metrics_count(METRIC_ENDED_REJECTED);
    log_event(SEVERITY_INFO, "refresh_rejected", LOG_TEXT("session", session_tag(name, tag)),
              LOG_CALLER(caller), LOG_TEXT("reason", why));
}

static void unavailable(struct tools *tools, const struct session_name *name,
                        const struct begin *begin, const struct caller *caller, struct str why,
                        struct renewal *out)
{
    char tag[SESSION_TAG_MAX];
    metrics_count(METRIC_REFRESH_UNAVAILABLE);
    if (store_fail(tools->store, name, begin->session.generation, begin->epoch, out->is_probe,
                   &out->wait_ms) != BFF_OK) {
        store_trouble(tools, "fail", out);
        return;
    }
    out->result = RENEWAL_UNAVAILABLE;
    log_event(SEVERITY_WARN, "refresh_unavailable", LOG_TEXT("session", session_tag(name, tag)),
              LOG_CALLER(caller), LOG_TEXT("reason", why), LOG_NUMBER("retry_ms", out->wait_ms));
}

static bool is_somebody_else(const struct session *session, const struct backend_tokens *tokens)
{
    return session->user_id.n > 0 && tokens->user_id.n > 0 &&
           !str_eq(session->user_id, tokens->user_id);
}

/* The lease is ours. */
static void refresh_now(struct tools *tools, const struct session_name *name,
                        const struct begin *begin, const struct caller *caller, struct arena *arena,
                        struct renewal *out)
{
    struct backend_tokens tokens;
    struct str why = STR("");
    enum refresh_verdict verdict = grant_ask(tools, begin->session.access, begin->session.refresh,
                                             caller, arena, &tokens, &why);
    CRASH_POINT(VERDICT, -1);
    switch (verdict) {
    case REFRESH_GRANTED:
        if (is_somebody_else(&begin->session, &tokens))
            rejected(tools, name, begin, caller, STR("the tokens are another user's"), out);
        else
            granted(tools, name, &begin->session, &tokens, caller, arena, out);
        break;
    case REFRESH_REJECTED:
        rejected(tools, name, begin, caller, why, out);
        break;
    case REFRESH_UNAVAILABLE:
        unavailable(tools, name, begin, caller, why, out);
        break;
    }
}

static void refresh(struct tools *tools, const struct session_name *name, uint64_t seen,
                    const struct caller *caller, struct arena *arena, struct renewal *out)
{
    struct begin begin;
    *out = (struct renewal){
        .ticket = fence_read(tools->fence, name->hash),
        .is_probe = breaker_is_in_trouble(tools->breaker),
    };
    enum bff_err err = store_begin(tools->store, name, seen, arena, &begin);
    if (err == BFF_ERR_SEAL_BROKEN) {
        out->result = RENEWAL_NONE;
        return;
    }
    if (err != BFF_OK) {
        store_trouble(tools, "begin", out);
        return;
    }
    out->wait_ms = begin.wait_ms;
    switch (begin.result) {
    case BEGIN_NONE:
        out->result = RENEWAL_NONE;
        break;
    case BEGIN_FRESH:
        out->session = begin.session;
        out->tracked_for = store_tracked_for(tools->store);
        out->result = RENEWAL_SESSION;
        break;
    case BEGIN_BUSY:
        out->result = RENEWAL_LATER;
        break;
    case BEGIN_BACKOFF:
        out->result = RENEWAL_PUT_OFF;
        break;
    case BEGIN_REJECTED:
        tools_forget(tools, name);
        metrics_count(METRIC_ENDED_REJECTED);
        out->result = RENEWAL_ENDED;
        break;
    case BEGIN_GO:
        refresh_now(tools, name, &begin, caller, arena, out);
        break;
    }
}

/* The backend is not asked for now; another host may have refreshed meanwhile. */
static void put_off(struct tools *tools, const struct session_name *name, uint64_t seen,
                    int64_t wait_ms, struct arena *arena, struct renewal *out)
{
    renewal_load(tools, name, false, arena, out);
    if (out->result != RENEWAL_SESSION || out->session.generation > seen)
        return;
    out->result = RENEWAL_PUT_OFF;
    out->is_away = true;
    out->wait_ms = wait_ms;
}

void renewal_run(struct tools *tools, const struct session_name *name, uint64_t seen,
                 const struct caller *caller, struct arena *arena, struct renewal *out)
{
    int64_t wait_ms;
    CRASH_POINT_REFRESH(caller->request_id);
    if (breaker_admits(tools->breaker, clock_mono_ms(), &wait_ms))
        refresh(tools, name, seen, caller, arena, out);
    else
        put_off(tools, name, seen, wait_ms, arena, out);
    CRASH_POINT_REFRESH(STR(""));
}
