/* Compares where tokens stand with where the configuration looks for them, and mends the copy of
 * the configuration that it is given. */
#ifndef BFF_DOCTOR_JUDGE_H
#define BFF_DOCTOR_JUDGE_H

#include "doctor/report.h"
#include "doctor/scan.h"

struct judge_question {
    enum chapter chapter;
    const char *key;          /* "[login] access" */
    enum candidate_kind kind; /* ACCESS or REFRESH */
    struct config_token *token;
};

/* What the corrected places read; NULL if no such token stands anywhere, which is not reported:
 * what it means depends on the call. */
const struct candidate *judge_token(const struct judge_question *q, const struct scan *scan,
                                    struct report *report);

/* "no access token: ..., it has the members a, b" as the end of a sentence. */
void judge_describe_answer(const struct scan *scan, struct arena *arena, struct str *out);

#endif
