/* The refresh: does it renew the tokens, and does bffd see what it says? */
#include "doctor/life.h"
#include "doctor/lines.h"
#include "doctor/shape.h"
#include "doctor/walk.h"
#include "doctor/walk_tokens.h"
#include "doctor/walk_try_refresh.h"
#include "doctor/ways.h"

#define CHAPTER CHAPTER_REFRESH

static bool brings_tokens(struct walk *w, const struct backend_answer *answer)
{
    struct scan scan;
    if (shape_of(answer) != SHAPE_FINE ||
        scan_answer(answer, &w->plan.refresh.access, &w->plan.refresh.refresh, &w->call, &scan) !=
            BFF_OK)
        return false;
    return scan_best(&scan, CANDIDATE_ACCESS) != NULL;
}

static void report_way(struct walk *w, const struct config_send *was, int status)
{
    struct str before, after;
    if (!lines_write_send(was, w->report.arena, &before) ||
        !lines_write_send(&w->plan.refresh.send, w->report.arena, &after))
        return;
    report_change(
        &w->report, CHAPTER,
        "The backend answers %d to a good refresh token sent as [refresh] send says (%s). "
        "It takes the token in another way.",
        status, before.p);
    report_remedy(&w->report, "[refresh] send = %.*s", STR_ARG(after));
}

/* A refusal of a token that cannot be dead: the request is not the one that the backend expects. */
static bool try_other_ways(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    const struct config_send was = w->plan.refresh.send;
    struct backend_answer other;
    struct ways ways;
    const struct ways_question q = {&was, answer, w->refresh_cookie, false};
    if (ways_find(&q, &w->kept, &ways) != BFF_OK)
        return false;
    for (size_t i = 0; i < ways.n && walk_goes_on(w); i++) {
        w->plan.refresh.send = ways.ways[i];
        if (!walk_ask_otherwise(w, e, &other))
            break;
        if (brings_tokens(w, &other)) {
            report_way(w, &was, answer->status);
            *answer = other;
            return true;
        }
        if (shape_of(&other) == SHAPE_THROTTLED)
            break;
    }
    w->plan.refresh.send = was;
    return false;
}

static bool try_with_access(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    struct backend_answer other;
    bool is_a_client = w->plan.client.id.n > 0;
    if (w->plan.refresh.auth_access || is_a_client || !walk_goes_on(w))
        return false;
    w->plan.refresh.auth_access = true;
    if (walk_ask_otherwise(w, e, &other) && brings_tokens(w, &other)) {
        report_change(&w->report, CHAPTER,
                      "The backend answers %d to a good refresh token, and %d when the access "
                      "token comes with it.",
                      answer->status, other.status);
        report_remedy(&w->report, "[refresh] auth = access (or let the view ask for no "
                                  "authentication, for an expired access token is a 401 there)");
        *answer = other;
        return true;
    }
    w->plan.refresh.auth_access = false;
    return false;
}

static void report_refused(struct walk *w, const struct backend_answer *answer)
{
    bool ends = backend_matches(&w->plan.refresh.dead, answer, &w->call);
    report_change(&w->report, CHAPTER, "The backend answers a fresh refresh token with %.*s.%s",
                  STR_ARG(shape_words(answer, w->report.arena)),
                  ends ? " bffd takes that for a dead token, and would end every session at its "
                         "first refresh."
                       : " bffd takes that for an outage.");
    report_remedy(&w->report, "See which fields or cookies the view reads, and write them into "
                              "[refresh] send.");
}

static void report_no_tokens(struct walk *w, const struct backend_answer *answer)
{
    struct scan scan;
    struct str has = STR("");
    if (scan_answer(answer, NULL, NULL, &w->call, &scan) == BFF_OK)
        judge_describe_answer(&scan, w->report.arena, &has);
    report_change(&w->report, CHAPTER, "The refresh answers %d without an access token (%.*s).",
                  answer->status, STR_ARG(has));
    report_remedy(&w->report, "Does [refresh] request name the refresh, and does the request "
                              "carry what it needs?");
}

