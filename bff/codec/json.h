/*
 * JSON (RFC 8259) through jansson, with our limits and our ownership: what comes out lives in the
 * arena, what jansson allocated is freed (and wiped) before a function returns.
 */
#ifndef BFF_CODEC_JSON_H
#define BFF_CODEC_JSON_H

#include <jansson.h>

#include "base/arena.h"

/* Make jansson wipe what it frees, for answers hold tokens. Call once, before threads. */
void json_init(void);

/* Parse a complete text; NULL when it is not JSON. Duplicate object keys are refused.
 * The caller owns the result (json_decref()). */
json_t *json_read(struct str text);

/* The value at a pointer (RFC 6901: "/tokens/access", "~0" and "~1" decoded); NULL if it is not
 * there. Borrowed from `root`. */
json_t *json_at(json_t *root, struct str pointer);

/* Remove the object member (or array element) at a pointer; false if it is not there. */
bool json_remove(json_t *root, struct str pointer);

/* Compact text in `arena`, keys in their order of insertion; false when there is no room. */
BFF_MUST_CHECK bool json_write(const json_t *value, struct arena *arena, struct str *out);

#endif
