#include "doctor/life.h"

#include "core/policy.h"
#include "doctor/lines.h"

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define ROUGHLY_S 10   /* a difference that rounding and a slow answer can make */
#define CLOCK_NOTE_S 2 /* Date has whole seconds */
#define CLOCK_WRONG_S 60
#define LONG_ACCESS_S HOUR
#define CHAPTER CHAPTER_LIFE

/* Of what is left, at most a unit's tenth: no deeper than there are units.
 * NOLINTNEXTLINE(misc-no-recursion) */
struct str life_words(int64_t seconds, struct arena *arena)
{
    static const struct {
        int64_t unit_s;
        const char *one, *many;
    } units[] = {
        {DAY, "day", "days"},
        {HOUR, "hour", "hours"},
        {MINUTE, "minute", "minutes"},
        {1, "second", "seconds"},
    };
    struct str words = STR("a while"), rest = {NULL, 0};
    if (seconds >= MINUTE && seconds % MINUTE >= MINUTE - CLOCK_NOTE_S)
        seconds += MINUTE - seconds % MINUTE; /* a token that was made a moment ago */
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        int64_t n = seconds / units[i].unit_s, left = seconds % units[i].unit_s;
        if (n == 0 && i + 1 < sizeof units / sizeof units[0])
            continue;
        /* Two units are enough: 1 day 2 hours; what is less than a tenth is left out. */
        if (left > 0 && left * 10 >= n * units[i].unit_s)
            rest = life_words(left, arena);
        bool ok = arena_printf(arena, &words, "%lld %s%s%.*s", (long long)n,
                               n == 1 ? units[i].one : units[i].many, rest.n > 0 ? " " : "",
                               STR_ARG(rest));
        return ok ? words : STR("a while");
    }
    return words;
}

static int64_t by_exp(const struct life_question *q)
{
    if (!q->token->has_exp)
        return -1;
    return q->token->exp_s > q->answered_s ? q->token->exp_s - q->answered_s : 0;
}

static void suggest(const struct life_question *q, struct config_expiry rule, struct report *report)
{
    struct str words = STR("exp");
    *q->expiry = rule;
    if (lines_write_expiry(&rule, report->arena, &words))
        report_remedy(report, "%s = %.*s", q->key, STR_ARG(words));
}

/* Nothing in the token says when it expires. */
static int64_t judge_unknown(const struct life_question *q, struct report *report)
{
    if (q->seen->kind != EXPIRY_EXP) {
        report_change(report, CHAPTER,
                      "The token itself does not say when it expires, but the answer does, at "
                      "json:%.*s.",
                      STR_ARG(q->seen->pointer));
        suggest(q, *q->seen, report);
    } else if (q->token->has_max_age) {
        report_change(report, CHAPTER,
                      "The token itself does not say when it expires, but its cookie does.");
        suggest(q, (struct config_expiry){.kind = EXPIRY_MAX_AGE}, report);
    } else if (!q->is_refresh) {
        report_note(report, CHAPTER,
                    "Nothing says when the access token expires: it is used until the backend "
                    "refuses it. If you know its life, write it down: %s = after 5m",
                    q->key);
    }
    return -1;
}

/* A rule that reads nothing falls back to `exp`, so only the line is wrong. */
static void judge_blind_rule(const struct life_question *q, struct report *report)
{
    struct str words = STR("the rule");
    if (!lines_write_expiry(q->expiry, report->arena, &words))
        words = STR("the rule");
    report_change(report, CHAPTER, "%s is \"%.*s\", but the answer has nothing there.", q->key,
                  STR_ARG(words));
    suggest(q, q->token->has_exp ? (struct config_expiry){.kind = EXPIRY_EXP} : *q->seen, report);
}

