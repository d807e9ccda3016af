/*
 * The walk through the backend's endpoints. It goes by `plan`, a copy of the configuration that is
 * mended wherever a step shows that it has to be, so that the next steps can go on; at the end
 * it is what the doctor suggests.
 */
#ifndef BFF_DOCTOR_WALK_H
#define BFF_DOCTOR_WALK_H

#include "backend/http.h"
#include "doctor/doctor.h"
#include "doctor/report.h"
#include "doctor/scan.h"

#define WALK_LIVE_MAX 24 /* refresh tokens one walk can get */

/* A refresh token that the backend may still accept, and the access token that came with it. */
struct live {
    struct str access, refresh;
    bool is_dead;
    int64_t exp_s; /* 0: not known */
};

struct walk {
    const struct doctor_options *options;
    struct config plan;
    struct backend *backend;
    struct arena kept; /* tokens, findings, what the plan points to */
    struct arena call; /* one call and its answers */
    struct report report;
    struct str host, proto;     /* of options->origin */
    struct str address;         /* X-Forwarded-For; empty: none */
    struct str user_field;      /* the name under which the user's name is sent */
    bool without_fields;        /* a login that names nobody: what it is answered is asked only */
    struct str access, refresh; /* the newest */
    struct str access_cookie, refresh_cookie; /* in which the login brought them; may be empty */
    int64_t refresh_life_s;                   /* -1: not known */
    struct str use_access;                    /* what the next request carries */
    struct str use_refresh;
    struct live live[WALK_LIVE_MAX];
    size_t n_live;
    bool is_unreached; /* the backend did not answer */
    bool is_signed_in;
    bool path_checks;        /* options->path tells a good token from none */
    bool refreshes, rotates; /* seen to work */
    bool revokes;            /* the backend said that it revoked */
    bool revokes_nothing;    /* but the token was seen to live on */
};

/* One of the endpoints of the plan. */
struct endpoint {
    enum chapter chapter;
    const char *section;      /* "login" */
    struct config_call *call; /* in the plan */
    enum bff_err (*compose)(struct walk *w, struct backend_request *out);
};

struct endpoint walk_at_login(struct walk *w);
struct endpoint walk_at_refresh(struct walk *w); /* with use_refresh */
struct endpoint walk_at_revoke(struct walk *w);  /* with use_refresh and use_access */

/* One request, with what every request of bffd carries. */
BFF_MUST_CHECK enum bff_err walk_send(struct walk *w, struct backend_request *request,
                                      struct backend_answer *answer);

/*
 * Ask an endpoint. Where the answer suggests it, the path is tried with its slash toggled and the
 * request with Django's CSRF double submit, and what helps is reported and goes into the plan.
 * false: no answer, which has been reported. The answer lives until the next walk_begin().
 */
BFF_MUST_CHECK bool walk_ask(struct walk *w, const struct endpoint *e,
                             struct backend_answer *answer);

/* Once more, as the plan is now, in addition to the answer at hand; nothing else is tried. */
BFF_MUST_CHECK bool walk_ask_once(struct walk *w, const struct endpoint *e,
                                  struct backend_answer *answer);

/* The same, but with the double submit where it helps: for a request of another form. */
BFF_MUST_CHECK bool walk_ask_otherwise(struct walk *w, const struct endpoint *e,
                                       struct backend_answer *answer);

/* Forget the last answers. */
void walk_begin(struct walk *w);

/* Neither interrupted nor cut off from the backend. */
bool walk_goes_on(const struct walk *w);

/* Keep the tokens of an answer for the end of the walk; what has been kept before is not kept
 * twice. */
void walk_keep_tokens(struct walk *w, const struct scan *scan);
void walk_bury(struct walk *w, struct str refresh); /* the backend has refused it */
bool walk_is_dead(const struct walk *w, struct str refresh);

/* A copy that outlives the answer; empty when there is no memory. */
struct str walk_kept(struct walk *w, struct str s);

/* A token that the backend cannot have issued, of the same shape: one character is another. */
struct str walk_tampered(struct walk *w, struct str token);

/* Redirects, missing paths and methods, 429, 5xx: what means the same at every endpoint. true if it
 * was one of them, which is then reported. */
bool walk_report_common(struct walk *w, const struct endpoint *e,
                        const struct backend_answer *answer);

/* The steps; each reports what it finds. */
bool walk_login(struct walk *w); /* true: there is an access token */
void walk_calls(struct walk *w);
void walk_calls_after_refresh(struct walk *w, struct str old_access);
void walk_refresh(struct walk *w);
void walk_dead_tokens(struct walk *w); /* how a refresh token that is none is answered */
void walk_reuse(struct walk *w, struct str rotated);
void walk_revoke(struct walk *w);
void walk_clean_up(struct walk *w);
void walk_throttle(struct walk *w);
void walk_captures(struct walk *w);
void walk_hint(struct walk *w); /* a preset that fits better */

#endif
