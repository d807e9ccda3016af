/* The one form of an error answer: application/problem+json (RFC 9457) with `code`, `request_id`.
 */
#ifndef BFF_CORE_PROBLEM_H
#define BFF_CORE_PROBLEM_H

#include "base/buf.h"
#include "base/err.h"

#define PROBLEM_CONTENT_TYPE "application/problem+json"
#define PROBLEM_MAX 512 /* enough for any error with a request id of 128 bytes */

void problem_add(struct buf *out, enum bff_err e, struct str request_id);

#endif
