/*
 * Signing in: POST /bff/login and the captures. The backend's own endpoint is called, and the
 * tokens in its answer become a new session; an answer without tokens passes as it is, and the next
 * step may still end in a session. Runs in an I/O thread. The session that the browser had before
 * ends, but only when the new one is there.
 */
#ifndef BFF_FLOW_SIGNIN_H
#define BFF_FLOW_SIGNIN_H

#include "flow/call.h"
#include "flow/tools.h"

/* Which endpoint and in whose words is answered, call_resolve() has said. */
void signin_run(struct tools *tools, const struct call *call, struct arena *arena,
                struct reply *reply);

#endif
