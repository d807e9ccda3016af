/*
 * Bounded memory for one request or one job: allocations are pointer bumps, everything is given
 * back at once, and what was used is wiped first, because it held cookies and tokens.
 *
 *   [ block: used | free ] -> [ block: used | free ] -> ...      sum of blocks <= limit
 *
 * An arena belongs to one thread at a time. Exhaustion is an answer (NULL), never an exit.
 */
#ifndef BFF_BASE_ARENA_H
#define BFF_BASE_ARENA_H

#include "base/err.h"

struct arena_block;

struct arena {
    struct arena_block *first, *current;
    size_t limit; /* bytes that may be allocated from the system, all blocks together */
    size_t taken; /* of them, taken so far */
};

/* An empty arena; nothing is allocated before it is used. */
struct arena arena_make(size_t limit);

/* Uninitialised memory, aligned for any type; NULL when `limit` or the system is exhausted. */
BFF_MUST_CHECK void *arena_alloc(struct arena *a, size_t n);

/* A copy of `s`; false when there is no room. The copy of an empty view is an empty view. */
BFF_MUST_CHECK bool arena_copy(struct arena *a, struct str s, struct str *out);

/* A NUL-terminated copy for a library's edge; NULL when there is no room or `s` contains a NUL. */
BFF_MUST_CHECK char *arena_cstr(struct arena *a, struct str s);

/* printf into the arena; false when there is no room. The view is also NUL-terminated. */
BFF_MUST_CHECK bool arena_printf(struct arena *a, struct str *out, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Wipe all that was handed out; keep the first block for the next request. */
void arena_reset(struct arena *a);

/* Wipe and give everything back to the system. */
void arena_free(struct arena *a);

#endif
