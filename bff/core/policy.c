#include "core/policy.h"

enum session_step policy_for_call(struct session_clocks c)
{
    if (c.idle_left_ms <= 0 || c.absolute_left_ms <= 0)
        return STEP_ENDED;
    if (c.touch_due_ms <= 0)
        return STEP_TOUCH;
    if (c.access_left_ms <= 0)
        return STEP_RENEW_FIRST;
    return c.renew_due_ms <= 0 ? STEP_PASS_AND_RENEW : STEP_PASS;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t policy_keep_until_s(struct session_clocks c, int64_t epoch_ms, uint32_t keep_s)
{
    int64_t left_ms = smaller(smaller(c.access_left_ms, c.renew_due_ms), c.touch_due_ms);
    left_ms = smaller(left_ms, smaller(c.idle_left_ms, c.absolute_left_ms));
    /* A limit that is further than this does not count, and cannot overflow. */
    left_ms = smaller(left_ms, ((int64_t)keep_s + 2) * 1000);
    if (left_ms <= 0)
        return 0;
    int64_t this_s = epoch_ms / 1000;
    int64_t last_s = smaller(this_s + keep_s, (epoch_ms + left_ms) / 1000 - 1);
    return last_s >= this_s ? last_s : 0;
}

int64_t policy_refresh_ahead_ms(int64_t wanted_ms, int64_t life_ms, uint8_t spread)
{
    int64_t most_ms = wanted_ms < life_ms / 4 ? wanted_ms : life_ms / 4;
    return most_ms - most_ms * 3 / 4 * spread / UINT8_MAX;
}

bool policy_must_refresh(uint64_t used, uint64_t stored)
{
    return stored == 0 || used == 0 || stored <= used;
}

int64_t policy_retry_after_s(int64_t wait_ms)
{
    return wait_ms <= 1000 ? 1 : (wait_ms + 999) / 1000;
}
