/* What a refresh token is answered that must not be good: made up, or rotated away. */
#include "codec/json.h"
#include "codec/token.h"
#include "doctor/lines.h"
#include "doctor/shape.h"
#include "doctor/walk.h"
#include "doctor/walk_try_refresh.h"

#define CHAPTER CHAPTER_REFRESH

/* These say something about the moment or the path, never about the token. */
static bool is_no_verdict(int status)
{
    return status == 404 || status == 405 || status == 408 || status == 425 || status == 429;
}

static void add_status(struct walk *w, int status)
{
    struct config_match *dead = &w->plan.refresh.dead;
    struct str words;
    if (dead->n_statuses == CONFIG_MAX_STATUSES)
        return;
    if (dead->n_statuses == 0)
        *dead = (struct config_match){.n_statuses = 0};
    dead->statuses[dead->n_statuses++] = (uint16_t)status;
    if (lines_write_match(dead, w->report.arena, &words))
        report_remedy(&w->report, "[refresh] dead = %.*s", STR_ARG(words));
}

/* A member of the answer that is false: {"refreshed": false} */
static bool find_false(const struct backend_answer *answer, struct arena *kept, struct str *pointer)
{
    json_t *root = json_read(answer->body), *value;
    const char *key;
    bool found = false;
    json_object_foreach(root, key, value)
    {
        struct str name = str_from(key);
        bool is_plain = token_is_visible(name) && !str_contains(name, STR("/")) &&
                        !str_contains(name, STR("~")) && name.n > 0 && name.n <= 40;
        if (!found && json_is_false(value) && is_plain)
            found = arena_printf(kept, pointer, "/%s", key);
    }
    json_decref(root);
    return found;
}

static void judge_fine(struct walk *w, const struct backend_answer *answer)
{
    struct report *r = &w->report;
    struct str pointer;
    report_change(r, CHAPTER,
                  "A dead refresh token is answered %d, which bffd takes for an outage: the "
                  "session would not end, and calls would be answered 503.",
                  answer->status);
    if (find_false(answer, &w->kept, &pointer)) {
        w->plan.refresh.dead = (struct config_match){.pointer = pointer, .value = STR("false")};
        report_remedy(r, "[refresh] dead = json:%.*s=false", STR_ARG(pointer));
    } else {
        report_remedy(r, "Let the view answer 401, or name the member that tells: [refresh] dead "
                         "= json:/POINTER=VALUE");
    }
}

static void judge_unmatched(struct walk *w, const struct endpoint *e,
                            const struct backend_answer *answer)
{
    struct report *r = &w->report;
    enum shape s = shape_of(answer);
    if (s == SHAPE_FINE) {
        judge_fine(w, answer);
    } else if (answer->status >= 400 && answer->status < 500 && !is_no_verdict(answer->status)) {
        report_change(r, CHAPTER,
                      "A dead refresh token is answered %d, which [refresh] dead does not have: "
                      "bffd would take it for an outage, and the session would not end.",
                      answer->status);
        add_status(w, answer->status);
    } else if (s == SHAPE_TROUBLE) {
        report_change(r, CHAPTER,
                      "A dead refresh token makes the backend fail (%.*s). bffd takes that for an "
                      "outage: the session would not end, and calls would be answered 503.",
                      STR_ARG(shape_words(answer, r->arena)));
        report_remedy(r, "Let the view answer 401 to a token that it cannot read.");
    } else if (!walk_report_common(w, e, answer)) {
        report_note(r, CHAPTER, "What a dead refresh token is answered was not seen (%d).",
                    answer->status);
    }
}

/* A route that is missing while Django is deployed must not end sessions. */
static void judge_set(struct walk *w)
{
    const struct config_match *dead = &w->plan.refresh.dead;
    for (size_t i = 0; i < dead->n_statuses; i++)
        if (is_no_verdict(dead->statuses[i]))
            report_note(&w->report, CHAPTER,
                        "[refresh] dead has %u, which may say something about the moment and not "
                        "about the token: sessions could end by mistake.",
                        dead->statuses[i]);
}

void walk_dead_tokens(struct walk *w)
{
    const struct endpoint e = walk_at_refresh(w);
    struct backend_answer answer;
    struct backend_tokens tokens;
    struct str why = STR("");
    struct scan scan;
    walk_begin(w);
    w->use_refresh = walk_tampered(w, w->refresh);
    w->use_access = w->access;
    if (!walk_goes_on(w) || !walk_ask_once(w, &e, &answer))
        return;
    switch (backend_judge_refresh(&w->plan, &answer, &w->call, &tokens, &why)) {
    case REFRESH_REJECTED:
        report_ok(&w->report, CHAPTER,
                  "A dead refresh token is answered %d, as [refresh] dead says.", answer.status);
        break;
    case REFRESH_GRANTED:
        report_change(&w->report, CHAPTER,
                      "A refresh token that was tampered with is answered with new tokens: the "
                      "backend looks at another token than the one that bffd sends, or at none.");
        report_remedy(&w->report, "See where the view takes the token from.");
        if (scan_answer(&answer, &w->plan.refresh.access, &w->plan.refresh.refresh, &w->kept,
                        &scan) == BFF_OK)
            walk_keep_tokens(w, &scan);
        break;
    case REFRESH_UNAVAILABLE:
        judge_unmatched(w, &e, &answer);
        break;
    }
    judge_set(w);
}

/* Some backends take a rotated token that is shown again for a theft, and end the whole family. */
static void judge_family(struct walk *w)
{
    int status;
    struct str newest = w->refresh;
    enum refresh_verdict verdict = walk_try_refresh(w, newest, &status);
    if (verdict == REFRESH_GRANTED && !str_eq(newest, w->refresh))
        walk_bury(w, newest); /* rotated away as well, and that is death here */
    if (verdict != REFRESH_REJECTED)
        return;
    report_note(&w->report, CHAPTER,
                "After an old refresh token was shown the newest one is refused, too (%d): the "
                "backend looks out for theft. bffd shows none twice, but a refresh whose answer "
                "gets lost on the way costs the session.",
                status);
}

void walk_reuse(struct walk *w, struct str rotated)
{
    int status;
    switch (walk_try_refresh(w, rotated, &status)) {
    case REFRESH_GRANTED:
        report_note(&w->report, CHAPTER,
                    "The old refresh token is still good after it was rotated. Who has copied one "
                    "keeps it for its whole life.");
        report_remedy(&w->report, "simplejwt: BLACKLIST_AFTER_ROTATION = True, and "
                                  "rest_framework_simplejwt.token_blacklist in INSTALLED_APPS.");
        return;
    case REFRESH_REJECTED:
        report_ok(&w->report, CHAPTER, "The old refresh token is dead after the rotation (%d).",
                  status);
        judge_family(w);
        return;
    case REFRESH_UNAVAILABLE:
        report_note(&w->report, CHAPTER,
                    "Whether the old refresh token is dead after the rotation was not seen (%d).",
                    status);
        return;
    }
}
