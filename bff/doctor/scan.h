/*
 * Looks through a whole answer for what could be a token, wherever it stands, and for what else a
 * configuration could use: a user object, members that tell when a token expires.
 */
#ifndef BFF_DOCTOR_SCAN_H
#define BFF_DOCTOR_SCAN_H

#include "codec/backend.h"

#define SCAN_MAX 24    /* candidates; more are not looked at */
#define SCAN_DEPTH 8   /* of the JSON value */
#define SCAN_NAMES 200 /* bytes of the list of names */

enum candidate_kind {
    CANDIDATE_ACCESS,
    CANDIDATE_REFRESH,
    CANDIDATE_SLIDING, /* both at once: simplejwt's sliding token */
    CANDIDATE_OTHER    /* a JWT of another use: an id token */
};

struct candidate {
    struct config_place place;
    struct str value;
    enum candidate_kind kind;
    bool is_jwt;
    bool is_told; /* the kind is the token's own word, not a guess by its name */
    bool has_exp, has_iat;
    int64_t exp_s, iat_s;
    bool has_max_age; /* of a cookie, or Expires */
    struct str path;  /* of a cookie; empty: not given */
};

struct scan {
    bool is_json;   /* the body is a JSON object */
    bool has_flows; /* and says which steps are left (allauth) */
    struct candidate found[SCAN_MAX];
    size_t n;
    struct str user;                                    /* pointer to an object; may be empty */
    struct config_expiry access_expiry, refresh_expiry; /* EXPIRY_EXP: none seen */
    struct str members, cookies;                        /* their names only, for a sentence */
};

/* Where the configuration expects tokens counts as well, whatever the name looks like.
 * Everything in *out lives in `arena`. BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err scan_answer(const struct backend_answer *answer,
                                        const struct config_token *access,
                                        const struct config_token *refresh, struct arena *arena,
                                        struct scan *out);

/* The candidate at a place; NULL if there is none. */
const struct candidate *scan_at(const struct scan *scan, const struct config_place *place);

/* The likeliest candidate of that kind: one that says so itself before one that is only named so,
 * JSON before a cookie. NULL if there is none. */
const struct candidate *scan_best(const struct scan *scan, enum candidate_kind kind);

#endif
