/*
 * The configuration: one struct, filled from one INI text by one table (config_options.h), in which
 * every key is a row: parser, range, default and help. --print-config and bff.conf(5) come
 * from the same rows.
 *
 * Pure: text in, struct out. Reading the file, the keys and the passwords is main's business.
 */
#ifndef BFF_CORE_CONFIG_H
#define BFF_CORE_CONFIG_H

#include <stdio.h>

#include "base/arena.h"

#define CONFIG_MAX_BYTES (64 * 1024) /* a longer file is refused */
#define CONFIG_MAX_LINE 197          /* bytes before the comment: libinih cuts longer lines */
#define CONFIG_MAX_STATUSES 16
#define CONFIG_MAX_CLAIMS 16
#define CONFIG_MAX_ORIGINS 8

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* "POST /api/token/": what to call at the backend. An empty method means "not configured". */
struct config_call {
    struct str method, path;
};

/*
 * Where a token may stand in an answer: "json:/access" (RFC 6901 pointer) or "cookie:NAME"; several
 * with blanks between them, of which the first that holds something counts. All of them are taken
 * out of what a browser gets. No place: the answer has no such token.
 */
#define CONFIG_MAX_PLACES 4
enum token_place { TOKEN_IN_JSON, TOKEN_IN_COOKIE };
struct config_place {
    enum token_place place;
    struct str name; /* the pointer, or the cookie's name */
};
struct config_token {
    struct config_place places[CONFIG_MAX_PLACES];
    size_t n;
};

/*
 * How long a token lives, counted from the moment of the answer:
 *   exp                       its own claim `exp` (RFC 7519, 4.1.4)
 *   seconds json:/POINTER     a number of seconds in the answer (RFC 6749, 5.1: expires_in)
 *   time json:/POINTER        a time in the answer: ISO 8601, or seconds since the epoch
 *   max-age                   of the cookie that carries it: Max-Age, else Expires (RFC 6265, 5.2)
 *   after DURATION            always the same
 * Where a rule finds nothing that it can read, `exp` decides; a token without that has a life that
 * is not known, and is used until the backend refuses it.
 */
enum expiry_kind { EXPIRY_EXP, EXPIRY_SECONDS, EXPIRY_TIME, EXPIRY_MAX_AGE, EXPIRY_AFTER };
struct config_expiry {
    enum expiry_kind kind;
    struct str pointer; /* of SECONDS and TIME */
    uint32_t after_ms;  /* of AFTER */
};

/*
 * How a request carries what it has to. "json {...}", "form a=b&c=$refresh", "cookie NAME", "none",
 * "body". In the templates of refresh and revoke `$refresh` and `$access` stand for the tokens. In
 * those of login and captures `$NAME` stands for the field NAME of what the browser sent (a member
 * of its JSON object, or a pair of its form), and "body" is the browser's body as it came.
 *
 * When the file is read, a JSON template is checked to be one JSON object (RFC 8259) of a plain
 * kind that every parser accepts: ASCII, no \u escapes, integers of at most 15 digits, at most 8
 * levels and 16 members, no member twice, no escape and no $ in a member's name. So the variables
 * stand only inside strings. A form template is NAME=VALUE pairs, percent-encoded by whoever wrote
 * it, with the variables in values. Neither has any other $NAME.
 */
enum send_kind { SEND_NONE, SEND_JSON, SEND_FORM, SEND_COOKIE, SEND_BODY };
struct config_send {
    enum send_kind kind;
    struct str text; /* the template, or the cookie's name */
};

/* How the access token is attached to an API call: header NAME "Bearer $access", or cookie NAME. */
enum attach_kind { ATTACH_HEADER, ATTACH_COOKIE };
struct config_attach {
    enum attach_kind kind;
    struct str name;  /* of the header or cookie */
    struct str value; /* template with exactly one $access; "$access" for a cookie */
};

/* "200 201" or "json:/refreshed=false": a set of statuses, or a JSON pointer with a value. */
struct config_match {
    uint16_t statuses[CONFIG_MAX_STATUSES];
    size_t n_statuses;
    struct str pointer, value; /* used when n_statuses is 0; the value as JSON text */
};

/*
 * An endpoint of the backend whose answer may hold tokens, which then become a session: the login,
 * and any number of others (registration, social sign-in, a second factor). What a capture's
 * section does not say is as in [login].
 */
