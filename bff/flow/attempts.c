#include "flow/attempts.h"

#include <string.h>

#include "base/log.h"
#include "codec/account.h"

static enum bff_err begin(struct tools *tools, const struct call *call, struct arena *arena,
                          struct attempts *out, int64_t *wait_ms)
{
    struct account_names accounts;
    const struct backend_sent sent = {.content_type = call->content_type, .body = call->body};
    enum bff_err e = account_find(&sent, &tools->config->attempts.account,
                                  call->caller.client_address, arena, &accounts);
    for (size_t i = 0; e == BFF_OK && i < accounts.n; i++) {
        struct attempt_name *name = &out->names[i];
        attempt_name_make(tools->store, accounts.names[i], name);
        e = store_attempt_begin(tools->store, name, wait_ms);
        if (e == BFF_OK && *wait_ms > 0)
            e = BFF_ERR_TOO_MANY_LOGINS;
        if (e == BFF_OK)
            out->n++;
    }
    return e;
}

enum bff_err attempts_begin(struct tools *tools, const struct call *call, struct arena *arena,
                            struct attempts *out, int64_t *wait_ms)
{
    *wait_ms = 0;
    out->n = 0;
    if (tools->config->attempts.failures == 0 || call->capture != &tools->config->login)
        return BFF_OK;
    return begin(tools, call, arena, out, wait_ms);
}

/* A step of a sign-in that goes on is no failure, though some backends answer it with 401: it comes
 * with a cookie. */
static bool has_failed(const struct reply *reply)
{
    for (size_t i = 0; i < reply->n_headers; i++)
        if (strcmp(reply->headers[i].name, "Set-Cookie") == 0)
            return false;
    return reply->err == BFF_OK && reply->status >= 400 && reply->status < 500 &&
           reply->status != 429;
}

void attempts_end(struct tools *tools, const struct attempts *attempts, const struct reply *reply)
{
    bool succeeded = reply->status >= 200 && reply->status < 300;
    if (has_failed(reply))
        return;
    /* One that is not taken back counts, and is over with the window. */
    for (size_t i = 0; i < attempts->n; i++)
        if (store_attempt_end(tools->store, &attempts->names[i], succeeded) != BFF_OK)
            log_event(SEVERITY_WARN, "store_failed", LOG_TEXT("step", STR("attempt")),
                      LOG_TEXT("reason", str_from(store_last_error(tools->store))));
}
