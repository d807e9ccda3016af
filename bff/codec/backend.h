/*
 * The dialects of Django's token endpoints, as pure functions from configuration and answer:
 * how a request is built, where tokens stand in an answer, and what an answer means.
 * No I/O, no clock: bff/backend carries the bytes.
 */
#ifndef BFF_CODEC_BACKEND_H
#define BFF_CODEC_BACKEND_H

#include "core/config.h"

#define BACKEND_MAX_COOKIES 16        /* Set-Cookie fields of one answer; more are refused */
#define BACKEND_TOKEN_MAX (16 * 1024) /* a longer token is refused */

/* A request to the backend; an empty view is a header that is not sent. */
struct backend_request {
    struct str method, path;
    struct str content_type, body;
    struct str accept, accept_language;
    struct str authorization; /* value of the Authorization header */
    struct str attach_header; /* "Name: value" when attach names another header */
    struct str cookie;        /* value of the Cookie header */
    struct str client_address, request_id, user_agent; /* X-Forwarded-For, X-Request-ID */
    struct str forwarded_host, forwarded_proto;
};

/* An answer, complete and bounded. Views belong to the arena it was read into. */
struct backend_answer {
    int status;
    int64_t received_s; /* when it was made: the Date field (RFC 9110, 6.6.1), else our clock */
    struct str content_type, body;
    struct str retry_after, www_authenticate;
    struct str set_cookie[BACKEND_MAX_COOKIES];
    size_t n_set_cookie;
};

#define TOKEN_LIFE_UNKNOWN INT64_MAX
#define TOKEN_LIFE_MAX_MS (100LL * 366 * 24 * 3600 * 1000) /* a longer life counts as this one */

struct backend_tokens {
    struct str access;  /* never empty */
    struct str refresh; /* empty: the answer has none; keep the old one */
    int64_t
        access_life_ms; /* exp - received, not below 0; TOKEN_LIFE_UNKNOWN for an opaque token */
    int64_t refresh_life_ms; /* the same for `refresh`; TOKEN_LIFE_UNKNOWN if there is none */
    struct str user_id;      /* from the access token's claims, may be empty */
    struct str user;         /* JSON object of the allowed claims */
};

/* The body and cookie of a refresh or revoke call, from `send`, with the tokens filled in (JSON
 * escaped, form percent-encoded). Sets method, path, content_type, body, cookie, accept; leaves the
 * rest empty. BFF_ERR_NO_MEMORY, BFF_ERR_MALFORMED (as for backend_attach()). */
BFF_MUST_CHECK enum bff_err backend_compose(const struct config_call *call,
                                            const struct config_send *send, struct str access,
                                            struct str refresh, struct arena *arena,
                                            struct backend_request *out);

/* The access token as the configuration attaches it: sets authorization, attach_header or cookie
 * (appended to what stands there). BFF_ERR_NO_MEMORY, BFF_ERR_MALFORMED (a token with a byte that
 * no header may carry: anything but visible ASCII; in a cookie, but cookie-octet (RFC 6265, 4.1.1);
 * an empty access token). */
BFF_MUST_CHECK enum bff_err backend_attach(const struct config_attach *attach, struct str access,
                                           struct arena *arena, struct backend_request *out);

/* Does the answer match: its status is in the set, or the pointer holds the value. A body that is
 * not JSON holds none. */
bool backend_matches(const struct config_match *match, const struct backend_answer *answer,
                     struct arena *arena);

enum refresh_verdict {
    REFRESH_GRANTED,    /* new tokens */
    REFRESH_REJECTED,   /* the refresh token is dead: the session ends */
    REFRESH_UNAVAILABLE /* anything else: 5xx, 429, HTML, unreadable. Never ends a session. */
};

/*
 * Read a refresh answer. GRANTED only for a 2xx that has an access token and does not match `dead`;
 * *tokens is set only then. REJECTED only when `dead` matches; a `dead` that is a pointer does not
 * count in an answer of 5xx or 429. *why is a short literal for the log.
 */
enum refresh_verdict backend_judge_refresh(const struct config *config,
                                           const struct backend_answer *answer, struct arena *arena,
                                           struct backend_tokens *tokens, struct str *why);

/*
 * Take the tokens out of a login answer. *body is the answer's JSON object without them (the
 * members the pointers name are removed). BFF_ERR_MISSING: there is no access token where the
 * configuration says. BFF_ERR_MALFORMED: not readable (no JSON object where a pointer needs one; a
 * token that is not a string of visible ASCII; a token that stands elsewhere in the body, too).
 * BFF_ERR_TOO_LARGE, BFF_ERR_NO_MEMORY. *tokens and *body are untouched on failure.
 * When all tokens stand in cookies, *body is the answer's body as it came.
 */
BFF_MUST_CHECK enum bff_err backend_take_tokens(const struct config *config,
                                                const struct backend_answer *answer,
                                                struct arena *arena, struct backend_tokens *tokens,
                                                struct str *body);

/* Does the text contain something shaped like a JWS compact serialisation (RFC 7515, 7.1: "eyJ...",
 * two dots)? What would pass such a body to a browser must refuse instead. */
bool backend_shows_token(struct str text);

#endif
