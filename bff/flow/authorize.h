/*
 * The hot path: a session and the time make an answer, without any I/O.
 */
#ifndef BFF_FLOW_AUTHORIZE_H
#define BFF_FLOW_AUTHORIZE_H

#include "core/policy.h"
#include "flow/call.h"

/* A session with its limits on our monotonic clock. Views belong to whoever made it. */
struct live_session {
    uint64_t generation;
    struct str attached; /* the access token as calls carry it; empty: none can */
    struct str user;
    int64_t access_until_ms, renew_at_ms, idle_until_ms, absolute_until_ms, touch_at_ms;
};

/* A life that is not known never ends by our clock. When it is refreshed ahead of its end depends
 * on the session's name and generation, too, but is the same in all workers. `attached` is made in
 * the arena; it is empty where that has no room, or where the token is one that no header may
 * carry. */
struct live_session live_session_from(const struct session_name *name, const struct session *s,
                                      const struct config *config, struct arena *arena);

struct session_clocks live_session_clocks(const struct live_session *live, int64_t now_ms);

/* 204 with the token to attach, for auth_request. */
void authorize_pass(const struct live_session *live, const struct config *config,
                    struct arena *arena, struct reply *reply);

/* Lets nginx' micro-cache keep such an answer through this second of the clock. */
void authorize_keep(int64_t until_s, struct arena *arena, struct reply *reply);

/* 401 with the reason (and for a 503 the seconds to wait) in Note: nginx lets no other status
 * through, and asks the renew leg, with the note, for the answer that the browser gets. */
void authorize_refuse(enum bff_err e, int64_t wait_ms, struct arena *arena, struct reply *reply);

/* 200 with X-Accel-Redirect: nginx replays the request with this token. */
void renew_retry(const struct live_session *live, const struct config *config, struct arena *arena,
                 struct reply *reply);

/* The answer to GET /bff/session; NULL: nobody is signed in. */
void session_reply(const struct live_session *live, int64_t now_ms, struct arena *arena,
                   struct reply *reply);

/* The JSON object of that answer; false when there is no room. */
BFF_MUST_CHECK bool session_describe(const struct live_session *live, int64_t now_ms,
                                     struct arena *arena, struct str *out);

#endif
