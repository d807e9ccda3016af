#include "core/policy.h"

enum session_step policy_for_call(struct session_clocks c, int64_t refresh_ahead_ms)
{
    if (c.idle_left_ms <= 0 || c.absolute_left_ms <= 0)
        return STEP_ENDED;
    if (c.touch_due_ms <= 0)
        return STEP_TOUCH;
    if (c.access_left_ms <= 0)
        return STEP_RENEW_FIRST;
    return c.access_left_ms <= refresh_ahead_ms ? STEP_PASS_AND_RENEW : STEP_PASS;
}

bool policy_must_refresh(uint64_t used, uint64_t stored)
{
    return stored == 0 || used == 0 || stored <= used;
}

int64_t policy_retry_after_s(int64_t wait_ms)
{
    return wait_ms <= 1000 ? 1 : (wait_ms + 999) / 1000;
}
