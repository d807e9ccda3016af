#include "server/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/revoke.h"
#include "server/confine.h"
#include "server/worker_state.h"

static bool watch_fd(struct worker *w, int fd, void *source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    return fd >= 0 && epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool start_loop(struct worker *w)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    /* libfcgi installs handlers of its own: ours come after it. */
    if (FCGX_Init() != 0 || sigprocmask(SIG_BLOCK, &signals, NULL) != 0 ||
        signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGUSR1, SIG_DFL) == SIG_ERR)
        return false;
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return w->epoll_fd >= 0 && watch_fd(w, w->wake_fd, &w->wake_fd) &&
           watch_fd(w, w->signal_fd, &w->signal_fd);
}

/* A quarter of the threads, at least one, is kept for Redis: a backend that hangs may hold all the
 * others, and sessions are still read. */
static bool start_lanes(struct worker *w)
{
    uint32_t threads = w->config->server.io_threads;
    uint32_t for_store = threads / 4 > 0 ? threads / 4 : 1;
    uint32_t for_backend = threads > for_store ? threads - for_store : 1;
    w->shared.redirect_client = invalidation_redirect(w->invalidation);
    w->shared.cache_epoch = invalidation_epoch_counter(w->invalidation);
    w->store_lane = lane_start(&w->shared, for_store, w->config->server.io_queue);
    w->backend_lane = lane_start(&w->shared, for_backend, w->config->server.io_queue);
    return w->store_lane && w->backend_lane;
}

/* It was fit when bffd started. If it is not any more, this worker hands out nothing to be kept:
 * that is no reason not to serve. */
static void open_microcache(struct worker *w)
{
    int64_t longest_ms = ((int64_t)w->config->server.microcache_s + 1) * 1000;
    if (w->config->server.microcache.n == 0)
        return;
    w->shared.microcache = microcache_open(w->config->server.microcache, longest_ms);
    if (!w->shared.microcache)
        log_event(SEVERITY_ERROR, "microcache_not_opened", LOG_NUMBER("errno", errno));
}

static void lock_keys(const struct keyring *keys)
{
    if (!keyring_lock(keys))
        log_event(SEVERITY_WARN, "keys_not_locked", LOG_NUMBER("errno", errno),
                  LOG_TEXT("effect", STR("they may be swapped out")));
}

static bool start(struct worker *w)
{
    if (!start_loop(w))
        return false;
    w->shared = (struct lane_shared){
        .config = w->config,
        .keys = w->setup->keys,
        .password = w->setup->password,
        .sentinel_password = w->setup->sentinel_password,
        .client_secret = w->setup->client_secret,
        .fence = w->setup->fence,
        .revocations = revocations_make(),
        .breaker = &w->breaker,
        .wake_fd = w->wake_fd,
    };
    open_microcache(w);
    lock_keys(w->setup->keys);
    /* Before there are threads, for Landlock is each thread's own. */
    if (!confine(w->config))
        return false;
    w->tasks = tasks_make();
    w->cache = cache_open(w->config->session.cache_bytes);
    w->invalidation = invalidation_start(&w->shared);
    return w->shared.revocations && w->tasks && w->cache && w->invalidation && start_lanes(w) &&
           reads_start(w);
}

static void tell_ready(int fd)
{
    /* EPIPE: a restart, which nobody waits for. */
    if (write(fd, "R", 1) != 1 && errno != EPIPE)
        log_event(SEVERITY_WARN, "ready_not_told", LOG_NUMBER("errno", errno));
    close(fd);
}

/* What could not be revoked yet gets a last try: the process keeps it nowhere else. */
static void last_revocations(struct worker *w)
{
    struct tools tools;
    if (lane_open_tools(&w->shared, &tools))
        revocations_flush(&tools);
    lane_close_tools(&tools);
}

static void stop(struct worker *w)
{
    lane_stop(w->store_lane);
    lane_stop(w->backend_lane);
    invalidation_stop(w->invalidation);
    reads_stop(w);
    while (w->conns)
        worker_forget(w, w->conns);
    tasks_free(w->tasks);
    cache_close(w->cache);
    microcache_close(w->shared.microcache);
    w->shared.microcache = NULL;
    last_revocations(w);
    revocations_free(w->shared.revocations);
    close(w->signal_fd);
    close(w->wake_fd);
    close(w->epoll_fd);
    log_flush();
}

int worker_run(const struct worker_setup *setup)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return 1;
    w->setup = setup;
    w->config = setup->config;
    w->now_ms = clock_mono_ms();
    if (!start(w)) {
        log_event(SEVERITY_ERROR, "worker_start_failed", LOG_NUMBER("errno", errno));
        _exit(1); /* threads that have started already may use `w`: it cannot be given back */
    }
    log_buffer_this_thread();
    worker_listen(w, true);
    tell_ready(setup->ready_fd);
    worker_serve(w);
    stop(w);
    free(w);
    return 0;
}
