/*
 * What stands at some keys, and when: TIME and a GET for each in one write, in a cluster with
 * ASKING between them where that is due. A script that does the same costs Redis five times as
 * much.
 */
#ifndef BFF_STORE_READING_H
#define BFF_STORE_READING_H

#include "store/connection.h"

enum reading_of {
    READING_NOTHING,
    READING_VALUE,
    READING_OTHER_TYPE /* there is something, and it is no string */
};

struct reading {
    enum reading_of what;
    int64_t now_ms;   /* Redis' clock, just before */
    struct str value; /* view into `reply` */
    redisReply *reply;
};

#define READINGS_MAX STORE_LOADS_MAX /* at once; in a cluster 1 */

/* On a ready connection, out[i] of keys[i]. BFF_ERR_STORE_UNAVAILABLE: `c->error` says why, and
 * there is nothing to free. */
BFF_MUST_CHECK enum bff_err readings_take(struct connection *c, const struct str *keys, size_t n,
                                          struct reading *out);
void reading_free(struct reading *r);

#endif
