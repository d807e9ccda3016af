/* An API call with the access token: how it is attached, and what a dead one is answered. */
#include "doctor/lines.h"
#include "doctor/shape.h"
#include "doctor/walk.h"

#define CHAPTER CHAPTER_CALLS

/* use_access empty: without any. */
static enum bff_err call_path(struct walk *w, const struct config_attach *attach,
                              struct backend_answer *answer)
{
    struct backend_request request = {
        .method = STR("GET"), .path = w->options->path, .accept = STR("application/json")};
    if (w->use_access.n > 0) {
        enum bff_err err = backend_attach(attach, w->use_access, &w->call, &request);
        if (err != BFF_OK)
            return err;
    }
    return walk_send(w, &request, answer);
}

static bool is_refused(const struct backend_answer *answer)
{
    return shape_of(answer) == SHAPE_REFUSED || shape_of(answer) == SHAPE_FORBIDDEN;
}

static struct str words_of(const struct walk *w, const struct config_attach *attach)
{
    struct str words;
    return lines_write_attach(attach, w->report.arena, &words) ? words : STR("(no memory)");
}

#define HEADER(value)                                                                              \
    {                                                                                              \
        ATTACH_HEADER, {"Authorization", 13},                                                      \
        {                                                                                          \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }
#define COOKIE(name)                                                                               \
    {                                                                                              \
        ATTACH_COOKIE, {name, sizeof(name) - 1},                                                   \
        {                                                                                          \
            "$access", 7                                                                           \
        }                                                                                          \
    }

/* What Django's libraries look for; the schemes are case-sensitive. */
static const struct config_attach usual[] = {
    HEADER("Bearer $access"), HEADER("JWT $access"), HEADER("Token $access"),
    COOKIE("access_token"),   COOKIE("jwt-auth"),    COOKIE("access"),
};

static bool works(struct walk *w, const struct config_attach *attach)
{
    struct backend_answer answer;
    return walk_goes_on(w) && call_path(w, attach, &answer) == BFF_OK && !is_refused(&answer) &&
           shape_of(&answer) != SHAPE_THROTTLED && shape_of(&answer) != SHAPE_TROUBLE;
}

/* true: one of them works, and is in the plan now. */
static bool find_attach(struct walk *w, int status)
{
    const struct config_attach of_login = {ATTACH_COOKIE, w->access_cookie, STR("$access")};
    const struct config_attach *found = NULL;
    if (w->access_cookie.n > 0 && works(w, &of_login))
        found = &of_login;
    for (size_t i = 0; !found && i < sizeof usual / sizeof usual[0]; i++)
        if (works(w, &usual[i]))
            found = &usual[i];
    if (!found)
        return false;
    report_change(&w->report, CHAPTER,
                  "GET %.*s answers %d to the token as [backend] attach sends it (%.*s), but not "
                  "to: %.*s",
                  STR_ARG(w->options->path), status, STR_ARG(words_of(w, &w->plan.backend.attach)),
                  STR_ARG(words_of(w, found)));
    w->plan.backend.attach = *found;
    report_remedy(&w->report, "[backend] attach = %.*s", STR_ARG(words_of(w, found)));
    return true;
}

static void report_refused(struct walk *w, const struct backend_answer *answer)
{
    report_change(&w->report, CHAPTER,
                  "GET %.*s answers %d to a fresh access token, in every way that is usual.",
                  STR_ARG(w->options->path), answer->status);
    if (shape_of(answer) == SHAPE_FORBIDDEN)
        report_remedy(&w->report, "The user may lack a permission there: choose another --path. "
                                  "Else the view's authentication classes do not know the token.");
    else
        report_remedy(&w->report,
                      "See which authentication classes the view has, and which scheme or cookie "
                      "they read (AUTH_HEADER_TYPES, JWT_AUTH_COOKIE).");
}

static void report_odd(struct walk *w, const struct backend_answer *answer)
{
    report_note(&w->report, CHAPTER,
                "GET %.*s answers %.*s%s%.*s, which says nothing about the token. Choose a --path "
                "that answers 200 to GET.",
                STR_ARG(w->options->path), STR_ARG(shape_words(answer, w->report.arena)),
                shape_of(answer) == SHAPE_REDIRECT ? " and points to " : "",
                STR_ARG(shape_location(answer)));
}

/* bffd refreshes when it sees a 401 and nothing else. */
static void judge_dead(struct walk *w, const struct backend_answer *answer)
{
    struct report *r = &w->report;
    struct str path = w->options->path;
    switch (shape_of(answer)) {
    case SHAPE_REFUSED:
        w->path_checks = true;
        report_ok(r, CHAPTER, "A dead access token is a 401, which starts a refresh.");
        return;
    case SHAPE_FORBIDDEN:
        w->path_checks = true;
        report_change(r, CHAPTER,
                      "A dead access token is a 403 at %.*s, and not a 401. Nothing then tells it "
                      "from a missing permission, and bffd does not refresh.",
                      STR_ARG(path));
        report_remedy(r, "DRF takes the status from the first authentication class: put the JWT "
                         "class before SessionAuthentication, and give a class of your own an "
                         "authenticate_header().");
        return;
    case SHAPE_TROUBLE:
        w->path_checks = true;
        report_change(r, CHAPTER, "A dead access token makes %.*s fail: %.*s.", STR_ARG(path),
                      STR_ARG(shape_words(answer, r->arena)));
        report_remedy(r, "Let the authentication class raise AuthenticationFailed (401). Until "
                         "then only refreshing ahead of time helps.");
        return;
    case SHAPE_FINE:
        report_note(r, CHAPTER,
                    "%.*s answers %d to a dead access token as well: it does not look at tokens. "
                    "Choose a --path that needs a sign-in.",
                    STR_ARG(path), answer->status);
        return;
    case SHAPE_REDIRECT:
    case SHAPE_BAD:
    case SHAPE_NO_PATH:
    case SHAPE_NO_METHOD:
    case SHAPE_MEDIA_TYPE:
    case SHAPE_THROTTLED:
    case SHAPE_OTHER:
        break;
    }
    report_note(r, CHAPTER, "What a dead access token is answered was not seen (%d).",
                answer->status);
}

static void try_dead(struct walk *w)
{
    struct backend_answer answer;
    w->use_access = walk_tampered(w, w->access);
    if (walk_goes_on(w) && call_path(w, &w->plan.backend.attach, &answer) == BFF_OK)
        judge_dead(w, &answer);
}

static void report_unasked(struct walk *w)
{
    struct str words = words_of(w, &w->plan.backend.attach);
    report_note(&w->report, CHAPTER,
                "Not checked: whether API calls are answered with the token as it is attached "
                "(%.*s), and whether a dead one is a 401. Name a path that needs a sign-in: --path "
                "/api/me/",
                STR_ARG(words));
}

void walk_calls(struct walk *w)
{
    struct backend_answer answer;
    if (w->options->path.n == 0) {
        report_unasked(w);
        return;
    }
    walk_begin(w);
    w->use_access = w->access;
    if (call_path(w, &w->plan.backend.attach, &answer) != BFF_OK) {
        report_note(&w->report, CHAPTER, "GET %.*s was not answered (%s).",
                    STR_ARG(w->options->path), backend_last_error(w->backend));
        return;
    }
    if (is_refused(&answer)) {
        if (!find_attach(w, answer.status)) {
            report_refused(w, &answer);
            return;
        }
    } else if (shape_of(&answer) != SHAPE_FINE) {
        report_odd(w, &answer);
        return;
    } else {
        report_ok(&w->report, CHAPTER, "GET %.*s answers %d with %.*s.", STR_ARG(w->options->path),
                  answer.status, STR_ARG(words_of(w, &w->plan.backend.attach)));
    }
    try_dead(w);
}

void walk_calls_after_refresh(struct walk *w, struct str old_access)
{
    struct backend_answer with_old, with_new;
    if (!w->path_checks || !walk_goes_on(w))
        return;
    walk_begin(w);
    w->use_access = w->access;
    if (call_path(w, &w->plan.backend.attach, &with_new) != BFF_OK)
        return;
    w->use_access = old_access;
    if (call_path(w, &w->plan.backend.attach, &with_old) != BFF_OK)
        return;
    if (is_refused(&with_new)) {
        report_change(&w->report, CHAPTER, "The refreshed access token is refused (%d).",
                      with_new.status);
        report_remedy(&w->report, "See where the answer to a refresh holds the access token.");
    } else if (is_refused(&with_old)) {
        report_note(&w->report, CHAPTER,
                    "A refresh kills the old access token at once. Calls on their way meanwhile "
                    "are answered 401, and bffd repeats them with the new one.");
    } else {
        report_ok(&w->report, CHAPTER, "The refreshed access token is accepted.");
    }
}
