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

int64_t policy_refresh_ahead_ms(int64_t wanted_ms, int64_t life_ms)
{
    return wanted_ms < life_ms / 4 ? wanted_ms : life_ms / 4;
}

bool policy_must_refresh(uint64_t used, uint64_t stored)
{
    return stored == 0 || used == 0 || stored <= used;
}

int64_t policy_retry_after_s(int64_t wait_ms)
{
    return wait_ms <= 1000 ? 1 : (wait_ms + 999) / 1000;
}
