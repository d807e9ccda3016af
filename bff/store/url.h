/*
 * Where Redis is, from redis.url: redis://HOST[:PORT][/DB], redis://[IPV6]... or
 * unix:///PATH[?db=N]. Pure. Credentials in the URL are refused: a URL is shown in logs.
 */
#ifndef BFF_STORE_URL_H
#define BFF_STORE_URL_H

#include "base/err.h"

#define REDIS_HOST_MAX 255 /* RFC 1035, 2.3.4 */
#define REDIS_PATH_MAX 107 /* sun_path without its NUL */

struct redis_address {
    char host[REDIS_HOST_MAX + 1]; /* empty: a unix socket */
    char path[REDIS_PATH_MAX + 1];
    uint16_t port;
    uint16_t db;
};

/* false: not one of these forms, or too long. *out is untouched then. */
BFF_MUST_CHECK bool redis_url_parse(struct str url, struct redis_address *out);

#endif
