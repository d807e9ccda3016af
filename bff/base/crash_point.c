#include "base/crash_point.h"

#ifdef BFF_CRASH_POINTS

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_ID_MAX 64

static const struct step {
    const char *name, *connection;
    bool in_window;
    const char *sentence;
} steps[CRASH_STEPS_END] = {
#define X(name, connection, in_window, sentence)                                                   \
    [CRASH_##name] = {#name, connection, in_window, sentence},
    CRASH_STEPS(X)
#undef X
};

static _Thread_local char request_id[REQUEST_ID_MAX];
static _Thread_local enum crash_step sent_next;

static int directory = -1, trace = -1;

static void open_directory(void)
{
    const char *path = getenv("BFF_CRASH_POINTS");
    if (path)
        directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0)
        trace = openat(directory, "trace", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (path && trace < 0)
        abort(); /* a test that sees nothing would show nothing */
}

static void write_trace(const struct step *step, const char *fault)
{
    char line[256];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int n = snprintf(line, sizeof line, "%lld.%06ld %d %s %s %s\n", (long long)now.tv_sec,
                     now.tv_nsec / 1000, (int)getpid(), step->name, fault, request_id);
    if (write(trace, line, (size_t)n) != n)
        abort();
}

/* Of all workers that come by, one removes the file. */
static bool is_shot(const struct step *step, const char *fault)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s", step->name, fault);
    return unlinkat(directory, name, 0) == 0;
}

void crash_point_refresh(struct str id)
{
    size_t n = id.n < REQUEST_ID_MAX ? id.n : REQUEST_ID_MAX - 1;
    if (n > 0)
        memcpy(request_id, id.p, n);
    request_id[n] = 0;
    sent_next = CRASH_NOWHERE;
}

void crash_point_reach(enum crash_step which, int fd)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct step *step = &steps[which];
    pthread_once(&once, open_directory);
    if (trace < 0 || which == CRASH_NOWHERE || !request_id[0])
        return;
    if (is_shot(step, "kill")) {
        write_trace(step, "kill");
        raise(SIGKILL);
    } else if (is_shot(step, "stall")) {
        write_trace(step, "stall");
        raise(SIGSTOP); /* to this thread, which so gets no further */
    } else if (fd >= 0 && is_shot(step, "cut")) {
        write_trace(step, "cut");
        shutdown(fd, SHUT_RDWR);
    } else {
        write_trace(step, "-");
    }
}

void crash_point_call(enum crash_step due, int fd)
{
    crash_point_reach(due, fd);
    sent_next = due == CRASH_NOWHERE ? CRASH_NOWHERE : due + 1;
}

void crash_point_call_sent(int fd)
{
    crash_point_reach(sent_next, fd);
    sent_next = CRASH_NOWHERE;
}

void crash_point_call_answered(enum crash_step due, int fd)
{
    crash_point_reach(due == CRASH_NOWHERE ? CRASH_NOWHERE : due + 2, fd);
}

int crash_point_print(void)
{
    for (int i = CRASH_NOWHERE + 1; i < CRASH_STEPS_END; i++)
        printf("%d\t%s\t%s\t%s\t%s\n", i, steps[i].name, steps[i].connection,
               steps[i].in_window ? "window" : "-", steps[i].sentence);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
