/* Telling the backend's revoke endpoint, once, that tokens are done with. */
#ifndef BFF_FLOW_TELL_H
#define BFF_FLOW_TELL_H

#include "flow/call.h"
#include "flow/tools.h"

enum revoke_result {
    REVOKE_DONE,    /* revoke.success matched, or the tokens are known to be dead */
    REVOKE_REFUSED, /* it said no, and will say so again: logged, and given up */
    REVOKE_WAITS    /* it could not be told yet */
};

struct revocation {
    struct str access, refresh; /* of which one may be empty */
};

/*
 * A backend that wants a live access token with the call (revoke.auth = access) answers 401 when
 * that token had been refused before its time, and some answer 401 when they have signed out. So a
 * 401 is believed only when the refresh token is dead, too; else the call is made once more, with
 * the tokens that the refresh brought. These are then in *tokens, in `arena`.
 */
enum revoke_result tell_backend(struct tools *tools, struct revocation *tokens,
                                const struct caller *caller, struct arena *arena);

#endif
