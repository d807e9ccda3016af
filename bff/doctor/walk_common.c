/* Answers that mean the same at every endpoint. */
#include "doctor/shape.h"
#include "doctor/walk.h"

static void report_redirect(struct walk *w, const struct endpoint *e,
                            const struct backend_answer *answer)
{
    struct str location = shape_location(answer);
    bool is_same_path = shape_location_is(answer, e->call->path);
    report_change(&w->report, e->chapter,
                  "%.*s %.*s answers %d and points to %.*s. bffd follows no redirect.",
                  STR_ARG(e->call->method), STR_ARG(e->call->path), answer->status,
                  STR_ARG(location));
    if (is_same_path && str_starts(location, STR("https:")))
        report_remedy(&w->report,
                      "The backend wants https (SECURE_SSL_REDIRECT). nginx tells it of https by "
                      "X-Forwarded-Proto: ask as your site does, with --origin https://YOUR.SITE, "
                      "or set [csrf] origins.");
    else
        report_remedy(&w->report, "Name the path that answers itself in [%s] request.", e->section);
}

bool walk_report_common(struct walk *w, const struct endpoint *e,
                        const struct backend_answer *answer)
{
    struct report *r = &w->report;
    struct str method = e->call->method, path = e->call->path;
    switch (shape_of(answer)) {
    case SHAPE_REDIRECT:
        report_redirect(w, e, answer);
        return true;
    case SHAPE_NO_PATH:
        report_change(r, e->chapter, "%.*s %.*s answers %d, with and without a slash at its end.",
                      STR_ARG(method), STR_ARG(path), answer->status);
        report_remedy(r, "Look for the path in the project's urls.py, and name it in [%s] request.",
                      e->section);
        return true;
    case SHAPE_NO_METHOD:
        report_change(r, e->chapter, "%.*s is there, but not for %.*s (405).", STR_ARG(path),
                      STR_ARG(method));
        report_remedy(r, "[%s] request = METHOD %.*s, with the method that the view has.",
                      e->section, STR_ARG(path));
        return true;
    case SHAPE_THROTTLED:
        report_note(r, e->chapter,
                    "%.*s %.*s answers 429: the limit of requests is used up%s%.*s%s. Try again "
                    "later.",
                    STR_ARG(method), STR_ARG(path),
                    answer->retry_after.n > 0 ? " (Retry-After: " : "",
                    STR_ARG(answer->retry_after), answer->retry_after.n > 0 ? ")" : "");
        return true;
    case SHAPE_TROUBLE:
        report_change(r, e->chapter, "%.*s %.*s: the backend fails (%.*s).", STR_ARG(method),
                      STR_ARG(path), STR_ARG(shape_words(answer, r->arena)));
        report_remedy(r, "Look at Django's log.");
        return true;
    case SHAPE_FINE:
    case SHAPE_BAD:
    case SHAPE_REFUSED:
    case SHAPE_FORBIDDEN:
    case SHAPE_MEDIA_TYPE:
    case SHAPE_OTHER:
        break;
    }
    return false;
}
