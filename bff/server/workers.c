#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/log.h"
#include "server/notify.h"
#include "server/supervisor_state.h"
#include "server/worker.h"
#include "store/kept_file.h"

#define STABLE_MS 10000 /* a worker that lived this long starts the back-off anew */
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define READY_MS 30000
#define LOOK_MS 250        /* between looks at the others while some are waited for */
#define KILL_GRACE_MS 5000 /* on top of what draining and one backend call may take */

unsigned workers_wanted(const struct config *config)
{
    long n = config->server.workers;
    if (n == 0)
        n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

static unsigned number_of(const struct supervisor *s, const struct slot *slot)
{
    return (unsigned)(slot - s->slots);
}

static struct slot *free_slot(struct supervisor *s)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (s->slots[i].pid == 0 && s->slots[i].restart_at_ms == 0)
            return &s->slots[i];
    return NULL;
}

/* --- in the child --- */

static _Noreturn void be_worker(struct supervisor *s, pid_t parent, int ready_fd,
                                struct pulse *pulse)
{
    struct worker_setup setup = {
        .config = &s->setup->config,
        .keys = s->setup->keys,
        .password = s->setup->password,
        .sentinel_password = s->setup->sentinel_password,
        .client_secret = s->setup->client_secret,
        .fence = s->fence,
        .pulse = pulse,
        .metrics = s->metrics,
        .listen_fd = s->listen_fd,
        .ready_fd = ready_fd,
    };
    sigset_t terminate;
    /* Held by a worker it would take connections that nobody serves. */
    if (s->retired_listen_fd >= 0)
        close(s->retired_listen_fd);
    sigemptyset(&terminate);
    sigaddset(&terminate, SIGTERM);
    /* A terminal's Ctrl-C and hang-up are the supervisor's to handle. SIGTERM stays blocked until
     * the worker reads it from a signalfd, so none is lost. When the supervisor dies, workers
     * drain. */
    if (signal(SIGINT, SIG_IGN) == SIG_ERR || signal(SIGHUP, SIG_IGN) == SIG_ERR ||
        prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
        _exit(1);
    sigprocmask(SIG_SETMASK, &s->signals_before, NULL);
    sigprocmask(SIG_BLOCK, &terminate, NULL);
    int status = worker_run(&setup);
    log_flush();
    _exit(status);
}

static int64_t drain_limit_ms(const struct config *config)
{
    return (int64_t)config->server.drain_ms + config->backend.answer_ms + config->refresh.lease_ms +
           KILL_GRACE_MS;
}

static void schedule_restart(struct slot *slot, int64_t now_ms)
{
    bool was_stable = now_ms - slot->started_ms >= STABLE_MS;
    int64_t next = slot->backoff_ms * 2 < BACKOFF_MAX_MS ? slot->backoff_ms * 2 : BACKOFF_MAX_MS;
    slot->backoff_ms = was_stable || slot->backoff_ms == 0 ? BACKOFF_MIN_MS : next;
    slot->restart_at_ms = now_ms + slot->backoff_ms;
}

/* -1, or the fd on which the worker says that it serves. */
static int start_worker(struct supervisor *s, struct slot *slot)
{
    int ready[2];
    pid_t parent = getpid();
    struct pulse *pulse = watchdog_pulse(s->watchdog, number_of(s, slot));
    if (pipe2(ready, O_CLOEXEC) != 0) {
        log_event(SEVERITY_ERROR, "worker_start_failed", LOG_NUMBER("errno", errno));
        return -1;
    }
    pulse_beat(pulse, clock_mono_ms());
    pid_t pid = fork();
    if (pid == 0) {
        close(ready[0]);
        metrics_use(s->metrics, number_of(s, slot));
        be_worker(s, parent, ready[1], pulse);
    }
    close(ready[1]);
    if (pid < 0) {
        log_event(SEVERITY_ERROR, "worker_start_failed", LOG_NUMBER("errno", errno));
        close(ready[0]);
        return -1;
    }
    slot->pid = pid;
    slot->started_ms = clock_mono_ms();
    slot->drain_limit_ms = drain_limit_ms(&s->setup->config);
    slot->restart_at_ms = 0;
    metrics_worker_stands(s->metrics, number_of(s, slot), pid, WORKER_SERVING);
    log_event(SEVERITY_INFO, "worker_started", LOG_NUMBER("pid", pid));
    return ready[0];
}

/* systemd hears that we live as long as a worker answers; one that does not is replaced. */
void workers_look_after(struct supervisor *s)
{
    int64_t now_ms = clock_mono_ms();
    bool somebody_answers = false;
    if (now_ms < watchdog_due_ms(s->watchdog))
        return;
    watchdog_look(s->watchdog, now_ms);
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->pid == 0 || slot->kill_at_ms != 0)
            continue; /* who drains has a time of its own */
        if (!watchdog_is_silent(s->watchdog, i)) {
            somebody_answers = true;
            continue;
        }
        log_event(SEVERITY_ERROR, "worker_silent", LOG_NUMBER("pid", slot->pid));
        kill(slot->pid, SIGKILL);
    }
    if (somebody_answers || s->stopping)
        notify_systemd("WATCHDOG=1");
}

