/*
 * The sorted set of one user's sessions: PREFIX"u:{"keyed hash of the user's id"}". Members are the
 * sessions' cookie hashes, which with session_key.c's form are their keys; scores are the times by
 * which they are over, in seconds since the epoch: in whole numbers of four bytes, one session
 * takes a set of 32 bytes. What is known of each (since when, last seen) stands in its record. Best
 * effort: what fails here is trimmed when the user signs in again, and the set goes away with its
 * newest session.
 */
#ifndef BFF_STORE_USER_SET_H
#define BFF_STORE_USER_SET_H

#include "base/buf.h"
#include "store/topology.h"

#define KEYED_NAME_BYTES SESSION_HASH_BYTES

/* A keyed hash: names something without telling it. All zero for an empty text. */
struct keyed_name {
    char bytes[KEYED_NAME_BYTES];
};
void keyed_name_make(const struct keyring *keys, struct str text, struct keyed_name *out);

/* The one that the i-th key of the ring made when it was the first. */
void keyed_name_make_by(const struct keyring *keys, size_t i, struct str text,
                        struct keyed_name *out);
struct str keyed_name_str(const struct keyed_name *name);

/* The name as keys have it: its bytes in base64url. */
void keyed_name_write(struct buf *key, struct str name);

/* The set's key, as if it were a session's, for handle_run(). false: nobody's. */
BFF_MUST_CHECK bool user_set_name(const struct config *config, struct str user,
                                  struct session_name *out);

/* Both do nothing when `user`, a keyed name, is that of an empty text, or the connection is down.
 * `c` is the one in use; in a cluster the set has a server of its own. */
void user_set_add(struct topology *t, struct connection *c, const struct config *config,
                  struct str user, const struct session_name *name, int64_t now_ms);
void user_set_remove(struct topology *t, struct connection *c, const struct config *config,
                     struct str user, const struct session_name *name);

#endif
