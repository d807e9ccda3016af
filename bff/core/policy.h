/*
 * What a session's clocks mean for a request. Pure: durations in, decision out.
 */
#ifndef BFF_CORE_POLICY_H
#define BFF_CORE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

/* All in milliseconds from now; not positive means past. */
struct session_clocks {
    int64_t access_left_ms;
    int64_t renew_due_ms; /* until a refresh in the background is due */
    int64_t idle_left_ms;
    int64_t absolute_left_ms; /* the nearer of absolute timeout and the refresh token's end */
    int64_t touch_due_ms;     /* until activity should be written down again */
};

enum session_step {
    STEP_ENDED,          /* idle, absolute or refresh limit reached */
    STEP_TOUCH,          /* load once more, so that activity is written down */
    STEP_PASS,           /* attach the token */
    STEP_PASS_AND_RENEW, /* attach the token, and refresh it in the background */
    STEP_RENEW_FIRST     /* the token is expired: wait for a refresh */
};

enum session_step policy_for_call(struct session_clocks c);

/*
 * The last whole second, of the clock that says `epoch_ms`, in which nginx may use a yes it keeps:
 * keep_s after this one, but over before any of the session's clocks says something else. Until
 * then the worker would say the same, and need not see the request: no touch or refresh is due.
 * 0: it must not be kept at all.
 */
int64_t policy_keep_until_s(struct session_clocks c, int64_t epoch_ms, uint32_t keep_s);

/*
 * How long before its end an access token is refreshed: `wanted_ms`, but never more than a quarter
 * of its life, or a token that lives shorter than that would be refreshed by every call. Of that
 * `spread` takes away up to three quarters, so that tokens which were granted at one moment (all
 * users come at nine, or come back after an outage) are not refreshed at one moment.
 */
int64_t policy_refresh_ahead_ms(int64_t wanted_ms, int64_t life_ms, uint8_t spread);

/* Django refused a token of generation `used`; `stored` is what is known to be stored now (0: not
 * known). A newer one is tried without another refresh: at most one refresh for each expiry. */
bool policy_must_refresh(uint64_t used, uint64_t stored);

/* Retry-After in whole seconds, at least 1 (RFC 9110, 10.2.3). */
int64_t policy_retry_after_s(int64_t wait_ms);

#endif
