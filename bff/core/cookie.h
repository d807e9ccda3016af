/*
 * Our cookies (RFC 6265, sections 4.1 and 4.2): their exact bytes and where to find them.
 *
 * __Host-session=<43 characters base64url>: 256 random bits. The __Host- prefix makes browsers
 * refuse it with a Domain, without Secure, or with another Path, so no sibling domain can plant it.
 *
 * __Host-pending=<codec/pending.h>: between two steps of a sign-in, where [pending] asks for it.
 */
#ifndef BFF_CORE_COOKIE_H
#define BFF_CORE_COOKIE_H

#include "base/buf.h"
#include "base/err.h"

#define COOKIE_NAME "__Host-session"
#define COOKIE_PENDING_NAME "__Host-pending"
#define COOKIE_PENDING_SET_MAX 2048   /* room for its Set-Cookie with the longest value */
#define COOKIE_VALUE_LENGTH 43        /* 32 bytes, base64url without padding */
#define COOKIE_HEADER_MAX (32 * 1024) /* a longer Cookie header is refused */

/*
 * Find the session cookie in a Cookie header. *value is a view into `header`.
 * BFF_ERR_MISSING: it is not there. BFF_ERR_DUPLICATE: it is there more than once (somebody planted
 * one). BFF_ERR_MALFORMED: its value is not 43 characters of base64url. BFF_ERR_TOO_LARGE: the
 * header is longer than COOKIE_HEADER_MAX. *value is untouched on failure.
 */
BFF_MUST_CHECK enum bff_err cookie_find(struct str header, struct str *value);

/* The same for the pending cookie, whose value may be anything: it proves itself when opened. */
BFF_MUST_CHECK enum bff_err cookie_find_pending(struct str header, struct str *value);

/* The value of a Set-Cookie header field: until the browser closes (Redis keeps the time limits).
 */
void cookie_add_set(struct buf *out, struct str value);

/* The value of a Set-Cookie header field that makes the browser forget the cookie. */
void cookie_add_clear(struct buf *out);

void cookie_add_set_pending(struct buf *out, struct str value, uint32_t lifetime_s);
void cookie_add_clear_pending(struct buf *out);

/*
 * A cookie of another name from one Set-Cookie field value (RFC 6265, section 5.2), as a backend
 * sends it: true and its value (a view, without surrounding quotes) if its name is `name`.
 */
bool cookie_read_set(struct str set_cookie, struct str name, struct str *value);

#endif
