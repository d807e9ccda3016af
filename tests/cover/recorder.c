/*
 * Counts what a worker does, however it ends: killed, by _exit(2), or confined and therefore unable
 * to write a counter down. In a build for coverage confine() is linked to this one (ld's --wrap).
 *
 * Before it is confined a worker gets a recorder: a process that shares the program's variables,
 * the counters among them, with it. The recorder waits for the worker's end and writes them down.
 */
#include <fcntl.h>
#include <gcov.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/confine.h"

bool __real_confine(const struct config *config);
bool __wrap_confine(const struct config *config);

extern char __data_start[], _end[];

/* There is one thread yet. */
static bool share_variables(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *begin = __data_start - (uintptr_t)__data_start % page;
    size_t n = (size_t)(_end - begin);
    void *shared = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return false;
    memcpy(shared, begin, n);
    return mremap(shared, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, begin) == begin;
}

/* `alive` is a pipe that the worker holds open as long as it lives. All else is the worker's: a
 * socket that was held here would be open after its end. */
static _Noreturn void record(int alive)
{
    char byte;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    if (dup2(alive, 0) != 0)
        _exit(1);
    close_range(1, UINT32_MAX, 0);
    while (read(0, &byte, 1) > 0)
        ;
    __gcov_dump();
    _exit(0);
}

/* Instead of what the compiler has registered to write counters down at exit(3). */
static void leave_it_to_the_recorder(int status, void *unused)
{
    (void)unused;
    fflush(NULL);
    _exit(status);
}

/* A worker that gets none goes uncounted: where calls are made to fail, ours may be among them. */
static void start_recorder(void)
{
    int alive[2];
    if (pipe2(alive, O_CLOEXEC) != 0)
        return;
    /* The compiler makes a fork(2) that sets the counters back in the child. */
    pid_t pid = share_variables() ? _Fork() : -1;
    if (pid == 0) {
        close(alive[1]);
        record(alive[0]);
    }
    close(alive[0]);
    if (pid < 0)
        close(alive[1]);
    else
        on_exit(leave_it_to_the_recorder, NULL);
}

bool __wrap_confine(const struct config *config)
{
    start_recorder();
    return __real_confine(config);
}
