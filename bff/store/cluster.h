/*
 * Redis Cluster: a connection to each server that serves slots, and the map from slots to them. Map
 * and connections are made when they are first needed; the map is made anew when a server cannot be
 * reached or says that a slot has moved, the latter at most once a second.
 */
#ifndef BFF_STORE_CLUSTER_H
#define BFF_STORE_CLUSTER_H

#include "store/topology.h"

struct cluster;

/* t->place names a cluster. NULL: out of memory. */
struct cluster *cluster_open(struct topology *t);
void cluster_close(struct cluster *k); /* NULL is fine */

/* As topology_connect(). A server that cannot be reached is looked for in a new map, once. */
BFF_MUST_CHECK enum bff_err cluster_connect(struct topology *t, struct str key,
                                            struct connection **out, bool *is_new);

/* The server number `i` of those that serve slots, as far as is known; false: no more. */
bool cluster_server(struct topology *t, size_t i, struct connection **out);

/* Was the call that failed sent elsewhere? Then the next cluster_connect() goes there. */
bool cluster_follow(struct topology *t, const struct connection *failed);

#endif
