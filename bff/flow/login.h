/*
 * POST /bff/login: the backend's own login, with its tokens taken out and put into a new session.
 * Runs in an I/O thread. The session that the browser had before ends.
 */
#ifndef BFF_FLOW_LOGIN_H
#define BFF_FLOW_LOGIN_H

#include "flow/call.h"
#include "flow/tools.h"

void login_run(struct tools *tools, const struct call *call, struct arena *arena,
               struct reply *reply);

#endif
