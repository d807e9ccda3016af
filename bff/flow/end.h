/* Ending a session by its own wish: out of Redis first, then the backend is told. */
#ifndef BFF_FLOW_END_H
#define BFF_FLOW_END_H

#include "base/metrics.h"
#include "flow/call.h"
#include "flow/tools.h"

enum end_result {
    END_TOLD,      /* gone (or had been), and the backend knows */
    END_REFUSED,   /* gone; the backend would not revoke its token */
    END_NOT_TOLD,  /* gone; the backend will be told later */
    END_STORE_DOWN /* not gone: the store does not answer */
};

/* `why` is the counter of sessions that end for this reason. */
BFF_MUST_CHECK enum end_result session_end(struct tools *tools, const struct session_name *name,
                                           enum metric why, const struct caller *caller,
                                           struct arena *arena);

/* A yes from just before a session's end may have been on its way to nginx, which keeps it only
 * when it has come. So its entry is taken away once more, MICROCACHE_SETTLE_MS after it was first
 * (forgotten_ms), and only then the answer says that the session is over. */
void session_forget_once_more(struct tools *tools, const struct session_name *name,
                              int64_t forgotten_ms);

/* POST /bff/logout: 204, 202 when the backend could not be told yet, 503 when Redis is down. In
 * compatibility mode, where the backend's own path was called: 200 with {} instead of 204 and 202.
 */
void logout_run(struct tools *tools, const struct call *call, struct arena *arena,
                struct reply *reply);

#endif
