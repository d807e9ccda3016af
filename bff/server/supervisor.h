/*
 * The supervisor: holds the listening socket, keeps N worker processes running, and never touches a
 * request. A worker that dies is replaced (with back-off); SIGHUP starts workers with the new
 * configuration and drains the old ones; SIGTERM and SIGINT drain all and end.
 */
#ifndef BFF_SERVER_SUPERVISOR_H
#define BFF_SERVER_SUPERVISOR_H

#include "server/setup.h"

/* Serves until a signal ends it. Takes the setup. Returns the process's exit status. */
int supervisor_run(const char *config_path, struct setup *setup);

#endif
