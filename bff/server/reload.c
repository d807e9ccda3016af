#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/confine.h"
#include "server/listen.h"
#include "server/notify.h"
#include "server/supervisor_state.h"

#define FILES_LOOK_MS 2000
#define FILES_LOOK_AGAIN_MS 60000 /* after workers that did not come up */

void reload_keep_mark(struct supervisor *s, uint64_t mark)
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

void reload_log_as(const struct config *config)
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
    reload_log_as(&fresh->config);
    uint64_t mark = confine_files_mark(&fresh->config);
    bool is_up = workers_start_generation(s);
    s->retired_listen_fd = -1;
    if (is_up) {
        s->serving = s->generation;
        reload_keep_mark(s, mark);
        workers_drain_others(s);
        if (fd != fd_before)
            listen_close(fd_before, &before->config, s->listen_inherited);
        setup_free(before);
        return true;
    }
    workers_drain_others(s);
    s->setup = before;
    s->listen_fd = fd_before;
    reload_log_as(&before->config);
    if (fd != fd_before)
        listen_close(fd, &fresh->config, s->listen_inherited);
    setup_free(fresh);
    return false;
}

void reload_configuration(struct supervisor *s)
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

void reload_look_at_files(struct supervisor *s)
{
    if (s->stopping || s->look_at_ms == 0 || s->look_at_ms > clock_mono_ms())
        return;
    uint64_t mark = confine_files_mark(&s->setup->config);
    if (mark == s->files_mark) {
        reload_keep_mark(s, mark);
        return;
    }
    if (workers_start_generation(s)) {
        s->serving = s->generation;
        reload_keep_mark(s, mark);
        log_event(SEVERITY_INFO, "workers_renewed",
                  LOG_TEXT("reason", STR("a file that they read was replaced")));
    } else {
        s->look_at_ms = clock_mono_ms() + FILES_LOOK_AGAIN_MS;
        log_event(SEVERITY_ERROR, "workers_not_renewed",
                  LOG_TEXT("reason", STR("a new worker did not serve; the old ones stay")));
    }
    workers_drain_others(s);
}
