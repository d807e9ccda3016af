/*
 * Where Redis is, from redis.url. Pure. Credentials in the URL are refused: a URL is shown in logs.
 *
 *   redis://HOST[:PORT][/DB]   unix:///PATH[?db=N]
 *   redis+sentinel://HOST[:PORT],.../NAME[/DB]     NAME: of the primary, as the sentinels know it
 *   redis+cluster://HOST[:PORT],...                any of its servers
 *
 * HOST may be [IPV6].
 */
#ifndef BFF_STORE_URL_H
#define BFF_STORE_URL_H

#include "base/err.h"

#define REDIS_HOST_MAX 255 /* RFC 1035, 2.3.4 */
#define REDIS_PATH_MAX 107 /* sun_path without its NUL */
#define REDIS_SEEDS_MAX 8
#define REDIS_NAME_MAX 64

struct redis_address {
    char host[REDIS_HOST_MAX + 1]; /* empty: a unix socket */
    char path[REDIS_PATH_MAX + 1];
    uint16_t port;
};

enum redis_kind { REDIS_SINGLE, REDIS_SENTINEL, REDIS_CLUSTER };

struct redis_place {
    enum redis_kind kind;
    struct redis_address seeds[REDIS_SEEDS_MAX]; /* the server, sentinels or servers */
    size_t n_seeds;
    char name[REDIS_NAME_MAX + 1];
    uint16_t db;
};

/* false: not one of these forms, or too long. *out is untouched then. */
BFF_MUST_CHECK bool redis_url_parse(struct str url, struct redis_place *out);

/* A server as another one names it: host and decimal port. *out is untouched on failure. */
BFF_MUST_CHECK bool redis_address_read(struct str host, struct str port, struct redis_address *out);

#endif
