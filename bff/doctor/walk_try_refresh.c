#include "doctor/walk_try_refresh.h"

enum refresh_verdict walk_try_refresh(struct walk *w, struct str refresh, int *status)
{
    const struct endpoint e = walk_at_refresh(w);
    struct backend_answer answer;
    struct backend_tokens tokens;
    struct str why = STR("");
    struct scan scan;
    *status = 0;
    walk_begin(w);
    w->use_refresh = refresh;
    w->use_access = w->access;
    if (!walk_goes_on(w) || !walk_ask_once(w, &e, &answer))
        return REFRESH_UNAVAILABLE;
    *status = answer.status;
    enum refresh_verdict verdict =
        backend_judge_refresh(&w->plan, &answer, &w->call, &tokens, &why);
    if (verdict == REFRESH_REJECTED)
        walk_bury(w, refresh);
    if (verdict != REFRESH_GRANTED)
        return verdict;
    w->access = walk_kept(w, tokens.access);
    if (scan_answer(&answer, &w->plan.refresh.access, &w->plan.refresh.refresh, &w->kept, &scan) ==
        BFF_OK)
        walk_keep_tokens(w, &scan);
    if (tokens.refresh.n > 0)
        w->refresh = walk_kept(w, tokens.refresh);
    return verdict;
}
