/*
 * From the watch thread to the hot thread: what the cache must forget, and who may look again.
 */
#ifndef BFF_SERVER_INVALIDATION_H
#define BFF_SERVER_INVALIDATION_H

#include "server/lane.h"
#include "store/watch.h"

struct invalidation;

/* Starts the watch. `shared` outlives it; its redirect_client is set by the caller to
 * invalidation_redirect() of the result. NULL: out of memory or threads. */
struct invalidation *invalidation_start(const struct lane_shared *shared);
void invalidation_stop(struct invalidation *i); /* NULL is fine */

/* The watch's client id; 0 while it is down. */
const _Atomic int64_t *invalidation_redirect(const struct invalidation *i);

/* The counter behind invalidation_epoch(), for whoever else finds that the cache must be forgotten.
 */
_Atomic unsigned *invalidation_epoch_counter(struct invalidation *i);

/* Changes whenever the watch connects, is lost, or says "forget everything". */
unsigned invalidation_epoch(const struct invalidation *i);

/* May a cache be believed now? */
bool invalidation_is_up(const struct invalidation *i);

/* The hash of a session whose refresh ended; false when there is none (any more). `all` is set when
 * too many came to be kept: then every waiting task should look again. */
bool invalidation_next_refreshed(struct invalidation *i, unsigned char hash[SESSION_HASH_BYTES],
                                 bool *all);

#endif