int64_t life_judge_rule(const struct life_question *q, struct report *report)
{
    if (!q->rule_reads) {
        judge_blind_rule(q, report);
        return by_exp(q);
    }
    int64_t exp_s = by_exp(q);
    bool is_known = q->life_ms != TOKEN_LIFE_UNKNOWN;
    int64_t life_s = is_known ? q->life_ms / 1000 : -1;
    if (!is_known)
        return judge_unknown(q, report);
    if (q->expiry->kind != EXPIRY_EXP && exp_s >= 0 && life_s > exp_s + ROUGHLY_S) {
        report_change(report, CHAPTER,
                      "By the rule of %s the token lives %.*s, but by its own exp only %.*s.",
                      q->key, STR_ARG(life_words(life_s, report->arena)),
                      STR_ARG(life_words(exp_s, report->arena)));
        suggest(q, (struct config_expiry){.kind = EXPIRY_EXP}, report);
        return exp_s;
    }
    return life_s;
}

void life_judge_access(int64_t life_s, const struct config *plan, struct report *report)
{
    if (life_s < 0)
        return;
    int64_t wanted_ms = (int64_t)plan->session.refresh_ahead_s * 1000;
    int64_t ahead_s = policy_refresh_ahead_ms(wanted_ms, life_s * 1000, 0) / 1000;
    struct str words = life_words(life_s, report->arena);
    if (life_s == 0) {
        report_change(report, CHAPTER, "The access token has expired when it arrives.");
        report_remedy(report, "Look at the backend's clock and at the life of its access tokens.");
    } else if (life_s > LONG_ACCESS_S) {
        report_note(report, CHAPTER,
                    "Access tokens live %.*s. Whoever gets hold of one keeps it that long, also "
                    "after the sign-out; with bffd nobody notices if it is 5 minutes.",
                    STR_ARG(words));
    } else {
        report_ok(report, CHAPTER, "Access tokens live %.*s; bffd renews them %.*s earlier.",
                  STR_ARG(words), STR_ARG(life_words(ahead_s, report->arena)));
    }
}

void life_judge_refresh(int64_t life_s, bool rotates, const struct config *plan,
                        struct report *report)
{
    struct arena *arena = report->arena;
    if (life_s < 0)
        return;
    struct str words = life_words(life_s, arena);
    if (rotates && life_s < plan->session.idle_s)
        report_note(report, CHAPTER,
                    "Refresh tokens live %.*s, each new one again. Somebody who is away for longer "
                    "has to sign in again, although [session] idle_timeout is %.*s.",
                    STR_ARG(words), STR_ARG(life_words(plan->session.idle_s, arena)));
    else if (!rotates && life_s < plan->session.absolute_s)
        report_note(report, CHAPTER,
                    "Refresh tokens live %.*s and are not renewed: no session lasts longer, "
                    "although [session] absolute_timeout is %.*s.",
                    STR_ARG(words), STR_ARG(life_words(plan->session.absolute_s, arena)));
    else
        report_ok(report, CHAPTER, "Refresh tokens live %.*s.", STR_ARG(words));
}

void life_judge_clocks(int64_t answered_s, int64_t iat_s, int64_t asked_s, int64_t now_s,
                       struct report *report)
{
    int64_t off = answered_s < asked_s ? answered_s - asked_s
                  : answered_s > now_s ? answered_s - now_s
                                       : 0;
    int64_t apart = off < 0 ? -off : off;
    if (apart > CLOCK_WRONG_S) {
        report_change(report, CHAPTER, "The backend's clock is %.*s %s ours.",
                      STR_ARG(life_words(apart, report->arena)), off < 0 ? "behind" : "ahead of");
        report_remedy(report, "Set both clocks by NTP. bffd counts a token's life from the "
                              "answer's own Date, so sessions work meanwhile.");
    } else if (apart >= CLOCK_NOTE_S) {
        report_note(report, CHAPTER,
                    "The backend's clock is %.*s %s ours, which bffd makes good for.",
                    STR_ARG(life_words(apart, report->arena)), off < 0 ? "behind" : "ahead of");
    } else {
        report_ok(report, CHAPTER, "The backend's clock and ours agree.");
    }
    int64_t born = iat_s - answered_s;
    if (iat_s > 0 && (born > ROUGHLY_S || born < -ROUGHLY_S)) {
        report_change(report, CHAPTER,
                      "The token's iat is %.*s %s the Date of the answer that brought it: whoever "
                      "signs it and whoever answers have different clocks.",
                      STR_ARG(life_words(born < 0 ? -born : born, report->arena)),
                      born < 0 ? "before" : "after");
        report_remedy(report, "Set their clocks by NTP.");
    }
}
