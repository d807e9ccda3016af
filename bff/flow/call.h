/*
 * What the worker knows of one request (a call) and what it answers (a reply). Pure data: the
 * server makes calls from FastCGI params and writes replies; flows turn one into the other.
 */
#ifndef BFF_FLOW_CALL_H
#define BFF_FLOW_CALL_H

#include "core/csrf.h"
#include "store/store.h"

/* Chosen by nginx with the param BFF_LEG, which no client can set. */
enum leg {
    LEG_UNKNOWN,
    LEG_AUTHORIZE, /* auth_request: may this pass, and with what? */
    LEG_RENEW,     /* error_page 401: the worker or Django refused */
    LEG_LOGIN,
    LEG_SESSION,
    LEG_LOGOUT,
    LEG_HEALTH,
    LEG_READY
};

/* On whose behalf the backend is called: becomes X-Forwarded-*, X-Request-ID and Host. */
struct caller {
    struct str request_id, client_address, host, proto, user_agent, accept_language;
};

struct call {
    enum leg leg;
    struct csrf_request csrf; /* the method stands here, too */
    struct caller caller;
    struct str cookie_header;
    bool cookie_duplicated; /* two Cookie headers (RFC 6265, 5.4: a browser sends one) */
    struct str content_type, accept, body;
    uint64_t content_length;

    /* of the renew leg */
    bool django_refused;     /* Django answered 401; else the worker itself had refused */
    enum bff_err refusal;    /* why the worker had refused; BFF_OK when it is not known */
    uint64_t refusal_wait_s; /* with it: how long to wait, for Retry-After */
    uint64_t generation;     /* of the token that was attached; 0: not known */

    /* set by call_admit() */
    bool has_session;
    struct session_name name;
};

/*
 * The rules that come before any session: CSRF, then the session cookie's form.
 * BFF_ERR_CSRF_FAILED, or BFF_OK with has_session and name set. A cookie that is malformed or comes
 * twice is no session.
 */
BFF_MUST_CHECK enum bff_err call_admit(struct call *call, const struct config *config);

#define REPLY_MAX_HEADERS 6

/* Views live in the call's arena, or are literals. */
struct reply {
    int status;
    struct str content_type, body;
    struct reply_header {
        const char *name;
        struct str value;
    } headers[REPLY_MAX_HEADERS];
    size_t n_headers;
    bool for_nginx;   /* an internal redirect: nothing of it may show in the browser's answer */
    enum bff_err err; /* what was refused, for the log */
};

void reply_header(struct reply *reply, const char *name, struct str value);
void reply_json(struct reply *reply, int status, struct str body);

/* A problem document. Clears the cookie with the 401s, adds Retry-After (from wait_ms) to a 503. */
void reply_problem(struct reply *reply, enum bff_err e, const struct caller *caller,
                   int64_t wait_ms, struct arena *arena);

/* Set-Cookie with the session's cookie; an empty value makes the browser forget it. */
BFF_MUST_CHECK bool reply_cookie(struct reply *reply, struct str value, struct arena *arena);

#endif
