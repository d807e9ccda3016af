/*
 * Between two steps of a sign-in (a password, then a code) the backend may hand out a secret that
 * has to come back with the next one: [pending]. The browser keeps it sealed, in a cookie
 * (codec/pending.h); here it goes into that cookie and comes out of it.
 */
#ifndef BFF_FLOW_STEP_H
#define BFF_FLOW_STEP_H

#include "codec/backend.h"
#include "flow/call.h"
#include "flow/tools.h"

/* Puts what the browser's cookie holds into the request. A cookie that is not ours or has expired
 * is none: the backend says what is missing then. BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err step_resume(struct tools *tools, const struct call *call,
                                        struct arena *arena, struct backend_request *request);

/* Set-Cookie with the token. BFF_ERR_TOO_LARGE, BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err step_keep(struct tools *tools, struct str token, struct arena *arena,
                                      struct reply *reply);

/* The sign-in is complete: makes a browser that has such a cookie forget it. */
BFF_MUST_CHECK bool step_end(const struct call *call, struct arena *arena, struct reply *reply);

#endif
