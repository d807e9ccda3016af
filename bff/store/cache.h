/*
 * Sessions as a worker's hot lane last saw them: bounded, least recently used out first. Belongs to
 * one thread; no locks. Entries are copies, wiped when they go.
 *
 *   table: hash -> chain of entries;   list: newest use ... oldest use
 *
 * An entry answers only while its fence counter stands at the entry's ticket (store/fence.h) and
 * none of entry_until, idle_until and absolute_until has come.
 */
#ifndef BFF_STORE_CACHE_H
#define BFF_STORE_CACHE_H

#include "store/fence.h"

struct cache;

/* Times are milliseconds on one monotonic clock of the caller's. */
struct cached_session {
    uint64_t generation;
    struct str attached;     /* the access token as API calls carry it */
    struct str user;         /* JSON object */
    int64_t access_until_ms; /* may have passed: the caller decides what that means */
    int64_t renew_at_ms;     /* from then on it should be refreshed in the background */
    int64_t idle_until_ms, absolute_until_ms;
    int64_t touch_due_ms;   /* from then on activity must be written down */
    int64_t entry_until_ms; /* ask Redis again */
};

struct cache_counters {
    uint64_t hits, misses, evictions;
    size_t entries, bytes; /* now, with all overhead */
};

/* `bytes` bounds everything the cache allocates; 0 makes a cache that never holds anything.
 * NULL: out of memory. */
struct cache *cache_open(size_t bytes);
void cache_close(struct cache *c); /* NULL is fine */

/*
 * Keep a copy, in place of what was there. `ticket` is fence_read() from before Redis was asked.
 * false: too large for the cache or out of memory; then there is no entry for this hash.
 */
bool cache_put(struct cache *c, const unsigned char hash[SESSION_HASH_BYTES], uint32_t ticket,
               const struct cached_session *entry);

/* false: a miss, and *out is untouched. Views in *out hold until the next call on the cache. */
BFF_MUST_CHECK bool cache_get(struct cache *c, const struct fence *fence,
                              const unsigned char hash[SESSION_HASH_BYTES], int64_t now_ms,
                              struct cached_session *out);

/* Take away what cache_get() would not give any more, though nobody asks for it: it holds tokens.
 * Looks at a part of the cache, and the next time at the next. */
void cache_sweep(struct cache *c, const struct fence *fence, int64_t now_ms);

void cache_clear(struct cache *c); /* the watch was lost: nothing here is to be believed */

struct cache_counters cache_counters(const struct cache *c);

#endif
