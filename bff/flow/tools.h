/* What a flow that may block works with: one set for each I/O thread. */
#ifndef BFF_FLOW_TOOLS_H
#define BFF_FLOW_TOOLS_H

#include "backend/http.h"
#include "store/fence.h"
#include "store/microcache.h"
#include "store/store.h"

struct revocations;
struct breaker;

struct tools {
    const struct config *config;
    const struct keyring *keys;
    struct str client_secret; /* of [client]; empty: none */
    struct store *store;
    struct backend *backend;
    struct fence *fence;             /* shared by all workers of the host */
    struct microcache *microcache;   /* shared by the worker's threads; NULL: there is none */
    struct revocations *revocations; /* shared by the worker's threads */
    struct breaker *breaker;         /* so is this */
};

/* The session has changed in Redis, by us: from here on no worker of this host answers from its
 * cache, and what nginx keeps is taken away. */
void tools_forget(struct tools *tools, const struct session_name *name);

/* The first 8 hex digits of the cookie's hash: how logs name a session. */
#define SESSION_TAG_MAX 9
struct str session_tag(const struct session_name *name, char tag[SESSION_TAG_MAX]);

#endif
