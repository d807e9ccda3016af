/* The revocation: does it say that it worked, and did it? */
#include "doctor/lines.h"
#include "doctor/shape.h"
#include "doctor/walk.h"
#include "doctor/walk_try_refresh.h"
#include "doctor/ways.h"

#define CHAPTER CHAPTER_REVOKE

static bool succeeds(struct walk *w, const struct backend_answer *answer)
{
    return answer->status < 500 && backend_matches(&w->plan.revoke.success, answer, &w->call);
}

static bool ask_again(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    struct backend_answer other;
    if (!walk_goes_on(w) || !walk_ask_otherwise(w, e, &other) || !succeeds(w, &other))
        return false;
    *answer = other;
    return true;
}

static bool try_with_access(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    int was = answer->status;
    if (w->plan.revoke.auth_access || w->plan.client.id.n > 0)
        return false;
    w->plan.revoke.auth_access = true;
    if (!ask_again(w, e, answer)) {
        w->plan.revoke.auth_access = false;
        return false;
    }
    report_change(&w->report, CHAPTER,
                  "The backend answers %d to the revocation, and %d when the access token comes "
                  "with it.",
                  was, answer->status);
    report_remedy(&w->report, "[revoke] auth = access");
    return true;
}

static bool try_other_ways(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    const struct config_send was = w->plan.revoke.send;
    int status = answer->status;
    struct ways ways;
    struct str words;
    const struct ways_question q = {&was, answer, w->refresh_cookie, true};
    if (ways_find(&q, &w->kept, &ways) != BFF_OK)
        return false;
    for (size_t i = 0; i < ways.n; i++) {
        w->plan.revoke.send = ways.ways[i];
        if (!ask_again(w, e, answer) && !try_with_access(w, e, answer))
            continue;
        report_change(&w->report, CHAPTER,
                      "The backend answers %d to the token as [revoke] send says, and %d to "
                      "another way.",
                      status, answer->status);
        if (lines_write_send(&w->plan.revoke.send, w->report.arena, &words))
            report_remedy(&w->report, "[revoke] send = %.*s", STR_ARG(words));
        return true;
    }
    w->plan.revoke.send = was;
    return false;
}

/* A 2xx is a success whatever the set says; another status may be one only if it is configured. */
static bool accept_status(struct walk *w, const struct backend_answer *answer)
{
    struct config_match *success = &w->plan.revoke.success;
    struct str words;
    if (shape_of(answer) != SHAPE_FINE || success->n_statuses == CONFIG_MAX_STATUSES ||
        success->n_statuses == 0)
        return false;
    success->statuses[success->n_statuses++] = (uint16_t)answer->status;
    report_change(&w->report, CHAPTER,
                  "The revocation is answered %d, which [revoke] success does "
                  "not have.",
                  answer->status);
    if (lines_write_match(success, w->report.arena, &words))
        report_remedy(&w->report, "[revoke] success = %.*s", STR_ARG(words));
    return true;
}

/* true: the backend says that the token is revoked, asked in the configured way or another. */
static bool ask(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    if (!walk_ask(w, e, answer))
        return false;
    if (succeeds(w, answer) || accept_status(w, answer))
        return true;
    enum shape s = shape_of(answer);
    bool may_want_more = s == SHAPE_BAD || s == SHAPE_REFUSED || s == SHAPE_FORBIDDEN ||
                         s == SHAPE_MEDIA_TYPE || s == SHAPE_TROUBLE;
    if (may_want_more && (try_with_access(w, e, answer) || try_other_ways(w, e, answer)))
        return true;
    if (walk_report_common(w, e, answer))
        return false;
    report_change(&w->report, CHAPTER, "The revocation is answered %.*s.",
                  STR_ARG(shape_words(answer, w->report.arena)));
    report_remedy(&w->report, "See what the view wants: [revoke] send, auth and success.");
    return false;
}

