/* What the steps share: asking an endpoint, and what is remembered between two of them. */
#include "doctor/walk.h"

#include "doctor/interrupt.h"
#include "doctor/shape.h"

enum bff_err walk_send(struct walk *w, struct backend_request *request,
                       struct backend_answer *answer)
{
    request->user_agent = STR("bffd-doctor/" BFF_VERSION);
    request->request_id = STR("bffd-doctor");
    request->forwarded_host = w->host;
    request->forwarded_proto = w->proto;
    request->client_address = w->address;
    return backend_call(w->backend, request, BACKEND_FRESH, &w->call, answer);
}

void walk_begin(struct walk *w)
{
    arena_reset(&w->call);
}

bool walk_goes_on(const struct walk *w)
{
    return !w->is_unreached && !interrupt_came();
}

static void report_no_answer(struct walk *w, const struct endpoint *e, enum bff_err err)
{
    struct report *r = &w->report;
    const struct config *plan = &w->plan;
    struct str method = e->call->method, path = e->call->path;
    if (err == BFF_ERR_BACKEND_UNAVAILABLE) {
        report_change(r, e->chapter, "%.*s %.*s: the backend at %.*s cannot be reached (%s).",
                      STR_ARG(method), STR_ARG(path), STR_ARG(plan->backend.url),
                      backend_last_error(w->backend));
        report_remedy(r, "Is it running, and is [backend] url right?");
    } else if (err == BFF_ERR_BACKEND_TIMEOUT) {
        report_change(r, e->chapter, "%.*s %.*s: no complete answer within %u ms.", STR_ARG(method),
                      STR_ARG(path), plan->backend.answer_ms);
        report_remedy(r, "Find out what takes so long, or raise [backend] timeout.");
    } else if (err == BFF_ERR_BACKEND_UNREADABLE) {
        report_change(
            r, e->chapter,
            "%.*s %.*s: the answer is not HTTP, or its body is above [backend] answer_max "
            "(%u bytes), or it has more than %d cookies or a field above 16 KiB.",
            STR_ARG(method), STR_ARG(path), plan->backend.answer_bytes, BACKEND_MAX_COOKIES);
        report_remedy(r, "Answers with tokens are small: is this the right path? Else raise "
                         "[backend] answer_max.");
    } else if (err == BFF_ERR_MALFORMED) {
        report_change(r, e->chapter,
                      "%.*s %.*s: the token holds a character that cannot be sent this way.",
                      STR_ARG(method), STR_ARG(path));
    } else {
        report_change(r, e->chapter, "%.*s %.*s was not asked: %.*s", STR_ARG(method),
                      STR_ARG(path), STR_ARG(err_sentence(err)));
    }
    w->is_unreached =
        w->is_unreached || err == BFF_ERR_BACKEND_UNAVAILABLE || err == BFF_ERR_BACKEND_TIMEOUT;
}

static enum bff_err ask(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    struct backend_request request;
    enum bff_err err = e->compose(w, &request);
    return err == BFF_OK ? walk_send(w, &request, answer) : err;
}

bool walk_ask_once(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    enum bff_err err = ask(w, e, answer);
    if (err != BFF_OK)
        report_no_answer(w, e, err);
    return err == BFF_OK;
}

static bool is_no_page(const struct backend_answer *answer)
{
    enum shape s = shape_of(answer);
    return s == SHAPE_REDIRECT || s == SHAPE_NO_PATH || s == SHAPE_TROUBLE;
}

/* Would the path with the other slash be worth a try? APPEND_SLASH redirects, and with DEBUG it
 * answers a POST with 500. */
static bool suggests_slash(const struct backend_answer *answer, struct str path, struct str other)
{
    enum shape s = shape_of(answer);
    return s == SHAPE_NO_PATH || (s == SHAPE_REDIRECT && shape_location_is(answer, other)) ||
           (s == SHAPE_TROUBLE && shape_is_html(answer) && path.p[path.n - 1] != '/');
}

