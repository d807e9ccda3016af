/* What may be a token at all, whichever way it came. */
#ifndef BFF_CODEC_TOKEN_H
#define BFF_CODEC_TOKEN_H

#include "base/str.h"

/* Visible ASCII only: nothing that could end a header line, or split it (RFC 9110, 5.5). */
static inline bool token_is_visible(struct str token)
{
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] <= ' ' || token.p[i] >= 0x7F)
            return false;
    return true;
}

/* What a cookie value may hold (RFC 6265, 4.1.1: cookie-octet); a ';' would start another cookie.
 */
static inline bool token_fits_cookie(struct str token)
{
    if (!token_is_visible(token))
        return false;
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] == '"' || token.p[i] == ',' || token.p[i] == ';' || token.p[i] == '\\')
            return false;
    return true;
}

#endif
