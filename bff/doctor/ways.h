/* Other ways to send a refresh token, for when the configured one is refused. Pure. */
#ifndef BFF_DOCTOR_WAYS_H
#define BFF_DOCTOR_WAYS_H

#include "codec/backend.h"

#define WAYS_MAX 5

struct ways {
    struct config_send ways[WAYS_MAX];
    size_t n;
};

struct ways_question {
    const struct config_send *tried;
    const struct backend_answer *answer; /* to it */
    struct str cookie;                   /* in which the login brought the token; may be empty */
    bool is_revocation;
};

/*
 * Likeliest first, without `tried`: what OAuth prescribes, where the answer is one of OAuth; the
 * field that the answer (a 400) asks for; the cookie; the usual names. What the ways hold is in
 * `kept`. BFF_ERR_NO_MEMORY.
 */
BFF_MUST_CHECK enum bff_err ways_find(const struct ways_question *q, struct arena *kept,
                                      struct ways *out);

#endif
