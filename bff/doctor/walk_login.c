/* The sign-in: does it let us in, and if not, why? */
#include "doctor/fields.h"
#include "doctor/lines.h"
#include "doctor/shape.h"
#include "doctor/walk.h"
#include "doctor/walk_tokens.h"

#define WANTED_MAX 6

static struct str join(const struct str *names, size_t n, struct arena *arena)
{
    struct str words = {NULL, 0};
    for (size_t i = 0; i < n; i++) {
        struct str before = words;
        if (!arena_printf(arena, &words, "%.*s%s%.*s", STR_ARG(before), i > 0 ? ", " : "",
                          STR_ARG(names[i])))
            return STR("(no memory)");
    }
    return words;
}

static bool is_one_we_sent(const struct walk *w, struct str name)
{
    return str_eq(name, w->user_field) || str_eq(name, STR("password"));
}

/* The field that a 400 names beside ours; else "email" where the name is one and was refused. */
static struct str other_field(struct walk *w, const struct backend_answer *answer)
{
    struct str names[WANTED_MAX];
    enum shape s = shape_of(answer);
    size_t n = s == SHAPE_BAD ? shape_wanted_fields(answer, &w->call, names, WANTED_MAX) : 0;
    for (size_t i = 0; i < n; i++)
        if (!is_one_we_sent(w, names[i]))
            return walk_kept(w, names[i]);
    bool is_refused = s == SHAPE_BAD || s == SHAPE_REFUSED;
    bool is_address = str_contains(w->options->user, STR("@"));
    return is_refused && is_address && !is_one_we_sent(w, STR("email")) ? STR("email")
                                                                        : (struct str){NULL, 0};
}

/* Only for a body that bffd passes on: a template says itself what it holds. */
static void retry_with_field(struct walk *w, const struct endpoint *e,
                             struct backend_answer *answer)
{
    struct str was = w->user_field, other = other_field(w, answer);
    struct backend_answer second;
    if (w->plan.login.send.kind != SEND_BODY || other.n == 0)
        return;
    w->user_field = other;
    if (walk_ask_once(w, e, &second) && shape_of(&second) == SHAPE_FINE)
        *answer = second;
    else
        w->user_field = was;
}

static void report_fields(struct walk *w)
{
    struct str named = fields_named(&w->plan.login.send, w->user_field, w->report.arena);
    if (str_eq(w->user_field, STR("username")) && w->plan.login.send.kind == SEND_BODY)
        return;
    report_note(&w->report, CHAPTER_LOGIN, "The page has to send %.*s to /bff/login.",
                STR_ARG(named));
}

/* RFC 6749, 5.2 */
static bool report_oauth(struct walk *w, const struct backend_answer *answer)
{
    struct report *r = &w->report;
    struct str error = shape_oauth_error(answer, r->arena);
    if (str_eq(error, STR("invalid_client"))) {
        report_change(r, CHAPTER_LOGIN,
                      "The backend does not know the client (%d, invalid_client).", answer->status);
        report_remedy(r,
                      "Compare [client] id and secret_file with the application in Django's "
                      "admin. If its secret is right, try [client] auth = %s.",
                      w->plan.client.auth == CLIENT_BASIC ? "form" : "basic");
        return true;
    }
    if (str_eq(error, STR("unauthorized_client")) || str_eq(error, STR("unsupported_grant_type"))) {
        report_change(r, CHAPTER_LOGIN, "The backend does not grant this to the client (%d, %.*s).",
                      answer->status, STR_ARG(error));
        report_remedy(r, "Give the application the grant type \"Resource owner password-based\", "
                         "and send grant_type=password in [login] send.");
        return true;
    }
    if (!str_eq(error, STR("invalid_grant")))
        return false;
    report_note(r, CHAPTER_LOGIN,
                "The backend does not accept this user name and password (%d, invalid_grant).",
                answer->status);
    return true;
}

static void report_second_step(struct walk *w, const struct backend_answer *answer)
{
    struct str token, body;
    bool has_place = w->plan.pending.token.n > 0;
    report_note(&w->report, CHAPTER_LOGIN,
                "This user needs a second step (%d with a list of flows). bffd passes that on, and "
                "a [capture] of the next step makes the session. The doctor does not take that "
                "step: ask with a user without one.",
                answer->status);
    if (!has_place || backend_take_pending(&w->plan, answer, &w->call, &token, &body) != BFF_OK ||
        token.n == 0) {
        report_change(&w->report, CHAPTER_LOGIN,
                      "Nothing carries the answer's session token to that step.");
        report_remedy(&w->report, "[pending] token = json:/meta/session_token");
    }
}

