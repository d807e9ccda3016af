/*
 * A worker process: one hot thread on epoll, two I/O lanes, one watch on Redis.
 */
#ifndef BFF_SERVER_WORKER_H
#define BFF_SERVER_WORKER_H

#include "base/metrics.h"
#include "server/lane.h"
#include "server/watchdog.h"

struct worker_setup {
    const struct config *config;
    const struct keyring *keys;
    struct str password;          /* for Redis */
    struct str sentinel_password; /* for the sentinels */
    struct str client_secret;     /* for the backend */
    struct fence *fence;          /* shared with the other workers */
    struct pulse *pulse;          /* shared with the supervisor */
    struct metrics *metrics;      /* likewise; this worker's slot is in use already */
    int listen_fd;
    int ready_fd; /* one byte is written to it when requests are taken; then it is closed */
};

/* Serves until SIGTERM (then drains) and returns the process's exit status. */
int worker_run(const struct worker_setup *setup);

#endif