/* true: the answer has tokens, by whatever way they were asked for. */
static bool ask_for_tokens(struct walk *w, const struct endpoint *e, struct backend_answer *answer)
{
    if (!walk_ask(w, e, answer))
        return false;
    if (brings_tokens(w, answer))
        return true;
    enum shape s = shape_of(answer);
    bool may_be_sent_otherwise = s == SHAPE_BAD || s == SHAPE_REFUSED || s == SHAPE_FORBIDDEN ||
                                 s == SHAPE_MEDIA_TYPE || s == SHAPE_FINE || s == SHAPE_TROUBLE;
    if (may_be_sent_otherwise && (try_other_ways(w, e, answer) || try_with_access(w, e, answer)))
        return true;
    if (s == SHAPE_FINE)
        report_no_tokens(w, answer);
    else if (!walk_report_common(w, e, answer))
        report_refused(w, answer);
    return false;
}

static void judge_rotation(struct walk *w, const struct scan *scan)
{
    const struct judge_question q = {CHAPTER, "[refresh] refresh", CANDIDATE_REFRESH,
                                     &w->plan.refresh.refresh};
    const struct candidate *best = scan_best(scan, CANDIDATE_REFRESH);
    w->rotates = best && !str_eq(best->value, w->use_refresh);
    if (!w->rotates) {
        report_ok(&w->report, CHAPTER, "The refresh token stays the same (no rotation).");
        return;
    }
    const struct candidate *read = judge_token(&q, scan, &w->report);
    report_ok(&w->report, CHAPTER, "Each refresh brings a new refresh token (rotation).");
    if (read)
        w->refresh = walk_kept(w, read->value);
}

static void judge_life(struct walk *w, const struct scan *scan, const struct candidate *access,
                       const struct backend_answer *answer, const struct backend_tokens *tokens)
{
    struct life_of of = {"[refresh] access_expiry", &w->plan.refresh.access_expiry, access,
                         &scan->access_expiry, tokens->access_life_ms};
    walk_judge_life(w, &of, answer);
    life_judge_refresh(w->refresh_life_s, w->rotates, &w->plan, &w->report);
}

static void judge_granted(struct walk *w, const struct backend_answer *answer)
{
    const struct judge_question q = {CHAPTER, "[refresh] access", CANDIDATE_ACCESS,
                                     &w->plan.refresh.access};
    struct backend_tokens tokens;
    struct str why = STR("");
    struct scan scan;
    if (scan_answer(answer, q.token, &w->plan.refresh.refresh, &w->kept, &scan) != BFF_OK)
        return;
    walk_keep_tokens(w, &scan);
    const struct candidate *access = judge_token(&q, &scan, &w->report);
    if (!access)
        return;
    w->access = walk_kept(w, access->value);
    judge_rotation(w, &scan);
    switch (backend_judge_refresh(&w->plan, answer, &w->call, &tokens, &why)) {
    case REFRESH_GRANTED:
        judge_life(w, &scan, access, answer, &tokens);
        w->refreshes = true;
        return;
    case REFRESH_REJECTED:
        report_change(&w->report, CHAPTER,
                      "The refresh brings tokens, but [refresh] dead matches the answer as well.");
        report_remedy(&w->report, "[refresh] dead has to tell a dead token from a good one.");
        return;
    case REFRESH_UNAVAILABLE:
        report_change(&w->report, CHAPTER, "bffd cannot use this answer (%.*s).", STR_ARG(why));
        return;
    }
}

void walk_refresh(struct walk *w)
{
    const struct endpoint e = walk_at_refresh(w);
    struct backend_answer answer;
    struct str old_access = w->access, old_refresh = w->refresh;
    if (w->refresh.n == 0) {
        report_note(&w->report, CHAPTER, "Not checked: there is no refresh token to send.");
        return;
    }
    walk_begin(w);
    w->use_refresh = w->refresh;
    w->use_access = w->access;
    if (!ask_for_tokens(w, &e, &answer))
        return;
    report_ok(&w->report, CHAPTER, "%.*s %.*s answers %.*s.", STR_ARG(e.call->method),
              STR_ARG(e.call->path), STR_ARG(shape_words(&answer, w->report.arena)));
    judge_granted(w, &answer);
    if (!w->refreshes)
        return;
    walk_calls_after_refresh(w, old_access);
    walk_dead_tokens(w);
    if (w->rotates)
        walk_reuse(w, old_refresh);
}
