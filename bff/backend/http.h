/*
 * Calls to Django's token endpoints over libcurl: one request, one bounded answer, no redirects,
 * no proxy from the environment.
 *
 * A handle belongs to one thread. Answers are wiped from our buffers once they are in the arena.
 */
#ifndef BFF_BACKEND_HTTP_H
#define BFF_BACKEND_HTTP_H

#include "codec/backend.h"

struct backend;

/* libcurl ready to use. Call once, before threads. */
BFF_MUST_CHECK bool backend_init(void);

/* `config` outlives the handle. NULL: out of memory. */
struct backend *backend_open(const struct config *config);
void backend_close(struct backend *b); /* NULL is fine */

enum backend_connection {
    BACKEND_REUSE, /* a kept connection may serve: the call can be repeated by its caller */
    BACKEND_FRESH  /* a new connection: a kept one may die under a request nobody may repeat */
};

/*
 * One call. Redirects are answers, not followed. The answer's views live in `arena`.
 * BFF_ERR_BACKEND_UNAVAILABLE: not connected, or the connection broke. BFF_ERR_BACKEND_TIMEOUT: no
 * complete answer within backend.timeout, or not sent, because it could not be within
 * backend.connect_timeout. BFF_ERR_BACKEND_UNREADABLE: not HTTP, a header or body
 * above its limit. BFF_ERR_NO_MEMORY. backend_last_error() has libcurl's words, free of secrets.
 */
BFF_MUST_CHECK enum bff_err backend_call(struct backend *b, const struct backend_request *request,
                                         enum backend_connection connection, struct arena *arena,
                                         struct backend_answer *answer);

const char *backend_last_error(const struct backend *b);

#endif
