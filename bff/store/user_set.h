/*
 * The sorted set of one user's sessions: PREFIX"u:{"keyed hash of the user's id"}", members are the
 * sessions' cookie hashes in hex, scores the times by which they are over. Best effort: what fails
 * here is trimmed when the user signs in again, and the set goes away with its newest session.
 */
#ifndef BFF_STORE_USER_SET_H
#define BFF_STORE_USER_SET_H

#include "store/topology.h"

/* A keyed hash in hex: names something without telling it. Empty for an empty text. */
struct keyed_name {
    char hex[SESSION_HASH_BYTES * 2 + 1];
    size_t n;
};
void keyed_name_make(const struct keyring *keys, struct str text, struct keyed_name *out);
struct str keyed_name_str(const struct keyed_name *name);

/* Both do nothing when `user` is empty or the connection is down. `c` is the one in use; in a
 * cluster the set has a server of its own. */
void user_set_add(struct topology *t, struct connection *c, const struct config *config,
                  struct str user, const struct session_name *name, int64_t now_ms);
void user_set_remove(struct topology *t, struct connection *c, const struct config *config,
                     struct str user, const struct session_name *name);

#endif
