#include "server/watchdog.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define USEC_MAX (24 * 3600 * UINT64_C(1000000))

struct watchdog {
    struct pulse *pulses;
    size_t n_pulses;
    int64_t patience_ms; /* systemd's; 0: it does not ask */
    int64_t look_ms;     /* when the last look was, or the first began to be waited for */
    bool is_late;
};

static int64_t patience_of_systemd(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t n_usec, n_pid;
    if (!usec || !str_to_u64(str_from(usec), USEC_MAX, &n_usec))
        return 0;
    if (pid && (!str_to_u64(str_from(pid), INT32_MAX, &n_pid) || n_pid != (uint64_t)getpid()))
        return 0;
    return (int64_t)n_usec / 1000;
}

struct watchdog *watchdog_create(size_t n_workers)
{
    struct watchdog *w = calloc(1, sizeof *w);
    void *shared = mmap(NULL, n_workers * sizeof(struct pulse), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!w || shared == MAP_FAILED) {
        free(w);
        if (shared != MAP_FAILED)
            munmap(shared, n_workers * sizeof(struct pulse));
        return NULL;
    }
    *w = (struct watchdog){.pulses = shared,
                           .n_pulses = n_workers,
                           .patience_ms = patience_of_systemd(),
                           .look_ms = clock_mono_ms()};
    return w;
}

void watchdog_destroy(struct watchdog *w)
{
    if (!w)
        return;
    munmap(w->pulses, w->n_pulses * sizeof(struct pulse));
    free(w);
}

struct pulse *watchdog_pulse(struct watchdog *w, size_t worker)
{
    return &w->pulses[worker];
}

void pulse_beat(struct pulse *p, int64_t now_ms)
{
    atomic_store_explicit(&p->turned_ms, now_ms, memory_order_relaxed);
}

/* Four looks in the time that systemd waits: a worker that is silent for two of them is killed at
 * the second, and its successor has the other two to answer. */
int64_t watchdog_due_ms(const struct watchdog *w)
{
    return w->patience_ms == 0 ? INT64_MAX : w->look_ms + w->patience_ms / 4;
}

void watchdog_look(struct watchdog *w, int64_t now_ms)
{
    w->is_late = now_ms - w->look_ms > w->patience_ms / 2;
    w->look_ms = now_ms;
}

bool watchdog_is_silent(struct watchdog *w, size_t worker)
{
    int64_t turned_ms = atomic_load_explicit(&w->pulses[worker].turned_ms, memory_order_relaxed);
    return !w->is_late && w->look_ms - turned_ms >= w->patience_ms / 2;
}