static void report_missing(struct walk *w)
{
    report_note(&w->report, CHAPTER,
                "No revocation is configured: after the sign-out the refresh token stays good at "
                "the backend, though nobody has it any more.");
    report_remedy(&w->report, "If the backend has a logout, name it in [revoke] request. simplejwt "
                              "has TokenBlacklistView.");
}

static void report_no_effect(struct walk *w, int said)
{
    w->revokes_nothing = true;
    report_change(&w->report, CHAPTER,
                  "The revocation says %d and does nothing: the revoked token still refreshes. A "
                  "signed-out session could go on with a stolen token.",
                  said);
    report_remedy(&w->report, "simplejwt: add rest_framework_simplejwt.token_blacklist to "
                              "INSTALLED_APPS and run migrate.");
}

/* Does the newest token die when it is sent this way? */
static bool has_effect(struct walk *w, const struct endpoint *e, struct config_send way)
{
    struct backend_answer answer;
    struct str revoked = w->refresh;
    int status;
    w->plan.revoke.send = way;
    walk_begin(w);
    w->use_refresh = revoked;
    w->use_access = w->access;
    return ask_again(w, e, &answer) && walk_try_refresh(w, revoked, &status) == REFRESH_REJECTED;
}

/* A view that finds no token where it looks may say 200 all the same. Few ways are tried, for each
 * costs a token that nothing may revoke. */
static bool find_effect(struct walk *w, const struct endpoint *e, int said)
{
    const struct config_send was = w->plan.revoke.send;
    const struct config_send ways[] = {{SEND_COOKIE, w->refresh_cookie},
                                       {SEND_JSON, STR("{\"refresh\": \"$refresh\"}")}};
    struct str words;
    for (size_t i = 0; i < 2; i++) {
        bool is_new =
            ways[i].text.n > 0 && (was.kind != ways[i].kind || !str_eq(was.text, ways[i].text));
        if (!is_new || !has_effect(w, e, ways[i]))
            continue;
        report_change(&w->report, CHAPTER,
                      "The revocation says %d to the token as [revoke] send says, but it dies only "
                      "when it is sent in another way.",
                      said);
        if (lines_write_send(&ways[i], w->report.arena, &words))
            report_remedy(&w->report, "[revoke] send = %.*s", STR_ARG(words));
        return true;
    }
    w->plan.revoke.send = was;
    return false;
}

/* The proof: a token that was revoked must not refresh. */
static void judge_effect(struct walk *w, const struct endpoint *e, struct str revoked, int said)
{
    int status;
    switch (walk_try_refresh(w, revoked, &status)) {
    case REFRESH_REJECTED:
        report_ok(&w->report, CHAPTER,
                  "A revoked refresh token is dead: the next refresh answers %d.", status);
        return;
    case REFRESH_GRANTED:
        if (!find_effect(w, e, said))
            report_no_effect(w, said);
        return;
    case REFRESH_UNAVAILABLE:
        report_note(&w->report, CHAPTER, "Whether the revoked token is dead was not seen (%d).",
                    status);
        return;
    }
}

void walk_revoke(struct walk *w)
{
    const struct endpoint e = walk_at_revoke(w);
    struct backend_answer answer;
    if (w->plan.revoke.request.method.n == 0) {
        report_missing(w);
        return;
    }
    if (w->refresh.n == 0 || walk_is_dead(w, w->refresh)) {
        report_note(&w->report, CHAPTER, "Not checked: there is no refresh token left to revoke.");
        return;
    }
    struct str revoked = walk_kept(w, w->refresh);
    walk_begin(w);
    w->use_refresh = revoked;
    w->use_access = w->access;
    if (!ask(w, &e, &answer))
        return;
    w->revokes = true;
    report_ok(&w->report, CHAPTER, "%.*s %.*s answers %.*s.", STR_ARG(e.call->method),
              STR_ARG(e.call->path), STR_ARG(shape_words(&answer, w->report.arena)));
    if (w->refreshes)
        judge_effect(w, &e, revoked, answer.status);
    else {
        walk_bury(w, revoked);
        report_note(&w->report, CHAPTER,
                    "Whether it is dead then was not checked, for no refresh has worked.");
    }
}
