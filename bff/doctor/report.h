/*
 * What the doctor found, as data: sentences with a severity, each under its chapter, and with them
 * what to change. No sentence shows a token: one that would is replaced.
 */
#ifndef BFF_DOCTOR_REPORT_H
#define BFF_DOCTOR_REPORT_H

#include <stdio.h>

#include "base/arena.h"

#define REPORT_MAX 96 /* findings; what is beyond is counted, and said */

/* name, heading; in the order in which they are printed */
#define CHAPTERS(X)                                                                                \
    X(LOGIN, "Login")                                                                              \
    X(TOKENS, "Tokens")                                                                            \
    X(LIFE, "Lifetimes and clocks")                                                                \
    X(CALLS, "API calls")                                                                          \
    X(REFRESH, "Refresh")                                                                          \
    X(REVOKE, "Revocation")                                                                        \
    X(THROTTLE, "Throttling")                                                                      \
    X(CAPTURES, "Captures")                                                                        \
    X(LEFT, "What is left behind")

enum chapter {
#define X(name, heading) CHAPTER_##name,
    CHAPTERS(X)
#undef X
};

enum severity {
    FINDING_OK,    /* as it should be */
    FINDING_NOTE,  /* worth knowing; nothing has to change */
    FINDING_CHANGE /* does not work, or not for long */
};

struct finding {
    enum chapter chapter;
    enum severity severity;
    struct str says, remedy; /* the remedy may be empty */
};

struct report {
    struct arena *arena;
    struct finding findings[REPORT_MAX];
    size_t n, lost;
    bool is_last_lost; /* and so is its remedy */
};

struct report report_make(struct arena *arena);

void report_ok(struct report *r, enum chapter chapter, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_note(struct report *r, enum chapter chapter, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_change(struct report *r, enum chapter chapter, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What to do about the finding that was added last. */
void report_remedy(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

size_t report_count(const struct report *r, enum severity severity);

/* Grouped by chapter, wrapped below 100 columns; what is not printable ASCII becomes '?'. */
void report_print(const struct report *r, FILE *out);

#endif
