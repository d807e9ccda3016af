#include "flow/step.h"

#include <time.h>

#include "codec/pending.h"
#include "core/cookie.h"

enum bff_err step_resume(struct tools *tools, const struct call *call, struct arena *arena,
                         struct backend_request *request)
{
    const struct config *config = tools->config;
    struct str value, token;
    if (config->pending.token.n == 0 || call->cookie_duplicated ||
        cookie_find_pending(call->cookie_header, &value) != BFF_OK)
        return BFF_OK;
    enum bff_err e = pending_open(tools->keys, value, (int64_t)time(NULL), arena, &token);
    if (e != BFF_OK)
        return e == BFF_ERR_NO_MEMORY ? e : BFF_OK;
    bool ok = arena_printf(arena, &request->pending_header, "%.*s: %.*s",
                           STR_ARG(config->pending.header), STR_ARG(token));
    return ok ? BFF_OK : BFF_ERR_NO_MEMORY;
}

enum bff_err step_keep(struct tools *tools, struct str token, struct arena *arena,
                       struct reply *reply)
{
    uint32_t lifetime_s = tools->config->pending.lifetime_s;
    struct str value;
    enum bff_err e =
        pending_seal(tools->keys, token, (int64_t)time(NULL) + lifetime_s, arena, &value);
    if (e != BFF_OK)
        return e;
    return reply_pending_cookie(reply, value, lifetime_s, arena) ? BFF_OK : BFF_ERR_NO_MEMORY;
}

bool step_end(const struct call *call, struct arena *arena, struct reply *reply)
{
    struct str value;
    if (cookie_find_pending(call->cookie_header, &value) == BFF_ERR_MISSING)
        return true;
    return reply_pending_cookie(reply, (struct str){NULL, 0}, 0, arena);
}
