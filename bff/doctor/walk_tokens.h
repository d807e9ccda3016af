/* What the answers of login and refresh say of their tokens, beside where they stand. */
#ifndef BFF_DOCTOR_WALK_TOKENS_H
#define BFF_DOCTOR_WALK_TOKENS_H

#include "doctor/judge.h"
#include "doctor/walk.h"

int64_t walk_now_s(void); /* our own clock */

struct login_answer {
    struct backend_answer answer;
    struct scan scan;
    int64_t asked_s, answered_s; /* our clock, before and after */
};

/* false: bffd would find no access token, even with the mended plan. */
bool walk_judge_login(struct walk *w, const struct login_answer *login);

/* The rule of the plan for one token of an answer. Returns its life in seconds; -1: not known. */
struct life_of {
    const char *key; /* "[login] access_expiry" */
    struct config_expiry *expiry;
    const struct candidate *token;
    const struct config_expiry *seen;
    int64_t life_ms;
};
int64_t walk_judge_life(struct walk *w, const struct life_of *of,
                        const struct backend_answer *answer);

#endif
