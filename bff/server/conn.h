/*
 * One FastCGI connection from nginx and the request on it. What comes is taken with one read, and
 * held until a request is whole; it is answered with one write. One without a body, as nginx'
 * questions are, is read here (server/records.h), one with a body by libfcgi (server/fcgx.h), whose
 * own accept loop would pin a thread on each kept connection.
 *
 *   PARTIAL -> HOT -> answered -> IDLE -> (PARTIAL) -> HOT ..., or closed
 *               +---> IN_LANE  an I/O thread owns the request
 *               +---> PARKED   it waits for a session task, without a thread
 *
 * Owned by the hot thread, but for IN_LANE.
 */
#ifndef BFF_SERVER_CONN_H
#define BFF_SERVER_CONN_H

#include "flow/call.h"
#include "server/fcgx.h"
#include "server/lane.h"

enum conn_state { CONN_IDLE, CONN_PARTIAL, CONN_HOT, CONN_IN_LANE, CONN_PARKED };

struct session_task;

struct conn {
    struct job job;               /* first: the lane hands back a job, which is this connection */
    struct conn *next, *previous; /* all connections of the worker */
    int fd;
    enum conn_state state;
    bool event_missed; /* something came while it was not ours to read */
    int64_t since_ms;  /* of this state */
    char *held;        /* what has come and is of no use yet */
    size_t n_held;

    /* the request */
    unsigned request_id; /* FastCGI's */
    bool keeps_connection;
    FCGX_Request fcgx; /* open if it has a body */
    struct arena arena;
    struct call call;
    struct reply reply;
    int64_t started_us;
    bool has_renewed, has_touched; /* what this request has already waited for */
    bool from_cache;               /* decided by what is in the cache ... */
    uint32_t ticket;               /* ... while its fence stands here */
    uint64_t seen;                 /* the generation it wants to be renewed */
    bool kept;                     /* of a request that a lane has answered: still open? */

    /* while PARKED */
    struct session_task *task;
    struct conn *next_parked;
    int64_t park_until_ms;
};

/* Takes the fd. NULL: out of memory; the fd is then still the caller's. */
struct conn *conn_make(int fd, const struct config *config);

/* Closes the connection if it is open, gives everything back. */
void conn_free(struct conn *c);

enum conn_event {
    CONN_REQUEST, /* a call is there; state is HOT */
    CONN_REFUSED, /* a request that params_read() refuses; state is HOT */
    CONN_WAITS,   /* nothing, or not all of it yet */
    CONN_CLOSED   /* gone or broken: free it */
};

/* Take what has come, without blocking. */
enum conn_event conn_receive(struct conn *c, int64_t now_ms);

/* Copy the request's body into its arena: BFF_ERR_BODY_TOO_LARGE, BFF_ERR_BAD_REQUEST (it is not as
 * long as was said), BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err conn_read_body(struct conn *c, size_t limit, struct str *body);

/*
 * Write conn->reply, log the request, wipe its memory. true: the connection can take another
 * request; false: it is closed (the other side wants that, `keep` is false, or writing failed).
 * nginx may send its next request before this returns. The state is left alone: in a lane it keeps
 * the hot thread away until the connection has been handed back.
 */
BFF_MUST_CHECK bool conn_answer(struct conn *c, bool keep);

#endif
