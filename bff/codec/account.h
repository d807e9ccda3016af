/*
 * Whose password is tried: under which names a login's attempts are counted.
 */
#ifndef BFF_CODEC_ACCOUNT_H
#define BFF_CODEC_ACCOUNT_H

#include "codec/backend.h"

struct account_names {
    struct str names[CONFIG_MAX_CLAIMS];
    size_t n; /* at least 1 */
};

/*
 * One name for each of `fields` that is there: without case (ASCII), blanks and control characters,
 * which backends cut off or may not look at. What names none of them has the name of its address.
 * What says that it is JSON or a form, and cannot be read as such, or has one of the fields twice,
 * the backend might read otherwise: all of that has one name, for no page sends it.
 * BFF_ERR_NO_MEMORY.
 */
BFF_MUST_CHECK enum bff_err account_find(const struct backend_sent *sent,
                                         const struct config_words *fields,
                                         struct str client_address, struct arena *arena,
                                         struct account_names *out);

#endif
