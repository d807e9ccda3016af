/*
 * The steps of a refresh, numbered, at which a bffd that is built for tests (make crash) can be
 * made to fail. In the ordinary build every macro here is nothing.
 *
 * BFF_CRASH_POINTS in the environment names a directory. The first refresh that reaches a step for
 * which there is a file STEP.FAULT takes it away, and is hit:
 *
 *   kill   the worker dies, by SIGKILL
 *   stall  the worker stands still, by SIGSTOP, until somebody sends SIGCONT
 *   cut    the connection that the step is about is shut down
 *
 * What a refresh has reached is told by the directory's file `trace`, a line for each step, written
 * before the fault:  SECONDS.MICROSECONDS PID STEP FAULT REQUEST_ID  (FAULT is - when there is
 * none)
 */
#ifndef BFF_BASE_CRASH_POINT_H
#define BFF_BASE_CRASH_POINT_H

#ifdef BFF_CRASH_POINTS

#include "base/str.h"

/*
 * name, the connection that it is about, in the window?, what is so at this step
 *
 * In the window Django has rotated, if it granted, and the successor stands in this process only.
 * DUE, SENT and ANSWERED of a script follow each other.
 */
#define CRASH_STEPS(X)                                                                             \
    X(BEGIN_DUE, "redis", false, "BEGIN is about to be sent")                                      \
    X(BEGIN_SENT, "redis", false, "BEGIN is sent, its answer not read")                            \
    X(BEGIN_ANSWERED, "redis", false, "the answer to BEGIN is read")                               \
    X(DJANGO_DUE, "none", false, "the lease is ours, Django not called yet")                       \
    X(DJANGO_CONNECTED, "django", false, "connected to Django, nothing sent")                      \
    X(DJANGO_SENT, "django", true, "the refresh token is sent, nothing of the answer read")        \
    X(DJANGO_ANSWERING, "django", true, "the answer's first line is read")                         \
    X(DJANGO_ANSWERED, "django", true, "Django's answer is read")                                  \
    X(VERDICT, "none", true, "it is known what the answer means")                                  \
    X(COMMIT_DUE, "redis", true, "COMMIT is about to be sent")                                     \
    X(COMMIT_SENT, "redis", false, "COMMIT is sent, its answer not read")                          \
    X(COMMIT_ANSWERED, "redis", false, "the answer to COMMIT is read")                             \
    X(REJECT_DUE, "redis", false, "REJECT is about to be sent")                                    \
    X(REJECT_SENT, "redis", false, "REJECT is sent, its answer not read")                          \
    X(REJECT_ANSWERED, "redis", false, "the answer to REJECT is read")                             \
    X(FAIL_DUE, "redis", false, "FAIL is about to be sent")                                        \
    X(FAIL_SENT, "redis", false, "FAIL is sent, its answer not read")                              \
    X(FAIL_ANSWERED, "redis", false, "the answer to FAIL is read")                                 \
    X(FENCED, "none", false, "what this host's caches held is void")                               \
    X(LOGGED, "none", false, "the refresh stands in the log")                                      \
    X(ANSWER_DUE, "nginx", false, "a request that waited is about to be answered")                 \
    X(ANSWER_SENT, "none", false, "a request that waited is answered")

enum crash_step {
    CRASH_NOWHERE,
#define X(name, connection, in_window, sentence) CRASH_##name,
    CRASH_STEPS(X)
#undef X
        CRASH_STEPS_END
};

/* From here on this thread works for the refresh of that request; "": for none. Steps count only in
 * a refresh. */
void crash_point_refresh(struct str request_id);

/* `fd` is the step's connection, or -1. */
void crash_point_reach(enum crash_step step, int fd);

/* A call of Redis: `due` is its first step, or CRASH_NOWHERE. */
void crash_point_call(enum crash_step due, int fd);
void crash_point_call_sent(int fd);
void crash_point_call_answered(enum crash_step due, int fd);

/* One step a line, tabs between: number, name, connection, "window" or "-", sentence. Returns the
 * exit status. */
int crash_point_print(void);

#define CRASH_POINT_REFRESH(request_id) crash_point_refresh(request_id)
#define CRASH_POINT(step, fd) crash_point_reach(CRASH_##step, fd)
#define CRASH_POINT_CALL(due, fd) crash_point_call(due, fd)
#define CRASH_POINT_CALL_ANSWERED(due, fd) crash_point_call_answered(due, fd)

#else

#define CRASH_POINT_REFRESH(request_id) ((void)0)
#define CRASH_POINT(step, fd) ((void)0)
#define CRASH_POINT_CALL(due, fd) ((void)0)
#define CRASH_POINT_CALL_ANSWERED(due, fd) ((void)0)

#endif

#endif
