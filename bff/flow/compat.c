#include "flow/compat.h"

struct placeholders compat_expiry(const struct live_session *live, int64_t now_ms, int64_t now_s)
{
    struct session_clocks c = live_session_clocks(live, now_ms);
    int64_t idle_ms = c.idle_left_ms < c.absolute_left_ms ? c.idle_left_ms : c.absolute_left_ms;
    return (struct placeholders){
        .access_exp_s = now_s + idle_ms / 1000,
        .refresh_exp_s = now_s + c.absolute_left_ms / 1000,
    };
}

void compat_refreshed(const struct live_session *live, const struct config *config, int64_t now_ms,
                      int64_t now_s, const struct caller *caller, struct arena *arena,
                      struct reply *reply)
{
    struct placeholders p = compat_expiry(live, now_ms, now_s);
    struct str body;
    if (placeholders_put(&config->refresh.access, &config->refresh.refresh, &p, STR("{}"), arena,
                         &body) == BFF_OK)
        reply_json(reply, 200, body);
    else
        reply_problem(reply, BFF_ERR_NO_MEMORY, caller, 0, arena);
}
