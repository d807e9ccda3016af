/* Asking the backend's refresh endpoint for new tokens: one call, one verdict. */
#ifndef BFF_FLOW_GRANT_H
#define BFF_FLOW_GRANT_H

#include "codec/backend.h"
#include "flow/call.h"
#include "flow/tools.h"

/* As backend_judge_refresh(); what the backend could not be asked is UNAVAILABLE. */
enum refresh_verdict grant_ask(struct tools *tools, struct str access, struct str refresh,
                               const struct caller *caller, struct arena *arena,
                               struct backend_tokens *tokens, struct str *why);

#endif
