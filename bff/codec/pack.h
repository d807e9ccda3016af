/*
 * Tokens and what is known of a user, made short before they are sealed, and exactly what they were
 * afterwards, whatever bytes they are.
 *
 * The packed form is a row of steps. A byte below 128 stands for itself; the others are
 *
 *   128 ...        a phrase of a fixed list: what simplejwt and its like write into every token
 *   NUMBER         four bytes: a decimal number (a time)
 *   HEX, UUID      half as many bytes as lower-case hex digits (a jti), 16 bytes
 *   BASE64         bytes that stand in base64url (a JWT's signature)
 *   BASE64_PACKED  packed text that stands in base64url (a JWT's payload)
 *   BYTES          bytes as they are
 *
 * Lengths are in groups of seven bits, the lowest first, bit 7 set in all but the last. Part of a
 * JWT is decoded only where encoding it gives the same characters again.
 *
 * What is sealed keeps its length, so packing before sealing tells something of the text: how much
 * of it the list knows. It tells nothing more. The list is fixed and no step refers to another, so
 * what somebody gets into a token (a name, an address) is never compared with what he does not
 * know, as it is where text is compressed with itself (CRIME); and what is secret in a token, its
 * signature and jti, is as long for one value as for another. Who sees lengths is who reads Redis.
 */
#ifndef BFF_CODEC_PACK_H
#define BFF_CODEC_PACK_H

#include "base/arena.h"
#include "base/buf.h"

/* What pack_add() adds at most for a text of `n` bytes. */
#define PACK_MAX(n) ((n) + 12)

/*
 * Adds the packed text to a row of such, each with its length before it. `scratch` is used for what
 * is in between. BFF_ERR_NO_MEMORY: it is exhausted, or the row is full.
 */
BFF_MUST_CHECK enum bff_err pack_add(struct buf *row, struct str text, struct arena *scratch);

/* The next of a row, still packed; false: the row is over, or is none. */
BFF_MUST_CHECK bool pack_next(struct str *row, struct str *packed);

/*
 * One packed text. BFF_ERR_MALFORMED: it is none, or stands for more than `limit` bytes;
 * BFF_ERR_NO_MEMORY. *out is in `arena`, which gives as many bytes as the text has, and untouched
 * on failure.
 */
BFF_MUST_CHECK enum bff_err unpack(struct str packed, size_t limit, struct arena *arena,
                                   struct str *out);

#endif
