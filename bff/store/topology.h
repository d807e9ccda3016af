/*
 * Which server to talk to, and the connections to it: one server, the primary that sentinels name
 * at the time of each (re)connect, or the server of a cluster that has the key. Belongs to one
 * thread.
 *
 * Each step is bounded: asking all sentinels, or a cluster for its slots, altogether takes at most
 * redis.connect_timeout, so does connecting, and each answer at most redis.command_timeout.
 */
#ifndef BFF_STORE_TOPOLOGY_H
#define BFF_STORE_TOPOLOGY_H

#include "store/connection.h"

struct cluster;

/* A user and password of our own; the password is wiped. */
struct credentials {
    char *user, *password; /* "" when not configured */
};

struct topology {
    struct redis_place place;
    bool has_place; /* false: redis.url is of no known form */
    uint32_t connect_ms, command_ms;
    struct credentials redis, sentinel;
    struct connection server; /* unused in a cluster */
    struct cluster *cluster;  /* NULL: none */
    uint32_t limit_ms;        /* of the attempt that comes; 0: none */
    size_t next_sentinel;     /* the one to ask first: the last one that knew */
    int64_t doubted_ms;       /* when the server was last left in doubt */
    int64_t left_subscriber;  /* it listens to a server that is no primary any more; 0: none */
    char error[CONNECTION_ERROR_MAX];
};

/* Does not connect yet. false: out of memory. A topology must not be moved. */
BFF_MUST_CHECK bool topology_init(struct topology *t, const struct store_options *options);
void topology_close(struct topology *t);

/*
 * A connection that is ready for commands on this key (empty: for any server); *is_new (if not
 * NULL) when it was not before. With sentinels it leads to a server that has said itself that it is
 * a primary. *out is set in any case. BFF_ERR_STORE_UNAVAILABLE, BFF_ERR_NO_MEMORY.
 */
BFF_MUST_CHECK enum bff_err topology_connect(struct topology *t, struct str key,
                                             struct connection **out, bool *is_new);

/* The server number `i`, connected if *err is BFF_OK; false: there are no more. */
bool topology_each(struct topology *t, size_t i, struct connection **out, bool *is_new,
                   enum bff_err *err);

/*
 * A call on this connection has failed. Can it be made once more, through topology_connect()? Only
 * if the answer proves that it was not executed, if another server may execute it, and if not all
 * of redis.command_timeout has passed since `began_ms` (clock_mono_ms()); what is left of that
 * limits the next attempt.
 */
bool topology_can_repeat(struct topology *t, const struct connection *failed, int64_t began_ms);

/*
 * The same for one server, which has said that it is no primary: Redis may be moving, its name or
 * socket to another server, and that one to be a primary. Waits a moment before it says yes; no
 * when not enough of redis.command_timeout is left. `subscriber` listens to the server that was
 * left, and so is nobody's client from now on.
 */
bool topology_awaits_primary(struct topology *t, const struct connection *failed,
                             int64_t subscriber, int64_t began_ms);

/*
 * The subscriber `client_id` of the server behind this connection, as other handles can be told of
 * it: with sentinels there may be two servers for a while, and clients of one mean nothing to the
 * other. topology_client_id() is its inverse; 0: not a client of this connection's server.
 * In a cluster it is WATCH_UNTRACKED and 0.
 */
int64_t topology_subscriber(const struct topology *t, const struct connection *c,
                            int64_t client_id);
int64_t topology_client_id(const struct topology *t, const struct connection *c,
                           int64_t subscriber);

/* The watch listens to another server than this one: leave it, for sentinels may name that one by
 * now. At most once a second, for they need not agree. */
void topology_doubt(struct topology *t, int64_t subscriber);

#endif
