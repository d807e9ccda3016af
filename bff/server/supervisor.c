#include "server/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/log.h"
#include "base/metrics.h"
#include "server/confine.h"
#include "server/listen.h"
#include "server/notify.h"
#include "server/watchdog.h"
#include "server/worker.h"
#include "store/fence.h"
#include "store/kept_file.h"

#define WORKERS_MAX 256
#define STABLE_MS 10000 /* a worker that lived this long starts the back-off anew */
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define READY_MS 30000
#define FILES_LOOK_MS 2000        /* whether files that workers read were replaced */
#define FILES_LOOK_AGAIN_MS 60000 /* after workers that did not come up */
#define LOOK_MS 250               /* between looks at the others while some are waited for */
#define KILL_GRACE_MS 5000        /* on top of what draining and one backend call may take */

#define SLOTS (2 * WORKERS_MAX) /* during a reload both generations are there */

struct slot {
    pid_t pid;           /* 0: nobody */
    unsigned generation; /* of configuration: only those of the serving one are replaced */
    int64_t started_ms, restart_at_ms, backoff_ms, kill_at_ms;
    int64_t drain_limit_ms; /* by the configuration that it runs with */
};

struct supervisor {
    const char *config_path;
    struct setup *setup;
    struct fence *fence;
    struct watchdog *watchdog; /* a pulse for each slot */
    struct metrics *metrics;   /* a slot of its own for each of `slots` */
    int listen_fd;
    int retired_listen_fd; /* while a reload moves to another address, else -1 */
    bool listen_inherited;
    struct slot slots[SLOTS];
    unsigned generation; /* the newest that was started */
    unsigned serving;    /* the one that should run; all others drain */
    uint64_t files_mark; /* what the serving workers can read: confine_files_mark() */
    int64_t look_at_ms;  /* next time; 0: not confined, so never */
    bool stopping;
    sigset_t signals, signals_before;
};

static unsigned worker_count(const struct config *config)
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

/* --- starting and ending workers --- */

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
static void look_after_workers(struct supervisor *s)
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
        look_after_workers(s);
        n = poll(&p, 1, LOOK_MS);
    } while (n == 0 && clock_mono_ms() < until_ms);
    bool ok = n == 1 && read(fd, &byte, 1) == 1;
    close(fd);
    return ok;
}

/* Start a whole generation; true when every one of them serves. */
static bool start_generation(struct supervisor *s)
{
    s->generation++;
    unsigned n = worker_count(&s->setup->config), n_started = 0;
    int ready[WORKERS_MAX];
    bool ok = true;
    /* At the first start what cannot be started now is tried again; a reload rather stays as it is.
     */
    bool is_first = s->generation == s->serving;
    for (unsigned i = 0; i < n && (ok || is_first); i++) {
        struct slot *slot = free_slot(s);
        if (!slot)
            return false;
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

/* Everybody who is not of the serving generation; nobody is, once we are stopping. */
static void drain_others(struct supervisor *s)
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

/* What was handed out by a worker that is gone: nobody else knows of it when its session ends. */
static void empty_microcache(const struct config *config)
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

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < SLOTS; i++) {
            struct slot *slot = &s->slots[i];
            if (slot->pid != pid)
                continue;
            log_exit(pid, status);
            metrics_worker_ended(s->metrics, number_of(s, slot), !is_clean(status));
            slot->pid = 0;
            slot->kill_at_ms = 0;
            empty_microcache(&s->setup->config);
            if (!s->stopping && slot->generation == s->serving)
                schedule_restart(slot, clock_mono_ms());
        }
    }
}

/* What is due: restarts, and an end for workers that do not end by themselves. */
static void tend(struct supervisor *s)
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

static unsigned count_running(const struct supervisor *s)
{
    unsigned n = 0;
    for (size_t i = 0; i < SLOTS; i++)
        n += s->slots[i].pid != 0;
    return n;
}

/* --- reload --- */

/* `mark`: of the files that the workers can read which serve from now on. */
static void keep_mark(struct supervisor *s, uint64_t mark)
{
    s->files_mark = mark;
    s->look_at_ms = mark != 0 ? clock_mono_ms() + FILES_LOOK_MS : 0;
}

static bool same_listen(const struct supervisor *s, const struct config *config)
{
    return s->listen_inherited || str_eq(s->setup->config.server.listen, config->server.listen);
}

