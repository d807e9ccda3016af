/*
 * What nginx' micro-cache may keep of this worker's answers, and how it is made to forget.
 *
 * A yes that is handed out names its last second. Until that is over, a worker remembers for which
 * session it was: Redis tells of changes by the session's hash, while the name of nginx' file comes
 * from the cookie. Each worker looks after what it has handed out itself, on every host.
 *
 * nginx writes an entry after it has read the answer, so one may appear just after it was taken
 * away. Each is therefore taken away again, 10 ms later and then ever more rarely, until nothing
 * that was handed out before can count any more.
 *
 * Any thread of the worker may call these. Times are milliseconds on the monotonic clock.
 */
#ifndef BFF_STORE_MICROCACHE_H
#define BFF_STORE_MICROCACHE_H

#include "store/store.h"

/* nginx has written what it was answered this long before, unless it was held up. */
#define MICROCACHE_SETTLE_MS 10

struct microcache;

/* `path` is server.microcache; nothing is handed out for longer than `longest_ms`. NULL: out of
 * memory, or the directory is not fit (any more). */
struct microcache *microcache_open(struct str path, int64_t longest_ms);
void microcache_close(struct microcache *m); /* empties the directory; NULL is fine */

/*
 * Note that a yes for this session is about to be handed out, for nginx to keep until then. false:
 * nginx must not keep it: too many sessions were there within the last seconds, or the directory is
 * nearly full.
 */
BFF_MUST_CHECK bool microcache_hand_out(struct microcache *m, const struct session_name *name,
                                        int64_t until_ms, int64_t now_ms);

/* The session has changed: whatever nginx keeps for it, whoever handed it out. NULL is fine. */
void microcache_forget(struct microcache *m, const struct session_name *name, int64_t now_ms);

/* Of a session of which only the hash is known: what this worker has handed out. NULL is fine. */
void microcache_forget_hash(struct microcache *m, const unsigned char hash[SESSION_HASH_BYTES],
                            int64_t now_ms);

/* Everything, once. The directory is walked through: not in the hot thread. NULL is fine. */
void microcache_forget_all(struct microcache *m);

/* Take away again what is due; returns when that is next, INT64_MAX: never. NULL is fine. */
int64_t microcache_tend(struct microcache *m, int64_t now_ms);

#endif
