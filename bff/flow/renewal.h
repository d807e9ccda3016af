/*
 * Refreshing one session: BEGIN, the backend's refresh endpoint, then COMMIT, REJECT or FAIL. Runs
 * in an I/O thread; one at a time per session in this process (server/waiting.h sees to that), and
 * by the lease in Redis between processes and hosts.
 */
#ifndef BFF_FLOW_RENEWAL_H
#define BFF_FLOW_RENEWAL_H

#include "flow/call.h"
#include "flow/tools.h"

enum renewal_result {
    RENEWAL_SESSION,     /* `session` is there, with a newer token than `seen` */
    RENEWAL_NONE,        /* there is no such session */
    RENEWAL_ENDED,       /* it ended here: the backend rejected its refresh token */
    RENEWAL_LATER,       /* another worker is at it: look again in wait_ms */
    RENEWAL_UNAVAILABLE, /* the backend was asked, and does not refresh now: not before wait_ms */
    RENEWAL_PUT_OFF,     /* it was not asked, because it failed just now: not before wait_ms */
    RENEWAL_STORE_DOWN   /* the session store does not answer */
};

struct renewal {
    enum renewal_result result;
    int64_t wait_ms;
    bool is_away;        /* PUT_OFF, and not by this session: until the backend can be reached */
    bool is_probe;       /* the backend was away, and was asked to see whether it is back */
    uint32_t ticket;     /* for the cache: see store/fence.h */
    int64_t tracked_for; /* whom Redis tells of changes: store_tracked_for() */
    bool granted;        /* the backend gave the token just now; else it was stored before */
    struct session session;
};

/* `seen` is the generation whose access token is expired or was refused; 0: whatever is stored. */
void renewal_run(struct tools *tools, const struct session_name *name, uint64_t seen,
                 const struct caller *caller, struct arena *arena, struct renewal *out);

/* Read the session from Redis, in the same terms: SESSION, NONE or STORE_DOWN. `touch` as in
 * store_load(). */
void renewal_load(struct tools *tools, const struct session_name *name, bool touch,
                  struct arena *arena, struct renewal *out);

/* The same of a session whose touch is due. */
void renewal_touch(struct tools *tools, const struct session_name *name, struct arena *arena,
                   struct renewal *out);

/* The same of a load that is over, of which no touch is due. out->ticket was taken before it was
 * asked for, and stays; `why` says what it is when the store is down. */
void renewal_loaded(const struct store_load *load, const char *why, struct renewal *out);

#endif
