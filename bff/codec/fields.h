/* The fields of what a browser sent to sign in: of its JSON object, or of its form. */
#ifndef BFF_CODEC_FIELDS_H
#define BFF_CODEC_FIELDS_H

#include <jansson.h>

#include "codec/backend.h"

struct fields {
    json_t *object; /* of a JSON body; NULL: it is a form */
    struct str form;
};

/* BFF_ERR_BAD_REQUEST: it is neither. Without a content type it is taken for JSON. */
BFF_MUST_CHECK enum bff_err fields_open(const struct backend_sent *sent, struct fields *out);
void fields_close(struct fields *fields);

/* The one value of a field, strings, numbers, true and false as text, in `arena`.
 * BFF_ERR_MISSING: there is none. BFF_ERR_BAD_REQUEST: it is something else, stands there twice, or
 * cannot be decoded. BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err fields_find(const struct fields *fields, struct str name,
                                        struct arena *arena, struct str *value);

#endif
