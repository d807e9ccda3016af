/*
 * What the files of the supervisor share: supervisor.c (signals, the loop), workers.c (processes
 * that start and end), reload.c (another configuration, other files). One thread.
 */
#ifndef BFF_SERVER_SUPERVISOR_STATE_H
#define BFF_SERVER_SUPERVISOR_STATE_H

#include <signal.h>
#include <sys/types.h>

#include "base/metrics.h"
#include "server/setup.h"
#include "server/watchdog.h"
#include "store/fence.h"

#define WORKERS_MAX 256
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

/* workers.c */

/* How many a configuration wants. */
unsigned workers_wanted(const struct config *config);
/* One more generation, by what `setup` and `listen_fd` say now. false: not all of them serve; they
 * are left to workers_drain_others(), or to be tried again. */
bool workers_start_generation(struct supervisor *s);
/* Everybody who is not of the serving generation; nobody is, once we are stopping. */
void workers_drain_others(struct supervisor *s);
/* Those that have ended; those of the serving generation are due to be replaced. */
void workers_reap(struct supervisor *s);
/* What is due: restarts, and an end for workers that do not end by themselves. */
void workers_tend(struct supervisor *s);
/* Whose loop stands still is killed. */
void workers_look_after(struct supervisor *s);
unsigned workers_running(const struct supervisor *s);
/* When the first restart or kill is due; INT64_MAX: nothing is. */
int64_t workers_due_ms(const struct supervisor *s);
/* What was handed out by a worker that is gone: nobody else knows of it when its session ends. */
void workers_empty_microcache(const struct config *config);

/* reload.c */

/* Log as this configuration says. */
void reload_log_as(const struct config *config);
/* Read the configuration again. New workers first; the old ones drain when the new ones serve, so
 * no request meets nobody. What is wrong is refused, and the old ones stay. */
void reload_configuration(struct supervisor *s);
/* `mark`: of the files that the workers can read which serve from now on. */
void reload_keep_mark(struct supervisor *s, uint64_t mark);
/* Were they replaced (resolv.conf with every lease of an address, certificates when they are
 * renewed)? Then new workers, which can read the new ones, take the place of those that cannot. */
void reload_look_at_files(struct supervisor *s);

#endif