#define CONFIG_MAX_CAPTURES 16
#define CONFIG_CAPTURE_NAME_MAX 32
struct config_capture {
    struct str name; /* of [capture NAME]; "login" for [login] */
    struct config_call request;
    struct config_send send;
    struct config_token access, refresh;
    struct config_expiry access_expiry, refresh_expiry;
    struct str user; /* pointer to an object that describes the user; empty: only the claims do */
    struct config_match success;
};

/* How the backend knows bffd itself (RFC 6749, 2.3.1): HTTP Basic, or two fields of a form. */
enum client_auth { CLIENT_BASIC, CLIENT_FORM };

struct config_words {
    struct str words[CONFIG_MAX_CLAIMS];
    size_t n;
};

struct config {
    struct {                  /* [server] */
        struct str listen;    /* "unix:PATH" or "HOST:PORT" */
        uint32_t socket_mode; /* permissions of the unix socket, octal in the file */
        uint32_t workers;     /* processes; 0 = one for each processor ("auto") */
        struct str key_file;
        uint32_t io_threads;   /* per worker */
        uint32_t io_queue;     /* jobs waiting for an I/O thread; more are refused with 503 */
        uint32_t connections;  /* FastCGI connections per worker */
        uint32_t parked;       /* requests that may wait for a refresh, per worker */
        uint32_t park_ms;      /* how long one may wait */
        uint32_t read_ms;      /* how long a half-sent FastCGI request is waited for */
        uint32_t idle_ms;      /* an idle FastCGI connection is closed after this */
        uint32_t drain_ms;     /* how long SIGTERM and SIGHUP wait for requests in flight */
        uint32_t body_bytes;   /* largest body of POST /bff/login */
        struct str microcache; /* directory of nginx' micro-cache; empty: there is none */
        uint32_t microcache_s; /* how long nginx keeps a yes, and up to a second more */
        bool sandbox;          /* workers give up what they do not need */
    } server;
    struct { /* [log] */
        enum log_level level;
        enum log_format format;
    } log;
    struct {                                              /* [redis] */
        struct str url;                                   /* in a form of store/url.h */
        struct str user;                                  /* ACL user; empty: none */
        struct str password_file;                         /* empty: none */
        struct str sentinel_user, sentinel_password_file; /* likewise, for the sentinels */
        struct str prefix;                                /* of every key */
        uint32_t connect_ms, command_ms;
    } redis;
    struct { /* [session] */
        uint32_t idle_s, absolute_s;
        uint32_t refresh_ahead_s;   /* refresh in the background when less than this is left */
        uint32_t touch_s;           /* activity is written down at most this often */
        uint32_t cache_ms;          /* life of an entry in a worker's cache; 0 = no cache */
        uint32_t cache_bytes;       /* of one worker's cache */
        struct config_words claims; /* of the access token, shown as `user` */
    } session;
    struct {                         /* [csrf] */
        struct config_words origins; /* own origins; empty: scheme, host and port from nginx */
        bool require_header;         /* X-CSRF: 1 required on every unsafe request */
    } csrf;
    struct { /* [backend] */
        struct str url;
        struct str preset;
        struct config_attach attach;
        uint32_t connect_ms, answer_ms; /* of one call, connecting included in the second */
        uint32_t answer_bytes;          /* largest answer that is read */
        struct str ca_file;             /* empty: the system's */
        struct str csrf_cookie; /* Django's CSRF double submit under this name; empty: none */
    } backend;
    struct {                    /* [client]: OAuth 2.0, where the backend asks for it */
        struct str id;          /* empty: none */
        struct str secret_file; /* empty: a public client, which has no secret */
        enum client_auth auth;
    } client;
    struct config_capture login;                         /* [login] */
    struct config_capture captures[CONFIG_MAX_CAPTURES]; /* [capture NAME], in the file's order */
    size_t n_captures;
    struct {                         /* [attempts]: guessing one account's password */
        struct config_words account; /* fields of what the browser sends that name it */
        uint32_t failures;           /* free ones; 0: nothing is counted */
        uint32_t window_ms;          /* how long they count */
        uint32_t pause_ms, pause_max_ms;
    } attempts;
    struct {                       /* [pending]: between two steps of a sign-in */
        struct config_token token; /* no place: there is none */
        struct str header;         /* carries it to the next step */
        uint32_t lifetime_s;
    } pending;
    struct { /* [refresh] */
        struct config_call request;
        struct config_send send;
        bool auth_access; /* the call carries the old access token as well: auth = access */
        struct config_token access, refresh;
        struct config_expiry access_expiry, refresh_expiry;
        struct config_match dead;
        uint32_t lease_ms; /* how long one worker may be the only one to refresh */
        uint32_t grace_ms; /* how long a rejection waits for an earlier holder's late success */
        uint32_t backoff_min_ms, backoff_max_ms; /* between attempts while the backend fails */
        uint32_t patience_ms; /* how long a request waits for one of them, or for the backend */
    } refresh;
    struct {                        /* [revoke] */
        struct config_call request; /* empty: the backend cannot revoke */
        struct config_send send;
        bool auth_access; /* the call needs a live access token: auth = access */
        struct config_match success;
    } revoke;
    struct { /* [compat]: a frontend that still believes to hold tokens */
        bool enabled;
        struct str refused; /* JSON object: the body of a 401 as the backend would write it */
    } compat;
};

