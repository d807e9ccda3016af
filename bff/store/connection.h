/*
 * One blocking connection to Redis (hiredis 0.14 or newer, RESP2), with time limits. It connects
 * when it is first needed; after an I/O error, a time-out or a protocol error it is dropped, so a
 * late reply can never be taken for the reply to the next command.
 *
 * A connection found closed or with bytes nobody asked for is replaced *before* a command goes out
 * on it; a command that was sent is never sent again.
 */
#ifndef BFF_STORE_CONNECTION_H
#define BFF_STORE_CONNECTION_H

#include <hiredis/hiredis.h>

#include "store/store.h"
#include "store/url.h"

#define CONNECTION_ERROR_MAX 256

struct connection {
    redisContext *redis; /* NULL: not connected */
    struct redis_address address;
    bool has_address; /* false: redis.url is of no known form */
    uint32_t connect_ms, command_ms;
    char *user, *password;            /* owned; "" when not configured; the password is wiped */
    char error[CONNECTION_ERROR_MAX]; /* what went wrong last */
};

BFF_MUST_CHECK bool connection_init(struct connection *c, const struct store_options *options);
void connection_close(struct connection *c);
void connection_drop(struct connection *c); /* the next use connects anew */

/* Connected and signed in, on return with BFF_OK; *is_new (if not NULL) when it was not before.
 * BFF_ERR_STORE_UNAVAILABLE, BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err connection_ready(struct connection *c, bool *is_new);

/* One command on a ready connection. The reply (free it with freeReplyObject()) may be an error
 * reply; NULL: failed, the connection is dropped and `error` says why. */
BFF_MUST_CHECK redisReply *connection_call(struct connection *c, int argc, const char **argv,
                                           const size_t *lengths);

/* Put an error reply into words, without its arguments; drop the connection where another server
 * or another sign-in may help. */
void connection_refused(struct connection *c, const redisReply *reply);

#endif
