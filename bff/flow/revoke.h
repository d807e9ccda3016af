/*
 * Telling the backend that tokens are done with. What it could not be told at once waits in this
 * process and is told later, with back-off; after an hour it is given up (the token then ends by
 * its own `exp`), and the log says so.
 */
#ifndef BFF_FLOW_REVOKE_H
#define BFF_FLOW_REVOKE_H

#include "flow/call.h"
#include "flow/tell.h"
#include "flow/tools.h"

#define REVOCATIONS_MAX 1024 /* waiting; more are given up at once, and logged */

/* Threads may share it. NULL: out of memory. */
struct revocations *revocations_make(void);

/* Gives up what still waits (logged as a count) and wipes it. NULL is fine. */
void revocations_free(struct revocations *r);

/* Is one due at this time of the monotonic clock? */
bool revocations_due(struct revocations *r, int64_t now_ms);

/* Try what is due, once each. */
void revocations_retry(struct tools *tools, int64_t now_ms);

/* Try what waits, due or not, once each: before the process ends. */
void revocations_flush(struct tools *tools);

/* How many wait. */
size_t revocations_waiting(struct revocations *r);

/* When the oldest of them began to wait, and when one is tried next, on the monotonic clock; both 0
 * when none waits. */
void revocations_look(struct revocations *r, int64_t *oldest_ms, int64_t *next_ms);

/* REVOKE_DONE also when the backend has no way to be told (no [revoke]). */
enum revoke_result revoke_or_queue(struct tools *tools, struct str access, struct str refresh,
                                   const struct caller *caller, struct arena *arena);

#endif