static void report_bad(struct walk *w, const struct backend_answer *answer)
{
    struct str names[WANTED_MAX];
    size_t n = shape_wanted_fields(answer, &w->call, names, WANTED_MAX);
    struct str sent = fields_named(&w->plan.login.send, w->user_field, w->report.arena);
    if (shape_is_html(answer)) {
        report_change(&w->report, CHAPTER_LOGIN, "The login answers %d with an HTML page.",
                      answer->status);
        report_remedy(&w->report, "Django says so of a Host that is not in ALLOWED_HOSTS. nginx "
                                  "passes your site's name: ask as your site does, with --origin "
                                  "https://YOUR.SITE, or set [csrf] origins.");
    } else if (n > 0) {
        report_note(&w->report, CHAPTER_LOGIN,
                    "The login answers %d to %.*s. It names the fields %.*s.", answer->status,
                    STR_ARG(sent), STR_ARG(join(names, n, w->report.arena)));
        report_remedy(&w->report, "Either the user name and password are wrong, or the page has to "
                                  "send those fields (for other names: [login] send).");
    } else {
        report_note(&w->report, CHAPTER_LOGIN,
                    "The login answers %d to %.*s: the user name and password are wrong, or it "
                    "wants other fields.",
                    answer->status, STR_ARG(sent));
    }
}

/* There are no tokens, and no other step has said why. */
static void report_refusal(struct walk *w, const struct endpoint *e,
                           const struct backend_answer *answer, const struct scan *scan)
{
    struct report *r = &w->report;
    if (scan->has_flows)
        report_second_step(w, answer);
    else if (report_oauth(w, answer) || walk_report_common(w, e, answer))
        return;
    else if (shape_of(answer) == SHAPE_REFUSED)
        report_note(r, CHAPTER_LOGIN,
                    "The backend does not accept this user name and password (401). They were sent "
                    "as %.*s; for other names: [login] send.",
                    STR_ARG(fields_named(&w->plan.login.send, w->user_field, r->arena)));
    else if (shape_of(answer) == SHAPE_FORBIDDEN)
        report_note(r, CHAPTER_LOGIN,
                    "The login answers 403, with a CSRF token as well: the user "
                    "may be locked out, or the view wants another permission.");
    else if (shape_of(answer) == SHAPE_BAD)
        report_bad(w, answer);
    else if (shape_of(answer) == SHAPE_MEDIA_TYPE) {
        report_change(r, CHAPTER_LOGIN, "The login does not read the format it is sent (415).");
        report_remedy(r, w->plan.login.send.kind == SEND_FORM
                             ? "[login] send = body"
                             : "[login] send = form username=$username&password=$password");
    } else {
        report_change(r, CHAPTER_LOGIN, "The login answers %.*s.",
                      STR_ARG(shape_words(answer, r->arena)));
        report_remedy(r, "bffd has no use for that: see what [login] request names.");
    }
}

static void report_no_tokens(struct walk *w, const struct backend_answer *answer,
                             const struct scan *scan)
{
    struct report *r = &w->report;
    struct str has;
    judge_describe_answer(scan, r->arena, &has);
    if (!backend_matches(&w->plan.login.success, answer, &w->call)) {
        report_note(r, CHAPTER_LOGIN,
                    "The login answers %d, but by [login] success that is no success, and there "
                    "are no tokens (%.*s). The user name and password may be wrong.",
                    answer->status, STR_ARG(has));
        return;
    }
    report_change(r, CHAPTER_LOGIN, "The login answers %.*s, but there is no access token (%.*s).",
                  STR_ARG(shape_words(answer, r->arena)), STR_ARG(has));
    report_remedy(r, "Is this the endpoint that issues tokens? dj-rest-auth issues them with "
                     "USE_JWT, allauth with a JWT token strategy.");
}

static void judge_success(struct walk *w, const struct backend_answer *answer)
{
    struct config_match *success = &w->plan.login.success;
    struct str words;
    if (backend_matches(success, answer, &w->call))
        return;
    report_change(&w->report, CHAPTER_LOGIN,
                  "The login answers %d and brings tokens, but by [login] success that is none.",
                  answer->status);
    if (success->n_statuses == 0)
        *success = (struct config_match){.n_statuses = 0};
    if (success->n_statuses < CONFIG_MAX_STATUSES)
        success->statuses[success->n_statuses++] = (uint16_t)answer->status;
    if (lines_write_match(success, w->report.arena, &words))
        report_remedy(&w->report, "[login] success = %.*s", STR_ARG(words));
}

bool walk_login(struct walk *w)
{
    const struct endpoint e = walk_at_login(w);
    struct login_answer login;
    walk_begin(w);
    login.asked_s = walk_now_s();
    if (!walk_ask(w, &e, &login.answer))
        return false;
    retry_with_field(w, &e, &login.answer);
    if (!walk_goes_on(w))
        return false;
    login.answered_s = walk_now_s();
    if (scan_answer(&login.answer, &w->plan.login.access, &w->plan.login.refresh, &w->kept,
                    &login.scan) != BFF_OK)
        return false;
    walk_keep_tokens(w, &login.scan);
    if (shape_of(&login.answer) != SHAPE_FINE) {
        report_refusal(w, &e, &login.answer, &login.scan);
        return false;
    }
    if (!scan_best(&login.scan, CANDIDATE_ACCESS)) {
        report_no_tokens(w, &login.answer, &login.scan);
        return false;
    }
    report_ok(&w->report, CHAPTER_LOGIN, "%.*s %.*s answers %.*s.", STR_ARG(e.call->method),
              STR_ARG(e.call->path), STR_ARG(shape_words(&login.answer, w->report.arena)));
    report_fields(w);
    judge_success(w, &login.answer);
    w->is_signed_in = walk_judge_login(w, &login);
    return w->is_signed_in;
}
