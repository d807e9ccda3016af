#include "flow/caller.h"

#include <sodium.h>

#include "base/clock.h"
#include "base/metrics.h"

static const struct {
    enum histogram duration;
    enum metric failures;
} counted[] = {
    [CALL_LOGIN] = {HISTOGRAM_LOGIN, METRIC_LOGIN_FAILURES},
    [CALL_REFRESH] = {HISTOGRAM_REFRESH, METRIC_REFRESH_FAILURES},
    [CALL_REVOKE] = {HISTOGRAM_REVOKE, METRIC_REVOKE_FAILURES},
};

/* A span of its own in the browser's trace. `header` is room for it. */
static void trace(const struct caller *caller, char header[TRACEPARENT_LENGTH],
                  struct backend_request *request)
{
    unsigned char span[SPAN_BYTES];
    if (caller->traceparent.n == 0)
        return;
    randombytes_buf(span, sizeof span);
    trace_child(caller->traceparent, span, header);
    request->traceparent = (struct str){header, TRACEPARENT_LENGTH};
}

static void describe(const struct caller *caller, struct backend_request *request)
{
    request->request_id = caller->request_id;
    request->client_address = caller->client_address;
    request->forwarded_host = caller->host;
    request->forwarded_proto = caller->proto;
    request->user_agent = caller->user_agent;
    request->accept_language = caller->accept_language;
}

bool caller_reached(enum bff_err err, const struct backend_answer *answer)
{
    return err == BFF_ERR_BACKEND_UNREADABLE || (err == BFF_OK && answer->status != 502 &&
                                                 answer->status != 503 && answer->status != 504);
}

enum bff_err caller_ask(struct tools *tools, enum backend_purpose purpose,
                        const struct caller *caller, struct backend_request *request,
                        enum backend_connection connection, struct arena *arena,
                        struct backend_answer *answer)
{
    char traceparent[TRACEPARENT_LENGTH];
    describe(caller, request);
    trace(caller, traceparent, request);
    int64_t began_us = clock_mono_us();
    enum bff_err err = backend_call(tools->backend, request, connection, arena, answer);
    metrics_observe(counted[purpose].duration, clock_mono_us() - began_us);
    request->traceparent = (struct str){NULL, 0};
    if (!caller_reached(err, answer))
        metrics_count(counted[purpose].failures);
    return err;
}

bool caller_copy(const struct caller *from, struct arena *arena, struct caller *to)
{
    return arena_copy(arena, from->request_id, &to->request_id) &&
           arena_copy(arena, from->client_address, &to->client_address) &&
           arena_copy(arena, from->host, &to->host) && arena_copy(arena, from->proto, &to->proto) &&
           arena_copy(arena, from->user_agent, &to->user_agent) &&
           arena_copy(arena, from->accept_language, &to->accept_language) &&
           arena_copy(arena, from->traceparent, &to->traceparent);
}