/* A new address is opened before the old one is given up; a socket from systemd stays. */
static bool open_new_listen(struct supervisor *s, const struct config *config, int *fd)
{
    char message[LISTEN_MESSAGE_MAX];
    bool inherited;
    *fd = s->listen_fd;
    if (same_listen(s, config))
        return true;
    *fd = listen_open(config, &inherited, message);
    if (*fd < 0)
        log_event(SEVERITY_ERROR, "reload_refused", LOG_TEXT("reason", str_from(message)));
    return *fd >= 0;
}

static void log_as(const struct config *config)
{
    log_setup((enum log_severity)config->log.level, config->log.format == LOG_FORMAT_JSON);
}

/* Take the new configuration; back to the old one when its workers do not come up. */
static bool switch_to(struct supervisor *s, struct setup *fresh, int fd)
{
    struct setup *before = s->setup;
    int fd_before = s->listen_fd;
    s->setup = fresh;
    s->listen_fd = fd;
    s->retired_listen_fd = fd != fd_before ? fd_before : -1;
    log_as(&fresh->config);
    uint64_t mark = confine_files_mark(&fresh->config);
    bool is_up = start_generation(s);
    s->retired_listen_fd = -1;
    if (is_up) {
        s->serving = s->generation;
        keep_mark(s, mark);
        drain_others(s);
        if (fd != fd_before)
            listen_close(fd_before, &before->config, s->listen_inherited);
        setup_free(before);
        return true;
    }
    drain_others(s);
    s->setup = before;
    s->listen_fd = fd_before;
    log_as(&before->config);
    if (fd != fd_before)
        listen_close(fd, &fresh->config, s->listen_inherited);
    setup_free(fresh);
    return false;
}

/* New workers first; the old ones drain when the new ones serve, so no request meets nobody. */
static void reload(struct supervisor *s)
{
    char message[SETUP_MESSAGE_MAX];
    int fd;
    notify_reloading();
    struct setup *fresh = setup_load(s->config_path, message);
    if (!fresh)
        log_event(SEVERITY_ERROR, "reload_refused", LOG_TEXT("reason", str_from(message)));
    else if (!open_new_listen(s, &fresh->config, &fd))
        setup_free(fresh);
    else if (switch_to(s, fresh, fd))
        log_event(SEVERITY_INFO, "reloaded", LOG_TEXT("file", str_from(s->config_path)));
    else
        log_event(SEVERITY_ERROR, "reload_refused",
                  LOG_TEXT("reason", STR("a new worker did not serve; the old ones stay")));
    notify_systemd("READY=1");
}

/* --- files that were replaced --- */

/* resolv.conf with every lease of an address, certificates when they are renewed: new workers,
 * which can read the new files, take the place of those that cannot. */
static void look_at_files(struct supervisor *s)
{
    if (s->stopping || s->look_at_ms == 0 || s->look_at_ms > clock_mono_ms())
        return;
    uint64_t mark = confine_files_mark(&s->setup->config);
    if (mark == s->files_mark) {
        keep_mark(s, mark);
        return;
    }
    if (start_generation(s)) {
        s->serving = s->generation;
        keep_mark(s, mark);
        log_event(SEVERITY_INFO, "workers_renewed",
                  LOG_TEXT("reason", STR("a file that they read was replaced")));
    } else {
        s->look_at_ms = clock_mono_ms() + FILES_LOOK_AGAIN_MS;
        log_event(SEVERITY_ERROR, "workers_not_renewed",
                  LOG_TEXT("reason", STR("a new worker did not serve; the old ones stay")));
    }
    drain_others(s);
}

/* --- the loop --- */

static void take_signal(struct supervisor *s, int signal_number)
{
    if (signal_number == SIGHUP && !s->stopping) {
        reload(s);
    } else if (signal_number == SIGTERM || signal_number == SIGINT) {
        if (!s->stopping)
            notify_systemd("STOPPING=1");
        s->stopping = true;
        drain_others(s);
    }
}

/* When the first restart, kill or look is due; INT64_MAX: nothing is. */
static int64_t next_due(const struct supervisor *s)
{
    int64_t due = watchdog_due_ms(s->watchdog);
    if (s->look_at_ms != 0 && !s->stopping && s->look_at_ms < due)
        due = s->look_at_ms;
    for (size_t i = 0; i < SLOTS; i++) {
        const struct slot *slot = &s->slots[i];
        int64_t at = slot->pid != 0 ? slot->kill_at_ms : slot->restart_at_ms;
        if (at != 0 && at < due)
            due = at;
    }
    return due;
}

