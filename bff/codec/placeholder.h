/*
 * Placeholders: what a frontend in compatibility mode stores in the place of tokens. Shaped like a
 * JWT (RFC 7519) for those that look inside, unsigned (RFC 7519, section 6), with nothing in it but
 * `exp` and "placeholder":true. Worth nothing anywhere. The payload has no '-' and no '_', so that
 * even atob(), which knows base64 and not base64url, reads it.
 */
#ifndef BFF_CODEC_PLACEHOLDER_H
#define BFF_CODEC_PLACEHOLDER_H

#include "core/config.h"

/* When they claim to expire, in seconds since the epoch. */
struct placeholders {
    int64_t access_exp_s, refresh_exp_s;
};

/* One placeholder. BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err placeholder_make(int64_t exp_s, struct arena *arena, struct str *out);

/*
 * `body` with placeholders where the pointers of `access` and `refresh` lead to (the first pointer
 * of each; objects on the way are made; a token that stands in cookies only gets none). An empty
 * body counts as {}. A body that is no JSON object, or has something else on the way, stays as it
 * is. BFF_ERR_NO_MEMORY.
 */
BFF_MUST_CHECK enum bff_err placeholders_put(const struct config_token *access,
                                             const struct config_token *refresh,
                                             const struct placeholders *p, struct str body,
                                             struct arena *arena, struct str *out);

#endif
