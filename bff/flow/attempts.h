/*
 * Guessing passwords: how often a login may fail for one account, from however many addresses.
 * ([attempts] of bff.conf; the count is in Redis, under a keyed hash of the account's name.) How
 * often one address may try, nginx limits.
 *
 * An attempt counts before the backend is asked, and is taken back when the backend says yes, or
 * nothing. Without Redis nobody signs in, guessing or not: there is nowhere to put a session.
 */
#ifndef BFF_FLOW_ATTEMPTS_H
#define BFF_FLOW_ATTEMPTS_H

#include "flow/call.h"
#include "flow/tools.h"

struct attempts {
    struct attempt_name names[CONFIG_MAX_CLAIMS];
    size_t n;
};

/* BFF_ERR_TOO_MANY_LOGINS: not before *wait_ms. BFF_ERR_STORE_UNAVAILABLE, BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err attempts_begin(struct tools *tools, const struct call *call,
                                           struct arena *arena, struct attempts *out,
                                           int64_t *wait_ms);

/* What became of it is what the browser is told. */
void attempts_end(struct tools *tools, const struct attempts *attempts, const struct reply *reply);

#endif
