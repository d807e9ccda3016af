/*
 * What servers of a Redis Cluster say about slots. Pure.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 */
#ifndef BFF_STORE_SLOTS_H
#define BFF_STORE_SLOTS_H

#include <hiredis/hiredis.h>

#include "store/url.h"

#define SLOTS 16384

/* CRC16 (XMODEM) of the key, or of what stands between its first '{' and the next '}' if that is
 * not empty. */
uint16_t slot_of_key(struct str key);

struct slot_range {
    uint16_t first, last;
    struct redis_address primary;
};

/* One row of CLUSTER SLOTS. A row without a host means the server that was asked. false: malformed,
 * or the host is not known ("?"). */
BFF_MUST_CHECK bool slot_range_read(const redisReply *row, const struct redis_address *asked,
                                    struct slot_range *out);

struct redirect {
    bool is_ask; /* this command only, with ASKING before it; else the slot has moved */
    uint16_t slot;
    struct redis_address to;
};

/* "MOVED SLOT HOST:PORT" or "ASK SLOT HOST:PORT", an error that proves that nothing was executed.
 * false: something else. */
BFF_MUST_CHECK bool redirect_read(struct str error, const struct redis_address *asked,
                                  struct redirect *out);

#endif
