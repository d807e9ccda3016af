/*
 * Compatibility mode: a page that was written for tokens gets placeholders in their place
 * (codec/placeholder.h), for as long as the session lives.
 */
#ifndef BFF_FLOW_COMPAT_H
#define BFF_FLOW_COMPAT_H

#include "codec/placeholder.h"
#include "flow/authorize.h"

/* When the placeholders of a session claim to expire: the "access token" when the session would end
 * without further activity, the "refresh token" when it ends in any case. now_s is the wall clock's
 * time at now_ms of the monotonic one. */
struct placeholders compat_expiry(const struct live_session *live, int64_t now_ms, int64_t now_s);

/* The answer to a refresh: 200 with placeholders where [refresh] says that the tokens stand. */
void compat_refreshed(const struct live_session *live, const struct config *config, int64_t now_ms,
                      int64_t now_s, const struct caller *caller, struct arena *arena,
                      struct reply *reply);

#endif
