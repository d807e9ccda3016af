#include "flow/tell.h"

#include "base/log.h"
#include "base/metrics.h"
#include "flow/caller.h"
#include "flow/grant.h"

static enum bff_err call_backend(struct tools *tools, const struct revocation *tokens,
                                 const struct caller *caller, struct arena *arena,
                                 struct backend_answer *answer)
{
    struct backend_request request;
    enum bff_err err = backend_compose_revoke(tools->config, tools->client_secret, tokens->access,
                                              tokens->refresh, arena, &request);
    if (err != BFF_OK)
        return err;
    return caller_ask(tools, CALL_REVOKE, caller, &request, BACKEND_REUSE, arena, answer);
}

static enum revoke_result done(int status, const struct caller *caller)
{
    metrics_count(METRIC_REVOKED);
    log_event(SEVERITY_INFO, "revoked", LOG_NUMBER("status", status), LOG_CALLER(caller));
    return REVOKE_DONE;
}

/* A token that is blacklisted already is refused, too, so a refusal is no error by itself; but a
 * path that is not there revokes nothing, and somebody has to be told. */
static enum revoke_result refused(int status, const struct caller *caller)
{
    bool is_wrong_path = status == 404 || status == 405;
    metrics_count(METRIC_REVOKE_REFUSED);
    log_event(
        is_wrong_path ? SEVERITY_ERROR : SEVERITY_WARN, "revoke_refused",
        LOG_NUMBER("status", status),
        LOG_TEXT("reason", is_wrong_path ? STR("revoke.request names no such endpoint") : STR("")),
        LOG_CALLER(caller));
    return REVOKE_REFUSED;
}

static enum revoke_result waits(struct str reason, int status, const struct caller *caller)
{
    metrics_count(METRIC_REVOKE_WAITS);
    log_event(SEVERITY_WARN, "revoke_failed", LOG_TEXT("reason", reason),
              LOG_NUMBER("status", status), LOG_CALLER(caller));
    return REVOKE_WAITS;
}

static bool is_trouble(int status)
{
    return status >= 500 || status == 429;
}

/* What revoke.success names is done; any other answer below 500 but 429 is a refusal. */
static enum revoke_result judge(struct tools *tools, enum bff_err err,
                                const struct backend_answer *answer, const struct caller *caller,
                                struct arena *arena)
{
    const struct config_match *success = &tools->config->revoke.success;
    if (err != BFF_OK)
        return waits(err_code(err), 0, caller);
    if (answer->status < 500 && backend_matches(success, answer, arena))
        return done(answer->status, caller);
    return is_trouble(answer->status) ? waits(STR("status"), answer->status, caller)
                                      : refused(answer->status, caller);
}

static enum revoke_result look_again(struct tools *tools, struct revocation *tokens,
                                     const struct caller *caller, struct arena *arena)
{
    struct backend_tokens fresh;
    struct backend_answer answer;
    struct str why = STR("");
    switch (grant_ask(tools, tokens->access, tokens->refresh, caller, arena, &fresh, &why)) {
    case REFRESH_REJECTED:
        return done(401, caller);
    case REFRESH_UNAVAILABLE:
        return waits(why, 401, caller);
    case REFRESH_GRANTED:
        break;
    }
    tokens->access = fresh.access;
    if (fresh.refresh.n > 0)
        tokens->refresh = fresh.refresh;
    enum bff_err err = call_backend(tools, tokens, caller, arena, &answer);
    return judge(tools, err, &answer, caller, arena);
}

enum revoke_result tell_backend(struct tools *tools, struct revocation *tokens,
                                const struct caller *caller, struct arena *arena)
{
    struct backend_answer answer;
    enum bff_err err = call_backend(tools, tokens, caller, arena, &answer);
    bool is_doubtful = err == BFF_OK && answer.status == 401 && tools->config->revoke.auth_access;
    if (is_doubtful && tokens->refresh.n > 0)
        return look_again(tools, tokens, caller, arena);
    return judge(tools, err, &answer, caller, arena);
}
