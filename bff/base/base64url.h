/*
 * Base64url without padding (RFC 4648, section 5), strict: what is decoded is exactly what encoding
 * the result gives again.
 */
#ifndef BFF_BASE_BASE64URL_H
#define BFF_BASE_BASE64URL_H

#include "base/str.h"

/* How many characters `n` bytes make, and how many bytes `n` characters hold. */
#define BASE64URL_CHARS(n) ((n) / 3 * 4 + ((n) % 3 * 4 + 2) / 3)
#define BASE64URL_BYTES(n) ((n) / 4 * 3 + (n) % 4 * 3 / 4)

/* Writes BASE64URL_CHARS(n) characters. The bytes may stand at the very end of where these go. */
void base64url_encode(const unsigned char *bytes, size_t n, char *out);

/* Writes BASE64URL_BYTES(text.n) bytes. false: another character, a length that no bytes have, or
 * bits set after the last byte; what was written then means nothing. */
bool base64url_decode(struct str text, unsigned char *out);

#endif
