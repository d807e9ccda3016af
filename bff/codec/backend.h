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
    struct str authorization;  /* value of the Authorization header */
    struct str attach_header;  /* "Name: value" when attach names another header */
    struct str pending_header; /* "Name: value" of [pending] */
    struct str cookie;         /* value of the Cookie header */
    struct str csrf_token;     /* X-CSRFToken, and with it a Referer of our own origin */
    struct str client_address, request_id, user_agent; /* X-Forwarded-For, X-Request-ID */
    struct str forwarded_host, forwarded_proto;
    struct str traceparent;
};

/* An answer, complete and bounded. Views belong to the arena it was read into. */
struct backend_answer {
    int status;
    int64_t received_s; /* when it was made: the Date field (RFC 9110, 6.6.1), else our clock */
    struct str content_type, body;
    struct str retry_after, www_authenticate, location;
    struct str set_cookie[BACKEND_MAX_COOKIES];
    size_t n_set_cookie;
};

#define TOKEN_LIFE_UNKNOWN INT64_MAX
#define TOKEN_LIFE_MAX_MS (100LL * 366 * 24 * 3600 * 1000) /* a longer life counts as this one */

struct backend_tokens {
    struct str access;       /* never empty */
    struct str refresh;      /* empty: the answer has none; keep the old one */
    int64_t access_life_ms;  /* by its expiry rule, not below 0; TOKEN_LIFE_UNKNOWN */
    int64_t refresh_life_ms; /* the same for `refresh`; TOKEN_LIFE_UNKNOWN if there is none */
    /* From the access token's claims, and over them the members of the answer's user object (of
     * which `user_id`, `id`, `pk` or `sub`, in this order, is the id where no claim is). */
    struct str user_id; /* may be empty */
    struct str user;    /* JSON object of the allowed claims */
};

/* The body and cookie of a refresh or revoke call, from `send`, with the tokens filled in (JSON
 * escaped, form percent-encoded). Sets method, path, content_type, body, cookie, accept; leaves the
 * rest empty. BFF_ERR_NO_MEMORY, BFF_ERR_MALFORMED (as for backend_attach()). */
BFF_MUST_CHECK enum bff_err backend_compose(const struct config_call *call,
                                            const struct config_send *send, struct str access,
                                            struct str refresh, struct arena *arena,
                                            struct backend_request *out);

/* What the browser sent to a login or capture. */
struct backend_sent {
    struct str query; /* as it came, without '?'; may be empty */
    struct str content_type, accept, body;
};

/*
 * The request of a login or capture: the browser's body as it came (SEND_BODY), or a template
 * filled with the fields that `$NAME` names, read from its JSON object (strings, numbers, true and
 * false) or its form (application/x-www-form-urlencoded). Sets method, path (with the query),
 * content_type, body, accept. BFF_ERR_BAD_REQUEST: the body is neither, or a field is missing or
 * no such value. BFF_ERR_NO_MEMORY.
 */
BFF_MUST_CHECK enum bff_err backend_compose_login(const struct config_capture *capture,
                                                  const struct backend_sent *sent,
                                                  struct arena *arena, struct backend_request *out);

/*
 * bffd's own credentials, where [client] has some: Authorization (Basic, RFC 7617, both parts
 * form-encoded as RFC 6749, 2.3.1 wants), or client_id and client_secret appended to a body that
 * is a form. `secret` is empty for a public client, which sends its id in the form.
 * BFF_ERR_NO_MEMORY.
 */
BFF_MUST_CHECK enum bff_err backend_identify(const struct config *config, struct str secret,
                                             struct arena *arena, struct backend_request *request);

/*
 * Django's CSRF double submit where backend.csrf_cookie asks for it: a random value, new at each
 * call, as that cookie (appended) and as csrf_token. That the request is our own page's has been
 * decided before; this only says so in Django's words. BFF_ERR_NO_MEMORY.
 */
BFF_MUST_CHECK enum bff_err backend_double_submit(const struct config *config, struct arena *arena,
                                                  struct backend_request *request);

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

/* Both of them: what every call to a token endpoint carries. Errors as theirs. */
BFF_MUST_CHECK enum bff_err backend_sign(const struct config *config, struct str secret,
                                         struct arena *arena, struct backend_request *request);

/* A whole call of [refresh] or [revoke]: composed and signed, and with auth = access the access
 * token attached. Errors as of backend_compose() and backend_attach(). */
BFF_MUST_CHECK enum bff_err backend_compose_refresh(const struct config *config, struct str secret,
                                                    struct str access, struct str refresh,
                                                    struct arena *arena,
                                                    struct backend_request *out);
BFF_MUST_CHECK enum bff_err backend_compose_revoke(const struct config *config, struct str secret,
                                                   struct str access, struct str refresh,
                                                   struct arena *arena,
                                                   struct backend_request *out);

/*
 * Take the tokens out of the answer of a login or capture. *body is the answer's JSON object
 * without them (the members that the pointers name are removed, the pending token's too).
 * BFF_ERR_MISSING: there is no access token where the configuration says. BFF_ERR_MALFORMED: not
 * readable (no JSON object where only a pointer could lead to the access token; a token that is not
 * a string of visible ASCII; a token that stands elsewhere in the body, too).
 * BFF_ERR_TOO_LARGE, BFF_ERR_NO_MEMORY. *tokens and *body are untouched on failure.
 * When all tokens stand in cookies, *body is the answer's body as it came.
 */
BFF_MUST_CHECK enum bff_err backend_take_tokens(const struct config *config,
                                                const struct config_capture *capture,
                                                const struct backend_answer *answer,
                                                struct arena *arena, struct backend_tokens *tokens,
                                                struct str *body);

/*
 * Take the pending token (config [pending]) out of an answer that holds no others: *token is empty
 * if there is none, and then *body is the body as it came. BFF_ERR_MALFORMED (as above),
 * BFF_ERR_TOO_LARGE, BFF_ERR_NO_MEMORY.
 */
BFF_MUST_CHECK enum bff_err backend_take_pending(const struct config *config,
                                                 const struct backend_answer *answer,
                                                 struct arena *arena, struct str *token,
                                                 struct str *body);

/* Does the text contain something shaped like a JWS compact serialisation (RFC 7515, 7.1: "eyJ...",
 * two dots)? What would pass such a body to a browser must refuse instead. */
bool backend_shows_token(struct str text);

#endif
