/* The end of every walk: no session stays behind, or the report says which. */
#include "doctor/life.h"
#include "doctor/walk.h"
#include "doctor/walk_tokens.h"

#define CHAPTER CHAPTER_LEFT

/* A revocation that has been seen to work refuses only tokens that are dead already. false: no
 * answer, and the next would have none either. */
static bool revoke_one(struct walk *w, struct live *live)
{
    const struct endpoint e = walk_at_revoke(w);
    struct backend_request request;
    struct backend_answer answer;
    walk_begin(w);
    w->use_refresh = live->refresh;
    w->use_access = live->access;
    if (e.compose(w, &request) != BFF_OK || walk_send(w, &request, &answer) != BFF_OK)
        return false;
    bool is_done =
        answer.status < 500 && backend_matches(&w->plan.revoke.success, &answer, &w->call);
    bool is_refused = answer.status == 400 || answer.status == 401 || answer.status == 410;
    live->is_dead = is_done || (is_refused && w->revokes);
    return true;
}

static size_t count_left(const struct walk *w, int64_t *last_exp_s)
{
    size_t left = 0;
    *last_exp_s = 0;
    for (size_t i = 0; i < w->n_live; i++) {
        if (w->live[i].is_dead)
            continue;
        left++;
        if (w->live[i].exp_s > *last_exp_s)
            *last_exp_s = w->live[i].exp_s;
    }
    return left;
}

static void report_left(struct walk *w, size_t left, int64_t last_exp_s)
{
    int64_t now_s = walk_now_s();
    const char *why = w->plan.revoke.request.method.n == 0 ? "no revocation is configured"
                      : w->revokes_nothing                 ? "the revocation does nothing"
                                                           : "no revocation has worked";
    if (last_exp_s > now_s)
        report_note(&w->report, CHAPTER,
                    "%zu refresh token%s of this walk could not be revoked (%s), and expire%s "
                    "within %.*s. Nobody has kept them.",
                    left, left == 1 ? "" : "s", why, left == 1 ? "s" : "",
                    STR_ARG(life_words(last_exp_s - now_s, w->report.arena)));
    else
        report_note(&w->report, CHAPTER,
                    "%zu refresh token%s of this walk could not be revoked (%s). Nobody has kept "
                    "them.",
                    left, left == 1 ? "" : "s", why);
}

/* Newest first: where a family of tokens dies together, one call is enough for the others to be
 * refused. Also after an interruption, and where the walk has given up on the backend. */
void walk_clean_up(struct walk *w)
{
    int64_t last_exp_s;
    bool can_revoke = w->plan.revoke.request.method.n > 0 && !w->revokes_nothing;
    for (size_t i = w->n_live; i > 0 && can_revoke; i--)
        if (!w->live[i - 1].is_dead)
            can_revoke = revoke_one(w, &w->live[i - 1]);
    size_t left = count_left(w, &last_exp_s);
    if (left > 0)
        report_left(w, left, last_exp_s);
    else if (w->n_live > 0)
        report_ok(&w->report, CHAPTER, "No session: every refresh token of this walk is dead.");
}
