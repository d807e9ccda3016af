/*
 * Who somebody is, as JSON objects of a few members: taken from a token's claims, from an answer's
 * user object, and laid over each other.
 */
#ifndef BFF_CODEC_USER_H
#define BFF_CODEC_USER_H

#include <jansson.h>

#include "core/config.h"

/* The members of `object` that `allowed` names, as a JSON object; "{}" if none is there or it is no
 * object. False when memory is out. */
BFF_MUST_CHECK bool user_pick(const json_t *object, const struct config_words *allowed,
                              struct arena *arena, struct str *out);

/* The members of `over` laid over those of `base`, both JSON objects as text. What cannot be read
 * counts as {}. False when memory is out. */
BFF_MUST_CHECK bool user_merge(struct str base, struct str over, struct arena *arena,
                               struct str *out);

/* The first of `names` (the last is NULL) that holds a text or a whole number, as text; empty if
 * none does. False when memory is out. */
BFF_MUST_CHECK bool user_find_id(const json_t *object, const char *const *names,
                                 struct arena *arena, struct str *out);

#endif
