/*
 * What stands at a key, and when: TIME and GET in one write and one read, in a cluster with ASKING
 * between them where that is due. It costs Redis a tenth of what a script that does the same does.
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

/* On a ready connection. BFF_ERR_STORE_UNAVAILABLE: `c->error` says why, and there is nothing to
 * free. */
BFF_MUST_CHECK enum bff_err reading_take(struct connection *c, struct str key, struct reading *out);
void reading_free(struct reading *r);

#endif