static bool wait_ready(struct supervisor *s, int fd, int64_t until_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char byte;
    int n;
    do {
        workers_look_after(s);
        n = poll(&p, 1, LOOK_MS);
    } while (n == 0 && clock_mono_ms() < until_ms);
    bool ok = n == 1 && read(fd, &byte, 1) == 1;
    close(fd);
    return ok;
}

/* Start a whole generation; true when every one of them serves. */
bool workers_start_generation(struct supervisor *s)
{
    s->generation++;
    unsigned n = workers_wanted(&s->setup->config), n_started = 0;
    int ready[WORKERS_MAX];
    bool ok = true;
    /* At the first start what cannot be started now is tried again; a reload rather stays as it is.
     */
    bool is_first = s->generation == s->serving;
    for (unsigned i = 0; i < n && (ok || is_first); i++) {
        struct slot *slot = free_slot(s);
        if (!slot) {
            ok = false;
            break;
        }
        *slot = (struct slot){.generation = s->generation};
        int fd = start_worker(s, slot);
        if (fd >= 0) {
            ready[n_started++] = fd;
            continue;
        }
        ok = false;
        if (is_first)
            schedule_restart(slot, clock_mono_ms());
    }
    int64_t until_ms = clock_mono_ms() + READY_MS;
    for (unsigned i = 0; i < n_started; i++)
        ok = wait_ready(s, ready[i], until_ms) && ok;
    return ok;
}

void workers_drain_others(struct supervisor *s)
{
    int64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &s->slots[i];
        if (!s->stopping && slot->generation == s->serving)
            continue;
        slot->restart_at_ms = 0;
        if (slot->pid != 0 && slot->kill_at_ms == 0) {
            slot->kill_at_ms = now_ms + slot->drain_limit_ms;
            metrics_worker_stands(s->metrics, number_of(s, slot), slot->pid, WORKER_DRAINING);
            kill(slot->pid, SIGTERM);
        }
    }
}

void workers_empty_microcache(const struct config *config)
{
    struct str path = config->server.microcache;
    const char *why = strerror(ENAMETOOLONG);
    char name[PATH_MAX];
    if (path.n == 0)
        return;
    int n = snprintf(name, sizeof name, "%.*s", STR_ARG(path));
    int fd = (size_t)n < sizeof name ? kept_directory_open(name, &why) : -1;
    if (fd < 0) {
        log_event(SEVERITY_ERROR, "microcache_not_emptied", LOG_TEXT("reason", str_from(why)));
        return;
    }
    kept_files_empty_all(fd);
    close(fd);
}

static bool is_clean(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void log_exit(pid_t pid, int status)
{
    log_event(is_clean(status) ? SEVERITY_INFO : SEVERITY_ERROR, "worker_exited",
              LOG_NUMBER("pid", pid),
              LOG_NUMBER("status", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
              LOG_NUMBER("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
}

void workers_reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
        for (size_t i = 0; pid > 0 && i < SLOTS; i++) {
            struct slot *slot = &s->slots[i];
            if (slot->pid != pid)
                continue;
            log_exit(pid, status);
            metrics_worker_ended(s->metrics, number_of(s, slot), !is_clean(status));
            slot->pid = 0;
            slot->kill_at_ms = 0;
            workers_empty_microcache(&s->setup->config);
            if (!s->stopping && slot->generation == s->serving)
                schedule_restart(slot, clock_mono_ms());
        }
    }
}

void workers_tend(struct supervisor *s)
{
    int64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->pid != 0 && slot->kill_at_ms != 0 && slot->kill_at_ms <= now_ms) {
            kill(slot->pid, SIGKILL);
            slot->kill_at_ms = now_ms + KILL_GRACE_MS;
        }
        if (slot->pid != 0 || slot->restart_at_ms == 0 || slot->restart_at_ms > now_ms)
            continue;
        int fd = start_worker(s, slot);
        if (fd >= 0)
            close(fd);
        else
            schedule_restart(slot, now_ms);
    }
}

unsigned workers_running(const struct supervisor *s)
{
    unsigned n = 0;
    for (size_t i = 0; i < SLOTS; i++)
        n += s->slots[i].pid != 0;
    return n;
}

int64_t workers_due_ms(const struct supervisor *s)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < SLOTS; i++) {
        const struct slot *slot = &s->slots[i];
        int64_t at = slot->pid != 0 ? slot->kill_at_ms : slot->restart_at_ms;
        if (at != 0 && at < due)
            due = at;
    }
    return due;
}
