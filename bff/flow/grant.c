#include "flow/grant.h"

#include "base/clock.h"
#include "flow/breaker.h"
#include "flow/caller.h"

enum refresh_verdict grant_ask(struct tools *tools, struct str access, struct str refresh,
                               const struct caller *caller, struct arena *arena,
                               struct backend_tokens *tokens, struct str *why)
{
    struct backend_request request;
    struct backend_answer answer;
    enum bff_err err = backend_compose_refresh(tools->config, tools->client_secret, access, refresh,
                                               arena, &request);
    if (err == BFF_OK) {
        err = caller_ask(tools, CALL_REFRESH, caller, &request, BACKEND_FRESH, arena, &answer);
        /* That we have no memory says nothing of the backend. */
        if (err != BFF_ERR_NO_MEMORY)
            breaker_tell(tools->breaker, caller_reached(err, &answer), clock_mono_ms());
    }
    if (err != BFF_OK) {
        *why = err_code(err);
        return REFRESH_UNAVAILABLE;
    }
    return backend_judge_refresh(tools->config, &answer, arena, tokens, why);
}