/* Until a signal comes or something is due; 0 when no signal came. */
static int wait_for_signal(const struct supervisor *s)
{
    int64_t due = next_due(s);
    if (due == INT64_MAX)
        return sigwaitinfo(&s->signals, NULL);
    int64_t ms = due - clock_mono_ms();
    struct timespec wait = {ms > 0 ? ms / 1000 : 0, ms > 0 ? ms % 1000 * 1000000 : 0};
    int signal_number = sigtimedwait(&s->signals, NULL, &wait);
    return signal_number > 0 ? signal_number : 0;
}

static void supervise(struct supervisor *s)
{
    while (!s->stopping || count_running(s) > 0) {
        int signal_number = wait_for_signal(s);
        if (signal_number > 0)
            take_signal(s, signal_number);
        reap(s);
        tend(s);
        look_at_files(s);
        look_after_workers(s);
    }
}

static bool block_signals(struct supervisor *s)
{
    sigemptyset(&s->signals);
    sigaddset(&s->signals, SIGTERM);
    sigaddset(&s->signals, SIGINT);
    sigaddset(&s->signals, SIGHUP);
    sigaddset(&s->signals, SIGCHLD);
    return sigprocmask(SIG_BLOCK, &s->signals, &s->signals_before) == 0;
}

/* The usual soft limit of 1024 files is below the default of server.connections. A thread has a
 * connection to Redis, one to Django, and the pair of sockets that libcurl wakes itself with. */
static void raise_file_limit(const struct config *config)
{
    struct rlimit files;
    rlim_t wanted = (rlim_t)config->server.connections + 4 * config->server.io_threads + 64;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
        return;
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < wanted)
        log_event(SEVERITY_WARN, "file_limit_low", LOG_NUMBER("limit", files.rlim_cur),
                  LOG_NUMBER("wanted", wanted));
}

/* Once, and not by each worker. */
static void log_sandbox(const struct config *config)
{
    struct confine_kernel kernel = confine_kernel();
    bool whole = config->server.sandbox && kernel.landlock > 0 && kernel.seccomp;
    log_event(whole ? SEVERITY_INFO : SEVERITY_WARN, "sandbox",
              LOG_TEXT("server_sandbox", config->server.sandbox ? STR("yes") : STR("no")),
              LOG_NUMBER("landlock", kernel.landlock), LOG_NUMBER("seccomp", kernel.seccomp));
}

static bool open_all(struct supervisor *s)
{
    char message[LISTEN_MESSAGE_MAX];
    s->fence = fence_create();
    s->watchdog = watchdog_create(SLOTS);
    s->metrics = metrics_create(SLOTS);
    if (!s->fence || !s->watchdog || !s->metrics || !dump_forbid() ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !block_signals(s)) {
        fprintf(stderr, "bffd: cannot start: %s\n", strerror(errno));
        return false;
    }
    s->listen_fd = listen_open(&s->setup->config, &s->listen_inherited, message);
    if (s->listen_fd < 0)
        fprintf(stderr, "bffd: %s\n", message);
    return s->listen_fd >= 0;
}

int supervisor_run(const char *config_path, struct setup *setup)
{
    struct supervisor *s = calloc(1, sizeof *s);
    if (!s)
        return 1;
    s->config_path = config_path;
    s->setup = setup;
    s->retired_listen_fd = -1;
    if (!open_all(s)) {
        setup_free(setup);
        free(s);
        return 1;
    }
    log_as(&setup->config);
    empty_microcache(&setup->config);
    raise_file_limit(&setup->config);
    log_sandbox(&setup->config);
    keep_mark(s, confine_files_mark(&setup->config));
    s->serving = 1; /* what the first generation will be: its workers are replaced from the start */
    if (start_generation(s)) {
        log_event(SEVERITY_INFO, "ready", LOG_TEXT("listen", setup->config.server.listen),
                  LOG_NUMBER("workers", worker_count(&setup->config)));
        notify_systemd("READY=1");
    } else {
        log_event(SEVERITY_ERROR, "start_incomplete",
                  LOG_TEXT("reason", STR("a worker does not serve; it is tried again")));
    }
    supervise(s);
    listen_close(s->listen_fd, &s->setup->config, s->listen_inherited);
    setup_free(s->setup);
    fence_destroy(s->fence);
    watchdog_destroy(s->watchdog);
    metrics_destroy(s->metrics, SLOTS);
    log_event(SEVERITY_INFO, "stopped", LOG_NUMBER("pid", getpid()));
    free(s);
    return 0;
}