static void try_other_slash(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    struct str was = e->call->path, other;
    struct backend_answer second;
    if (!shape_other_slash(was, &w->kept, &other) || !suggests_slash(answer, was, other))
        return;
    e->call->path = other;
    if (ask(w, e, &second) != BFF_OK || is_no_page(&second)) {
        e->call->path = was;
        return;
    }
    report_change(&w->report, e->chapter,
                  "%.*s %.*s answers %d; with%s the slash at its end there is an endpoint. bffd "
                  "follows no redirect.",
                  STR_ARG(e->call->method), STR_ARG(was), answer->status,
                  other.n > was.n ? "" : "out");
    report_remedy(&w->report, "[%s] request = %.*s %.*s", e->section, STR_ARG(e->call->method),
                  STR_ARG(other));
    *answer = second;
}

/* Django's CSRF check says 403 before the view is asked; whether it was that check is found out by
 * passing it. */
static void try_double_submit(struct walk *w, const struct endpoint *e,
                              struct backend_answer *answer)
{
    struct backend_answer second;
    if (shape_of(answer) != SHAPE_FORBIDDEN || w->plan.backend.csrf_cookie.n > 0)
        return;
    w->plan.backend.csrf_cookie = STR("csrftoken");
    if (ask(w, e, &second) != BFF_OK || shape_of(&second) == SHAPE_FORBIDDEN) {
        w->plan.backend.csrf_cookie = (struct str){NULL, 0};
        return;
    }
    report_change(&w->report, e->chapter,
                  "%.*s %.*s answers 403 without a CSRF token, and %d with one.",
                  STR_ARG(e->call->method), STR_ARG(e->call->path), second.status);
    report_remedy(&w->report, "[backend] csrf_cookie = csrftoken");
    *answer = second;
}

bool walk_ask(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    if (!walk_ask_once(w, e, answer))
        return false;
    try_other_slash(w, e, answer);
    try_double_submit(w, e, answer);
    return true;
}

bool walk_ask_otherwise(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    if (!walk_ask_once(w, e, answer))
        return false;
    try_double_submit(w, e, answer);
    return true;
}

struct str walk_kept(struct walk *w, struct str s)
{
    struct str copy = {NULL, 0};
    if (!arena_copy(&w->kept, s, &copy))
        return (struct str){NULL, 0};
    return copy;
}

static bool is_known(const struct walk *w, struct str refresh)
{
    for (size_t i = 0; i < w->n_live; i++)
        if (str_eq(w->live[i].refresh, refresh))
            return true;
    return false;
}

void walk_keep_tokens(struct walk *w, const struct scan *scan)
{
    const struct candidate *access = scan_best(scan, CANDIDATE_ACCESS);
    if (access)
        w->access = walk_kept(w, access->value);
    for (size_t i = 0; i < scan->n; i++) {
        const struct candidate *c = &scan->found[i];
        bool is_refresh = c->kind == CANDIDATE_REFRESH || c->kind == CANDIDATE_SLIDING;
        if (!is_refresh || is_known(w, c->value) || w->n_live == WALK_LIVE_MAX)
            continue;
        w->live[w->n_live++] = (struct live){
            .access = w->access,
            .refresh = walk_kept(w, c->value),
            .exp_s = c->has_exp ? c->exp_s : 0,
        };
    }
}

void walk_bury(struct walk *w, struct str refresh)
{
    for (size_t i = 0; i < w->n_live; i++)
        if (str_eq(w->live[i].refresh, refresh))
            w->live[i].is_dead = true;
}

bool walk_is_dead(const struct walk *w, struct str refresh)
{
    for (size_t i = 0; i < w->n_live; i++)
        if (str_eq(w->live[i].refresh, refresh))
            return w->live[i].is_dead;
    return false;
}

struct str walk_tampered(struct walk *w, struct str token)
{
    struct str copy = walk_kept(w, token);
    /* Inside of a JWT's signature, and not its last character, of which not all bits count. */
    size_t at = copy.n > 8 ? copy.n - 6 : copy.n / 2;
    char *p = arena_alloc(&w->kept, copy.n);
    if (!p || copy.n == 0)
        return STR("none");
    for (size_t i = 0; i < copy.n; i++)
        p[i] = i != at ? copy.p[i] : copy.p[i] == 'A' ? 'B' : 'A';
    return (struct str){p, copy.n};
}
