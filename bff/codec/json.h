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

/* Parse a complete text; NULL when it is not JSON, or memory is out. Duplicate object keys are
 * refused. The caller owns the result (json_decref()). */
json_t *json_read(struct str text);

/* The value at a pointer (RFC 6901: "/tokens/access", "~0" and "~1" decoded); NULL if it is not
 * there. Borrowed from `root`. */
json_t *json_at(json_t *root, struct str pointer);

/* Remove the object member at a pointer; false if it is not there. An array's element becomes null
 * instead, so that those behind it stay where their own pointers lead. */
bool json_remove(json_t *root, struct str pointer);

/*
 * Put `value`, whose ownership passes, at a pointer: objects that are missing on the way are made,
 * an array has only the elements it has. False when something else is on the way (a string, null)
 * or memory is out; a part of the way may have been made then.
 */
bool json_put(json_t *root, struct str pointer, json_t *value);

/* The text of a string, or a number, true or false as JSON; `is_one` is false for anything else and
 * memory that is out. A string's view is borrowed from `value`, another's is in `arena`. */
struct json_scalar {
    struct str text;
    bool is_one;
};
struct json_scalar json_scalar(const json_t *value, struct arena *arena);

/* A number of seconds, its fraction cut off; false for what is no number, or absurdly far. */
bool json_seconds(const json_t *value, int64_t *out);

/* Compact text in `arena`, keys in their order of insertion; false when there is no room. */
BFF_MUST_CHECK bool json_write(const json_t *value, struct arena *arena, struct str *out);

#endif
