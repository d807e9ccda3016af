/*
 * What the worker knows of one request (a call) and what it answers (a reply). Pure data: the
 * server makes calls from FastCGI params and writes replies; flows turn one into the other.
 */
#ifndef BFF_FLOW_CALL_H
#define BFF_FLOW_CALL_H

#include "base/log.h"
#include "core/csrf.h"
#include "core/trace.h"
#include "store/store.h"

/* Chosen by nginx with the param BFF_LEG, which no client can set. */
enum leg {
    LEG_UNKNOWN,
    LEG_AUTHORIZE, /* auth_request: may this pass, and with what? */
    LEG_RENEW,     /* error_page 401: the worker or Django refused */
    LEG_ENDPOINT,  /* one of the backend's own paths: call_resolve() makes one of the next of it */
    LEG_LOGIN,     /* the login, or a capture */
    LEG_REFRESH,   /* a page in compatibility mode believes that it refreshes tokens */
    LEG_LOGOUT,
    LEG_SESSION,
    LEG_SESSIONS,
    LEG_HEALTH,
    LEG_READY,
    LEG_METRICS, /* for monitoring */
    LEG_STATUS   /* for bffctl */
};
#define LEG_COUNT (LEG_STATUS + 1)

/* As logs and metrics call it. */
const char *leg_name(enum leg leg);

/* Asked by machines about bffd itself, over and over: neither logged nor counted. */
bool leg_is_probe(enum leg leg);

/* On whose behalf the backend is called: becomes X-Forwarded-*, X-Request-ID and Host. */
struct caller {
    struct str request_id, client_address, host, proto, user_agent, accept_language;
    struct str traceparent; /* well-formed (core/trace.h), or empty */
};

/* By what a request is found in other logs; for log_event(). */
#define LOG_CALLER(caller)                                                                         \
    LOG_TEXT("request_id", (caller)->request_id),                                                  \
        LOG_OPTIONAL("trace_id", trace_id((caller)->traceparent))

struct call {
    enum leg leg;
    struct csrf_request csrf; /* the method stands here, too */
    struct caller caller;
    struct str cookie_header;
    bool cookie_duplicated; /* two Cookie headers (RFC 6265, 5.4: a browser sends one) */
    struct str content_type, accept, body;
    uint64_t content_length;

    /* of the endpoint leg: the path as nginx decoded and normalised it, the query as it came */
    struct str path, query;

    /* of the sessions leg: the path */
    struct str target;

    /* of the renew leg */
    bool django_refused;     /* Django answered 401; else the worker itself had refused */
    enum bff_err refusal;    /* why the worker had refused; BFF_OK when it is not known */
    uint64_t refusal_wait_s; /* with it: how long to wait, for Retry-After */
    uint64_t generation;     /* of the token that was attached; 0: not known */

    /* set by call_resolve(), LOGIN only: what to call */
    const struct config_capture *capture;
    bool as_backend; /* answer in the backend's words, with placeholders: compatibility mode */

    /* set by call_admit() */
    bool has_session;
    struct session_name name;
};

/*
 * What a request of the login or endpoint leg is: its leg becomes LOGIN (with `capture`), REFRESH
 * or LOGOUT. Method and path must be the configured ones, byte for byte once they are decoded.
 * BFF_ERR_TOKEN_ENDPOINT, and nothing is changed: no capture, and either one of the backend's token
 * endpoints without compatibility mode, or with it another spelling or method of one.
 */
BFF_MUST_CHECK enum bff_err call_resolve(struct call *call, const struct config *config);

/*
 * The rules that come before any session: CSRF, then the session cookie's form.
 * BFF_ERR_CSRF_FAILED, or BFF_OK with has_session and name set. A cookie that is malformed or comes
 * twice is no session. On the backend's own paths every method counts as unsafe: what it does there
 * is to sign in or out.
 */
BFF_MUST_CHECK enum bff_err call_admit(struct call *call, const struct config *config);

#define REPLY_MAX_HEADERS 8

/* Views live in the call's arena, or are literals. */
struct reply {
    int status;
    struct str content_type, body;
    struct reply_header {
        const char *name;
        struct str value;
    } headers[REPLY_MAX_HEADERS];
    size_t n_headers;
    bool for_nginx;   /* a yes or an internal redirect: no browser sees it, or may see any of it */
    enum bff_err err; /* what was refused, for the log */
};

void reply_header(struct reply *reply, const char *name, struct str value);
void reply_json(struct reply *reply, int status, struct str body);

/*
 * Which refusal makes the browser forget the cookie: the one by which its session ends
 * (session_expired), and no other. A call that was sent with a cookie of a session long gone is
 * not_authenticated, too, but its answer may come after that of a new sign-in, and would take the
 * new session from the browser. A dead cookie is harmless; the next sign-in replaces it.
 */

/* 401 as the backend would write it (compat.refused), for a page that believes to hold tokens. */
void reply_as_refused(struct reply *reply, enum bff_err e, const struct config *config,
                      struct arena *arena);

/* A problem document, with Retry-After (from wait_ms) if it is a 503 or 429. */
void reply_problem(struct reply *reply, enum bff_err e, const struct caller *caller,
                   int64_t wait_ms, struct arena *arena);

/* Set-Cookie with the session's cookie; an empty value makes the browser forget it. */
BFF_MUST_CHECK bool reply_cookie(struct reply *reply, struct str value, struct arena *arena);

/* The same with the pending cookie. */
BFF_MUST_CHECK bool reply_pending_cookie(struct reply *reply, struct str value, uint32_t lifetime_s,
                                         struct arena *arena);

#endif
