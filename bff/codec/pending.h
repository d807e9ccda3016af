/*
 * Between two steps of a sign-in some backends hand out a secret of their own (allauth's session
 * token), to come back with the next step. The browser carries it as a cookie of ours: sealed with
 * the server key, HttpOnly, short-lived. Nothing is stored.
 *
 *   value = base64url(expiry, 64 bit, big-endian || seal(token))
 */
#ifndef BFF_CODEC_PENDING_H
#define BFF_CODEC_PENDING_H

#include "codec/seal.h"

#define PENDING_TOKEN_MAX 1024 /* a longer one is not kept: a cookie holds 4096 bytes in all */

/* BFF_ERR_TOO_LARGE, BFF_ERR_NO_MEMORY. *out is in `arena`. */
BFF_MUST_CHECK enum bff_err pending_seal(const struct keyring *ring, struct str token,
                                         int64_t until_s, struct arena *arena, struct str *out);

/* BFF_ERR_MALFORMED: no such value, or not from us. BFF_ERR_MISSING: it has expired.
 * BFF_ERR_NO_MEMORY. *token is in `arena` and untouched on failure. */
BFF_MUST_CHECK enum bff_err pending_open(const struct keyring *ring, struct str value,
                                         int64_t now_s, struct arena *arena, struct str *token);

#endif
