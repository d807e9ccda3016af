/*
 * /bff/sessions: people look through their sessions and end those that they do not know.
 *
 *   GET    /bff/sessions       {"sessions": [{"id", "current", "created", "last_seen", "device"}]}
 *   DELETE /bff/sessions       all but the one that asks: {"ended": N}
 *   DELETE /bff/sessions/ID    204; of the one that asks: as POST /bff/logout
 *
 * An id is the hash of the session's cookie, from which no cookie can be made, and only the user's
 * own are looked up: an id of somebody else is not found. Times are those of Redis' clock, and
 * "last seen" is as exact as session.touch_interval.
 *
 * Another session's tokens are sealed with its cookie, which only its browser has. So they are
 * deleted and not revoked: nobody can open them any more, and at the backend they end with their
 * life. A refresh of it that is under way is revoked when it comes back. A session whose tokens say
 * nothing of their user (codec/user.h) is listed alone.
 */
#ifndef BFF_FLOW_SESSIONS_H
#define BFF_FLOW_SESSIONS_H

#include "flow/call.h"
#include "flow/tools.h"

#define SESSIONS_MAX 100 /* that are listed, and ended at once */

/* Does a request to it change something? It may call the backend then. */
bool sessions_changes(const struct call *call);

void sessions_run(struct tools *tools, const struct call *call, struct arena *arena,
                  struct reply *reply);

#endif
