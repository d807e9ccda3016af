/*
 * Every way something can fail, in one list: the enum, the HTTP status, the `code` of the problem
 * document (RFC 9457) and its sentence. What is not listed here is never answered.
 */
#ifndef BFF_BASE_ERR_H
#define BFF_BASE_ERR_H

#include "base/str.h"

#define BFF_MUST_CHECK __attribute__((warn_unused_result))

/* name, HTTP status, code, sentence */
#define BFF_ERRORS(X)                                                                              \
    X(OK, 200, "ok", "Nothing is wrong.")                                                          \
    /* what a browser is told */                                                                   \
    X(NOT_AUTHENTICATED, 401, "not_authenticated", "Sign in first.")                               \
    X(SESSION_EXPIRED, 401, "session_expired", "The session has ended. Sign in again.")            \
    X(CSRF_FAILED, 403, "csrf_failed", "The request did not come from this site.")                 \
    X(REFRESH_UNAVAILABLE, 503, "refresh_unavailable",                                             \
      "The sign-in service does not answer just now. You are still signed in; try again.")         \
    X(STORE_UNAVAILABLE, 503, "session_store_unavailable",                                         \
      "The session store does not answer just now. Try again.")                                    \
    X(OVERLOADED, 503, "overloaded", "Too many requests are waiting. Try again.")                  \
    X(BACKEND_UNAVAILABLE, 502, "backend_unavailable", "The backend cannot be reached.")           \
    X(BACKEND_TIMEOUT, 504, "backend_timeout", "The backend did not answer in time.")              \
    X(BACKEND_UNREADABLE, 502, "backend_unreadable",                                               \
      "The backend's answer is not what its configuration describes.")                             \
    X(BAD_REQUEST, 400, "bad_request", "The request is malformed.")                                \
    X(METHOD_NOT_ALLOWED, 405, "method_not_allowed", "This endpoint has another method.")          \
    X(TOO_MANY_LOGINS, 429, "too_many_logins",                                                     \
      "Too many attempts to sign in. Try again in a moment.")                                      \
    X(BODY_TOO_LARGE, 413, "body_too_large", "The request body is larger than allowed.")           \
    X(TOKEN_ENDPOINT, 404, "token_endpoint",                                                       \
      "Tokens are not for browsers. Sign in at /bff/login.")                                       \
    X(NOT_FOUND, 404, "not_found", "There is no such endpoint.")                                   \
    X(INTERNAL, 500, "internal", "Something went wrong on our side.")                              \
    /* what only our own code sees; each ends as one of the above */                               \
    X(NO_MEMORY, 500, "no_memory", "An allocation failed or a request's memory is used up.")       \
    X(MALFORMED, 500, "malformed", "Input does not have the form it must have.")                   \
    X(TOO_LARGE, 500, "too_large", "Input is longer than its limit.")                              \
    X(MISSING, 500, "missing", "What was looked for is not there.")                                \
    X(DUPLICATE, 500, "duplicate", "What may stand once stands twice.")                            \
    X(SEAL_BROKEN, 500, "seal_broken", "A sealed value does not open with the keys at hand.")      \
    X(SYSTEM, 500, "system", "A system call failed.")

enum bff_err {
#define X(name, status, code, sentence) BFF_ERR_##name,
    BFF_ERRORS(X)
#undef X
        BFF_ERR_COUNT,
    BFF_OK = BFF_ERR_OK
};

int err_status(enum bff_err e);          /* HTTP status, 200 for BFF_OK */
struct str err_code(enum bff_err e);     /* stable, machine-readable */
struct str err_sentence(enum bff_err e); /* for people */

/* The error with this `code`; BFF_ERR_INTERNAL when there is none. */
enum bff_err err_from_code(struct str code);

#endif
