/*
 * How long a token lives, by the rule that the configuration gives (struct config_expiry). Never an
 * error: a rule that finds nothing gives way to the token's own `exp`, and that to "not known".
 */
#ifndef BFF_CODEC_EXPIRY_H
#define BFF_CODEC_EXPIRY_H

#include "codec/backend.h"
#include "codec/json.h"

/* What there is to judge by. */
struct expiry_evidence {
    int64_t received_s;    /* when the answer was made */
    bool has_exp;          /* of the token's own claims */
    int64_t exp_s;         /* seconds since the epoch */
    json_t *body;          /* the answer's object; NULL if it is none */
    struct str set_cookie; /* the Set-Cookie field that carried the token; empty if none did */
};

/* Not below 0, at most TOKEN_LIFE_MAX_MS, or TOKEN_LIFE_UNKNOWN. */
int64_t expiry_life_ms(const struct config_expiry *rule, const struct expiry_evidence *evidence);

#endif
