/*
 * application/x-www-form-urlencoded (WHATWG URL, section 5): values written, and one found.
 */
#ifndef BFF_CODEC_FORM_H
#define BFF_CODEC_FORM_H

#include "base/arena.h"
#include "base/buf.h"

#define FORM_CONTENT_TYPE "application/x-www-form-urlencoded"

/* What is not unreserved (RFC 3986, 2.3) is percent-encoded: three bytes for one. */
void form_add(struct buf *b, struct str value);

/*
 * The value of a field, decoded, in `arena`. BFF_ERR_MISSING: there is none. BFF_ERR_DUPLICATE: it
 * stands there twice, and the backend might read the other one. BFF_ERR_MALFORMED: a '%' in it is
 * not followed by two hex digits. BFF_ERR_NO_MEMORY. *value is untouched on failure.
 */
BFF_MUST_CHECK enum bff_err form_find(struct str form, struct str name, struct arena *arena,
                                      struct str *value);

#endif
