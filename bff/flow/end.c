#include "flow/end.h"

#include "base/clock.h"
#include "base/log.h"
#include "flow/renewal.h"
#include "flow/revoke.h"

/*
 * A backend whose revocation wants a live access token (revoke.auth = access) gets a fresh one
 * first. What cannot be refreshed now is signed out all the same: revoking then fails, and waits.
 */
static void refresh_if_expired(struct tools *tools, const struct session_name *name,
                               const struct caller *caller, struct arena *arena)
{
    struct renewal renewal;
    int64_t deadline = clock_mono_ms() + tools->config->server.park_ms;
    renewal_load(tools, name, false, arena, &renewal);
    if (renewal.result != RENEWAL_SESSION || renewal.session.access_left_ms > 0)
        return;
    uint64_t seen = renewal.session.generation;
    renewal_run(tools, name, seen, caller, arena, &renewal);
    while (renewal.result == RENEWAL_LATER && clock_mono_ms() + renewal.wait_ms < deadline) {
        clock_pause_ms(renewal.wait_ms);
        renewal_run(tools, name, seen, caller, arena, &renewal);
    }
}

static enum end_result end(struct tools *tools, const struct session_name *name, enum metric why,
                           const struct caller *caller, struct arena *arena, int64_t *forgotten_ms)
{
    struct session ended;
    if (tools->config->revoke.auth_access && tools->config->revoke.request.method.n > 0)
        refresh_if_expired(tools, name, caller, arena);
    enum bff_err err = store_logout(tools->store, name, arena, &ended);
    /* After the deletion and before the answer. */
    tools_forget(tools, name);
    *forgotten_ms = clock_mono_ms();
    if (err == BFF_OK || err == BFF_ERR_SEAL_BROKEN)
        metrics_count(why);
    if (err == BFF_ERR_MISSING || err == BFF_ERR_SEAL_BROKEN)
        return END_TOLD; /* nothing that could be revoked */
    if (err != BFF_OK)
        return END_STORE_DOWN;
    switch (revoke_or_queue(tools, ended.access, ended.refresh, caller, arena)) {
    case REVOKE_DONE:
        return END_TOLD;
    case REVOKE_REFUSED:
        return END_REFUSED;
    case REVOKE_WAITS:
        break;
    }
    return END_NOT_TOLD;
}

void session_forget_once_more(struct tools *tools, const struct session_name *name,
                              int64_t forgotten_ms)
{
    int64_t rest_ms = forgotten_ms + MICROCACHE_SETTLE_MS - clock_mono_ms();
    if (!tools->microcache)
        return;
    if (rest_ms > 0)
        clock_pause_ms(rest_ms);
    microcache_forget(tools->microcache, name, clock_mono_ms());
}

enum end_result session_end(struct tools *tools, const struct session_name *name, enum metric why,
                            const struct caller *caller, struct arena *arena)
{
    int64_t forgotten_ms;
    enum end_result result = end(tools, name, why, caller, arena, &forgotten_ms);
    if (result != END_STORE_DOWN)
        session_forget_once_more(tools, name, forgotten_ms);
    return result;
}

static struct str name_of(enum end_result result)
{
    switch (result) {
    case END_TOLD:
        return STR("yes");
    case END_NOT_TOLD:
        return STR("later");
    case END_REFUSED:
    case END_STORE_DOWN:
        break;
    }
    return STR("no");
}

void logout_run(struct tools *tools, const struct call *call, struct arena *arena,
                struct reply *reply)
{
    char tag[SESSION_TAG_MAX];
    enum end_result result = END_TOLD;
    if (call->has_session)
        result = session_end(tools, &call->name, METRIC_ENDED_SIGNED_OUT, &call->caller, arena);
    if (result == END_STORE_DOWN) {
        reply_problem(reply, BFF_ERR_STORE_UNAVAILABLE, &call->caller, 1000, arena);
        return;
    }
    if (call->as_backend)
        reply_json(reply, 200, STR("{}"));
    else
        *reply = (struct reply){.status = result == END_NOT_TOLD ? 202 : 204};
    if (!reply_cookie(reply, (struct str){NULL, 0}, arena)) {
        reply_problem(reply, BFF_ERR_NO_MEMORY, &call->caller, 1000, arena);
        return;
    }
    if (call->has_session)
        log_event(SEVERITY_INFO, "signed_out", LOG_TEXT("session", session_tag(&call->name, tag)),
                  LOG_TEXT("revoked", name_of(result)), LOG_CALLER(&call->caller));
}
