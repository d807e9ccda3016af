/*
 * One blocking connection to Redis (hiredis 0.14 or newer, RESP2), with time limits. It connects
 * when it is first needed; after an I/O error, a time-out or a protocol error it is dropped, so a
 * late reply can never be taken for the reply to the next command.
 *
 * A connection found closed or with bytes nobody asked for is replaced *before* a command goes out
 * on it; a command that was sent is never sent again. One that has gone silent leaves all others of
 * the process in doubt that were open by then: what took away its peer may have taken theirs, and
 * each would cost a time-out of its own to find out. They are replaced likewise.
 */
#ifndef BFF_STORE_CONNECTION_H
#define BFF_STORE_CONNECTION_H

#include <hiredis/hiredis.h>

#include "store/slots.h"
#include "store/store.h"

#define CONNECTION_ERROR_MAX 256

/* What an error reply proves, besides that the command was not executed. */
enum refusal_kind {
    REFUSAL_OTHER,
    REFUSAL_READONLY,   /* this is no primary (any more) */
    REFUSAL_ALONE,      /* a primary without the replicas it wants, and so perhaps none any more */
    REFUSAL_REDIRECTED, /* another server of the cluster has the slot: see `redirect` */
};

struct connection {
    redisContext *redis; /* NULL: not connected */
    struct redis_address address;
    uint16_t db;
    uint32_t connect_ms, command_ms;
    uint32_t limit_ms;   /* of the next command, where that is less than command_ms; 0: none */
    uint32_t timeout_ms; /* as the socket has it */
    unsigned silences;   /* in this process, when it was opened */
    const char *user, *password; /* not ours; "" when not configured */
    bool is_sentinel, in_cluster;
    bool asking; /* send ASKING before each command */
    struct redirect redirect;
    enum refusal_kind refusal; /* of the last reply that connection_refused() saw */
    char *error;               /* CONNECTION_ERROR_MAX bytes of the owner's: what went wrong last */
};

/* Close it if it is open; the next use connects anew. */
void connection_drop(struct connection *c);

/* Is it open, with nothing to read, and in no doubt? Else it was closed, or is out of step, or
 * another one has gone silent since it was opened. */
bool connection_is_open(const struct connection *c);

bool connection_is_in_doubt(const struct connection *c);

/* It has not answered in time: the others are in doubt. */
void connection_is_silent(const struct connection *c);

/* Note what went wrong, in words, and drop. Always BFF_ERR_STORE_UNAVAILABLE. */
__attribute__((format(printf, 2, 3))) enum bff_err connection_fail(struct connection *c,
                                                                   const char *format, ...);

/* Connected and signed in, on return with BFF_OK; *is_new (if not NULL) when it was not before.
 * BFF_ERR_STORE_UNAVAILABLE, BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err connection_ready(struct connection *c, bool *is_new);

/* One command on a ready connection. The reply (free it with freeReplyObject()) may be an error
 * reply; NULL: failed, the connection is dropped and `error` says why. */
BFF_MUST_CHECK redisReply *connection_call(struct connection *c, int argc, const char **argv,
                                           const size_t *lengths);

/* Commands as they go over the wire, and the replies to them one after the other: as many as there
 * were commands, or the connection is dropped. false, NULL: as above. */
BFF_MUST_CHECK bool connection_send(struct connection *c, struct str commands);
BFF_MUST_CHECK redisReply *connection_receive(struct connection *c);

/* Put an error reply into words, without its arguments; drop the connection where another server
 * or another sign-in may help. */
void connection_refused(struct connection *c, const redisReply *reply);

#endif