/*
 * Fill *out from an INI text. Defaults first, then the preset's lines, then the file's own.
 * All views in *out live in `arena`. `name` is the file's name, for messages.
 * On failure false is returned, *out must not be used, and *message (in `arena`, or a literal) is a
 * sentence with file, line, key and what is allowed, e.g.
 *   bff.conf:12: session.idle_timeout: "5" is not allowed: a duration from 60s to 30d, such as 12h
 * It quotes no value that may hold a password.
 *
 * Syntax: "[section]" and "key = value" from the first column; ';' or '#' start a line of comment,
 * ';' after a blank a comment behind a value. No quoting, no continuation lines.
 *
 * Refused: unknown sections and keys, repeated keys, missing required keys (server.key_file,
 * redis.url, backend.url, and with preset = none those that only a preset fills), lines that
 * libinih would read otherwise than they look, and combinations that cannot work:
 *   session.idle_timeout above session.absolute_timeout
 *   server.microcache without a session cache: session.cache_ttl = 0s, or a cluster
 *   session.touch_interval or session.refresh_ahead not below session.idle_timeout
 *   backend.connect_timeout above backend.timeout; refresh.backoff_min above backoff_max
 *   refresh.lease below backend.timeout + 2 * redis.command_timeout
 *   refresh.send without a token and without refresh.auth; with the refresh token while
 *   login.refresh is empty
 *   refresh.dead with 408, 425 or 429; revoke.request with no token in any place
 *   redis.user without redis.password_file, redis.sentinel_user without its file, and either of
 *   those for sentinels where redis.url names none
 *   two captures of one request, or one of a login, refresh or revoke request; a capture's name
 *   that is not 1 to 32 of [a-z0-9_-]; more than CONFIG_MAX_CAPTURES of them
 *   client.auth = form, or a client.id without a secret, where login, refresh or revoke sends no
 *   form; = basic where the call also carries the access token in Authorization;
 *   client.secret_file without client.id
 *   an expiry of max-age where no place of that token is a cookie
 *   backend.csrf_cookie with the name of a cookie that carries a token
 *   compat.enabled where two of login, refresh and revoke are one request
 * One request: one method and one path, but for its last slash and its query.
 *
 * An arena of 4 * CONFIG_MAX_BYTES is enough for every file.
 */
BFF_MUST_CHECK bool config_parse(struct arena *arena, const char *name, struct str text,
                                 struct config *out, struct str *message);

/* Every key as "key = value    ; default|preset NAME|FILE:LINE", sections in table order.
 * Parses `text` as config_parse() does; false with *message where that would. */
BFF_MUST_CHECK bool config_print(struct arena *arena, const char *name, struct str text, FILE *out,
                                 struct str *message);

/* The OPTIONS section of bff.conf(5) in mdoc(7), made from the table. */
void config_print_manual(FILE *out);

/*
 * The lines of nginx' map $bff_worker_path: which requests go to bffd and not to Django, because
 * their answers hold tokens. One for each of login, refresh and revoke (whatever the method) and
 * for each capture (its method only); the keys are regular expressions for "METHOD URI", each with
 * and without its trailing slash. The value is 1 where somebody may sign in, 2 elsewhere. Behind
 * each a comment names its calls; a path that serves several stands once. Above them a comment
 * says how they were made; `name` is the file's.
 */
void config_print_nginx(const struct config *config, const char *name, FILE *out);

#endif
