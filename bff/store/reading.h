/*
 * What stands at keys, and when: TIME and a GET for each in one write, in a cluster with ASKING
 * between them where that is due. A script that does the same costs Redis five times as much.
 */
#ifndef BFF_STORE_READING_H
#define BFF_STORE_READING_H

#include "base/buf.h"
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

/* The parts of it, for who does not wait: commands as they go over the wire, and what their replies
 * say. */
#define READING_GET_MAX (SESSION_KEY_MAX + 32)
#define READING_TIME_MAX 32
void reading_add_time(struct buf *b);
void reading_add_get(struct buf *b, struct str key);

/* false: it is another reply, or a refusal. */
BFF_MUST_CHECK bool reading_of_time(const redisReply *reply, int64_t *now_ms);
/* out->value views the reply; its other fields are the caller's. */
BFF_MUST_CHECK bool reading_of_value(const redisReply *reply, struct reading *out);

#endif
