#include "flow/breaker.h"

bool breaker_admits(struct breaker *b, int64_t now_ms, int64_t *wait_ms)
{
    int64_t next_ms = atomic_load(&b->next_probe_ms);
    *wait_ms = 0;
    if (next_ms == 0)
        return true;
    if (now_ms >= next_ms &&
        atomic_compare_exchange_strong(&b->next_probe_ms, &next_ms, now_ms + BREAKER_PROBE_MS))
        return true;
    /* Another thread's probe may have ended the trouble, or have been let through, just now. */
    if (next_ms == 0)
        return true;
    *wait_ms = next_ms > now_ms ? next_ms - now_ms : 1;
    return false;
}

bool breaker_is_in_trouble(const struct breaker *b)
{
    return atomic_load(&b->next_probe_ms) != 0;
}

int64_t breaker_trouble_ms(const struct breaker *b)
{
    if (!breaker_is_in_trouble(b))
        return 0;
    return atomic_load(&b->last_failure_ms) - atomic_load(&b->first_failure_ms);
}

void breaker_tell(struct breaker *b, bool is_reached, int64_t now_ms)
{
    int64_t healthy = 0;
    if (is_reached) {
        atomic_store(&b->next_probe_ms, 0);
        return;
    }
    if (!breaker_is_in_trouble(b))
        atomic_store(&b->first_failure_ms, now_ms);
    atomic_store(&b->last_failure_ms, now_ms);
    atomic_compare_exchange_strong(&b->next_probe_ms, &healthy, now_ms + BREAKER_PROBE_MS);
}
