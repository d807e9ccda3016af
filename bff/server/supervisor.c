#include "server/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/log.h"
#include "server/confine.h"
#include "server/listen.h"
#include "server/notify.h"
#include "server/supervisor_state.h"

static void take_signal(struct supervisor *s, int signal_number)
{
    if (signal_number == SIGHUP && !s->stopping) {
        reload_configuration(s);
    } else if (signal_number == SIGTERM || signal_number == SIGINT) {
        if (!s->stopping)
            notify_systemd("STOPPING=1");
        s->stopping = true;
        workers_drain_others(s);
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When the first restart, kill or look is due; INT64_MAX: nothing is. */
static int64_t next_due(const struct supervisor *s)
{
    int64_t look_ms = s->look_at_ms != 0 && !s->stopping ? s->look_at_ms : INT64_MAX;
    return least(least(watchdog_due_ms(s->watchdog), look_ms), workers_due_ms(s));
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
    while (!s->stopping || workers_running(s) > 0) {
        int signal_number = wait_for_signal(s);
        if (signal_number > 0)
            take_signal(s, signal_number);
        workers_reap(s);
        workers_tend(s);
        reload_look_at_files(s);
        workers_look_after(s);
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
    if (!s) {
        fprintf(stderr, "bffd: cannot start: %s\n", strerror(errno));
        setup_free(setup);
        return 1;
    }
    s->config_path = config_path;
    s->setup = setup;
    s->retired_listen_fd = -1;
    if (!open_all(s)) {
        setup_free(setup);
        free(s);
        return 1;
    }
    reload_log_as(&setup->config);
    workers_empty_microcache(&setup->config);
    raise_file_limit(&setup->config);
    log_sandbox(&setup->config);
    reload_keep_mark(s, confine_files_mark(&setup->config));
    s->serving = 1; /* what the first generation will be: its workers are replaced from the start */
    if (workers_start_generation(s)) {
        log_event(SEVERITY_INFO, "ready", LOG_TEXT("listen", setup->config.server.listen),
                  LOG_NUMBER("workers", workers_wanted(&setup->config)));
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
