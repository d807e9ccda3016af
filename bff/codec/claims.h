/*
 * What a JWT says of itself (RFC 7519), read through libjwt *without* verifying the signature: the
 * token came from the backend itself over our own connection, and only the backend ever trusts it.
 */
#ifndef BFF_CODEC_CLAIMS_H
#define BFF_CODEC_CLAIMS_H

#include "core/config.h"

#define CLAIMS_TOKEN_MAX (16 * 1024) /* a longer token is not looked into */

struct claims {
    bool has_exp;
    int64_t exp_s;      /* seconds since the epoch, as the backend's clock counts */
    struct str user_id; /* `user_id`, else `sub`, as text; empty if neither is there */
    struct str user;    /* a JSON object with the allowed claims that are there; "{}" if none */
};

/*
 * BFF_ERR_MALFORMED: not a JWT (an opaque token, say). BFF_ERR_TOO_LARGE, BFF_ERR_NO_MEMORY.
 * *out is untouched on failure; its views live in `arena`.
 */
BFF_MUST_CHECK enum bff_err claims_read(struct str token, const struct config_words *allowed,
                                        struct arena *arena, struct claims *out);

#endif
