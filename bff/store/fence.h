/*
 * What makes caches forget, for all worker processes of a host at once: an array of counters in
 * memory they share. Whoever changes a session bumps its counter; a cached entry holds the count
 * that was read *before* Redis was asked (its ticket), and is worth nothing once the counter has
 * moved on. A fill that was under way while the session changed can therefore never survive.
 *
 * Sessions that share a counter cost each other a miss, nothing more. A counter would have to
 * wrap (2^32 changes) within one entry's short life to be taken for unmoved.
 */
#ifndef BFF_STORE_FENCE_H
#define BFF_STORE_FENCE_H

#include "codec/seal.h"

struct fence;

/* Made by the supervisor before it forks, all counters 0. NULL: out of memory. */
struct fence *fence_create(void);
void fence_destroy(struct fence *f); /* NULL is fine; other processes keep theirs */

/* Any thread of any process may call these. */
uint32_t fence_read(const struct fence *f, const unsigned char hash[SESSION_HASH_BYTES]);
void fence_bump(struct fence *f, const unsigned char hash[SESSION_HASH_BYTES]);

#endif
