/* Puts the browser's request into the headers of a call to the backend. */
#ifndef BFF_FLOW_CALLER_H
#define BFF_FLOW_CALLER_H

#include "codec/backend.h"
#include "flow/call.h"

void caller_describe(const struct caller *caller, struct backend_request *request);

/* A copy in another arena, for what outlives the request. */
BFF_MUST_CHECK bool caller_copy(const struct caller *from, struct arena *arena, struct caller *to);

#endif
