/*
 * What other connections change, as Redis tells it: one subscriber connection per worker, read by a
 * thread of its own. It subscribes to __redis__:invalidate (the redirect target of every tracked
 * connection, store_redirect()) and to PREFIX"refresh", on which COMMIT, REJECT and FAIL publish
 * the session's key.
 *
 * The callbacks run on the watch thread.
 */
#ifndef BFF_STORE_WATCH_H
#define BFF_STORE_WATCH_H

#include "store/store.h"

struct watch;

struct watch_callbacks {
    void *self;
    /* The key changed; forget what is cached. A NULL `key.p` with n 0 means: forget everything. */
    void (*changed)(void *self, struct str key);
    /* A refresh of this session ended somewhere: requests that wait for it may look again. */
    void (*refreshed)(void *self, struct str key);
    /* The connection is up: `subscriber` for store_redirect(); or lost: 0. While it is down nothing
     * may be answered from a cache. In a cluster: WATCH_UNTRACKED. */
    void (*connected)(void *self, int64_t subscriber);
};

/* Starts the thread; reconnects with back-off (50 ms doubling to 1 s). A ping every second finds a
 * half-open connection. NULL: out of memory or threads. */
struct watch *watch_start(const struct store_options *options,
                          const struct watch_callbacks *callbacks);
void watch_stop(struct watch *w); /* joins the thread; NULL is fine */

#endif
