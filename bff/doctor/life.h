/* Lifetimes, clocks, and how they go together with [session]. */
#ifndef BFF_DOCTOR_LIFE_H
#define BFF_DOCTOR_LIFE_H

#include "doctor/report.h"
#include "doctor/scan.h"

struct life_question {
    const char *key;              /* "[login] access_expiry" */
    bool is_refresh;              /* a refresh token: it is no trouble if its life is not known */
    struct config_expiry *expiry; /* the rule, mended if it has to be */
    const struct candidate *token;
    const struct config_expiry *seen; /* what the answer offers besides; EXPIRY_EXP: nothing */
    bool rule_reads;                  /* the answer has what the rule as configured looks at */
    int64_t life_ms;                  /* by that rule */
    int64_t answered_s;               /* the answer's Date */
};

/* The rule that says when a token expires. Returns its life in seconds by the mended rule as far as
 * that can be told; -1 if not. */
int64_t life_judge_rule(const struct life_question *q, struct report *report);

/* `life_s` is -1 where it is not known. */
void life_judge_access(int64_t life_s, const struct config *plan, struct report *report);
void life_judge_refresh(int64_t life_s, bool rotates, const struct config *plan,
                        struct report *report);

/* `answered_s`: the answer's Date; `iat_s` of a fresh token, or 0; our own clock around the call.
 */
void life_judge_clocks(int64_t answered_s, int64_t iat_s, int64_t asked_s, int64_t now_s,
                       struct report *report);

/* "5 minutes", "1 day 2 hours" */
struct str life_words(int64_t seconds, struct arena *arena);

#endif
