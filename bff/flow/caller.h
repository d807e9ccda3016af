/* A call to the backend in a browser's name. */
#ifndef BFF_FLOW_CALLER_H
#define BFF_FLOW_CALLER_H

#include "codec/backend.h"
#include "flow/call.h"
#include "flow/tools.h"

enum backend_purpose { CALL_LOGIN, CALL_REFRESH, CALL_REVOKE };

/* backend_call() with the browser's request in the headers; its time and its failures are counted
 * under `purpose`. */
BFF_MUST_CHECK enum bff_err caller_ask(struct tools *tools, enum backend_purpose purpose,
                                       const struct caller *caller, struct backend_request *request,
                                       enum backend_connection connection, struct arena *arena,
                                       struct backend_answer *answer);

/* Somebody was there who knows of sessions: not a proxy's word that there is nobody behind it. */
bool caller_reached(enum bff_err err, const struct backend_answer *answer);

/* A copy in another arena, for what outlives the request. */
BFF_MUST_CHECK bool caller_copy(const struct caller *from, struct arena *arena, struct caller *to);

#endif
