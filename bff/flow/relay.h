/* What a browser gets of a login or capture that made no session. */
#ifndef BFF_FLOW_RELAY_H
#define BFF_FLOW_RELAY_H

#include "codec/backend.h"
#include "flow/call.h"
#include "flow/tools.h"

/* A problem document, and a line in the log with the reason for whoever runs bffd. */
void relay_refuse(const struct call *call, enum bff_err e, struct str reason, struct arena *arena,
                  struct reply *reply);

/*
 * The backend's own answer, as it came: bad credentials, a second factor, "check your mail", a
 * throttle, its 500. Without its cookies; with the pending token taken out and kept (flow/step.h).
 * An answer in which a token can still be seen is refused.
 */
void relay_answer(struct tools *tools, const struct call *call, const struct backend_answer *answer,
                  struct arena *arena, struct reply *reply);

/* Of its header fields those that a browser has use for. */
void relay_headers(const struct backend_answer *answer, struct reply *reply);

#endif
