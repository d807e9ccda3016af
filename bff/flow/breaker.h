/*
 * Keeps refreshes away from a backend that cannot be reached: after a failure one attempt a second
 * goes out, whichever session it is for, until one is answered. Each worker has its own.
 *
 * Only what says nothing of the session counts as a failure: no connection, no answer in time, or a
 * proxy's word that there is nobody behind it (502, 503, 504). A 500 may be one session's own
 * trouble, and that session's back-off (refresh.backoff_min) is enough for it.
 */
#ifndef BFF_FLOW_BREAKER_H
#define BFF_FLOW_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BREAKER_PROBE_MS 1000

/* Zeroed: the backend is thought to be there. Threads may share it. */
struct breaker {
    _Atomic int64_t next_probe_ms;                     /* of the monotonic clock; 0: no trouble */
    _Atomic int64_t first_failure_ms, last_failure_ms; /* of this trouble */
};

/* May an attempt go out now? If not, *wait_ms is how long until one may. Who is let through while
 * there is trouble is the second's only attempt. */
bool breaker_admits(struct breaker *b, int64_t now_ms, int64_t *wait_ms);

/* Is there trouble, as far as this worker knows? */
bool breaker_is_in_trouble(const struct breaker *b);

/* For how long attempts have failed, from the first to the last; 0: there is no trouble. Since the
 * last one nobody may have asked: the backend may be back. */
int64_t breaker_trouble_ms(const struct breaker *b);

/* What became of an attempt. */
void breaker_tell(struct breaker *b, bool is_reached, int64_t now_ms);

#endif
