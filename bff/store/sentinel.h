/*
 * Redis Sentinel: who is the primary?
 * https://redis.io/docs/latest/develop/reference/sentinel-clients/
 */
#ifndef BFF_STORE_SENTINEL_H
#define BFF_STORE_SENTINEL_H

#include "store/topology.h"

/* Ask one sentinel after the other. BFF_ERR_STORE_UNAVAILABLE: none of them knows, or none in
 * redis.connect_timeout; t->error says so. */
BFF_MUST_CHECK enum bff_err sentinel_find_primary(struct topology *t, struct redis_address *out);

/*
 * The same without waiting, for who has a connection to the primary and wants to hear of another
 * one: a failover that is ordered leaves the old primary open for writes for many seconds.
 *
 *   sentinel_inquire()   connect to a sentinel if need be (half of redis.connect_timeout), and ask
 *   sentinel_hear()      take in what it answers; call when c->redis->fd is readable
 *
 * Both drop a sentinel that is of no use; the next call of sentinel_inquire() takes another one.
 */
void sentinel_inquire(struct topology *t, struct connection *c);

/* true: it names another server than this one. It will be asked first from now on. */
bool sentinel_hear(struct topology *t, struct connection *c, const struct redis_address *known);

/* Sentinels are not the first to know: a server that says itself that it is no primary is dropped.
 * BFF_ERR_STORE_UNAVAILABLE. */
BFF_MUST_CHECK enum bff_err sentinel_verify_primary(struct connection *c);

#endif
